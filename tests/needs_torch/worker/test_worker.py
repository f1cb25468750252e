"""The worker as a real process: warm, cancelled, killed, orphaned, and never confused by stray prints."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lsf_blender_addon.audio import SAMPLE_RATE, SpeechClip
from lsf_blender_addon.errors import AudioError, CancelledError, DeviceError, ModelError, WorkerError
from lsf_blender_addon.worker.client import CANCEL_SECONDS, Done, Failed, Worker
from lsf_blender_addon.worker.protocol import PredictRequest, Progress
from lsf_blender_addon.worker.runtime import Runtime
from lsf_blender_addon.worker.server import MAKING_WAY

PATIENCE = 180.0
"""Seconds that a busy machine may take; where a test waits so long, the thing waited for does not come."""


def noise(seconds: float) -> SpeechClip:
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * SAMPLE_RATE))
    return SpeechClip(samples.astype(np.float32), "noise")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One warm worker for the tests that leave it as they found it."""
    with Worker() as warm:
        assert warm.wait_ready().devices[-1] == "cpu"
        yield warm


def test_a_worker_makes_what_the_runtime_makes(worker: Worker, light_model: Path) -> None:
    request = PredictRequest(noise(9.0), light_model, takes=2, seed=4, device="cpu")
    seen: list[Progress] = []
    motions = worker.predict(request, seen.append)
    expected = Runtime().predict(request, lambda _stage, _share, _note: None)
    assert len(motions) == 2
    for motion, other in zip(motions, expected, strict=True):
        assert np.allclose(motion.expression, other.expression, atol=1e-4)
        assert motion.origin == other.origin
    assert {"loading the model", "listening", "moving"} <= {event.stage for event in seen}
    assert all(0.0 <= event.share <= 1.0 for event in seen)


def test_a_warm_worker_does_not_load_again(worker: Worker, light_model: Path) -> None:
    loads = []
    for _ in range(2):
        number = worker.submit(PredictRequest(noise(1.0), light_model, device="cpu"))
        (done,) = until(worker, number)
        assert isinstance(done, Done)
        loads.append(done.loads)
    assert loads[0] == loads[1]


def test_a_warm_worker_hears_a_recording_once_for_alternating_models(
    worker: Worker, light_model: Path, tmp_path: Path
) -> None:
    models = light_model, shutil.copytree(light_model, tmp_path / "other")
    counts = []
    for model in (*models, *models):
        (done,) = until(worker, worker.submit(PredictRequest(noise(1.5), model, seed=len(counts), device="cpu")))
        assert isinstance(done, Done)
        counts.append((done.loads, done.hearings))
    (_, first), (second_load, second), *_, (last_load, last) = counts
    assert last == second == first + 2
    assert last_load == second_load + 2


def until(worker: Worker, number: int) -> list[Done | Failed]:
    """Poll as a timer does, until a request is answered."""
    latest = time.monotonic() + PATIENCE
    while time.monotonic() < latest:
        events = worker.poll()
        found = [event for event in events if isinstance(event, (Done, Failed)) and event.request == number]
        if found:
            return found
        time.sleep(0.02)
    pytest.fail("no answer")


def test_polling_never_waits_for_the_work(worker: Worker, light_model: Path) -> None:
    number = worker.submit(PredictRequest(noise(600.0), light_model, device="cpu"))
    took = []
    for _ in range(20):
        began = time.monotonic()
        worker.poll()
        took.append(time.monotonic() - began)
    assert np.median(took) < 0.05
    worker.cancel(number)
    assert isinstance(until(worker, number)[0], Failed)


def test_a_sound_file_is_read_by_the_worker(worker: Worker, light_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", noise(3.0).samples, SAMPLE_RATE)
    (motion,) = worker.predict(PredictRequest(tmp_path / "a.flac", light_model, device="cpu"))
    assert motion.frames == 75


def test_errors_arrive_as_their_own_kind(worker: Worker, light_model: Path, tmp_path: Path) -> None:
    (tmp_path / "words.wav").write_text("words")
    with pytest.raises(AudioError, match=r"words\.wav"):
        worker.predict(PredictRequest(tmp_path / "words.wav", light_model))
    with pytest.raises(ModelError, match="not a model folder"):
        worker.predict(PredictRequest(noise(1.0), tmp_path))
    with pytest.raises(DeviceError, match="tpu"):
        worker.predict(PredictRequest(noise(1.0), light_model, device="tpu"))
    assert worker.predict(PredictRequest(noise(1.0), light_model, device="cpu"))[0].frames == 25


def test_cancel_works_in_the_middle_and_the_worker_stays_warm(worker: Worker, light_model: Path) -> None:
    asked: list[float] = []

    def cancelled() -> bool:
        if started:
            asked.append(time.monotonic())
        return bool(started)

    started: list[Progress] = []

    def progress(event: Progress) -> None:
        if event.stage == "listening" and event.share > 0.0:
            started.append(event)

    pid = worker.pid
    with pytest.raises(CancelledError):
        worker.predict(PredictRequest(noise(600.0), light_model, device="cpu"), progress, cancelled)
    assert time.monotonic() - asked[0] < CANCEL_SECONDS
    assert worker.pid == pid
    assert worker.predict(PredictRequest(noise(1.0), light_model, device="cpu"))[0].frames == 25


def test_requests_wait_for_each_other_and_a_waiting_one_can_be_cancelled(worker: Worker, light_model: Path) -> None:
    first = worker.submit(PredictRequest(noise(20.0), light_model, device="cpu"))
    second = worker.submit(PredictRequest(noise(600.0), light_model, device="cpu"))
    worker.cancel(second)
    answers: dict[int, Done | Failed] = {}
    latest = time.monotonic() + PATIENCE
    while len(answers) < 2 and time.monotonic() < latest:
        answers |= {event.request: event for event in worker.poll() if isinstance(event, (Done, Failed))}
        time.sleep(0.02)
    assert isinstance(answers[first], Done)
    cancelled = answers[second]
    assert isinstance(cancelled, Failed)
    assert isinstance(cancelled.error, CancelledError)


def test_a_killed_worker_is_noticed_and_replaced(light_model: Path) -> None:
    with Worker() as doomed:
        first = doomed.wait_ready() and doomed.pid
        folder = doomed._folder

        killed: list[int] = []

        def kill(event: Progress) -> None:
            # Once: what the worker still said arrives when it is gone already.
            if event.stage == "listening" and first is not None and not killed:
                os.kill(first, signal.SIGKILL)
                killed.append(first)

        with pytest.raises(WorkerError, match="SIGKILL"):
            doomed.predict(PredictRequest(noise(600.0), light_model, device="cpu"), kill)
        assert not doomed.alive
        assert not folder.exists()
        assert doomed.predict(PredictRequest(noise(1.0), light_model, device="cpu"))[0].frames == 25
        assert doomed.pid != first


def test_stopping_leaves_no_process_and_no_folder(light_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsf_blender_addon.worker.client.STOP_SECONDS", PATIENCE)  # asked only, however busy it is here
    worker = Worker()
    worker.predict(PredictRequest(noise(1.0), light_model, device="cpu"))
    folder, process = worker._folder, worker._process
    assert process is not None
    assert folder.is_dir()
    assert list(folder.iterdir()) == []
    worker.stop()
    assert process.returncode == 0
    assert not folder.exists()


def test_a_worker_whose_client_dies_ends_in_the_middle_of_its_work(light_model: Path) -> None:
    script = f"""
import numpy as np, time
from pathlib import Path
from lsf_blender_addon.audio import SpeechClip
from lsf_blender_addon.worker.client import Worker
from lsf_blender_addon.worker.protocol import PredictRequest
worker = Worker()
samples = np.random.default_rng(0).normal(0, 0.1, 16000 * 1200).astype(np.float32)
worker.submit(PredictRequest(SpeechClip(samples, "noise"), Path({str(light_model)!r}), device="cpu"))
while not any(getattr(event, "stage", "") == "listening" for event in worker.poll()):
    time.sleep(0.02)
print(worker.pid, worker._folder, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        number, folder = client.stdout.readline().split()
        client.kill()
    latest = time.monotonic() + PATIENCE
    while time.monotonic() < latest and running(int(number)):
        time.sleep(0.05)
    assert not running(int(number))
    assert not Path(folder).exists()


def running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


def test_samples_that_cannot_be_handed_over_fail_their_request_and_leave_the_worker_warm(
    worker: Worker, light_model: Path, tmp_path: Path
) -> None:
    worker.wait_ready()
    folder, worker._folder = worker._folder, tmp_path / "no_folder"
    worker._folder.write_text("a file where a folder should be")
    with pytest.raises(WorkerError, match="cannot be written"):
        worker.predict(PredictRequest(noise(1.0), light_model, device="cpu"))
    worker._folder = folder
    assert len(worker.predict(PredictRequest(noise(1.0), light_model, device="cpu"))) == 1


@pytest.mark.skipif(os.name != "posix", reason="asks POSIX for a process's priority")
@pytest.mark.parametrize(("background", "nicer"), [(False, 0), (True, MAKING_WAY)])
def test_a_worker_in_the_background_makes_way_for_the_window(*, background: bool, nicer: int) -> None:
    with Worker(background=background) as worker:
        worker.wait_ready()
        assert worker.pid is not None
        ours, its = (os.getpriority(os.PRIO_PROCESS, pid) for pid in (os.getpid(), worker.pid))
    assert its == min(ours + nicer, 19)


def test_stray_prints_do_not_reach_the_messages(tmp_path: Path) -> None:
    """What a library prints, from Python or from C, ends up with the last words."""
    script = (
        "import os, sys, io; from pathlib import Path; from lsf_blender_addon.worker import server\n"
        "serve = server.Server.serve\n"
        "def loud(self):\n"
        "    print('from Python', flush=True); os.write(1, b'from C\\n'); self.say('hello', protocol=1); return 0\n"
        "server.Server.serve = loud\n"
        f"sys.exit(server.main([{str(tmp_path / 'folder')!r}]))"
    )
    # Its input stays open until it ends: a worker whose client is gone leaves at once, whatever it was about to print.
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stderr is not None
        assert worker.stdout.read() == '{"event":"hello","protocol":1}\n'
        assert "from Python\nfrom C\n" in worker.stderr.read()

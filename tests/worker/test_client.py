"""The client without a model: which Python it takes, what it imports, and workers that cannot work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.audio import SpeechClip
from lsf_blender_addon.errors import CancelledError, WorkerError
from lsf_blender_addon.worker.client import PYTHON_VARIABLE, Failed, Worker, worker_python
from lsf_blender_addon.worker.protocol import PredictRequest


def request_for(model: Path) -> PredictRequest:
    return PredictRequest(SpeechClip(np.ones(4000, np.float32), "strip"), model)


def test_the_blender_side_loads_neither_torch_nor_decoders() -> None:
    script = (
        "import sys, lsf_blender_addon.worker.client, lsf_blender_addon.motion, lsf_blender_addon.audio, "
        "lsf_blender_addon.head.flame; "
        "print([name for name in ('torch', 'bpy', 'soundfile', 'soxr', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_python_is_the_one_given_then_the_variables_then_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, named = tmp_path / "other", tmp_path / "named"
    other.touch()
    named.touch()
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    assert worker_python() == Path(sys.executable)
    monkeypatch.setenv(PYTHON_VARIABLE, str(named))
    assert worker_python() == named
    assert worker_python(other) == other


def test_a_python_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="snake"):
        Worker(tmp_path / "snake").start()


def test_a_python_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "snake").write_text("not a program")
    with pytest.raises(WorkerError, match="snake"):
        Worker(tmp_path / "snake").start()


def bare_python(folder: Path) -> Path:
    """An interpreter without any packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def test_a_python_without_torch_is_told_from_a_dead_worker(tmp_path: Path) -> None:
    worker = Worker(bare_python(tmp_path / "bare"))
    with worker, pytest.raises(WorkerError, match=r"lacks what the worker needs|died .*No module named"):
        worker.wait_ready()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its limit of addresses")
def test_a_worker_with_too_little_memory_says_so_before_it_loads_anything(tmp_path: Path) -> None:
    program = tmp_path / "limited"
    program.write_text(f'#!/bin/sh\nulimit -v 800000\nexec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    with Worker(program) as worker, pytest.raises(WorkerError, match="too little memory"):
        worker.wait_ready()


def test_a_process_that_speaks_something_else_is_found_out(tmp_path: Path) -> None:
    program = tmp_path / "chatter"
    program.write_text("#!/bin/sh\necho Welcome to the machine\nexec sleep 60\n")
    program.chmod(0o755)
    with Worker(program) as worker, pytest.raises(WorkerError, match="other than messages"):
        worker.predict(request_for(tmp_path))


def test_a_process_that_dies_at_once_says_its_last_words(tmp_path: Path) -> None:
    program = tmp_path / "mortal"
    program.write_text("#!/bin/sh\necho the library is broken >&2\nexit 7\n")
    program.chmod(0o755)
    with Worker(program) as worker, pytest.raises(WorkerError, match=r"died \(code 7\).*the library is broken"):
        worker.predict(request_for(tmp_path))


def test_a_process_that_ignores_everything_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsf_blender_addon.worker.client.STOP_SECONDS", 0.3)
    program = tmp_path / "deaf"
    program.write_text("#!/bin/sh\ntrap '' TERM\nwhile true; do sleep 1; done\n")
    program.chmod(0o755)
    worker = Worker(program)
    number = worker.submit(request_for(tmp_path))
    assert worker.alive
    worker.stop()
    assert not worker.alive
    assert not any(isinstance(event, Failed) and event.request == number for event in worker.poll())


def test_a_process_that_hangs_is_ended_when_the_person_cancels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STOP_SECONDS", "CANCEL_SECONDS"):
        monkeypatch.setattr(f"lsf_blender_addon.worker.client.{name}", 0.3)
    program = tmp_path / "hung"
    program.write_text("#!/bin/sh\ntrap '' TERM\nwhile true; do sleep 1; done\n")
    program.chmod(0o755)
    with Worker(program) as worker:
        with pytest.raises(CancelledError, match="did not answer"):
            worker.predict(request_for(tmp_path), cancelled=lambda: True)
        assert not worker.alive


def test_a_worker_that_never_started_can_be_polled_and_stopped() -> None:
    worker = Worker()
    assert worker.poll() == []
    worker.stop()
    assert not worker.alive

"""A job runs beside Blender, tells how far it is, and ends when it is told to or when nobody listens any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lsf_blender_addon.jobs import client
from lsf_blender_addon.jobs.client import RunningJob

PATIENCE = 120.0
MANY = 60_000
"""Files that are not removed within a second."""


@pytest.fixture
def empty_wheels(tmp_path: Path) -> dict[str, Any]:
    """The order to set up from a folder without any wheel: a real set-up that fails after a while."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "root").mkdir()
    root, wheels = str(tmp_path / "root"), str(tmp_path / "wheels")
    return {"root": root, "build": "cpu", "wheels": wheels, "build_with": None, "lists": ""}


def test_a_result_comes_back_and_the_log_is_kept(tmp_path: Path) -> None:
    job = RunningJob("inspect", {"python": str(tmp_path / "absent")}, tmp_path / "logs" / "inspect.log")
    assert job.wait(PATIENCE)
    assert job.error is None
    assert job.result is not None
    assert "does not exist" in job.result["reason"]
    assert "Trying it out" in (tmp_path / "logs" / "inspect.log").read_text(encoding="utf-8")
    assert job._process.returncode == 0


def test_a_failure_is_a_sentence_of_its_kind(tmp_path: Path, empty_wheels: dict[str, Any]) -> None:
    job = RunningJob("set_up", empty_wheels, tmp_path / "log")
    assert job.wait(PATIENCE)
    assert job.result is None
    assert job.error is not None
    assert job.error.kind == "install"
    assert "does not hold every package" in str(job.error)
    assert job.notes
    assert 0.0 < job.progress.share < 1.0
    assert "No matching distribution" in (tmp_path / "log").read_text(encoding="utf-8")


def test_cancel_ends_a_job_within_seconds_and_leaves_nothing(tmp_path: Path, empty_wheels: dict[str, Any]) -> None:
    job = RunningJob("set_up", empty_wheels, tmp_path / "log")
    while not job.poll() and not job.progress.stage.startswith("Making"):
        time.sleep(0.02)
    job.cancel()
    assert job.wait(PATIENCE)
    assert job.error is not None
    assert job.error.kind == "cancelled"
    assert not list((tmp_path / "root").glob("worker/*"))


@pytest.mark.skipif(os.name != "posix", reason="holds the process for a moment")
def test_what_takes_long_to_remove_is_removed_after_cancel(
    tmp_path: Path, empty_wheels: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CANCEL_SECONDS", 1.0)
    job = RunningJob("set_up", empty_wheels, tmp_path / "log")
    while not (begun := list((tmp_path / "root").glob("worker/*/pyvenv.cfg"))):
        time.sleep(0.02)
    os.kill(job._process.pid, signal.SIGSTOP)
    for number in range(MANY):
        (begun[0].parent / f"{number}").touch()
    os.kill(job._process.pid, signal.SIGCONT)
    job.cancel()
    assert job.wait(PATIENCE)
    assert not begun[0].parent.exists()


def test_a_job_that_dies_is_noticed(tmp_path: Path, empty_wheels: dict[str, Any]) -> None:
    job = RunningJob("set_up", empty_wheels, tmp_path / "log")
    job._process.kill()
    assert job.wait(PATIENCE)
    assert job.error is not None
    assert "without a word" in str(job.error)


def test_closing_a_job_leaves_no_process(tmp_path: Path, empty_wheels: dict[str, Any]) -> None:
    job = RunningJob("set_up", empty_wheels, tmp_path / "log")
    job.close()
    assert job._process.returncode is not None
    assert not job._reader.is_alive()


def test_an_unknown_job_says_so_instead_of_hanging(tmp_path: Path) -> None:
    job = RunningJob("no such job", {}, tmp_path / "log")
    assert job.wait(PATIENCE)
    assert job.error is not None


@pytest.mark.skipif(os.name != "posix", reason="looks for the process by its number")
def test_a_job_ends_when_its_blender_is_gone(tmp_path: Path, repository: Path, empty_wheels: dict[str, Any]) -> None:
    script = (
        "import json, os, sys, time; from pathlib import Path; from lsf_blender_addon.jobs.client import RunningJob\n"
        "job = RunningJob('set_up', json.loads(sys.argv[1]), Path(sys.argv[2]))\n"
        "print(job._process.pid, flush=True); time.sleep(600)"
    )
    import json  # noqa: PLC0415

    command = [sys.executable, "-c", script, json.dumps(empty_wheels), str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as blender:
        assert blender.stdout is not None
        number = int(blender.stdout.readline())
        blender.send_signal(signal.SIGKILL)
    latest = time.monotonic() + PATIENCE
    while _runs(number) and time.monotonic() < latest:
        time.sleep(0.1)
    assert not _runs(number)


def _runs(number: int) -> bool:
    state = Path(f"/proc/{number}/stat")
    if not Path("/proc").is_dir():
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        return (
            state.read_text().rpartition(")")[2].split()[0] != "Z"
        )  # a zombie waits for its parent, and works no more
    except OSError:
        return False


def test_the_time_left_follows_the_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = RunningJob("inspect", {"python": str(tmp_path / "absent")}, tmp_path / "log")
    monkeypatch.setattr(client.time, "monotonic", lambda: job._began + 30.0)
    job._advance("half", 0.5, "")
    assert job.progress.seconds_left == pytest.approx(30.0)
    job._advance("begun", 0.01, "")
    assert job.progress.seconds_left is None
    monkeypatch.undo()
    job.close()

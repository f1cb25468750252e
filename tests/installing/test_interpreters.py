"""Pythons are asked what they are; what does not fit is told why."""

from __future__ import annotations

import dataclasses
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lsf_blender_addon.errors import CancelledError, InstallError
from lsf_blender_addon.installing import interpreters
from lsf_blender_addon.installing.inspection import inspect
from lsf_blender_addon.installing.interpreters import ask, make_environment
from lsf_blender_addon.installing.machine import Machine, NvidiaCard, nvidia_card, this_machine
from lsf_blender_addon.installing.requirements import worker_requirements

REQUIREMENTS = worker_requirements()


def nothing() -> None:
    """Watch nothing."""


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """``program(lines)``: a shell script that stands for a Python."""
    if sys.platform == "win32":
        pytest.skip("a shell script is no program on Windows")

    def write(lines: str) -> Path:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return path

    return write


def test_this_python_says_what_it_is() -> None:
    found = ask(Path(sys.executable), nothing)
    assert found.version == sys.version_info[:3]
    assert found.pip.endswith(".whl")
    assert found.unable(REQUIREMENTS) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": (3, 10, 4)}, r"version 3\.10\.4; Python 3\.11 to 3\.14 fit"),
        ({"version": (2, 7, 18)}, "fit"),
        ({"version": (3, 99, 0)}, "fit"),
        ({"bits": 32}, "64-bit"),
        ({"implementation": "pypy"}, "CPython"),
        ({"threads_unlocked": True}, "CPython"),
        ({"lacks": ("ensurepip",)}, "python3-venv"),
        ({"pip": ""}, "python3-venv"),
        ({"lacks": ("ssl",)}, "ssl"),
    ],
)
def test_a_python_that_cannot_make_an_environment_says_why(change: dict[str, object], words: str) -> None:
    found = dataclasses.replace(ask(Path(sys.executable), nothing), **change)  # type: ignore[arg-type]
    assert re.search(words, found.unable(REQUIREMENTS))


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="does not exist"):
        ask(tmp_path / "python", nothing)


def test_a_program_that_is_no_python_is_refused(program: Callable[[str], Path]) -> None:
    with pytest.raises(InstallError, match=r"no Python.*I am a teapot"):
        ask(program("echo I am a teapot"), nothing)


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("text")
    with pytest.raises(InstallError, match="cannot be started"):
        ask(tmp_path / "python", nothing)


def test_a_python_that_hangs_is_given_up(program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "ANSWER_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(InstallError, match="did not answer"):
        ask(program("sleep 60"), nothing)
    assert time.monotonic() - began < 20


def test_cancel_ends_a_program_and_what_it_started(program: Callable[[str], Path], tmp_path: Path) -> None:
    def cancel() -> None:
        if (tmp_path / "began").exists():
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        ask(program(f"(sleep 3; touch '{tmp_path}/late') & touch '{tmp_path}/began'; wait"), cancel)
    time.sleep(3.5)
    assert not (tmp_path / "late").exists()


def test_a_named_python_that_does_not_fit_is_told_by_itself_with_why(
    tmp_path: Path, program: Callable[[str], Path]
) -> None:
    with pytest.raises(InstallError, match=r"^The Python under “Build with” cannot.*is no Python"):
        make_environment(tmp_path / "environment", program("exit 1"), REQUIREMENTS, nothing)
    assert not (tmp_path / "environment").exists()


def test_an_existing_python_that_lacks_a_package_is_told_which(tmp_path: Path) -> None:
    make_environment(tmp_path / "bare", Path(sys.executable), REQUIREMENTS, nothing)
    found = inspect(interpreters.python_of(tmp_path / "bare"), REQUIREMENTS, nothing)
    assert found.version == ".".join(map(str, sys.version_info[:3]))
    assert "lacks the package torch" in found.reason


def test_an_existing_python_that_is_none_is_told_so(tmp_path: Path) -> None:
    found = inspect(tmp_path / "absent", REQUIREMENTS, nothing)
    assert "does not exist" in found.reason
    assert found.words == found.reason


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its limit of addresses")
def test_an_existing_python_with_too_little_memory_is_told_so_at_once(program: Callable[[str], Path]) -> None:
    limited = program(f'ulimit -v 800000\nexec "{sys.executable}" "$@"')
    began = time.monotonic()
    found = inspect(limited, REQUIREMENTS, nothing)
    assert "too little memory" in found.reason
    assert "close other programs" in found.reason
    assert time.monotonic() - began < 60


def test_an_existing_python_that_the_system_kills_is_told_that_memory_ran_out(program: Callable[[str], Path]) -> None:
    killed = program(f'case "$2" in *worker*|*importlib*) kill -9 $$;; esac\nexec "{sys.executable}" "$@"')
    assert "too little memory" in inspect(killed, REQUIREMENTS, nothing).reason


def test_an_existing_python_that_stands_still_is_ended_and_told_so(
    tmp_path: Path, program: Callable[[str], Path]
) -> None:
    """As OpenBLAS does where it gets no memory: inside a library, with Python's lock held."""
    (tmp_path / "torch.py").write_text("import time, re\nre.match(r'(a|aa)+$', 'a' * 60 + 'b')\n", encoding="utf-8")
    stuck = program(f'PYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"')
    began = time.monotonic()
    found = inspect(stuck, REQUIREMENTS, nothing, stuck_seconds=3.0)
    assert "stood still for 3 s" in found.reason
    assert time.monotonic() - began < 60


def test_an_existing_python_with_everything_moves_a_face_and_names_its_devices() -> None:
    for package in ("torch", "transformers", "safetensors", "soundfile", "soxr"):
        pytest.importorskip(package)
    found = inspect(Path(sys.executable), REQUIREMENTS, nothing)
    assert found.reason == ""
    assert "cpu" in found.devices
    assert found.packages["torch"].startswith("2.")
    assert "processor" in found.words


def test_this_machine_is_one_of_those_that_builds_are_known_for() -> None:
    systems = {system for build in REQUIREMENTS.builds.values() for system in build.sources}
    assert this_machine().system in systems


def test_the_cards_of_a_driver_are_read_and_the_most_capable_is_taken(
    program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program("echo 'NVIDIA GeForce GTX 1080, 580.95.05, 6.1'; echo 'NVIDIA RTX 4090, 580.95.05, 8.9'")
    path.rename(path.with_name("nvidia-smi"))
    monkeypatch.setenv("PATH", str(path.parent))
    assert nvidia_card() == NvidiaCard("NVIDIA RTX 4090", 580, 8.9)
    assert Machine("linux-x86_64", nvidia_card()).nvidia is not None


def test_a_driver_that_does_not_answer_means_no_card(
    program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program("echo 'NVIDIA-SMI has failed because it could not communicate with the driver.'; exit 9")
    path.rename(path.with_name("nvidia-smi"))
    monkeypatch.setenv("PATH", str(path.parent))
    assert nvidia_card() is None

"""Environments of the scripts: made once, used only when complete. A wheel of nothing stands for the packages."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from environment import STAMP, Environment, SetupError, find_python, prepare


@pytest.fixture(autouse=True)
def beside_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Environments are named relative to the repository, which is the temporary folder here."""
    monkeypatch.setattr("environment.REPOSITORY", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'nothing'\n", encoding="utf-8")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package with one module, installable without any network."""
    path = tmp_path / "tiny_face-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_face.py", "SMILE = 1.0\n")
        archive.writestr("tiny_face-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-face\nVersion: 1.0\n")
        archive.writestr(
            "tiny_face-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny_face-1.0.dist-info/RECORD", "")
    return path


def environment_with(requirement: str, folder: Path) -> Environment:
    return Environment(folder / ".venv", Path(sys.executable), ("--no-index", "--no-deps", requirement))


def test_what_was_asked_for_is_installed_and_stamped(tmp_path: Path, wheel: Path) -> None:
    environment = environment_with(str(wheel), tmp_path)
    python = prepare(environment)
    said = subprocess.run([python, "-c", "import tiny_face; print(tiny_face.SMILE)"], capture_output=True, check=True)
    assert said.stdout.strip() == b"1.0"
    assert environment.is_complete()


def test_a_complete_environment_is_used_as_it_is(tmp_path: Path, wheel: Path) -> None:
    environment = environment_with(str(wheel), tmp_path)
    prepare(environment)
    wheel.unlink()
    prepare(environment)
    assert environment.is_complete()


def test_an_installation_that_failed_is_never_taken_for_complete(tmp_path: Path) -> None:
    environment = environment_with(str(tmp_path / "absent-1.0-py3-none-any.whl"), tmp_path)
    with pytest.raises(SetupError, match="network"):
        prepare(environment)
    assert not environment.is_complete()


def test_a_change_of_requirements_installs_again(tmp_path: Path, wheel: Path) -> None:
    prepare(environment_with(str(wheel), tmp_path))
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'something'\n", encoding="utf-8")
    assert not environment_with(str(wheel), tmp_path).is_complete()


def test_a_damaged_stamp_means_incomplete(tmp_path: Path, wheel: Path) -> None:
    environment = environment_with(str(wheel), tmp_path)
    prepare(environment)
    (environment.folder / STAMP).write_text("{", encoding="utf-8")
    assert not environment.is_complete()


def test_a_python_that_is_not_there_is_not_found() -> None:
    assert find_python("3.2") is None

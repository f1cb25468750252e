"""What tests of the command line share: how a command says no."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lsf_blender_addon.cli import EXIT_FAILED, EXIT_USAGE, main
from lsf_blender_addon.models.store import bundled_head

Refused = Callable[..., None]
"""``refused(words, complaint)``, see :func:`refused`."""


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """``refused(words, complaint)``: a command is refused in one last line that says so, and leaves no file.

    It runs in ``tmp_path``, which is the working folder from here on; the word BUNDLED is the bundled head's path.
    """
    monkeypatch.chdir(tmp_path)

    def refuse(words: list[str], complaint: str) -> None:
        before = sorted(path.name for path in tmp_path.iterdir())
        capsys.readouterr()
        code = main([str(bundled_head()) if word == "BUNDLED" else word for word in words])
        said = capsys.readouterr().err
        assert code in (EXIT_FAILED, EXIT_USAGE)
        assert complaint in said.splitlines()[-1]
        assert code == EXIT_USAGE or said.count("lsf: ") == 1
        assert "Traceback" not in said
        assert sorted(path.name for path in tmp_path.iterdir()) == before

    return refuse

"""``blender --command lsf …``, as far as a Blender without a program of its own can show it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

import bpy
import pytest

from lsf_blender_addon import cli
from lsf_blender_addon.batch import hand
from lsf_blender_addon.blender import command


def test_the_command_is_offered_and_taken_back() -> None:
    for _ in range(2):
        handle = command.register(cli.main)
        assert handle is not None
        command.unregister(handle)
    assert command.NAME.isidentifier()


def test_what_is_registered_takes_words_and_returns_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert cli.main(["sing"]) == 2
    assert "usage: lsf" in capsys.readouterr().err


def test_inside_blenders_program_a_batch_starts_more_of_that_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module has no program; its path is put into its mouth."""
    assert hand.command()[0] == sys.executable
    monkeypatch.setitem(sys.modules, "bpy", SimpleNamespace(app=SimpleNamespace(binary_path="/opt/blender")))
    program, *words = hand.command()
    assert (program, words[:2]) == ("/opt/blender", ["--background", "--factory-startup"])
    assert bpy.app.binary_path in ("", None)


def test_what_blender_calls_is_the_command_line_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words go through untouched, and the answer becomes Blender's exit code."""
    offered: dict[str, Callable[[list[str]], int]] = {}
    monkeypatch.setattr(bpy.utils, "register_cli_command", offered.__setitem__)
    heard: list[list[str]] = []

    def execute(words: list[str]) -> int:
        heard.append(words)
        return 130

    command.register(execute)
    assert offered["lsf"](["animate", "a b.wav", "-o", "out"]) == 130
    assert heard == [["animate", "a b.wav", "-o", "out"]]

"""What the preferences draw, in each state: only what this Blender has, and every sentence that a person needs.

Blender draws nothing without a window, so a layout that takes notes stands in; it refuses unknown icons, properties,
operators and arguments, as the real one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from lsf_blender_addon.blender import job_watch, model_operators, preferences, wording, worker_choice
from lsf_blender_addon.installing.requirements import LISTS_VARIABLE
from lsf_blender_addon.jobs.client import RunningJob
from lsf_blender_addon.models import store
from tests.needs_bpy.test_preferences import locked_model

FUNCTIONS = bpy.types.UILayout.bl_rna.functions
ICONS = set(FUNCTIONS["label"].parameters["icon"].enum_items.keys())


class NotingLayout:
    """Takes down what is drawn into it and into everything inside it."""

    def __init__(self, notes: list[str] | None = None) -> None:
        self.notes: list[str] = [] if notes is None else notes

    def __getattr__(self, name: str) -> Any:
        """A function of the real layout."""
        assert name in FUNCTIONS, name

        def draw(*values: Any, **named: Any) -> Any:
            assert not set(named) - set(FUNCTIONS[name].parameters.keys()), named
            assert named.get("icon", "NONE") in ICONS, named["icon"]
            self.notes.append(str(named.get("text", "")))
            if name == "prop":
                assert values[1] in values[0].bl_rna.properties, values[1]
                self.notes.append(values[1])
            if name == "operator":
                group, verb = values[0].split(".")
                kind = getattr(getattr(bpy.ops, group), verb).get_rna_type()
                self.notes.append(values[0])
                return SimpleNamespace(**dict.fromkeys(kind.properties.keys()))
            return NotingLayout(self.notes)

        return draw


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """This extension's preferences, in a Blender where it is switched on and no worker is ready."""
    monkeypatch.setenv(store.MODELS_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(worker_choice, "extension_folder", lambda: tmp_path / "user")
    monkeypatch.setattr("lsf_blender_addon.blender.job_watch.log_file", lambda slot: tmp_path / f"{slot}.log")
    monkeypatch.setattr(worker_choice.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.delenv("LSF_WORKER_PYTHON", raising=False)
    worker_choice.look_again()
    for kind in preferences.CLASSES:
        bpy.utils.register_class(kind)
    addon = bpy.context.preferences.addons.new()
    addon.module = "lsf_blender_addon"
    yield addon.preferences
    bpy.context.preferences.addons.remove(addon)
    for kind in reversed(preferences.CLASSES):
        bpy.utils.unregister_class(kind)


@pytest.fixture
def online(tmp_path: Path) -> Iterator[None]:
    """Blender may use the network, and the extension has its folder."""
    system = bpy.context.preferences.system
    before = system.use_online_access
    system.use_online_access = True
    if not bpy.app.online_access:
        pytest.skip("this Blender was started in offline mode")
    (tmp_path / "user").mkdir()
    yield
    system.use_online_access = before


def drawn(settings: Any) -> str:
    layout = NotingLayout()
    preferences.LsfPreferences.draw(SimpleNamespace(layout=layout, **_values(settings)), bpy.context)  # type: ignore[arg-type]
    return " ".join(" ".join(layout.notes).split())


def _values(settings: Any) -> dict[str, Any]:
    names = ("source", "existing_python", "existing_verdict", "show_options", "build", "lists", "wheels", "build_with")
    return {"bl_rna": settings.bl_rna, **{name: getattr(settings, name) for name in names}}


def notice() -> str:
    layout = NotingLayout()
    preferences.draw_notice(layout, bpy.context)
    return " ".join(" ".join(layout.notes).split())


def test_at_first_the_way_to_a_worker_and_the_starters_terms_are_shown(settings: Any) -> None:
    bpy.context.preferences.system.use_online_access = False
    words = drawn(settings)
    for expected in (
        "set up the worker",
        "lsf.set_up_worker",
        "CC0-1.0",
        "commercial use: yes",
    ):
        assert expected in words
    assert bpy.app.online_access or "Online access is off" in words


def test_what_most_people_need_not_is_shown_when_it_is_asked_for(settings: Any) -> None:
    few = {"build", "lists", "wheels", "build_with"}
    assert few.isdisjoint(drawn(settings).split())
    settings.show_options = True
    assert few <= set(drawn(settings).split())


def test_a_panel_gets_the_reason_and_the_button(settings: Any) -> None:
    assert "set up the worker" in notice()
    assert "lsf.set_up_worker" in notice()
    settings.source = "EXISTING"
    assert "Name the Python" in notice()
    assert "lsf.show_preferences" in notice()


def test_a_panel_gets_nothing_when_all_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preferences, "why_not_ready", lambda _context: "")
    assert notice() == ""


def test_while_it_runs_a_bar_cancel_and_the_log_are_shown_and_afterwards_why_it_failed(
    settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "user").mkdir()
    order = {"root": str(tmp_path / "user"), "build": "cpu", "wheels": str(tmp_path / "wheels")}
    order |= {"build_with": None, "lists": ""}
    job: RunningJob = job_watch.start("set_up", "set_up", order, lambda _job: None)
    for words in (drawn(settings), notice()):
        assert "Starting" in words
        assert "lsf.cancel_job" in words
        assert "lsf.open_log" in words
    job.wait(300)
    job_watch.tick()
    for words in (drawn(settings), notice()):
        assert "does not hold every package" in words
        assert "lsf.cancel_job" not in words


@pytest.mark.usefixtures("online")
def test_the_address_of_pytorchs_lists_reaches_the_set_up(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LISTS_VARIABLE, raising=False)
    settings.lists = "http://lists.example/all"
    assert bpy.ops.lsf.set_up_worker() == {"FINISHED"}
    job = job_watch.running("set_up")
    assert job is not None
    job.wait(300)
    job_watch.tick()
    assert "http://lists.example/all, is no https address" in drawn(settings)


def test_a_python_that_does_not_fit_says_why(settings: Any, tmp_path: Path) -> None:
    settings.source = "EXISTING"
    settings.existing_python = str(tmp_path / "absent")
    job = job_watch.running("inspect")
    assert job is not None
    assert "Trying it out" in drawn(settings) or "Starting" in drawn(settings)
    job.wait(300)
    job_watch.tick()
    assert "does not exist" in drawn(settings)


def test_a_locked_and_a_broken_model_are_shown_as_such(settings: Any, tmp_path: Path) -> None:
    locked_model(tmp_path / "models" / "mine")
    (tmp_path / "models" / "broken").mkdir()
    (tmp_path / "models" / "broken" / "model.json").write_text("{}")
    words = drawn(settings)
    for expected in ("Locked", "commercial use: no", "lsf.accept_terms", "lsf.remove_model", "broken"):
        assert expected in words


def test_a_sentence_in_a_dialog_is_wrapped_to_the_dialog_and_not_to_what_lies_behind_it() -> None:
    lines: list[str] = []
    layout = SimpleNamespace(column=lambda **_: SimpleNamespace(label=lambda text, **_: lines.append(text)))
    wide = SimpleNamespace(region=SimpleNamespace(width=1200), preferences=bpy.context.preferences)
    sentence = "That holds for what it makes, too: the animations carry the licence in their properties."
    wording.draw_sentence(layout, wide, sentence, width=model_operators.QUESTION_WIDTH)
    assert " ".join(lines) == sentence
    assert max(map(len, lines)) * wording.LETTER < model_operators.QUESTION_WIDTH

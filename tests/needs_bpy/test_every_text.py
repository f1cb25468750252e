"""Nothing in the panels is left untranslated: with every text of the catalogue between guillemets, all stands in them.

What Blender looks up itself is looked up here as it would, since its module is built without languages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

import lsf_blender_addon
from lsf_blender_addon.blender import (
    compat,
    crossing,
    faces,
    failures,
    job_watch,
    jobs,
    kept,
    operators_character,
    outcome,
    preferences,
    registration,
    rig,
    takes,
    translating,
)
from lsf_blender_addon.blender.bake import BakeReport
from lsf_blender_addon.blender.prediction import Status
from lsf_blender_addon.blender.strips import place_sound
from lsf_blender_addon.errors import InstallError, WorkerError
from lsf_blender_addon.models.store import installed_models
from lsf_blender_addon.motion import FaceMotion
from lsf_blender_addon.translations.catalogue import read_catalogue
from lsf_blender_addon.translations.portable import lines_of, read_portable
from tests.needs_bpy.conftest import ball_head, waves
from tests.needs_bpy.scene_characters import character, vrm_like

Look = dict[tuple[str, str], str]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    """The add-on in a language in which every text stands between guillemets; what Blender was told of it."""
    lines = []
    for entry in read_portable(translating.FOLDER / "lsf.pot"):
        words = entry.parts["msgid"]
        lines += ["", *lines_of("msgid", words), *lines_of("msgstr", f"«{words}»")]
    (tmp_path / "xx.po").write_text("\n".join(lines), encoding="utf-8")
    lsf_blender_addon.register()
    translating.unregister()
    translating.register((), tmp_path)
    monkeypatch.setattr(translating, "language", lambda: "xx")
    view = bpy.context.preferences.view
    view.use_translate_interface = view.use_translate_tooltips = True
    found, left_out = read_catalogue(tmp_path / "xx.po")
    assert left_out == []
    menus = [words for _, _, words in operators_character.POINTS]
    yield translating.told_to_blender(found, menus)
    lsf_blender_addon.unregister()


class Shown:
    """A layout that takes down every text that a person reads in it."""

    def __init__(self, told: Look, notes: list[str]) -> None:
        self._told, self._notes = told, notes

    def _say(self, words: str, context: str = "*") -> None:
        self._notes.append(self._told.get((context, words), words))

    def __getattr__(self, name: str) -> Any:
        """A function of the real layout."""

        def draw(*values: Any, **named: Any) -> Any:
            text = named.get("text")
            if name.startswith("operator"):
                return self._operator(values[0], text if named.get("translate", True) else "")
            if name == "prop" and text is None:
                self._property(values[0].bl_rna.properties[values[1]], expand=named.get("expand", False))
            for words in (text, named.get("heading"), named.get("placeholder")):
                if words:
                    self._notes.append(words) if named.get("translate") is False else self._say(words)
            return (Shown(self._told, self._notes),) * 2 if name == "panel" else Shown(self._told, self._notes)

        return draw

    def _operator(self, name: str, text: str | None) -> Any:
        group, verb = name.split(".")
        self._say(getattr(getattr(bpy.ops, group), verb).get_rna_type().name if text is None else text, "Operator")
        return SimpleNamespace()

    def _property(self, kind: Any, *, expand: bool) -> None:
        if not expand:
            self._say(kind.name)
        else:
            for item in kind.enum_items:
                self._say(item.name)


def untranslated(told: Look) -> list[str]:
    """What the panels and the preferences show outside of guillemets."""
    notes: list[str] = []
    for kind in registration.CLASSES:
        if issubclass(kind, bpy.types.Panel) and kind.bl_space_type == "VIEW_3D":
            notes.append(told.get(("*", kind.bl_label), kind.bl_label))
            if not hasattr(kind, "poll") or kind.poll(bpy.context):
                kind.draw(SimpleNamespace(layout=Shown(told, notes)), bpy.context)
    return [words for words in [*notes, *reasons()] if re.search(r"[^\W\d_]", outside(words))]


def reasons() -> list[str]:
    """Why buttons are grey."""
    found = []
    for name in dir(bpy.ops.lsf):
        operator = getattr(bpy.ops.lsf, name)
        if not operator.poll():
            with pytest.raises(RuntimeError) as said:
                operator()
            found.append(str(said.value).split("poll()", 1)[1])
    return found


def outside(words: str) -> str:
    """What stands outside of guillemets, but for names."""
    left = ""
    while left != words:
        left, words = words, re.sub("«[^«»]*»", "", words)
    names = {"ARKit", "—", *(model.card.title for model in installed_models())}
    return "" if words.strip(" ,.") in names else re.sub(r"\d+(\.\d+)? (s|mm)$", "", words)


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sentence is wrapped."""
    monkeypatch.setattr("lsf_blender_addon.blender.wording.NARROWEST", 10_000)


def speaking(space: str) -> Any:
    mesh = rig.build_rig(ball_head(space, correctives=False)).mesh  # type: ignore[arg-type]
    mesh.name = mesh.parent.name = "1"
    bpy.context.view_layer.objects.active = mesh
    return mesh


def with_take(space: str = "arkit") -> Any:
    mesh = speaking(space)
    face = faces.face_of(mesh)
    where = kept.Where("7", bpy.context.scene.name, 0.0, 2.0, 11.0, 1.0, 11, 60)
    motion: FaceMotion = waves(space)  # type: ignore[arg-type]
    made = kept.Kept((motion,), (where,), facts={"model": "1", "seed": 0})
    takes.add(face, takes.planned(face, made, "2", bpy.context.scene), made, to_nla=False)
    facts = {"channels": 3, "keys": 1000, "keys_before": 2000, "first": 1, "last": 20, "seconds": 1.5, "seed": 1}
    mesh.lsf.report = json.dumps({**facts, "residual_mm": 1.0, "warnings": outcome.remarks_on(face, no_report())})
    return mesh


def no_report() -> BakeReport:
    return BakeReport((), 0, 0, 0, 0, 0, widened=("1", "2", "3", "4"), put_aside=(), seconds=0.0)


def nothing() -> None:
    pass


def a_cube() -> None:
    cube = bpy.data.objects.new("1", bpy.data.meshes.new("cube"))
    bpy.context.collection.objects.link(cube)
    bpy.context.view_layer.objects.active = cube


def a_flame_head() -> None:
    with_take("flame")
    bpy.context.scene.lsf.model = "0"


def an_incomplete_head() -> None:
    mesh = speaking("arkit")
    for name in ("mouthPucker", "mouthFunnel", "jawLeft", "eyeBlinkLeft"):
        mesh.data.shape_keys.key_blocks[name].name = f"{name}_"


def a_take() -> None:
    with_take()


def an_edited_take() -> None:
    mesh = with_take()
    for curve in compat.curves_of(mesh.data.shape_keys):
        curve.keyframe_points[3].co.y += 0.25
    mesh.lsf.mouth = 0.5
    mesh.data.shape_keys.use_relative = False
    mesh.lsf.report = json.dumps(
        {**json.loads(mesh.lsf.report), "warnings": outcome.remarks_on(faces.face_of(mesh), no_report())}
    )


def a_character() -> None:
    mesh = character(vrm_like())
    mesh.name = "1"
    bpy.context.view_layer.objects.active = mesh


def a_character_that_is_measured() -> None:
    a_character()
    crossing.of(faces.face_of(bpy.context.view_layer.objects.active))


def a_character_without_lids() -> None:
    mesh = character({name: places for name, places in vrm_like().items() if "EYE" not in name})
    mesh.name = "1"
    bpy.context.view_layer.objects.active = mesh
    crossing.of(faces.face_of(mesh))


def a_failure() -> None:
    speaking("arkit")
    failures.tell(WorkerError("The worker died (SIGKILL). Its last words: «1»"))


def a_run() -> None:
    speaking("arkit")
    status = Status("Listening", 0.5, 12.0)
    jobs._current[:] = [SimpleNamespace(status=status, silent=True, cancel=lambda: None)]  # type: ignore[list-item]


STATES: tuple[Callable[[], None], ...] = (
    *(nothing, a_cube, a_take, an_edited_take, a_flame_head, an_incomplete_head, a_failure, a_run),
    *(a_character, a_character_that_is_measured, a_character_without_lids),
)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_panel_shows_a_text_that_is_not_translated(told: Look, state: Callable[[], None]) -> None:
    state()
    assert untranslated(told) == []


@pytest.mark.usefixtures("wide", "_needs_sound")
def test_neither_does_it_with_strips(told: Look, speech: Path) -> None:
    speaking("arkit")
    compat.show_in_sequencer(bpy.context, bpy.context.scene)
    for number in range(6):
        place_sound(bpy.context.scene, speech, frame=1 + 100 * number, name=str(number)).select = True
    assert untranslated(told) == []
    bpy.context.scene.lsf.source = "FILE"
    bpy.context.scene.lsf.sound_file = str(speech)
    assert untranslated(told) == []


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("source", ["OWN", "EXISTING"])
@pytest.mark.parametrize("state", ["at rest", "at work", "failed"])
def test_nor_do_the_preferences(told: Look, source: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    note = "PyTorch for 1: Chosen in the preferences."
    progress = SimpleNamespace(stage="Downloading 1 (3 of 10 MB)", share=0.5, seconds_left=100.0, note=note)
    error = InstallError("1 is version 3.9; Python 3.11 to 3.14 fit.")
    job = SimpleNamespace(progress=progress, cancelling=False, error=error, close=lambda: None)
    for slot in ("set_up", "inspect", "model"):
        if state == "at work":
            monkeypatch.setitem(job_watch._running, slot, (job, None))
        if state == "failed":
            monkeypatch.setitem(job_watch._last, slot, job)
    addon = bpy.context.preferences.addons.new()
    addon.module = "lsf_blender_addon"
    addon.preferences.source = source
    addon.preferences.show_options = True
    notes: list[str] = []
    shown = SimpleNamespace(
        layout=Shown(told, notes),
        bl_rna=addon.preferences.bl_rna,
        **{name: getattr(addon.preferences, name) for name in ("source", "show_options", "wheels", "existing_python")},
        existing_verdict="",
    )
    preferences.LsfPreferences.draw(shown, bpy.context)  # type: ignore[arg-type]
    bpy.context.preferences.addons.remove(addon)
    assert [words for words in notes if re.search(r"[^\W\d_]", outside(words))] == []


def test_every_tooltip_name_and_menu_entry_is_in_the_catalogue(told: Look) -> None:
    lacking: list[str] = []
    for entry in registration.CLASSES:
        kind: Any = entry.bl_rna  # type: ignore[attr-defined]
        texts: list[tuple[str, str]] = []
        if issubclass(entry, bpy.types.Operator):
            kind = getattr(bpy.ops.lsf, entry.bl_idname.removeprefix("lsf.")).get_rna_type()  # type: ignore[attr-defined]
            texts += [("Operator", kind.name), ("*", kind.description)]
        for name, setting in kind.properties.items():
            if name in {"rna_type", "bl_idname", "name"} or setting.is_hidden or name not in entry.__annotations__:
                continue
            texts += [("*", setting.name), ("*", setting.description)]
            if setting.type == "ENUM":
                texts += [("*", words) for item in setting.enum_items for words in (item.name, item.description)]
        # a property that has no name is called as in the code: none of those is shown
        shown = [text for text in texts if re.search(r"[^\W\d_]", text[1]) and text[1] not in kind.properties]
        lacking += [f"{entry.__name__}: {text[1]}" for text in shown if text not in told]
    assert lacking == []

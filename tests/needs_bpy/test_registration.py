"""The add-on comes and goes without a trace, and every text that a person sees is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest

import lsf_blender_addon
from lsf_blender_addon.blender import compat, drawing, registration, strip_watch
from lsf_blender_addon.blender.strips import place_sound


def traces() -> tuple[int, ...]:
    handlers = (bpy.app.handlers.load_pre, bpy.app.handlers.load_post, bpy.app.handlers.save_pre)
    menus = getattr(bpy.types.SEQUENCER_MT_strip.draw, "_draw_funcs", ())
    ours = sum(1 for name in dir(bpy.types) if "lsf" in name.lower())
    return *(len(handler) for handler in handlers), len(menus), ours


def test_a_hundred_times_on_and_off_leaves_nothing() -> None:
    lsf_blender_addon.register()
    on = traces()
    lsf_blender_addon.unregister()
    off = traces()
    for _ in range(100):
        lsf_blender_addon.register()
        assert traces() == on
        lsf_blender_addon.unregister()
        assert traces() == off
    assert off[-1] == 0
    assert not any(hasattr(owner, "lsf") for owner in (bpy.types.Scene, bpy.types.Object, bpy.types.Action))


@pytest.mark.usefixtures("add_on", "_needs_sound")
def test_the_sidebars_are_drawn_anew_only_when_other_strips_are_chosen_or_they_moved(
    speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bool] = []
    monkeypatch.setattr(drawing, "panels", lambda: drawn.append(True))
    compat.show_in_sequencer(bpy.context, bpy.context.scene)
    first, second = (place_sound(bpy.context.scene, speech, name=name) for name in ("first", "second"))
    for change in (lambda: None, lambda: setattr(first, "select", False), lambda: move(second), second.sound.pack):
        change()
        strip_watch.look()
        strip_watch.look()
    assert len(drawn) == 3


def move(strip: Any) -> None:
    setattr(strip, "content_start" if hasattr(strip, "content_start") else "frame_start", 30)


@pytest.mark.usefixtures("add_on")
def test_every_operator_and_setting_has_a_tooltip_that_blender_can_show() -> None:
    shown: list[tuple[str, str]] = []
    for entry in registration.CLASSES:
        kind: Any = entry.bl_rna  # type: ignore[attr-defined]
        if issubclass(entry, bpy.types.Operator):
            operator = getattr(bpy.ops.lsf, entry.bl_idname.removeprefix("lsf."))  # type: ignore[attr-defined]
            shown.append((entry.__name__, operator.get_rna_type().description))
        for name, setting in kind.properties.items():
            hidden = name in {"rna_type", "name", "filepath", "filter_glob"} or entry.__name__ in HIDDEN
            if not hidden and issubclass(entry, bpy.types.PropertyGroup) and name not in STORED:
                shown.append((f"{entry.__name__}.{name}", setting.description))
    agreed = bpy.ops.lsf.accept_terms.get_rna_type().properties["agreed"]
    shown.append(("the box below the terms of weights", agreed.description))
    assert len(shown) > 25
    assert [name for name, text in shown if not text or text.endswith(".")] == []


HIDDEN = {"LsfPart", "LsfTake", "LsfKept"}
STORED = {"takes", "report", "table"}
"""What no panel shows as a setting."""


@pytest.mark.usefixtures("add_on")
def test_every_operators_poll_that_refuses_says_why() -> None:
    """In an empty scene nothing can be done; Blender shows the message where the mouse rests."""
    refusing = [name for name in dir(bpy.ops.lsf) if not getattr(bpy.ops.lsf, name).poll()]
    assert set(refusing) >= {"animate", "cancel", "bake_kept", "details", "remove_take", "copy_take", "follow_strip"}
    for name in refusing:
        with pytest.raises(RuntimeError, match=r"poll\(\) (?!failed, context is incorrect)"):
            getattr(bpy.ops.lsf, name)()


@pytest.mark.usefixtures("add_on")
def test_a_sound_file_may_be_named_from_where_the_file_lies() -> None:
    """Since 4.5 Blender warns of ``//`` in a property that does not say so."""
    prop = bpy.context.scene.lsf.bl_rna.properties["sound_file"]
    assert getattr(prop, "is_path_supports_blend_relative", True)

"""The panel in the 3D view keeps up with the sequencer, which alone is drawn when a strip is chosen or moved."""

from __future__ import annotations

from typing import Any

import bpy

from . import compat, drawing, strips

_handle: list[Any] = []
_seen: list[tuple[Any, ...]] = []
"""What was chosen when the sequencer was drawn last."""


def attach() -> None:
    """Look whenever a sequencer is drawn; no file that is loaded ends that."""
    _handle.append(bpy.types.SpaceSequenceEditor.draw_handler_add(look, (), "WINDOW", "POST_PIXEL"))


def detach() -> None:
    """Look no more."""
    bpy.types.SpaceSequenceEditor.draw_handler_remove(_handle.pop(), "WINDOW")
    _seen.clear()


def look() -> None:
    """Redraw the sidebars where other strips are chosen than before, or they lie elsewhere."""
    scene = compat.sequencer_scene(bpy.context)
    now = tuple((strip.name, *compat.shown(strip)) for strip in strips.chosen(scene))
    if not _seen or _seen[0] != now:
        _seen[:] = [now]
        drawing.panels()

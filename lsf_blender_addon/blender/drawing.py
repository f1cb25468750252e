"""Which parts of the windows are drawn anew, where Blender does not see by itself that they show something new.

And our words in Blender's own lines, above editors and at the foot of the window: Blender lets them stand for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from .translating import in_blenders_language

PANELS = {"VIEW_3D": "UI", "SEQUENCE_EDITOR": "UI"}
"""Editor → its region that holds our panel."""

PICTURES = {"VIEW_3D": "WINDOW"}
JOBS = {**PANELS, "PREFERENCES": "WINDOW"}


def panels() -> None:
    """Draw our panels anew."""
    _draw(PANELS)


def pictures() -> None:
    """Draw anew what the 3D views show of the scene."""
    _draw(PICTURES)


def jobs() -> None:
    """Draw anew whatever shows how far a job beside Blender is: our panels, and the preferences."""
    _draw(JOBS)


_above: set[str] = set()
_below: set[str] = set()
"""Names of the screens and workspaces whose lines hold our words."""


def say_above(screen: Any, *sentences: str) -> None:
    """Put sentences into the headers of a screen's 3D views, in Blender's language."""
    _above.add(screen.name)
    _say_above(screen, "   ".join(in_blenders_language(words) for words in sentences))


def say_below(workspace: Any, words: str) -> None:
    """Put a sentence into the line at the foot of the window, in Blender's language."""
    _below.add(workspace.name)
    workspace.status_text_set(in_blenders_language(words))


def speaking() -> set[str]:
    """Names of the screens and workspaces where words of ours stand."""
    return _above | _below


def hush_above() -> None:
    """Give the headers back to Blender, wherever the person has gone meanwhile."""
    for screen in bpy.data.screens:
        if screen.name in _above:
            _say_above(screen, None)
    _above.clear()


def hush_below() -> None:
    """Give the lines at the foot back to Blender, wherever the person has gone meanwhile."""
    for workspace in bpy.data.workspaces:
        if workspace.name in _below:
            workspace.status_text_set(None)
    _below.clear()


def _say_above(screen: Any, words: str | None) -> None:
    for area in screen.areas:
        if area.type in PICTURES:
            area.header_text_set(words)


def _draw(wanted: Mapping[str, str]) -> None:
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            for region in area.regions if area.type in wanted else ():
                if region.type == wanted[area.type]:
                    region.tag_redraw()

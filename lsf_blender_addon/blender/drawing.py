"""Which parts of the windows are drawn anew, where Blender does not see by itself that they show something new."""

from __future__ import annotations

from collections.abc import Mapping

import bpy

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


def _draw(wanted: Mapping[str, str]) -> None:
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            for region in area.regions if area.type in wanted else ():
                if region.type == wanted[area.type]:
                    region.tag_redraw()

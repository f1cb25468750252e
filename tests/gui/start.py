"""Starts the add-on in a real window: from the checkout, with the worker's Python of LSF_WORKER_PYTHON."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy

PROJECT = Path(os.environ.get("LSF_PROJECT", "."))
PICTURES = Path(os.environ.get("PICTURES", "."))
TICK = 0.02

seen: dict[str, Any] = {"last": time.monotonic(), "longest": 0.0, "state": ""}


def begin() -> None:
    """Switch the add-on on; what needs a window waits until there is one."""
    sys.path.insert(0, str(PROJECT))
    if os.environ.get("LSF_THEME") == "light":
        light = next(Path(bpy.utils.system_resource("SCRIPTS")).rglob("*ight.xml"))
        bpy.ops.script.execute_preset(filepath=str(light), menu_idname="USERPREF_MT_interface_theme_presets")
    bpy.ops.preferences.addon_enable(module="lsf_blender_addon")
    bpy.app.timers.register(furnish, first_interval=0.5)
    bpy.app.timers.register(watch, first_interval=1.0, persistent=True)


def furnish() -> None:
    """Put a voice into the sequencer, and open the sidebar."""
    from lsf_blender_addon.blender import strips  # noqa: PLC0415

    bpy.data.objects.remove(bpy.data.objects["Cube"])
    strips.place_sound(bpy.context.scene, PROJECT / "samples" / "hello.wav", 10)
    bpy.context.scene.frame_end = 300
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.spaces.active.show_region_ui = True
    (PICTURES / "ready").touch()


def watch() -> float:
    """How long the window was not listened to while a run is under way, and what the scene holds."""
    from lsf_blender_addon.blender import jobs  # noqa: PLC0415

    now = time.monotonic()
    if jobs.current() is not None:
        seen["longest"] = max(seen["longest"], now - seen["last"])
    seen["last"] = now
    takes = [(thing.name, [take.name for take in thing.lsf.takes]) for thing in bpy.data.objects if thing.lsf.takes]
    state = f"takes {takes} actions {bpy.data.actions.keys()} running {jobs.current() is not None}"
    if state != seen["state"]:
        seen["state"] = state
        with (PICTURES / "seen.txt").open("a", encoding="utf-8") as file:
            file.write(f"{state} longest gap {seen['longest'] * 1000:.0f} ms\n")
    return TICK


begin()

"""Runs inside the Blender that is clicked: writes down what the window and the scene hold, whenever it is asked.

It takes no part in the round: the script beside it writes a number into ``asked``, reads ``state.json``, and clicks.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy
from bpy_extras import view3d_utils

FOLDER = Path(os.environ.get("LSF_ROUND", Path(__file__).parent))
TICK = 0.01
"""Seconds between two looks: the window's own timers come no sooner than it is free."""

IDLE = 0.05
"""The same while nothing runs."""

LATE = 0.1
"""Seconds: a window that does not listen for so long feels stuck."""

LSF = "lsf_blender_addon"

seen: dict[str, Any] = {"tick": time.monotonic(), "worked": 0.0, "copied": [0, ""]}
seen |= {"own": {}, "timed": None, "asked": "", "answered": "", "runs": [], "running": False, "windows": 1}


@dataclasses.dataclass(frozen=True)
class Look:
    """One look of the window's timer during a run.

    Attributes:
        gap: seconds by the clock since the look before.
        worked: seconds that the processor worked for Blender's main thread since then, drawing without a graphics card
            among it; ``own``: what of it was the add-on's planning, stepping and baking.
        own: see ``worked``.
        opened: whether Blender had, opened or closed another window: Preferences, which take it long to open and draw.
    """

    gap: float
    worked: float
    own: dict[str, float]
    opened: bool


def begin() -> None:
    """Look from now on, whatever file is loaded."""
    for name in ("asked", "state.json"):
        (FOLDER / name).unlink(missing_ok=True)
    bpy.context.preferences.view.show_splash = False
    if os.environ.get("LSF_THEME") == "light":
        light = next(Path(bpy.utils.system_resource("SCRIPTS")).rglob("*ight.xml"))
        bpy.ops.script.execute_preset(filepath=str(light), menu_idname="USERPREF_MT_interface_theme_presets")
    bpy.app.timers.register(look, first_interval=1.0, persistent=True)


def look() -> float:
    """How long the window was not listened to while a run was under way; and now and then everything else."""
    now, worked = time.monotonic(), time.thread_time()
    running = _current() is not None
    if running and not seen["running"]:
        seen["runs"].append([])
    if running or seen["running"]:  # the click before the first look and the keys after the last belong to it
        opened = max(len(bpy.context.window_manager.windows), seen["windows"]) > 1
        seen["runs"][-1].append(Look(now - seen["tick"], worked - seen["worked"], seen["own"], opened))
    seen["windows"] = len(bpy.context.window_manager.windows)
    seen["own"] = {}
    seen["running"] = running
    if seen["asked"] != seen["answered"]:  # at the look after the one that saw the question: all is handled by then
        seen["answered"] = seen["asked"]
        _write()
    elif (FOLDER / "asked").exists():
        seen["asked"] = (FOLDER / "asked").read_text(encoding="utf-8")
    # What this script takes is not the add-on's.
    seen["tick"], seen["worked"] = time.monotonic(), time.thread_time()
    return TICK if running else IDLE


def _write() -> None:
    """The state, whole or not at all."""
    window_manager = bpy.context.window_manager
    if window_manager.clipboard:
        seen["copied"] = [seen["copied"][0] + 1, window_manager.clipboard]
        window_manager.clipboard = ""
    state = {
        "answers": seen["answered"],
        "version": bpy.app.version[:2],
        "load": os.getloadavg()[0],
        "copied": seen["copied"],
        "windows": [_window(window) for window in window_manager.windows],
        "modal": _modal(window_manager),
        "mode": bpy.context.mode,
        "left": _left(),
        "section": bpy.context.preferences.active_section,
        "extensions": [name for name in bpy.context.preferences.addons.keys() if LSF in name],  # noqa: SIM118
        "worker": _worker(),
        "objects": bpy.data.objects.keys(),
        "actions": bpy.data.actions.keys(),
        "sequencer_scene": _sequencer_scene(),
        "strips": [strip.name for strip in _strips()],
        "starts": [int(strip.frame_final_start) for strip in _strips()],
        "channels": [strip.channel for strip in _strips()],
        "heads": {thing.name: _head(thing) for thing in bpy.data.objects if hasattr(thing, "lsf") and thing.lsf.takes},
        "character": _character(),
        "run": _run(),
        "runs": [_gaps(run) for run in seen["runs"]],
        "failure": _failure(),
        "frame": bpy.context.scene.frame_current,
        "playing": any(window.screen.is_animation_playing for window in window_manager.windows),
    }
    unfinished = FOLDER / "state.json.part"
    unfinished.write_text(json.dumps(state), encoding="utf-8")
    unfinished.replace(FOLDER / "state.json")


def _gaps(run: list[Look]) -> dict[str, Any]:
    """Milliseconds between two looks of the window's timer during a run; ``opened``: beside Preferences, at most."""
    waited = sorted(look.gap for look in run if not look.opened) or [0.0]
    return {
        "looks": len(run),
        "seconds": round(sum(look.gap for look in run), 2),
        "median": round(waited[len(waited) // 2] * 1000),
        "longest": round(waited[-1] * 1000),
        "late": sum(gap > LATE for gap in waited),
        "opened": round(max((look.gap for look in run if look.opened), default=0.0) * 1000),
        "worked": round(max(look.worked for look in run) * 1000),
        "own": round(max(_total(look.own) for look in run) * 1000),
        "most": {name: round(part * 1000) for name, part in max((look.own for look in run), key=_total).items()},
        "load": round(os.getloadavg()[0], 1),
    }


def _total(own: dict[str, float]) -> float:
    return sum(own.values())


def _window(window: Any) -> dict[str, Any]:
    areas = []
    for area in window.screen.areas:
        regions = [
            {"type": part.type, "tab": _tab(area, part), **_place(part)}
            for part in area.regions
            if part.width > 1 and part.height > 1
        ]
        areas.append({"type": area.ui_type, **_place(area), "regions": regions})
    return {"x": window.x, "y": window.y, "width": window.width, "height": window.height, "areas": areas}


def _tab(area: Any, region: Any) -> str:
    """Which tab a sidebar shows; Blender 4.3 crashes when a file browser's region is asked."""
    asked = region.type == "UI" and area.type in {"VIEW_3D", "SEQUENCE_EDITOR"}
    return str(region.active_panel_category) if asked else ""


def _place(thing: Any) -> dict[str, int]:
    return {"x": thing.x, "y": thing.y, "width": thing.width, "height": thing.height}


def _modal(window_manager: Any) -> list[str]:
    """The tools that hold the mouse; of one whose class has gone Blender keeps an empty place for a moment.

    Blender 4.3 keeps a tool there that has lost its properties, and its name with them.
    """
    names = []
    for tool in [tool for window in window_manager.windows for tool in window.modal_operators if tool is not None]:
        try:
            names.append(tool.bl_idname)
        except (ValueError, ReferenceError):
            continue
    return names


def _sequencer_scene() -> str:
    """Which scene the sequencer shows; since 5.0 it may show none."""
    workspace = bpy.context.window_manager.windows[0].workspace
    shown = getattr(workspace, "sequencer_scene", bpy.context.scene)
    return shown.name if shown is not None else ""


def _strips() -> list[Any]:
    """The selected ones."""
    editor = bpy.context.scene.sequence_editor
    if editor is None:
        return []
    every = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
    return [strip for strip in every if strip.select]


def _head(mesh: Any) -> dict[str, Any]:
    """The takes of a head, and how far its mouth is open on this frame, by its own keys and jaw."""
    keys = mesh.data.shape_keys
    animation = keys.animation_data
    jaw = mesh.parent.pose.bones.get("jaw") if mesh.parent is not None and mesh.parent.pose is not None else None
    return {
        "takes": [take.name for take in mesh.lsf.takes],
        "active": mesh.lsf.active_take,
        "action": animation.action.name if animation is not None and animation.action is not None else "",
        "jaw": 0.0 if jaw is None else round(float(jaw.matrix_basis.to_euler().x), 4),
        "lips": _sum_of_keys(animation),
        "first": 0 if animation is None or animation.action is None else int(animation.action.frame_range[0]),
        "nla": [] if animation is None else [strip.name for track in animation.nla_tracks for strip in track.strips],
        "report": mesh.lsf.report,
    }


def _sum_of_keys(animation: Any) -> float:
    """A number that changes with any key of the Action that is shown."""
    if animation is None or animation.action is None:
        return 0.0
    action = animation.action
    curves = action.fcurves if hasattr(action, "fcurves") else action.layers[0].strips[0].channelbags[0].fcurves
    return round(sum(key.co.y for curve in curves for key in curve.keyframe_points), 3)


def _character() -> dict[str, Any]:
    """What was picked on the active character, and where on the screen, from its lower left, vertices lie."""
    mesh, wanted, faces = bpy.context.view_layer.objects.active, FOLDER / "unknown.json", _module("faces")
    if mesh is None or mesh.name != "unknown" or not wanted.exists() or faces is None:
        return {}
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    shown = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    places = {}
    for name, row in json.loads(wanted.read_text(encoding="utf-8")).items():
        point = shown.matrix_world @ shown.data.vertices[row].co
        seen = view3d_utils.location_3d_to_region_2d(region, region.data, point)
        places[name] = (
            None if seen is None else (round(window.x + region.x + seen.x), round(window.y + region.y + seen.y))
        )
    face, crossing = faces.face_or_none(mesh), _module("crossing")
    across = crossing.known(face) if face is not None and crossing is not None else None
    return {
        "picked": faces.said_of(mesh)[1],
        "places": places,
        "residual": None if across is None else across.overall,
        "reason": "" if across is None else across.reason,
    }


def _module(name: str) -> Any | None:
    """A module of the add-on, once it is installed and switched on, under whatever name Blender loaded it."""
    for package in bpy.context.preferences.addons.keys():  # noqa: SIM118 - Blender's collections hold things
        if package.endswith(LSF):
            return sys.modules.get(f"{package}.blender.{name}")
    return None


def _left() -> list[str]:
    """What the add-on keeps in the window just now, switched on or not: words, dots, timers."""
    places = {"drawing": "speaking", "operators": "_timers", "operators_picking": "_handle", "job_watch": "_running"}
    found = []
    for name, part in places.items():
        for module in (module for path, module in sys.modules.items() if path.endswith(f"{LSF}.blender.{name}")):
            kept = getattr(module, part)
            found += [f"{name} {thing}" for thing in (kept() if callable(kept) else kept)]
    return found


def _current() -> Any | None:
    jobs = _module("jobs")
    if jobs is None:
        return None
    if seen["timed"] is not jobs:
        seen["timed"] = jobs
        for owner, name in ((jobs, "start"), (jobs.Job, "step"), (jobs, "finish")):
            setattr(owner, name, _timed(name, getattr(owner, name)))
    return jobs.current()


def _timed(name: str, function: Any) -> Any:
    """The same function, the work of the main thread in it added up: what the add-on itself answers for."""

    def measured(*arguments: Any, **more: Any) -> Any:
        begun = time.thread_time()
        try:
            return function(*arguments, **more)
        finally:
            seen["own"][name] = seen["own"].get(name, 0.0) + time.thread_time() - begun

    return measured


def _run() -> dict[str, Any] | None:
    job = _current()
    return None if job is None else {"stage": job.status.stage, "share": round(job.status.share, 3)}


def _failure() -> str:
    failures = _module("failures")
    told = failures.last() if failures is not None else None
    return "" if told is None else str(told.sentence)


def _worker() -> dict[str, Any]:
    """What the preferences say of the worker's Python, and its set-up."""
    choice = _module("worker_choice")
    if choice is None or choice.preferences_of(bpy.context) is None:
        return {}
    preferences = choice.preferences_of(bpy.context)
    watch = _module("job_watch")
    job, last = watch.running("set_up"), watch.last("set_up")
    return {
        "source": preferences.source,
        "python": preferences.existing_python,
        "options": preferences.show_options,
        "wheels": preferences.wheels,
        "build_with": preferences.build_with,
        "ready": str(choice.worker_python(bpy.context) or ""),
        "why_not": choice.why_not_ready(bpy.context),
        "job": "" if job is None else f"{job.progress.stage} ({job.progress.share:.0%})",
        "failure": "" if last is None or last.error is None else str(last.error),
        "environments": sorted(path.name for path in _module("places").extension_folder().glob("worker/*")),
    }


begin()

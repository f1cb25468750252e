"""Buttons that get the worker ready: set up, check, cancel, look into the log, remove."""

import json
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from ..installing.environment import remove_environments
from ..jobs.client import RunningJob
from . import job_watch
from .failures import told_in_box
from .places import TOP_PACKAGE, extension_folder, log_file
from .translating import refuse, report
from .worker_choice import (
    INSPECT,
    SET_UP,
    chosen_python,
    look_again,
    own_environment,
    preferences_of,
    stamp_of,
)


def why_offline() -> str:
    """Why nothing may be fetched from the network; empty where it may."""
    if bpy.app.online_access:
        return ""
    if bpy.app.online_access_override:
        return "Blender was started in offline mode, which cannot be changed while it runs."
    return "Online access is off: allow it (Preferences > System > Network), or name a folder of wheels."


class LSF_OT_set_up_worker(bpy.types.Operator):  # noqa: N801 - Blender's naming
    """Make a Python of its own for the network, with PyTorch for this computer, in the extension's folder."""

    bl_idname = "lsf.set_up_worker"
    bl_description = (
        "Make a Python of its own for the network, with PyTorch for this computer, in the extension's folder. "
        "Takes minutes and, once, an internet connection; Blender stays usable meanwhile"
    )
    bl_label = "Set Up the Worker"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Not twice at once, and not without either network or wheels."""
        preferences = preferences_of(context)
        if preferences is None:
            refuse(cls, "The extension is not enabled in Blender's preferences")
        elif job_watch.running(SET_UP) is not None:
            refuse(cls, "The worker is being set up already")
        elif not preferences.wheels.strip() and why_offline():
            refuse(cls, why_offline())
        else:
            return True
        return False

    @told_in_box
    def execute(self, context: Any) -> None:
        """Start it."""
        preferences = context.preferences.addons[TOP_PACKAGE].preferences
        wheels, build_with = (
            bpy.path.abspath(words.strip()) if words.strip() else None
            for words in (preferences.wheels, preferences.build_with)
        )
        order = {
            "root": str(extension_folder()),
            "build": preferences.build,
            "wheels": wheels,
            "build_with": build_with,
            "lists": preferences.lists,
        }
        preferences.source = "OWN"
        job_watch.start(SET_UP, "set_up", order, _set_up_ended)


def _set_up_ended(_job: RunningJob) -> None:
    look_again()


class LSF_OT_check_python(bpy.types.Operator):  # noqa: N801
    """Find out in the background whether the chosen Python can run the network, by letting it move a face."""

    bl_idname = "lsf.check_python"
    bl_description = (
        "Find out in the background whether the chosen Python can run the network, by letting it move a face"
    )
    bl_label = "Check"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """One at a time, and there must be one."""
        preferences = preferences_of(context)
        if preferences is None or chosen_python(preferences) is None:
            refuse(cls, "Name a Python first")
        elif job_watch.running(INSPECT) is not None:
            refuse(cls, "A Python is being checked already")
        else:
            return True
        return False

    @told_in_box
    def execute(self, context: Any) -> None:
        """Start it."""
        check_chosen(context)


def check_chosen(context: Any) -> None:
    """Start checking the Python that is chosen.

    Raises:
        LsfError: one is being checked already, or it cannot be started.
    """
    preferences = preferences_of(context)
    chosen = chosen_python(preferences) if preferences is not None else None
    if preferences is None or chosen is None:
        return
    stamp = stamp_of(chosen)
    preferences.existing_verdict = ""

    def ended(job: RunningJob) -> None:
        now = preferences_of(bpy.context)
        if now is not None and job.result is not None:
            now.existing_verdict = json.dumps({**job.result, "stamp": stamp})
        look_again()

    job_watch.start(INSPECT, "inspect", {"python": str(chosen)}, ended)


class LSF_OT_cancel_job(bpy.types.Operator):  # noqa: N801
    """End this; what was downloaded is kept for the next time, and nothing half-made is used."""

    bl_idname = "lsf.cancel_job"
    bl_description = "End this; what was downloaded is kept for the next time, and nothing half-made is used"
    bl_label = "Cancel"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    slot: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, _context: Any) -> set[str]:
        """Ask it to end."""
        job = job_watch.running(self.slot)
        if job is None:
            return {"CANCELLED"}
        job.cancel()
        return {"FINISHED"}


class LSF_OT_open_log(bpy.types.Operator):  # noqa: N801
    """Everything that was said on the way, in the system's text editor."""

    bl_idname = "lsf.open_log"
    bl_description = "Everything that was said on the way, in the system's text editor"
    bl_label = "Log"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    slot: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, _context: Any) -> set[str]:
        """Open it."""
        path = log_file(Path(self.slot).name)
        if not path.is_file():
            report(self, "INFO", "Nothing has been logged yet.")
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=str(path))
        return {"FINISHED"}


class LSF_OT_remove_worker(bpy.types.Operator):  # noqa: N801
    """Delete the worker's Python and all its packages from this computer; it can be set up again at any time."""

    bl_idname = "lsf.remove_worker"
    bl_description = (
        "Delete the worker's Python and all its packages from this computer; it can be set up again at any time"
    )
    bl_label = "Remove the Worker"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """There must be one, and nobody at work on it."""
        if job_watch.running(SET_UP) is not None:
            refuse(cls, "The worker is being set up")
        elif own_environment() is None:
            refuse(cls, "There is none")
        else:
            return True
        return False

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask first."""
        asked: set[str] = context.window_manager.invoke_confirm(self, event)
        return asked

    def execute(self, _context: Any) -> set[str]:
        """Remove it."""
        remove_environments(extension_folder())
        look_again()
        return {"FINISHED"}


class LSF_OT_show_preferences(bpy.types.Operator):  # noqa: N801
    """Open this extension's preferences."""

    bl_idname = "lsf.show_preferences"
    bl_description = "Open this extension's preferences"
    bl_label = "Preferences"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, _context: Any) -> set[str]:
        """Open them."""
        bpy.ops.preferences.addon_show(module=TOP_PACKAGE)
        return {"FINISHED"}


CLASSES = (
    LSF_OT_set_up_worker,
    LSF_OT_check_python,
    LSF_OT_cancel_job,
    LSF_OT_open_log,
    LSF_OT_remove_worker,
    LSF_OT_show_preferences,
)

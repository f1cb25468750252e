"""Animate from Audio: planned at the click, stepped by a timer, baked in one undo step; Esc or Cancel ends it."""

from __future__ import annotations

import time
from typing import Any

import bpy

from ..errors import CancelledError, LsfError
from . import drawing, failures, jobs, orders, preferences
from .failures import told_in_panel
from .translating import refuse, report

TICK = 0.05
"""Seconds between two looks at the worker."""


_timers: list[Any] = []
"""What wakes the run under way, apart from the tool, which Blender throws away when the add-on is switched off."""


def stop() -> None:
    """Take away what a run keeps in the window: it is over, or the add-on goes in the midst of it."""
    while _timers:
        bpy.context.window_manager.event_timer_remove(_timers.pop())
    drawing.hush_below()
    drawing.panels()


class LSF_OT_animate(bpy.types.Operator):
    """Let the head speak the sound: lips, jaw, brows and feeling as keyframes"""

    bl_idname = "lsf.animate"
    bl_label = "Animate from Audio"
    bl_options = {"UNDO"}

    drawn = 0.0
    worked = 0.0

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether a run can begin; otherwise the reason is shown where the mouse rests."""
        why = why_not(context)
        if why:
            refuse(cls, why)
        return not why

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Begin, and let the window live on."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            jobs.start(context)
        except LsfError as error:
            return self._failed(error)
        _timers.append(context.window_manager.event_timer_add(TICK, window=context.window))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Do it all before returning, or end it when the worker hangs: for scripts."""
        try:
            job = jobs.start(context)
            while not job.over:
                job.step()
                job.end_if_hung()
                time.sleep(TICK / 5)
            jobs.finish(context)
        except LsfError as error:
            return self._failed(error)
        return {"FINISHED"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """One look at the worker; everything else passes on to the window."""
        job = jobs.current()
        if job is None:  # another file was loaded
            stop()
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
        elif event.type != "TIMER" or time.monotonic() - self.worked < TICK / 2:
            # tooltips and other add-ons have timers too, which all come here, several before the window is looked at
            return {"PASS_THROUGH"}
        job.step()
        self.worked = time.monotonic()
        if not job.over:
            self._show(context, job)
            return {"PASS_THROUGH"}
        stop()
        try:
            told = jobs.finish(context)
        except LsfError as error:
            return self._failed(error)
        report(self, "INFO", f"{told['keys']:,} keys on {told['channels']:d} channels in {told['seconds']:g} s")
        return {"FINISHED"}

    def cancel(self, _context: Any) -> None:
        """The window closes, or another file is loaded."""
        stop()
        jobs.drop()

    def _show(self, context: Any, job: jobs.Job) -> None:
        now = time.monotonic()
        if now - self.drawn < 2 * TICK:
            return
        self.drawn = now
        stage, share, left = job.status.stage, job.status.share, job.status.seconds_left
        words = f"{stage}: {share:.0%}   |   Esc: Cancel"
        if left is not None:
            words = f"{stage}: {share:.0%}, {left:.0f} s left   |   Esc: Cancel"
        drawing.say_below(context.workspace, words)
        drawing.panels()

    def _failed(self, error: LsfError) -> set[str]:
        if isinstance(error, CancelledError):
            report(self, "INFO", str(error))
        else:
            failures.tell(error, jobs.last_words())
            report(self, "WARNING", str(error))
        drawing.panels()
        return {"CANCELLED"}


class LSF_OT_cancel(bpy.types.Operator):
    """End the run; the scene stays as it was"""

    bl_idname = "lsf.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """Whether there is a run."""
        if jobs.current() is None:
            refuse(cls, "Nothing is being animated at the moment")
            return False
        return True

    def execute(self, _context: Any) -> set[str]:
        """Cancel it; the run's own operator sees it at its next look."""
        job = jobs.current()
        if job is not None:
            job.cancel()
        return {"FINISHED"}


class LSF_OT_bake_kept(bpy.types.Operator):
    """Bake what the network has made already, now that the reason against it is gone"""

    bl_idname = "lsf.bake_kept"
    bl_label = "Bake the Kept Prediction"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """Whether a prediction waits."""
        if jobs.unbaked() is None:
            refuse(cls, "No prediction is waiting to be baked")
            return False
        return True

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Bake it."""
        jobs.bake_kept(context)


class LSF_OT_dismiss(bpy.types.Operator):
    """Take the message away"""

    bl_idname = "lsf.dismiss"
    bl_label = "Dismiss"

    def execute(self, _context: Any) -> set[str]:
        """Forget it."""
        failures.forget()
        drawing.panels()
        return {"FINISHED"}


class LSF_OT_details(bpy.types.Operator):
    """Copy the details to the clipboard, for a report to the developers"""

    bl_idname = "lsf.details"
    bl_label = "Details"

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """Whether anything went wrong."""
        if failures.last() is None:
            refuse(cls, "Nothing went wrong")
            return False
        return True

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Show them."""
        return set(context.window_manager.invoke_props_dialog(self, width=600))

    def draw(self, _context: Any) -> None:
        """The details, line by line."""
        failure = failures.last()
        column = self.layout.column(align=True)
        for line in (failure.details.splitlines() if failure is not None else ())[-MOST_LINES:]:
            column.label(text=line, translate=False)
        self.layout.label(text="OK copies them to the clipboard.", icon="COPYDOWN")

    def execute(self, context: Any) -> set[str]:
        """Copy them."""
        failure = failures.last()
        if failure is not None:
            context.window_manager.clipboard = f"{failure.sentence}\n\n{failure.details}"
        return {"FINISHED"}


MOST_LINES = 24
CLASSES = (LSF_OT_animate, LSF_OT_cancel, LSF_OT_bake_kept, LSF_OT_dismiss, LSF_OT_details)


def why_not(context: Any) -> str:
    """Why a run cannot begin, in a sentence; empty when it can."""
    if jobs.current() is not None:
        return "A run is under way: wait for it, or cancel it."
    why = preferences.why_not_ready(context)
    if why:
        return why
    try:
        orders.looked_at(context)
    except LsfError as error:
        return str(error)
    return ""

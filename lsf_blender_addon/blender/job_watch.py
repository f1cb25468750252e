"""Jobs that run beside Blender, watched by a timer on the main thread, one of a name at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from ..errors import LsfError
from ..jobs.client import RunningJob
from . import drawing
from .places import log_file

POLL_SECONDS = 0.2

Ended = Callable[[RunningJob], None]
"""Called on the main thread, once, when a job has a result or an error."""

_running: dict[str, tuple[RunningJob, Ended]] = {}
_last: dict[str, RunningJob] = {}


def start(slot: str, job: str, order: dict[str, Any], ended: Ended) -> RunningJob:
    """Start a job.

    Args:
        slot: what it is for; there is one of each at a time.
        job: one of ``jobs.process.JOBS``.
        order: with what.
        ended: called when it has a result or an error.

    Raises:
        LsfError: one is running already, or it cannot be started.
    """
    if slot in _running:
        raise LsfError("This is being done already: wait for it, or cancel it.")
    started = RunningJob(job, order, log_file(slot))
    _running[slot] = (started, ended)
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=POLL_SECONDS, persistent=True)
    drawing.jobs()
    return started


def running(slot: str) -> RunningJob | None:
    """The job of a slot, while it runs."""
    return _running[slot][0] if slot in _running else None


def last(slot: str) -> RunningJob | None:
    """The job of a slot that ended last; None where none did since Blender started."""
    return _last.get(slot)


def forget(slot: str) -> None:
    """Say no more about the job that ended last."""
    _last.pop(slot, None)


def tick() -> float | None:
    """Look after the jobs; Blender's timer calls it. Returns the seconds until the next look, None when all is done."""
    for slot, (job, ended) in tuple(_running.items()):
        if job.poll():
            del _running[slot]
            _last[slot] = job
            ended(job)
    drawing.jobs()
    return POLL_SECONDS if _running else None


def stop_all() -> None:
    """End every job and watch no more: the extension is being switched off."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    for job, _ in _running.values():
        job.close()
    _running.clear()
    _last.clear()

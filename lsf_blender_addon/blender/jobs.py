"""The one run that may be under way: planned, stepped by a timer, cancelled, and at its end baked. Main thread only."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from ..errors import CancelledError, LsfError, SceneError, WorkerError
from ..worker.client import Worker
from . import crossing, failures, preferences
from .orders import Order, ordered
from .outcome import bake_takes
from .prediction import Predicted, Status, predicting

BREATH = 0.03
"""Seconds of work between two looks at the window's events."""

PATIENCE = 5.0
"""Seconds that a cancelled worker may take to answer before it is ended."""

SILENT = 60.0
"""Seconds without a word from the worker after which the panel says so."""

HUNG = 300.0
"""Seconds without a word after which a script's run is ended. Every layer of the network and every piece of sound is a
word; the longest silence seen of a worker that lives is the first import of torch from a cold disk, a minute."""


class Job:
    """A run under way."""

    def __init__(self, order: Order, worker: Worker) -> None:
        self.order = order
        self.status = Status("Starting", 0.0)
        self.predicted: Predicted | None = None
        self.error: LsfError | None = None
        self.changed = time.monotonic()
        self._worker = worker
        self._work: Generator[Status, None, Predicted] = predicting(order.wish, worker)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.predicted is not None or self.error is not None

    @property
    def silent(self) -> bool:
        """Whether so long nothing was heard of it that the person should know."""
        return not self.over and time.monotonic() - self.changed > SILENT

    def step(self, seconds: float = BREATH) -> None:
        """Work a little."""
        until = time.monotonic() + seconds
        stage = None
        while not self.over and time.monotonic() < until:
            try:
                status = next(self._work)
            except StopIteration as end:
                self.predicted = end.value
            except LsfError as error:
                self.error = error
            else:
                waiting = status == self.status and status.stage == stage
                if status != self.status:
                    self.changed = time.monotonic()
                self.status, stage = status, status.stage
                if waiting:
                    return  # the worker has said nothing new: no use in asking again at once

    def end_if_hung(self) -> None:
        """End it, and the worker, when nothing was heard for so long: a script has nobody to press Cancel."""
        if self.over or time.monotonic() - self.changed <= HUNG:
            return
        self.error = WorkerError(
            f"The network said nothing for {HUNG:g} s and was stopped; nothing was changed. Run it again: the next run "
            "starts a new one. If it happens again, choose a shorter strip."
        )
        self._work.close()
        self._worker.kill()

    def cancel(self) -> None:
        """End it; the worker is told, and is ended itself when it does not answer."""
        if self.over:
            return
        self.error = CancelledError("Cancelled; nothing was changed.")
        self._work.close()
        if self._worker.busy and not bpy.app.background:
            bpy.app.timers.register(_watch(self._worker), first_interval=0.2)


_current: list[Job] = []
_unbaked: list[tuple[Order, Predicted]] = []
_workers: dict[Path, Worker] = {}


def current() -> Job | None:
    """The run under way, or None."""
    return _current[0] if _current else None


def unbaked() -> Order | None:
    """What was predicted and could not be baked, kept until it is; None where there is nothing."""
    return _unbaked[0][0] if _unbaked else None


def start(context: Any) -> Job:
    """Plan a run and begin it.

    Raises:
        LsfError: something does not fit; nothing was begun.
    """
    if _current:
        raise SceneError("A run is under way: wait for it, or cancel it.")
    order = ordered(context)
    python = preferences.worker_python(context)
    if python is None:
        raise WorkerError(preferences.why_not_ready(context))
    failures.forget()
    _unbaked.clear()
    for other in [path for path in _workers if path != python]:
        _workers.pop(other).stop()
    worker = _workers.setdefault(python, Worker(python, background=not bpy.app.background))
    _current[:] = [Job(order, worker)]
    return _current[0]


def finish(context: Any) -> dict[str, Any]:
    """Bake what the run predicted, and let go of it.

    Returns:
        The report that the panel shows.

    Raises:
        LsfError: why there is nothing to bake, or why it cannot be baked; then the prediction is kept.
    """
    job = _current.pop()
    if job.error is not None or job.predicted is None:
        raise job.error or SceneError("The run is not over yet.")
    _unbaked[:] = [(job.order, job.predicted)]
    return bake_kept(context)


def bake_kept(context: Any) -> dict[str, Any]:
    """Bake what was predicted last; see :func:`finish`."""
    if not _unbaked:
        raise SceneError("No prediction is waiting to be baked.")
    order, predicted = _unbaked[0]
    report = bake_takes(context, order, predicted)
    _unbaked.clear()
    failures.forget()
    return report


def drop() -> None:
    """Forget the run and what it predicted: another file is loaded, or the add-on goes."""
    for job in _current:
        job.cancel()
    _current.clear()
    _unbaked.clear()
    failures.forget()
    crossing.forget()


def stop_workers() -> None:
    """End every worker process."""
    for worker in _workers.values():
        worker.stop()
    _workers.clear()


def last_words() -> str:
    """What the workers wrote to their standard error last."""
    return "\n".join(worker.last_words for worker in _workers.values())


def _watch(worker: Worker) -> Any:
    """A timer that ends a worker which does not answer to a cancellation."""
    until = time.monotonic() + PATIENCE

    def look() -> float | None:
        worker.poll()
        if not worker.busy or _current:
            return None
        if time.monotonic() > until:
            worker.kill()
            return None
        return 0.2

    return look

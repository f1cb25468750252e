"""A job, seen from Blender: started, polled from a timer, cancelled, never waited for."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import CancelledError, LsfError, WorkerError
from ..installing.interpreters import console_python
from ..worker.boot import command, end_with_children, surroundings
from ..worker.protocol import error_of, message_of
from .process import CANCEL

CANCEL_SECONDS = 10.0
"""After which a job that has not heard that it is cancelled is ended."""

CLEARING_SECONDS = 600.0
"""After which one that has is ended: ten thousand unpacked files are not removed in a moment."""

CLOSE_SECONDS = 3.0
LEAST_SHARE = 0.03
"""Below it, the time left is a guess not worth saying."""


@dataclass(frozen=True)
class JobProgress:
    """How far a job is: what it does, 0 to 1, seconds left where they can be told, and the last note."""

    stage: str
    share: float
    seconds_left: float | None
    note: str


class RunningJob:
    """One job in its process.

    Args:
        name: what to do, one of ``process.JOBS``.
        order: with what; JSON values.
        log: the file that everything said on the way goes into; replaced.

    Attributes:
        progress: how far it is.
        notes: what the person should know, in order.
        result: what came of it, once it is done.
        error: why nothing came of it, once it has failed or was cancelled.

    Raises:
        LsfError: it cannot be started.
    """

    def __init__(self, name: str, order: dict[str, Any], log: Path) -> None:
        self.name = name
        self.log = log
        self.progress = JobProgress("Starting", 0.0, None, "")
        self.notes: list[str] = []
        self.result: dict[str, Any] | None = None
        self.error: LsfError | None = None
        self._began = time.monotonic()
        self._cancelled = False
        self._last_moment: float | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        python = console_python()
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as words:
                self._process = subprocess.Popen(  # noqa: S603 - Blender's own Python, or this one
                    command(python, "jobs.process", name, json.dumps(order)),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=words,
                    env=surroundings(python),
                    start_new_session=os.name == "posix",
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as reason:
            raise WorkerError(f"{reason.filename or python} cannot be used ({reason.strerror}).") from reason
        self._reader = threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True)
        self._reader.start()
        # Blender may quit at any time: its end of the pipe closes, and the job ends itself and what it started.
        self._cleaning = weakref.finalize(self, _close, self._process)

    @property
    def ended(self) -> bool:
        """Whether there is a result or an error."""
        return self.result is not None or self.error is not None

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to end and has not yet."""
        return self._cancelled and not self.ended

    def cancel(self) -> None:
        """Ask it to end; ``error`` of kind ``cancelled`` follows."""
        if self.ended or self._cancelled:
            return
        self._cancelled = True
        self._last_moment = time.monotonic() + CANCEL_SECONDS
        with contextlib.suppress(OSError):  # it ended by itself: poll tells
            stdin = self._process.stdin
            if stdin is not None:
                stdin.write(CANCEL)
                stdin.flush()

    def poll(self) -> bool:
        """Take in what it said since the last call; never waits. Returns whether it is over and its process gone."""
        gone = self._process.poll() is not None
        if gone:
            self._reader.join(1.0)  # the pipe is at its end: what is left in it is read in no time
        while not self._lines.empty() and not self.ended:
            self._take(self._lines.get())
        if gone and not self.ended:
            words = f"The job ended without a word (code {self._process.returncode}); see the log."
            self.error = CancelledError("Cancelled.") if self._cancelled else WorkerError(words)
        if self.ended and self._cleaning.alive:
            self._cleaning()
            self._last_moment = time.monotonic() + CLOSE_SECONDS
        if not gone and self._last_moment is not None and time.monotonic() > self._last_moment:
            end_with_children(self._process)
        return gone and self.ended

    def wait(self, seconds: float) -> bool:
        """Poll until it has ended, or ``seconds`` are over; for scripts without a window. Returns whether it ended."""
        latest = time.monotonic() + seconds
        while not self.poll() and time.monotonic() < latest:
            time.sleep(0.05)
        return self.ended

    def close(self) -> None:
        """End it now and let nothing of it remain; takes seconds at most."""
        self.cancel()
        self._cleaning()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_SECONDS)
        if self._process.poll() is None:
            end_with_children(self._process)
            self._process.wait()
        self._reader.join(1.0)

    def _take(self, line: bytes) -> None:
        try:
            message = message_of(line)
            if message["event"] == "progress":
                self._advance(str(message["stage"]), float(message["share"]), str(message["note"]))
            elif message["event"] == "cancelling":
                self._last_moment = time.monotonic() + CLEARING_SECONDS
            elif message["event"] == "done":
                self.result = dict(message["result"])
            else:
                self.error = error_of(message["kind"], message["message"])
        except (LsfError, KeyError, TypeError, ValueError) as reason:
            self.error = WorkerError(f"The job said something that is not understood ({reason}); see the log.")

    def _advance(self, stage: str, share: float, note: str) -> None:
        if note:
            self.notes.append(note)
        passed = time.monotonic() - self._began
        left = passed * (1.0 - share) / share if share > LEAST_SHARE else None
        self.progress = JobProgress(stage, share, left, note or self.progress.note)


def _read(pipe: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in pipe:
            lines.put(line)


def _close(process: subprocess.Popen[bytes]) -> None:
    """Let go of a process: it ends by itself when its pipe closes."""
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()

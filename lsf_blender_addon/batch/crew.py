"""Several hands at the lines of a batch: who makes which, and what happens when one of them dies."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import WorkerError
from .hand import VOICE, Hand, Message
from .lines import Line, by_recording
from .results import Result

LINES_A_HAND = 500
"""After so many, a process makes room for a new one, whatever it has gathered."""

HOPELESS = 3
"""So many lines in a row from the very beginning whose worker failed: nothing will come of the others either."""

POLL_SECONDS = 0.5


@dataclass(eq=False)
class _Task:
    """A hand, what it has still to do of one recording, and the line that it is at."""

    hand: Hand
    lines: deque[Line]
    made: int = 0
    line: Line | None = None
    begun: float = 0.0


class Crew:
    """Makes lines with several processes at once.

    Args:
        hands: how many.
        on_result: told what came of each line, in the order in which they end.
        on_progress: told several times a second how far the lines at hand are: number → share.
    """

    def __init__(
        self,
        hands: int,
        on_result: Callable[[Result], None],
        on_progress: Callable[[dict[int, float]], None],
    ) -> None:
        self.hands = hands
        self.on_result = on_result
        self.on_progress = on_progress
        self._heard: queue.SimpleQueue[tuple[Hand, Message | None]] = queue.SimpleQueue()
        self._tasks: dict[Hand, _Task] = {}
        self._waiting: deque[list[Line]] = deque()
        self._shares: dict[int, float] = {}
        self._hopeless = 0

    def make(self, lines: list[Line]) -> None:
        """Make lines; those of one recording by one hand, one after the other.

        Raises:
            WorkerError: no process can be started, or the first lines all failed because there is no worker.
        """
        self._waiting = deque(by_recording(lines))
        try:
            for _ in range(min(self.hands, len(self._waiting))):
                self._hire(deque(self._waiting.popleft()))
            while self._tasks:
                try:
                    hand, message = self._heard.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    self.on_progress(self._shares)
                    continue
                if hand in self._tasks:
                    self._hear(self._tasks[hand], message)
        finally:
            for hand in list(self._tasks):
                hand.stop()
            self._tasks.clear()

    def _hire(self, lines: deque[Line]) -> None:
        hand = Hand(self._heard, self.hands)
        self._tasks[hand] = _Task(hand, lines)

    def _hear(self, task: _Task, message: Message | None) -> None:
        if message is None:
            self._buried(task)
        elif message[VOICE] == "ready":
            task.hand.ready = True
            self._next(task)
        elif message[VOICE] == "progress" and task.line is not None:
            self._shares[task.line.number] = float(message["share"])
            self.on_progress(self._shares)
        elif message[VOICE] in {"made", "failed"} and task.line is not None:
            line, task.line = task.line, None
            task.made += 1
            self._ended(_result(line, message, time.monotonic() - task.begun))
            self._next(task)

    def _next(self, task: _Task) -> None:
        if not task.lines and self._waiting:
            task.lines = deque(self._waiting.popleft())
        if not task.lines:
            del self._tasks[task.hand]
            task.hand.stop()
        elif task.made >= LINES_A_HAND:
            del self._tasks[task.hand]
            task.hand.stop()
            self._hire(task.lines)
        else:
            task.line, task.begun = task.lines.popleft(), time.monotonic()
            task.hand.give(task.line.words)

    def _buried(self, task: _Task) -> None:
        """A hand died: its line failed, the others of its recording go to a new one."""
        del self._tasks[task.hand]
        words = task.hand.last_words()
        if task.line is None:
            raise WorkerError(f"A process for the batch could not begin. {words}")
        self._ended(Result(task.line, time.monotonic() - task.begun, kind="crash", reason=words))
        if task.lines or self._waiting:
            self._hire(task.lines)

    def _ended(self, result: Result) -> None:
        self._shares.pop(result.line.number, None)
        self.on_result(result)
        if self._hopeless >= 0:
            self._hopeless = self._hopeless + 1 if result.kind == WorkerError.kind else -1
            if self._hopeless == HOPELESS:
                raise WorkerError(f"The first lines all failed for the same reason, so the batch ends: {result.reason}")


def _result(line: Line, message: Message, seconds: float) -> Result:
    if message[VOICE] == "failed":
        return Result(line, seconds, kind=str(message["kind"]), reason=str(message["reason"]))
    return Result(
        line, seconds, tuple(Path(name) for name in message["files"]), message["facts"], tuple(message["notes"])
    )

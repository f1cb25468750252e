"""A progress bar in a terminal, plain lines in a log."""

from __future__ import annotations

import shutil
import sys
from types import TracebackType
from typing import Self, TextIO

WIDTH = 28
QUARTER = 25


class Bar:
    """Shows stage, share and time left on standard error; in a log, one line a stage and every quarter."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.live = self.stream.isatty()
        self.shown = ""
        self.quarter = (0, "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def at(self, stage: str, share: float, seconds_left: float | None = None) -> None:
        """Show that ``stage`` is reached and ``share`` (0 to 1) of the work is done."""
        percent = int(100 * min(max(share, 0.0), 1.0))
        left = f", {_spoken(seconds_left)} left" if seconds_left is not None else ""
        if self.live:
            done = WIDTH * percent // 100
            text = f"{stage:<18} [{'#' * done}{'.' * (WIDTH - done)}] {percent:3d} %{left}"
            text = text[: shutil.get_terminal_size().columns - 1]
            self.stream.write("\r" + text.ljust(len(self.shown)))
            self.shown = text
        else:
            now = (percent // QUARTER, stage)
            if now == self.quarter:
                return
            self.quarter = now
            self.stream.write(f"{stage}: {percent} %{left}\n")
        self.stream.flush()

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self.clear()
        self.stream.write(sentence + "\n")
        self.stream.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self.shown:
            self.stream.write("\r" + " " * len(self.shown) + "\r")
            self.stream.flush()
            self.shown = ""


def _spoken(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - below, seconds are said as such
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min"

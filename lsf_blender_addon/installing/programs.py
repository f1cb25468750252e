"""Another program, run to its end: its words go to the log, Cancel ends it and what it started."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Watch = Callable[[], None]
"""Called five times a second while the program runs; what it raises ends the program."""

WATCH_SECONDS = 0.2


@dataclass(frozen=True)
class Ended:
    """How a program ended (0 is well, None is too slow), and everything that it said."""

    status: int | None
    words: str

    @property
    def last_line(self) -> str:
        """The last thing it said."""
        return next((line.strip() for line in reversed(self.words.splitlines()) if line.strip()), "nothing")


def run(
    command: Sequence[str | Path], watch: Watch, environment: dict[str, str], seconds: float | None = None
) -> Ended:
    """Run a program.

    Args:
        command: its words.
        watch: called while it runs.
        environment: what it sees of the surroundings.
        seconds: after which it is ended; None waits for ever.

    Raises:
        OSError: it cannot be started.
    """
    process = subprocess.Popen(  # noqa: S603 - a Python that the person chose or that this package made
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=os.name == "posix",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    latest = None if seconds is None else time.monotonic() + seconds
    try:
        while process.poll() is None:
            watch()
            if latest is not None and time.monotonic() > latest:
                _end(process)
                return Ended(None, _words(reader, lines))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(WATCH_SECONDS)
    finally:
        _end(process)
    return Ended(process.returncode, _words(reader, lines))


def _words(reader: threading.Thread, lines: queue.SimpleQueue[str]) -> str:
    reader.join(1.0)  # a grandchild may hold the pipe open for longer than anybody wants to wait
    said = []
    while not lines.empty():
        said.append(lines.get())
    return "".join(said)


def _read(pipe: IO[bytes], lines: queue.SimpleQueue[str]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in pipe:
            words = line.decode("utf-8", "replace")
            lines.put(words)
            sys.stderr.write(words)
            sys.stderr.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()

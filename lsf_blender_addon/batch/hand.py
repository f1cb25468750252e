"""The process that makes lines, one after the other, and the talk with it: JSON lines over pipes.

A batch makes its lines in such processes rather than in its own: when Blender crashes over one of them, that line has
failed and the others go on; and what Blender's process gathers over hundreds of lines ends with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ..errors import CancelledError, LsfError, WorkerError
from ..worker.boot import PACKAGE, surroundings

VOICE = "lsf-hand"
"""The key that tells a message from whatever else is printed to the same pipe."""

BOOT = """
import importlib.util, sys
folder = {folder!r}
spec = importlib.util.spec_from_file_location("lsf_blender_addon", folder + "/__init__.py",
                                              submodule_search_locations=[folder])
package = importlib.util.module_from_spec(spec)
sys.modules["lsf_blender_addon"] = package
spec.loader.exec_module(package)
from lsf_blender_addon.cli import lend_a_hand
lend_a_hand()
"""
"""Loads this very package, under its own name, without putting its neighbours on the path."""

THREADS_VARIABLE = "OMP_NUM_THREADS"
REPORT_SECONDS = 0.2
STOP_SECONDS = 5.0
LAST_LINES = 20

Message = dict[str, Any]
Make = Callable[[list[str], Callable[[str, float], None]], Message]
"""Words of ``lsf animate`` and whom to tell the stage and the share → what was made."""


def command() -> list[str]:
    """What starts a process like this one: Blender's program inside Blender, Python outside."""
    boot = BOOT.format(folder=str(PACKAGE))
    blender = sys.modules.get("bpy")
    if blender is not None and blender.app.binary_path:
        return [blender.app.binary_path, "--background", "--factory-startup", "--python-expr", boot]
    return [sys.executable, "-c", boot]


def _environment(hands: int) -> dict[str, str]:
    own = surroundings(Path(sys.executable))
    return own if hands == 1 else {THREADS_VARIABLE: str(max(1, (os.cpu_count() or 1) // hands)), **own}


def serve(make: Make) -> None:
    """Make lines until nobody asks any more; runs in the process itself."""
    # what Blender and libraries print must not reach the pipe that messages go through
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, asked), daemon=True).start()

    def say(event: str, **values: Any) -> None:
        outgoing.write(json.dumps({VOICE: event, **values}).encode() + b"\n")
        outgoing.flush()

    say("ready")
    while True:
        words = json.loads(asked.get())
        told = 0.0

        def report(stage: str, share: float) -> None:
            nonlocal told
            if time.monotonic() - told >= REPORT_SECONDS:
                told = time.monotonic()
                say("progress", stage=stage, share=share)

        try:
            say("made", **make(words, report))
        except CancelledError:
            raise
        except LsfError as error:
            say("failed", kind=error.kind, reason=str(error))
        except Exception as error:  # noqa: BLE001 - a defect in one line must not end the others
            say("failed", kind="defect", reason=f"This is a defect of the add-on: {error!r}")


def _listen(incoming: IO[bytes], asked: queue.SimpleQueue[bytes]) -> None:
    while line := incoming.readline():
        asked.put(line)
    # nobody is left to make it for; what is half written is no file yet
    os._exit(0)


class Hand:
    """A process that makes lines, seen from the batch.

    Args:
        heard: where its messages go, as (hand, message); None for the message is its end.
        neighbours: how many hands there are; each computes with its part of the processors, unless the person says how
            many threads there are to be (``OMP_NUM_THREADS``): more threads than processors wait for each other.
    """

    def __init__(self, heard: queue.SimpleQueue[tuple[Hand, Message | None]], neighbours: int = 1) -> None:
        self.ready = False
        self._words: deque[str] = deque(maxlen=LAST_LINES)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(neighbours),
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as reason:
            raise WorkerError(f"Another process cannot be started ({reason.strerror or reason}).") from reason
        self._threads = [
            threading.Thread(target=self._hear, args=(heard,), daemon=True),
            threading.Thread(target=self._read_words, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def give(self, words: tuple[str, ...]) -> None:
        """Ask for a line; its end comes as a message."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it died: that comes as a message too
                self._process.stdin.write(json.dumps(list(words)).encode() + b"\n")
                self._process.stdin.flush()

    def last_words(self) -> str:
        """How it ended, in a sentence."""
        code = self._process.wait()
        self._threads[1].join(STOP_SECONDS)
        said = next((words for words in reversed(self._words) if words.strip()), "")
        how = f"signal {-code}" if code < 0 else f"code {code}"
        return f"The process that made it ended ({how})." + (f" Its last words: {said.strip()}" if said else "")

    def stop(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _hear(self, heard: queue.SimpleQueue[tuple[Hand, Message | None]]) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue
                if isinstance(message, dict) and VOICE in message:
                    heard.put((self, message))
        heard.put((self, None))

    def _read_words(self) -> None:
        if self._process.stderr is not None:
            for line in self._process.stderr:
                self._words.append(line.decode("utf-8", "replace").rstrip())

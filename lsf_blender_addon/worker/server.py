"""The worker process: reads requests from its standard input until that closes, answers on its standard output.

``python -m lsf_blender_addon.worker.server FOLDER [background]``; FOLDER is where arrays pass, and is removed at
the end.
"""

from __future__ import annotations

import os
import platform
import queue
import shutil
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from .. import __version__
from ..errors import CancelledError, LsfError, WorkerError
from .protocol import BACKGROUND, LONGEST_LINE, PROTOCOL, line_of, message_of, request_of
from .room import require_room

REPORT_INTERVAL = 0.1
LEAST_SHARE = 0.03
"""Below it, the time left is a guess not worth saying."""

EXIT_UNUSABLE = 3
MAKING_WAY = 5
"""How nice a worker in the background is: on a full processor a window gets three times as much of each core, and on an
idle one nothing is lost."""


class Server:
    """Answers one request after the other; another thread only moves lines from the pipe to a queue."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO, folder: Path) -> None:
        self.outgoing = outgoing
        self.folder = folder
        self.lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.waiting: list[dict[str, Any]] = []
        self.cancelled: set[int] = set()
        threading.Thread(target=self._read, args=(incoming,), daemon=True).start()

    def _read(self, incoming: BinaryIO) -> None:
        while line := incoming.readline(LONGEST_LINE):
            self.lines.put(line)
        # Nobody is left to answer to: not even a running computation is worth finishing.
        shutil.rmtree(self.folder, ignore_errors=True)
        os._exit(0)

    def say(self, event: str, **values: Any) -> None:
        """Send one message."""
        self.outgoing.write(line_of({"event": event, **values}))
        self.outgoing.flush()

    def serve(self) -> int:
        """Answer until asked to stop; returns the exit status."""
        self.say("hello", protocol=PROTOCOL, version=__version__, python=platform.python_version(), pid=os.getpid())
        try:
            require_room()
            from . import devices  # noqa: PLC0415 - torch takes seconds to load; hello does not wait for it
            from .runtime import Runtime  # noqa: PLC0415
        except ImportError as reason:
            self.say("unusable", message=_lacking(reason))
            return EXIT_UNUSABLE
        except WorkerError as error:
            self.say("unusable", message=str(error))
            return EXIT_UNUSABLE
        runtime = Runtime()
        self.say("ready", devices=devices.available(), precision=_precision_words(devices))
        while True:
            message = self.waiting.pop(0) if self.waiting else message_of(self.lines.get())
            if message.get("do") == "stop":
                return 0
            if message.get("do") == "cancel":
                continue
            number = int(message.get("id", 0))
            try:
                self.say("done", id=number, **self._answer(message, number, runtime))
            except LsfError as error:
                self.say("failed", id=number, kind=error.kind, message=str(error))
            except ImportError as reason:  # what only some models need is loaded with them
                self.say("failed", id=number, kind=WorkerError.kind, message=_lacking(reason))
            except Exception as error:  # noqa: BLE001 - whatever it is, the person hears of it and the worker lives on
                traceback.print_exc()
                words = f"The worker failed in a way it did not foresee ({type(error).__name__}: {error})."
                self.say("failed", id=number, kind=WorkerError.kind, message=words)

    def _answer(self, message: dict[str, Any], number: int, runtime: Any) -> dict[str, Any]:
        if message.get("do") != "predict":
            raise WorkerError(f"The worker does not know how to do {message.get('do')!r}.")
        if number in self.cancelled:
            raise CancelledError("Cancelled before it began.")
        report = Reporter(self, number)
        motions = runtime.predict(request_of(message.get("request", {}), self.folder), report)
        names = []
        for take, motion in enumerate(motions):
            names.append(f"motion_{number}_{take}.npz")
            motion.save(self.folder / names[-1])
        counted = {"loads": runtime.loads, "hearings": runtime.hearings}
        return {"motions": names, **counted, "seconds": time.monotonic() - report.began}

    def cancels(self, number: int) -> bool:
        """Whether a request is cancelled; what else came in meanwhile waits."""
        while not self.lines.empty():
            message = message_of(self.lines.get())
            if message.get("do") == "cancel":
                self.cancelled.add(int(message.get("id", 0)))
            elif message.get("do") == "stop":
                self.waiting.insert(0, message)
                self.cancelled.add(number)
            else:
                self.waiting.append(message)
        return number in self.cancelled


class Reporter:
    """Tells the client how far a request is, ten times a second at most, and stops the work when it is cancelled."""

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.number = number
        self.began = self.last = time.monotonic()
        self.stage = ""
        self.since: tuple[float, float] | None = None

    def __call__(self, stage: str, share: float, note: str) -> None:
        """One step on.

        Raises:
            CancelledError: the person cancelled.
        """
        if self.server.cancels(self.number):
            raise CancelledError("Cancelled; nothing was changed.")
        now = time.monotonic()
        if self.since is None or share < self.since[1]:
            self.since = (now, share)
        if stage == self.stage and not note and now - self.last < REPORT_INTERVAL:
            return
        self.last, self.stage = now, stage
        begun, first = self.since
        done = share - first
        left = (now - begun) * (1.0 - share) / done if done > LEAST_SHARE else None
        self.server.say("progress", id=self.number, stage=stage, share=share, left=left, note=note)


def _lacking(reason: ImportError) -> str:
    return f"The Python at {sys.executable} lacks what the worker needs ({reason}); install torch and the rest."


def _precision_words(devices: Any) -> str:
    device = devices.choose("auto")
    return str(devices.precision_of(device, "auto")).removeprefix("torch.")


def main(arguments: list[str]) -> int:
    """Run the worker; ``arguments`` hold the folder, and whether it makes way for others."""
    # What libraries print must not reach the pipe that messages go through.
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    folder = Path(arguments[0])
    if BACKGROUND in arguments[1:] and os.name == "posix":  # Windows is told where the process is created
        os.nice(MAKING_WAY)
    try:
        return Server(sys.stdin.buffer, outgoing, folder).serve()
    except BrokenPipeError:
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

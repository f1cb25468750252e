"""One job in a process of its own: JSON lines on standard output, its log on standard error.

It ends when it is done, when ``cancel`` comes in on its standard input, or when that closes because Blender is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import CancelledError, LsfError
from ..installing.inspection import inspect
from ..installing.requirements import worker_requirements
from ..installing.set_up import SetUpOrder, set_up

REPORT_INTERVAL = 0.1
CANCEL = b"cancel\n"

Tell = Callable[[str, float, str], None]
Job = Callable[[dict[str, Any], Tell], dict[str, Any]]


def set_up_worker(order: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Make the worker's Python; see ``installing.set_up``."""
    wheels, build_with = _path(order["wheels"]), _path(order["build_with"])
    made = set_up(SetUpOrder(Path(order["root"]), order["build"], wheels, build_with, order["lists"]), tell)
    return {"python": str(made.python), "words": made.inspection.words}


def inspect_python(order: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Find out whether a Python can be the worker's; see ``installing.inspection``."""
    tell("Trying it out", 0.0, "")
    found = inspect(Path(order["python"]), worker_requirements(), lambda: tell("Trying it out", 0.5, ""))
    return {**asdict(found), "words": found.words}


def import_model(order: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Turn a checkpoint, or take in a model's folder; see ``models.arrival``."""
    from ..models.arrival import take_in  # noqa: PLC0415 - numpy, which setting up lives without

    card = take_in(Path(order["source"]), Path(order["folder"]), tell, prior=_path(order["prior"]))
    return {"name": card.name, "title": card.title, "folder": order["folder"]}


def fetch_model(order: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Fetch a model of the registry; see ``models.arrival``."""
    from ..models.arrival import fetch  # noqa: PLC0415
    from ..models.registry import entry_of  # noqa: PLC0415

    card = fetch(entry_of(Path(order["registry"]), order["name"]), Path(order["models"]), tell)
    return {"name": card.name, "title": card.title}


JOBS: dict[str, Job] = {
    "set_up": set_up_worker,
    "inspect": inspect_python,
    "import": import_model,
    "fetch": fetch_model,
}


class Reporter:
    """Says how far a job is, ten times a second at most, and ends it when that was asked for."""

    def __init__(self, outgoing: BinaryIO) -> None:
        self.outgoing = outgoing
        self.cancelled = threading.Event()
        self.stage = ""
        self.last = 0.0

    def say(self, event: str, **values: Any) -> None:
        """Send one message."""
        line = json.dumps({"event": event, **values}, separators=(",", ":"))
        with contextlib.suppress(BrokenPipeError):  # Blender is gone: ``_listen`` ends the job
            self.outgoing.write(line.encode() + b"\n")
            self.outgoing.flush()

    def tell(self, stage: str, share: float, note: str) -> None:
        """One step on.

        Raises:
            CancelledError: the person cancelled.
        """
        if self.cancelled.is_set():
            self.say("cancelling")
            raise CancelledError("Cancelled.")
        now = time.monotonic()
        if stage == self.stage and not note and now - self.last < REPORT_INTERVAL:
            return
        if note or stage.partition(" (")[0] != self.stage.partition(" (")[0]:
            print(f"{time.strftime('%H:%M:%S')}  {stage}{f': {note}' if note else ''}", file=sys.stderr, flush=True)
        self.stage, self.last = stage, now
        self.say("progress", stage=stage, share=share, note=note)


def main(arguments: list[str]) -> int:
    """Do one job; ``arguments`` are its name and its order as JSON.

    Returns:
        0 whatever came of it: the last message says that.
    """
    # What libraries and other programs print must not reach the pipe that messages go through.
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    reporter = Reporter(outgoing)
    threading.Thread(target=_listen, args=(sys.stdin.fileno(), reporter.cancelled), daemon=True).start()
    name, order = arguments
    try:
        reporter.say("done", result=JOBS[name](json.loads(order), reporter.tell))
    except LsfError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        reporter.say("failed", kind=error.kind, message=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the person hears of it
        traceback.print_exc()
        reporter.say("failed", kind=LsfError.kind, message=f"Unforeseen: {type(error).__name__}: {error}. See the log.")
    return 0


def _listen(incoming: int, cancelled: threading.Event) -> None:
    """Wait for ``cancel``, or for the end of the pipe: then nobody is left to work for.

    Past Python's buffers, whose lock a thread that still waits would hold while the process ends.
    """
    os.read(incoming, len(CANCEL))
    cancelled.set()


def _path(words: str | None) -> Path | None:
    return Path(words) if words else None

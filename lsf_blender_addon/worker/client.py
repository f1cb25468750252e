"""The worker, seen from Blender or the command line: started, asked, polled, cancelled, stopped (no torch).

Blocking: ``with Worker() as worker: motions = worker.predict(request, on_progress)``. From a timer: ``number =
worker.submit(request)``, then ``worker.poll()`` until a ``Done`` or ``Failed`` of that number comes.
"""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..errors import CancelledError, LsfError, WorkerError
from ..motion import FaceMotion
from .boot import command, end_with_children, surroundings
from .protocol import (
    BACKGROUND,
    LONGEST_LINE,
    PROTOCOL,
    PredictRequest,
    Progress,
    error_of,
    inside,
    line_of,
    message_of,
    request_to_message,
)

PYTHON_VARIABLE = "LSF_WORKER_PYTHON"
START_SECONDS = 120.0
STOP_SECONDS = 3.0
CANCEL_SECONDS = 20.0
POLL_SECONDS = 0.1
LAST_LINES = 40


@dataclass(frozen=True)
class Ready:
    """The worker has loaded torch: which devices it has, best first, and the precision of the best."""

    devices: tuple[str, ...]
    precision: str
    version: str


@dataclass(frozen=True, eq=False)
class Done:
    """A request is answered: one motion a take.

    ``loads`` counts the models loaded since the worker began, ``hearings`` the stretches of recordings that went
    through a speech encoder.
    """

    request: int
    motions: list[FaceMotion]
    seconds: float
    loads: int
    hearings: int


@dataclass(frozen=True, eq=False)
class Failed:
    """A request failed, was cancelled, or its worker died; ``error`` is of the kind that says which."""

    request: int
    error: LsfError


Event = Ready | Progress | Done | Failed


def worker_python(python: Path | None = None) -> Path:
    """The Python that runs the worker: the one given, ``LSF_WORKER_PYTHON``, or outside Blender this one.

    Raises:
        WorkerError: none is given inside Blender, or what is given is no file.
    """
    named = python or (Path(os.environ[PYTHON_VARIABLE]) if os.environ.get(PYTHON_VARIABLE) else None)
    if named is None:
        blender = sys.modules.get("bpy")
        if blender is not None and blender.app.binary_path:
            raise WorkerError("Choose the Python that has torch in the preferences, or set LSF_WORKER_PYTHON.")
        return Path(sys.executable)
    if not named.is_file():
        raise WorkerError(f"The worker's Python {named} does not exist; choose another in the preferences.")
    return named


class Worker:
    """One worker process; starts when first needed, stays warm, is replaced when it died.

    Args:
        python: the interpreter that has torch; see ``worker_python``.
        background: whether it makes way for whatever else wants the processor, such as a window that is drawn.
    """

    def __init__(self, python: Path | None = None, *, background: bool = False) -> None:
        self.python = python
        self.background = background
        self.ready: Ready | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path()
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._arrived = threading.Event()
        self._asked: queue.SimpleQueue[Callable[[], bytes] | None] = queue.SimpleQueue()
        self._words: deque[str] = deque(maxlen=LAST_LINES)
        self._threads: list[threading.Thread] = []
        self._pending: set[int] = set()
        self._kept: deque[Event] = deque()
        self._number = 0
        self._version = ""
        self._cleaning: weakref.finalize[..., Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process's number, while it runs."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def busy(self) -> bool:
        """Whether something that was asked is not answered yet."""
        return bool(self._pending)

    @property
    def last_words(self) -> str:
        """What the worker wrote to its standard error last."""
        return "\n".join(self._words)

    def start(self) -> None:
        """Start the process unless it runs; does not wait for it.

        Raises:
            WorkerError: there is no such Python, or it cannot be started.
        """
        if self.alive:
            return
        self._kept.extend(self.poll())
        self.stop()
        python = worker_python(self.python)
        self._folder = Path(tempfile.mkdtemp(prefix="lsf_worker_"))
        words = command(python, "worker.server", self._folder, *([BACKGROUND] if self.background else []))
        try:
            process = subprocess.Popen(  # noqa: S603 - the person's own Python
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(python),
                start_new_session=os.name == "posix",
                creationflags=_windows_flags(background=self.background),
            )
        except OSError as reason:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise WorkerError(f"The worker cannot be started with {python} ({reason.strerror}).") from reason
        self._process = process
        self._lines, self._asked = queue.SimpleQueue(), queue.SimpleQueue()
        self._words.clear()
        self._threads = [
            threading.Thread(target=_read_lines, args=(process.stdout, self._lines, self._arrived), daemon=True),
            threading.Thread(target=_read_words, args=(process.stderr, self._words), daemon=True),
            threading.Thread(target=_write, args=(process.stdin, self._asked), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._cleaning = weakref.finalize(self, _clean, process, self._folder)

    def submit(self, request: PredictRequest) -> int:
        """Ask for a prediction and return at once, with the number that its events will carry.

        Samples are handed over by a thread, since those of a long recording take a moment to write; where they cannot
        be, a ``Failed`` says so.

        Raises:
            WorkerError: the worker cannot be started.
        """
        self.start()
        self._number += 1
        self._asked.put(functools.partial(_asking, request, self._number, self._folder, self._lines, self._arrived))
        self._pending.add(self._number)
        return self._number

    def cancel(self, number: int) -> None:
        """Ask to end a request; its ``Failed`` of kind ``cancelled`` follows, unless it was done already."""
        self._asked.put(functools.partial(line_of, {"do": "cancel", "id": number}))

    def poll(self) -> list[Event]:
        """Everything that happened since the last call; never waits."""
        events = list(self._kept)
        self._kept.clear()
        ended = self._process is not None and not self.alive
        if ended and self._process is not None:
            end_with_children(self._process)
            for thread in self._threads[:2]:
                thread.join(STOP_SECONDS)  # the pipes are at their end: what is left in them is read in no time
        while not self._lines.empty():
            try:
                events += self._event(message_of(self._lines.get()))
            except (LsfError, KeyError, TypeError, ValueError, OSError) as reason:
                words = f"The worker broke the protocol ({reason!r})."
                events += self._fail_all(reason if isinstance(reason, LsfError) else WorkerError(words))
                self.kill()  # what does not speak like a worker would not understand to be asked either
        if ended and (self._pending or self.ready is None):
            events += self._fail_all(self._death())
        if ended:
            self.stop()
        return events

    def predict(
        self,
        request: PredictRequest,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[FaceMotion]:
        """Ask for a prediction and wait for it.

        Args:
            request: what to make.
            on_progress: called on this thread, several times a second.
            cancelled: asked ten times a second; True ends the work.

        Returns:
            One motion a take.

        Raises:
            LsfError: of the class that says what happened: audio, model, device, worker, cancelled.
        """
        number, asked = self.submit(request), 0.0
        try:
            while True:
                for event in self._waited():
                    if isinstance(event, Progress) and event.request == number and on_progress is not None:
                        on_progress(event)
                    if isinstance(event, Done) and event.request == number:
                        return event.motions
                    if isinstance(event, Failed) and event.request == number:
                        raise event.error
                if cancelled is not None and not asked and cancelled():
                    asked = time.monotonic()
                    self.cancel(number)
                if asked and time.monotonic() - asked > CANCEL_SECONDS:
                    self.stop()
                    raise CancelledError("Cancelled; the worker did not answer and was stopped.")
        except KeyboardInterrupt:
            self.stop()
            raise

    def wait_ready(self, seconds: float = START_SECONDS) -> Ready:
        """Start the worker and wait until torch is loaded.

        Raises:
            WorkerError: it died, its Python lacks torch, or it took longer than ``seconds``.
        """
        self.start()
        latest = time.monotonic() + seconds
        while self.ready is None:
            for event in self._waited():
                if isinstance(event, Failed) and not event.request:
                    raise event.error
                self._kept.append(event)
            if time.monotonic() > latest:
                self.stop()
                late = f"The worker was not ready after {seconds:g} s."
                said = self._said()
                raise WorkerError(f"The worker was not ready after {seconds:g} s. {said}" if said else late)
        return self.ready

    def stop(self) -> None:
        """End the process: ask, then terminate, then kill; its folder goes with it. Pending requests are forgotten."""
        process, self._process = self._process, None
        self._pending.clear()
        self.ready = None
        if process is None:
            return
        self._asked.put(functools.partial(line_of, {"do": "stop"}))
        self._asked.put(None)
        for harder in (None, process.terminate, process.kill):
            if harder is not None:
                harder()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
                break
        end_with_children(process)
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        if self._cleaning is not None:
            self._cleaning()

    def kill(self) -> None:
        """End the process at once, without asking: for one that does not answer."""
        if self._process is not None:
            end_with_children(self._process)
        self.stop()

    def _waited(self) -> list[Event]:
        """``poll``, as soon as a line comes or after a tenth of a second."""
        self._arrived.wait(POLL_SECONDS)
        self._arrived.clear()
        return self.poll()

    def _event(self, message: dict[str, Any]) -> list[Event]:
        kind, number = message.get("event"), int(message.get("id", 0))
        if kind == "hello":
            if message.get("protocol") != PROTOCOL:
                raise WorkerError("The worker is of another version of the add-on; install both again.")
            self._version = str(message.get("version"))
            return []
        if kind == "ready":
            self.ready = Ready(tuple(message["devices"]), str(message["precision"]), self._version)
            return [self.ready]
        if kind == "unusable":
            return self._fail_all(WorkerError(str(message.get("message"))))
        return [self._answer(kind, number, message)] if number in self._pending else []

    def _answer(self, kind: object, number: int, message: dict[str, Any]) -> Event:
        """What a message says about the pending request ``number``."""
        if kind == "progress":
            left = message.get("left")
            return Progress(number, str(message["stage"]), float(message["share"]), left, str(message["note"]))
        self._pending.discard(number)
        if kind == "failed":
            return Failed(number, error_of(message.get("kind"), message.get("message")))
        motions = []
        for name in message["motions"]:
            path = inside(self._folder, name)
            motions.append(FaceMotion.load(path))
            path.unlink()
        return Done(number, motions, float(message["seconds"]), int(message["loads"]), int(message["hearings"]))

    def _fail_all(self, error: LsfError) -> list[Event]:
        """Every pending request fails with ``error``; number 0 stands for the start itself."""
        failed: list[Event] = [Failed(number, error) for number in sorted(self._pending or {0})]
        self._pending.clear()
        return failed

    def _death(self) -> WorkerError:
        code = self._process.returncode if self._process is not None else 0
        cause = f"code {code}"
        if code < 0 and -code in {number.value for number in signal.Signals}:
            cause = signal.Signals(-code).name
        said = self._said()
        return WorkerError(f"The worker died ({cause}). {said}" if said else f"The worker died ({cause}).")

    def _said(self) -> str:
        last = next((line for line in reversed(self._words) if line.strip()), "")
        return f"Its last words: {last.strip()}" if last else ""


def _windows_flags(*, background: bool) -> int:
    """How a process is created on Windows; 0 elsewhere, where the worker lowers its priority itself."""
    priority = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) if background else 0
    return int(getattr(subprocess, "CREATE_NO_WINDOW", 0) | priority)


def _environment(python: Path) -> dict[str, str]:
    """The worker's surroundings: no other interpreter's Python settings, never a look at the network."""
    return {
        **surroundings(python),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "PYTORCH_ENABLE_MPS_FALLBACK": "1",
    }


def _read_lines(pipe: IO[bytes], lines: queue.SimpleQueue[bytes], arrived: threading.Event) -> None:
    with contextlib.suppress(ValueError, OSError):  # closed under it while stopping
        while line := pipe.readline(LONGEST_LINE):
            lines.put(line)
            arrived.set()
    arrived.set()


def _read_words(pipe: IO[bytes], words: deque[str]) -> None:
    with contextlib.suppress(ValueError, OSError):
        while line := pipe.readline(LONGEST_LINE):
            words.append(line.decode("utf-8", "replace").rstrip())


def _write(pipe: IO[bytes], asked: queue.SimpleQueue[Callable[[], bytes] | None]) -> None:
    with contextlib.suppress(OSError):  # the process died: poll tells
        while (line := asked.get()) is not None:
            pipe.write(line())
            pipe.flush()
    with contextlib.suppress(OSError):  # closed all the same, without what could not be written
        pipe.close()


def _asking(
    request: PredictRequest, number: int, folder: Path, lines: queue.SimpleQueue[bytes], arrived: threading.Event
) -> bytes:
    """The line that asks for a prediction; nothing where the samples cannot be handed over, which is answered here."""
    try:
        return line_of(request_to_message(request, number, folder))
    except WorkerError as error:
        lines.put(line_of({"event": "failed", "id": number, "kind": error.kind, "message": str(error)}))
        arrived.set()
        return b""


def _clean(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.poll() is None:
        end_with_children(process)
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)

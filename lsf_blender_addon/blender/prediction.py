"""From strips to motions, step by step: read the sound, ask the worker. Touches no scene."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from ..errors import CancelledError, DeviceError, LsfError
from ..motion import FaceMotion
from ..worker.client import Done, Failed, Worker
from ..worker.protocol import PredictRequest, Progress
from .kept import packing
from .sound import heard
from .strips import Recording

READING = 0.1
"""The part of the whole time that reading sound takes."""

STARTING = "Starting the network"


@dataclass(frozen=True)
class Wish:
    """What to make of strips.

    Attributes:
        recordings: what is heard, one line each.
        model: the model's folder.
        takes: how many performances.
        seed: of the chance.
        temperature: how bold; the model's own where None.
        shape: 300 identity coefficients; the mean face where None.
        feeling: how much of the feeling that was heard is shown.
        feeling_from: another recording to take the feeling from, or None.
    """

    recordings: tuple[Recording, ...]
    model: Path
    takes: int = 1
    seed: int = 0
    temperature: float | None = None
    shape: tuple[float, ...] | None = None
    feeling: float = 1.0
    feeling_from: Recording | None = None


@dataclass(frozen=True)
class Status:
    """How far it is: a stage in words, a share from 0 to 1, and seconds left where they can be told."""

    stage: str
    share: float
    seconds_left: float | None = None


@dataclass(frozen=True, eq=False)
class Predicted:
    """What came out.

    Attributes:
        takes: for every take one motion a recording.
        packed: for every take the same as its Action is to keep it.
        notes: what the worker said on the way.
        seconds: how long it took.
    """

    takes: tuple[tuple[FaceMotion, ...], ...]
    packed: tuple[bytes, ...]
    notes: tuple[str, ...]
    seconds: float


def predicting(wish: Wish, worker: Worker) -> Generator[Status, None, Predicted]:
    """Make it, a little at each step; closing the generator cancels what the worker does.

    Yields:
        How far it is, at least ten times a second unless the machine is busy.

    Raises:
        LsfError: of the kind that says what failed.
    """
    begun = time.monotonic()
    worker.start()  # torch loads while the sound is read
    clips = []
    sounds = [*wish.recordings, *([] if wish.feeling_from is None else [wish.feeling_from])]
    for number, recording in enumerate(sounds):
        reading = heard(recording)
        while True:
            try:
                share = next(reading)
            except StopIteration as end:
                clips.append(end.value)
                break
            yield Status("Reading the sound", READING * (number + share) / len(sounds))
        yield Status("Reading the sound", READING * (number + 1) / len(sounds))
    feeling = None if wish.feeling_from is None else clips.pop()
    made: list[list[FaceMotion]] = []
    notes: list[str] = []
    lengths = [max(recording.end - recording.begin, 0.1) for recording in wish.recordings]
    total = sum(lengths)
    done = 0.0
    for clip, seconds in zip(clips, lengths, strict=True):
        request = PredictRequest(
            audio=clip,
            model=wish.model,
            shape=wish.shape,
            takes=wish.takes,
            seed=wish.seed,
            temperature=wish.temperature,
            emotion_strength=wish.feeling,
            emotion_from=feeling,
        )
        span = 1.0 - READING
        begin, part = READING + span * done / total, span * seconds / total
        made.append((yield from _asked(worker, request, begin, part, notes)))
        done += seconds
    takes = tuple(zip(*made, strict=True))
    notes += [str(note) for line in made for note in line[0].origin.get("warnings", ())]
    packed = []
    for motions in takes:
        work = packing(motions)
        while True:
            try:
                next(work)
            except StopIteration as end:
                packed.append(end.value)
                break
            yield Status("Writing the keys", 1.0)
    return Predicted(takes, tuple(packed), tuple(dict.fromkeys(notes)), time.monotonic() - begun)


def _asked(
    worker: Worker, request: PredictRequest, begin: float, part: float, notes: list[str]
) -> Generator[Status, None, list[FaceMotion]]:
    """What the worker makes of one request."""
    number = worker.submit(request)
    status = Status(STARTING if worker.ready is None else "Listening", begin)
    try:
        while True:
            for event in worker.poll():
                if isinstance(event, Progress) and event.request == number:
                    if event.note:
                        notes.append(event.note)
                    status = Status(event.stage.capitalize(), begin + part * event.share, event.seconds_left)
                elif isinstance(event, Done) and event.request == number:
                    number = 0
                    return event.motions
                elif isinstance(event, Failed) and event.request in (number, 0):
                    number = 0
                    raise _helped(event.error)
            yield status
    finally:
        if number:
            worker.cancel(number)


def _helped(error: LsfError) -> LsfError:
    """The same error with the next step where its own sentence names none."""
    if isinstance(error, DeviceError) and "memory" in str(error) and "close other programs" not in str(error):
        return DeviceError(f"{error} Close other programs, or choose a shorter strip.")
    return error if not isinstance(error, CancelledError) else CancelledError("Cancelled; nothing was changed.")

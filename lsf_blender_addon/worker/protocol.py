"""What client and worker say to each other: JSON lines over pipes, arrays as files in a folder (no torch).

The client says ``{"do": "predict" | "cancel" | "stop", "id": n}``; the worker answers with ``{"event": …}``: ``hello``
at once, ``ready`` when torch is loaded, ``progress``, and for every request one ``done`` or ``failed``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..arrays import read_arrays, write_arrays
from ..audio import SpeechClip
from ..errors import LsfError, WorkerError

PROTOCOL = 2
BACKGROUND = "background"
"""A word after the folder: the worker makes way for whatever else wants the processor."""

LONGEST_LINE = 1 << 20
MOST_TAKES = 64
SHAPE_SIZE = 300
STRONGEST_EMOTION = 2.0

Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class PredictRequest:
    """What to make of a recording.

    Attributes:
        audio: a sound file, or samples already read.
        model: a model folder.
        shape: 300 identity coefficients of who speaks; None is the mean face.
        takes: how many samples to draw, 1 to 64; all from the same features.
        seed: of the chance that draws codes; the same seed gives the same takes.
        temperature: 0 takes the nearest code every time; None is the model's own.
        draws: how many codes to draw, of which the last counts; None is the model's own.
        window_seconds: what one pass hears; None is the model's own.
        overlap_seconds: what two passes share; None is the model's own, or less where the window is short.
        device: ``auto``, ``cuda``, ``cuda:1``, ``mps``, ``xpu`` or ``cpu``.
        precision: of the speech encoders; ``auto`` is the fastest that the device is good at.
        emotion_strength: how much of the feeling that was heard is shown: 0 neutral, 1 as heard, 2 exaggerated.
        emotion_from: another recording to take the feeling from, of any length; None is ``audio`` itself.

    Raises:
        WorkerError: a value makes no sense.
    """

    audio: Path | SpeechClip
    model: Path
    shape: tuple[float, ...] | None = None
    takes: int = 1
    seed: int = 0
    temperature: float | None = None
    draws: int | None = None
    window_seconds: float | None = None
    overlap_seconds: float | None = None
    device: str = "auto"
    precision: Precision = "auto"
    emotion_strength: float = 1.0
    emotion_from: Path | SpeechClip | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", Path(self.model).absolute())
        if not isinstance(self.audio, SpeechClip):
            object.__setattr__(self, "audio", Path(self.audio).absolute())
        if self.emotion_from is not None and not isinstance(self.emotion_from, SpeechClip):
            object.__setattr__(self, "emotion_from", Path(self.emotion_from).absolute())
        if not 0.0 <= self.emotion_strength <= STRONGEST_EMOTION:
            raise WorkerError(
                f"An emotion strength of {self.emotion_strength:g} makes no sense; give 0 (neutral) to "
                f"{STRONGEST_EMOTION:g} (exaggerated), 1 is as heard."
            )
        if not 1 <= self.takes <= MOST_TAKES:
            raise WorkerError(f"{self.takes} takes cannot be made; ask for 1 to {MOST_TAKES}.")
        if not 0 <= self.seed < 1 << 63:
            raise WorkerError(f"The seed {self.seed} makes no sense; give a whole number from 0.")
        if self.temperature is not None and not 0.0 <= self.temperature <= 100.0:  # noqa: PLR2004
            raise WorkerError(f"The temperature {self.temperature:g} makes no sense; give 0 to 100.")
        if self.shape is not None:
            shape = np.asarray(self.shape, np.float64)
            if shape.shape != (SHAPE_SIZE,) or not np.isfinite(shape).all():
                raise WorkerError(f"A face shape is {SHAPE_SIZE} finite numbers.")
            object.__setattr__(self, "shape", tuple(shape.tolist()))
        if self.precision not in PRECISIONS:
            raise WorkerError(f"The precision {self.precision!r} is unknown; use one of: {', '.join(PRECISIONS)}.")


@dataclass(frozen=True)
class Progress:
    """How far a request is.

    Attributes:
        request: its number.
        stage: what is being done, in a word or two.
        share: 0 to 1.
        seconds_left: where it can be told.
        note: what a person should know, such as that memory was short.
    """

    request: int
    stage: str
    share: float
    seconds_left: float | None = None
    note: str = ""


def line_of(message: dict[str, Any]) -> bytes:
    """A message as one line."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def message_of(line: bytes) -> dict[str, Any]:
    """The message of one line.

    Raises:
        WorkerError: it is no JSON object.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as reason:
        raise WorkerError(f"The worker's pipe carries something other than messages ({line[:80]!r}).") from reason
    if not isinstance(message, dict):
        raise WorkerError(f"The worker's pipe carries something other than messages ({line[:80]!r}).")
    return message


def request_to_message(request: PredictRequest, number: int, folder: Path) -> dict[str, Any]:
    """The message that asks for a prediction; samples are put into ``folder``."""
    fields = {item.name: getattr(request, item.name) for item in dataclasses.fields(request)}
    fields["model"] = str(request.model)
    for field in ("audio", "emotion_from"):
        if fields[field] is not None:
            fields[field] = _sound_to_message(fields[field], folder, f"{field}_{number}.npz")
    return {"do": "predict", "id": number, "request": fields}


def _sound_to_message(sound: Path | SpeechClip, folder: Path, name: str) -> dict[str, str]:
    if not isinstance(sound, SpeechClip):
        return {"path": str(sound)}
    arrays = {"samples": sound.samples, "source": sound.source, "start": sound.start}
    write_arrays(folder / name, arrays, WorkerError, compressed=False)
    return {"samples": name}


def request_of(fields: dict[str, Any], folder: Path) -> PredictRequest:
    """The request of a message; samples are taken out of ``folder``.

    Raises:
        WorkerError: a field is unknown or missing, or the samples are not there.
        AudioError: the samples cannot be used.
    """
    values = dict(fields)
    try:
        values["audio"] = _sound_of(values.pop("audio"), folder)
        values["model"] = Path(values.pop("model"))
        if values.get("emotion_from") is not None:
            values["emotion_from"] = _sound_of(values["emotion_from"], folder)
        return PredictRequest(**values)
    except (KeyError, TypeError, ValueError) as reason:
        raise WorkerError(f"The worker does not understand a request ({reason}).") from reason


def _sound_of(message: dict[str, str], folder: Path) -> Path | SpeechClip:
    if "samples" not in message:
        return Path(message["path"])
    path = inside(folder, message["samples"])
    arrays = read_arrays(path, WorkerError)
    path.unlink()
    return SpeechClip(arrays["samples"], str(arrays["source"]), float(arrays["start"]))


def inside(folder: Path, name: object) -> Path:
    """The file ``name`` of the folder that client and worker share.

    Raises:
        WorkerError: the name leads out of it.
    """
    if not isinstance(name, str) or Path(name).name != name or name in {"", ".", ".."}:
        raise WorkerError(f"A file {name!r} outside the worker's folder was asked for.")
    return folder / name


def error_of(kind: object, message: object) -> LsfError:
    """The error that a ``failed`` message stands for, of the class whose kind it names."""
    classes = {error.kind: error for error in _kinds(LsfError)}
    return classes.get(str(kind), WorkerError)(str(message))


def _kinds(error: type[LsfError]) -> Iterator[type[LsfError]]:
    yield error
    for narrower in error.__subclasses__():
        yield from _kinds(narrower)

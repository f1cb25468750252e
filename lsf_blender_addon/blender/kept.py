"""A take's prediction, kept inside its Action: saved with the file, shaped again at any time without the network."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import LsfError, SceneError
from ..motion import FaceMotion
from . import compat
from .bake import Line
from .strips import Recording

LARGEST = 1 << 30
"""Bytes of arrays that a file's kept prediction may unpack to."""

QUICK, PIECE = 1, 1 << 20
"""How hard a prediction is packed, of 9, and the bytes that are packed at a step: some 20 ms."""


@dataclass(frozen=True)
class Where:
    """Which strip of which scene a line came from, and how it lay then: a :class:`Recording`'s numbers."""

    strip: str
    scene: str
    begin: float
    end: float
    start_frame: float
    speed: float
    first: int
    last: int

    @classmethod
    def of(cls, recording: Recording, scene: str) -> Where:
        """Of a strip as it lies now."""
        return cls(
            recording.name,
            scene,
            recording.begin,
            recording.end,
            recording.start_frame,
            recording.speed,
            recording.first_frame,
            recording.last_frame,
        )

    def line(self, motion: FaceMotion) -> Line:
        """A motion put there."""
        return Line(motion, self.start_frame, self.speed, self.first, self.last)


@dataclass(frozen=True, eq=False)
class Kept:
    """What a take is made of: motions as predicted, each with its place, and facts for the report.

    ``digest`` tells whether its keys are still as they were written; ``packed`` is what :func:`packing` made of the
    motions, where that was done before.
    """

    motions: tuple[FaceMotion, ...]
    places: tuple[Where, ...]
    digest: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    packed: bytes = b""

    @property
    def lines(self) -> list[Line]:
        """Unshaped."""
        return [place.line(motion) for motion, place in zip(self.motions, self.places, strict=True)]


def packing(motions: Sequence[FaceMotion]) -> Generator[None, None, bytes]:
    """An ``.npz`` file of motions in memory, a part at each step, as the window is not to wait for all of it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICK) as archive:
        for number, motion in enumerate(motions):
            for name, values in (("expression", motion.expression), ("jaw", motion.jaw)):
                with archive.open(f"{name}_{number}.npy", "w") as part:
                    file = io.BytesIO()
                    np.lib.format.write_array(file, values, allow_pickle=False)  # type: ignore[no-untyped-call]
                    data = file.getbuffer()
                    for begin in range(0, len(data), PIECE):
                        part.write(data[begin : begin + PIECE])
                        yield
    return packed.getvalue()


def keep(action: Any, kept: Kept) -> None:
    """Put a prediction into its Action."""
    packed = kept.packed
    if not packed:
        work = packing(kept.motions)
        while not packed:
            try:
                next(work)
            except StopIteration as end:
                packed = end.value
    action.lsf.prediction = base64.b64encode(packed).decode("ascii")
    mark(action, kept)


def mark(action: Any, kept: Kept) -> None:
    """Note where a take lies and how its keys look now; its prediction stays as it is."""
    action.lsf.take = json.dumps(
        {
            "motions": [
                {"fps": motion.fps, "space": motion.space, "start": motion.start, "origin": motion.origin}
                for motion in kept.motions
            ],
            "places": [dataclasses.asdict(place) for place in kept.places],
            "digest": kept.digest,
            "facts": kept.facts,
        }
    )


def kept_in(action: Any) -> Kept:
    """What an Action was baked from.

    Raises:
        SceneError: it is none of ours, or what it keeps is damaged.
    """
    if not action.lsf.prediction:
        raise SceneError(f"The Action {action.name!r} keeps no prediction: animate again to shape it.")
    try:
        told = json.loads(action.lsf.take)
        arrays = _unpacked(base64.b64decode(action.lsf.prediction, validate=True))
        motions = tuple(
            FaceMotion(arrays[f"expression_{number}"], arrays[f"jaw_{number}"], **facts)
            for number, facts in enumerate(told["motions"])
        )
        places = tuple(Where(**place) for place in told["places"])
        if len(places) != len(motions):
            raise ValueError("motions and places differ in number")  # noqa: TRY301 - told of below
        return Kept(motions, places, str(told["digest"]), dict(told["facts"]))
    except (LsfError, ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile, binascii.Error) as reason:
        raise SceneError(
            f"What the Action {action.name!r} keeps is damaged ({reason}); its keys still play. Animate again to "
            "shape it."
        ) from reason


def places_in(action: Any) -> tuple[Where, ...]:
    """Where the lines of a take lie; quick enough for drawing, as the prediction itself stays packed.

    Raises:
        SceneError: it is none of ours, or what it keeps is damaged.
    """
    try:
        return tuple(Where(**place) for place in json.loads(action.lsf.take)["places"])
    except (ValueError, KeyError, TypeError) as reason:
        raise SceneError(
            f"What the Action {action.name!r} keeps is damaged ({reason}); its keys still play."
        ) from reason


def spaces_in(action: Any) -> set[str]:
    """The spaces that a take's motions speak; empty where what it keeps is damaged."""
    try:
        return {str(motion["space"]) for motion in json.loads(action.lsf.take)["motions"]}
    except (ValueError, KeyError, TypeError):
        return set()


def digest(parts: Sequence[compat.Channels]) -> str:
    """A short sum of all keys of a take: another one after any edit of a key."""
    total = hashlib.sha256()
    for part in parts:
        for curve in part.curves:
            points = curve.keyframe_points
            total.update(f"{curve.data_path}[{curve.array_index}]:{len(points)}".encode())
            told = [("co", 2), ("interpolation", 1), ("handle_left_type", 1), ("handle_right_type", 1)]
            if len(points) and points[0].handle_right_type == "ALIGNED":  # the others are Blender's own to place
                told += [("handle_left", 2), ("handle_right", 2)]
            for name, width in told:
                values = np.empty(len(points) * width, np.float32 if width > 1 else np.int32)
                points.foreach_get(name, values)
                total.update(values.tobytes())
    return total.hexdigest()[:16]


def _unpacked(data: bytes) -> dict[str, Any]:
    """The arrays of a file in memory; a file may come from anybody, so sizes are looked at first."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
            raise ValueError("it is too large")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}

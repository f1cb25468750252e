"""``.csv`` as Epic's Live Link Face writes it: one row a frame, Apple's names, 61 values.

The format has jawOpen where a motion has a jaw that turns: jawOpen 1 is :data:`WIDE_OPEN` radians. It has no place for
the jaw's other two angles, for tongueOut and for the head's turning, which our motions do not have: these are written
as 0 and not read. Nor has it a place for its own frame rate, or for model and licence.
"""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import whole_file
from ..errors import MotionError
from ..motion import ARKIT_EXPRESSIONS, MAXIMUM_FRAMES, FaceMotion, exact_rate
from .timecodes import clock_of

WIDE_OPEN = 0.35
"""Radians of the jaw at which jawOpen is 1: where mouthClose 1 seals the lips, as in Apple's description of the two."""

SHAPES = (
    *("EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft", "EyeLookOutLeft", "EyeLookUpLeft", "EyeSquintLeft"),
    *("EyeWideLeft", "EyeBlinkRight", "EyeLookDownRight", "EyeLookInRight", "EyeLookOutRight", "EyeLookUpRight"),
    *("EyeSquintRight", "EyeWideRight", "JawForward", "JawRight", "JawLeft", "JawOpen", "MouthClose"),
    *("MouthFunnel", "MouthPucker", "MouthRight", "MouthLeft", "MouthSmileLeft", "MouthSmileRight"),
    *("MouthFrownLeft", "MouthFrownRight", "MouthDimpleLeft", "MouthDimpleRight", "MouthStretchLeft"),
    *("MouthStretchRight", "MouthRollLower", "MouthRollUpper", "MouthShrugLower", "MouthShrugUpper"),
    *("MouthPressLeft", "MouthPressRight", "MouthLowerDownLeft", "MouthLowerDownRight", "MouthUpperUpLeft"),
    *("MouthUpperUpRight", "BrowDownLeft", "BrowDownRight", "BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight"),
    *("CheekPuff", "CheekSquintLeft", "CheekSquintRight", "NoseSneerLeft", "NoseSneerRight", "TongueOut"),
)
"""The 52 blendshapes in the app's order, in which right comes before left for the jaw and the mouth."""

TURNS = (
    *("HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll"),
    *("RightEyeYaw", "RightEyePitch", "RightEyeRoll"),
)
COLUMNS = (*SHAPES, *TURNS)
JAW_OPEN = "jawopen"
DIGITS = 10
"""Significant digits: more than float32 holds, so that what is read equals what was written."""

TIMECODE = re.compile(r"\s*(\d+):(\d\d):(\d\d):(\d+)(?:\.(\d+))?\s*")
HOUR, MINUTE = 3600, 60
SMALLEST_GAP = 0.5
"""Frames by which a step between timecodes differs from one where one is missing; less is the clock's jitter."""

LARGEST = 1 << 31
"""Bytes of a file that is read."""


def write_csv(path: Path, motion: FaceMotion) -> None:
    """Write a motion for programs that read Live Link Face; read back by :func:`read_csv`, it is the same.

    Args:
        path: where to; missing folders are made.
        motion: in the space ``arkit``, at its own rate, beginning at second 0 or later.

    Raises:
        MotionError: it is in another space or begins before second 0, or the file cannot be written.
    """
    if motion.space != "arkit":
        raise MotionError(f"A .csv of Live Link Face holds ARKit's blendshapes; this motion is in {motion.space!r}.")
    if motion.start < 0:
        raise MotionError("A .csv of Live Link Face cannot begin before second 0.")
    columns: dict[str, NDArray[Any]] = {
        name.lower(): motion.expression[:, number] for number, name in enumerate(ARKIT_EXPRESSIONS)
    }
    columns[JAW_OPEN] = motion.jaw[:, 0].astype(np.float64) / WIDE_OPEN
    still = np.zeros(motion.frames)
    texts = [_texts(columns.get(name.lower(), still)) for name in COLUMNS]
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("Timecode", "BlendShapeCount", *COLUMNS))
    count = str(len(COLUMNS))
    for code, *values in zip(_timecodes(motion), *texts, strict=True):
        rows.writerow((code, count, *values))
    try:
        with whole_file(path) as part:
            part.write_text(out.getvalue(), encoding="ascii", newline="")
    except OSError as reason:
        raise MotionError(f"{path} cannot be written ({reason.strerror or reason}).") from reason


def read_csv(path: Path, fps: float | None = None) -> FaceMotion:
    """Read what Live Link Face, or :func:`write_csv`, wrote; columns may stand in any order, names in any case.

    Args:
        path: the file.
        fps: its frames a second; where None, what its timecodes tell, see ``timecodes.py``.

    Raises:
        MotionError: the file is missing, damaged or lacks a blendshape, or its rate cannot be told.
    """
    codes, table, names = _read(path)
    missing = [name for name in (*ARKIT_EXPRESSIONS, "jawOpen") if name.lower() not in names]
    if missing:
        raise MotionError(f"{path} lacks {len(missing)} of ARKit's blendshapes: {', '.join(missing[:5])}.")
    if fps is None and codes[0][0] == codes[-1][0]:
        raise MotionError(f"{path} is shorter than a second, so its frame rate cannot be told: say it with --read-fps.")
    clock = clock_of(codes, fps)
    table = _even(path, clock.places, table)
    jaw = np.zeros((len(table), 3), np.float32)
    jaw[:, 0] = table[:, names.index(JAW_OPEN)] * WIDE_OPEN
    return FaceMotion(
        table[:, [names.index(name.lower()) for name in ARKIT_EXPRESSIONS]].astype(np.float32),
        jaw,
        clock.rate,
        "arkit",
        float(clock.places[0]) / clock.rate,
        {"source": path.name},
    )


def _texts(values: NDArray[Any]) -> list[str]:
    """Decimal numbers without exponents."""
    if not values.any():
        return ["0"] * len(values)
    return [
        text if "e" not in text else np.format_float_positional(float(text), trim="-")
        for text in (f"{value:.{DIGITS}g}" for value in values.tolist())
    ]


def _timecodes(motion: FaceMotion) -> list[str]:
    """``HH:MM:SS:FF.fff`` of every frame; rates between whole numbers count to the next one, without drops."""
    rate = exact_rate(motion.fps)
    counted = math.ceil(rate)
    before, part = divmod(round(motion.start * float(rate) * 1000), 1000)
    codes = []
    for frame in range(before, before + motion.frames):
        second, number = divmod(frame, counted)
        clock = f"{second // HOUR:02d}:{second // MINUTE % MINUTE:02d}:{second % MINUTE:02d}"
        codes.append(f"{clock}:{number:02d}.{part:03d}")
    return codes


def _read(path: Path) -> tuple[list[tuple[int, float]], NDArray[np.float64], list[str]]:
    """Timecodes as (second, frame), values (T, columns) and the columns' names in lower case."""
    try:
        if path.stat().st_size > LARGEST:
            raise MotionError(f"{path} is larger than such a file can be; it was not read.")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            header = [name.strip().lower() for name in next(rows, [])]
            if not header or header[0] != "timecode" or len(set(header)) != len(header):
                raise MotionError(f"{path} is no .csv of Live Link Face: its first column is not Timecode.")
            codes, values = [], []
            for number, row in enumerate(rows, start=2):
                if not row:
                    continue
                if len(row) != len(header) or number > MAXIMUM_FRAMES:
                    raise MotionError(f"{path} is damaged or too long: line {number} has {len(row)} values.")
                codes.append(_code(row[0]))
                values.append(np.array(row[1:], np.float64))
    except OSError as reason:
        raise MotionError(f"{path} cannot be read ({reason.strerror or reason}).") from reason
    except (ValueError, csv.Error) as reason:
        raise MotionError(f"{path} is damaged or no .csv of Live Link Face ({reason}).") from reason
    if not values:
        raise MotionError(f"{path} holds no frames.")
    return codes, np.stack(values), header[1:]


def _code(text: str) -> tuple[int, float]:
    """A timecode's second and frame."""
    found = TIMECODE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no timecode")
    hours, minutes, seconds, frame, part = found.groups()
    return int(hours) * HOUR + int(minutes) * MINUTE + int(seconds), float(f"{frame}.{part or 0}")


def _even(path: Path, places: NDArray[np.float64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows at even steps: what the app dropped is filled in by straight lines, so that nothing shifts after it."""
    steps = np.diff(places)
    if (steps < 0).any() or places[-1] - places[0] > MAXIMUM_FRAMES:
        raise MotionError(f"The timecodes of {path} do not go forward; cut it into parts that do.")
    if len(steps) == 0 or np.abs(steps - 1.0).max() < SMALLEST_GAP:
        return table
    even = places[0] + np.arange(round(places[-1] - places[0]) + 1)
    return np.stack([np.interp(even, places, column) for column in table.T], axis=1)

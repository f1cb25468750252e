"""``.npy`` in the layout that the published LSF code reads and writes: (1, T, 403), 25 frames a second.

A frame is 300 identity components, 100 expression components of which the network makes the first 50, and the jaw's
three angles (axis times angle, radians); all of FLAME. The layout has no place for model and licence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import read_array, whole_file
from ..errors import MotionError
from ..motion import CHANNELS, FaceMotion

RATE = 25.0
IDENTITY, EXPRESSION, JAW = 300, 100, 3
WIDTH = IDENTITY + EXPRESSION + JAW


@dataclass(frozen=True, eq=False)
class PublishedMotion:
    """What a file of the published layout holds.

    Attributes:
        motion: in the space ``flame``, 25 frames a second.
        identity: (300,) float64, the first frame's.
    """

    motion: FaceMotion
    identity: NDArray[np.float64]


def write_npy(path: Path, motion: FaceMotion, identity: ArrayLike | None = None) -> None:
    """Write a motion in the published layout, as float64; at 25 frames a second, :func:`read_npy` gives it back.

    Args:
        path: where to; missing folders are made.
        motion: in the space ``flame``; at another rate than 25 it is resampled.
        identity: up to 300 identity components; zeros, as the published code writes, where None.

    Raises:
        MotionError: the motion is in another space, the identity has more than 300 numbers, or the disk is full.
    """
    if motion.space != "flame":
        raise MotionError(
            f"The published .npy layout holds FLAME's components; this motion is in {motion.space!r}: give the FLAME "
            "file that is to speak with --head."
        )
    who = np.asarray([] if identity is None else identity, np.float64).ravel()
    if who.size > IDENTITY or not np.isfinite(who).all():
        raise MotionError(f"An identity has up to {IDENTITY} finite numbers, not {who.size}.")
    even = motion if motion.fps == RATE else motion.resampled(RATE)
    table = np.zeros((1, even.frames, WIDTH))
    table[0, :, : who.size] = who
    table[0, :, IDENTITY : IDENTITY + CHANNELS] = even.expression
    table[0, :, -JAW:] = even.jaw
    try:
        with whole_file(path) as part, part.open("wb") as stream:
            np.save(stream, table, allow_pickle=False)
    except OSError as reason:
        raise MotionError(f"{path} cannot be written ({reason.strerror or reason}).") from reason


def read_npy(path: Path) -> PublishedMotion:
    """Read a file of the published layout, (1, T, 403) or (T, 403), of any float; it may come from anybody.

    Expression components beyond the first 50, which the network does not make, are left out.

    Raises:
        MotionError: the file is missing, damaged, or of another layout.
    """
    table = read_array(path, MotionError)
    frames = table[0] if table.ndim == 3 and len(table) == 1 else table  # noqa: PLR2004 - (1, T, 403)
    if frames.ndim != 2 or frames.shape[1] != WIDTH or len(frames) == 0 or frames.dtype.kind != "f":  # noqa: PLR2004
        sides = " by ".join(map(str, table.shape)) or "one number"
        raise MotionError(f"{path} is not in the published layout, 1 by frames by {WIDTH}; it is {sides}.")
    if not np.isfinite(frames[0, :IDENTITY]).all():
        raise MotionError(f"{path} holds numbers that are not finite.")
    motion = FaceMotion(
        frames[:, IDENTITY : IDENTITY + CHANNELS], frames[:, -JAW:], RATE, "flame", 0.0, {"source": path.name}
    )
    return PublishedMotion(motion, frames[0, :IDENTITY].astype(np.float64))

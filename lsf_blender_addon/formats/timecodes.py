"""What timecodes tell of a recording's frame rate, and where its frames lie.

Television's rates (23.976, 29.97, 59.94) count to the next whole number. A file tells them where its counting leaves
out numbers to stay with the clock (drop-frame: the first two, at 59.94 four, of every minute but each tenth), or where
its sub-frames drift: a clock that counts 60 in a second goes on by 1.001 for every frame at 59.94. Timecodes that count
every frame look the same at 30 as at 29.97.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..motion import exact_rate

Floats = NDArray[np.float64]

MINUTE, TENTH = 60, 10
DROPPED = {30: 2, 60: 4}
"""Frames counted in a second → numbers that drop-frame timecodes leave out."""

SLOWER = 1.001
"""Whole numbers over television's rates."""

SURE = 2e-4
"""How far a measured drift may lie from television's, and how well it must be known."""


@dataclass(frozen=True, eq=False)
class Clock:
    """``rate`` frames a second, and ``places`` (T,) frames since second 0, in parts of a frame."""

    rate: float
    places: Floats


def clock_of(codes: Sequence[tuple[int, float]], fps: float | None) -> Clock:
    """What timecodes say.

    Args:
        codes: of every frame, its second and its frame in it, with sub-frames.
        fps: frames a second, where somebody says it.
    """
    seconds = np.array([second for second, _ in codes], np.float64)
    frames = np.array([frame for _, frame in codes], np.float64)
    counted = math.ceil(exact_rate(fps)) if fps is not None else 1 + int(frames.max())
    places = seconds * counted + frames
    television = float(exact_rate(counted / SLOWER))
    rate = television if fps is None else float(exact_rate(fps))
    if counted in DROPPED and _drops(seconds, frames, DROPPED[counted]):
        minutes = seconds // MINUTE
        return Clock(rate, places - DROPPED[counted] * (minutes - minutes // TENTH))
    if rate != counted and _drifts(places):
        return Clock(rate, places / SLOWER)
    return Clock(float(counted) if fps is None else rate, places)


def _drops(seconds: Floats, frames: Floats, dropped: int) -> bool:
    """Whether every minute that begins in the recording begins as in drop-frame timecodes."""
    begins = np.flatnonzero(np.diff(seconds // MINUTE) == 1) + 1
    begins = begins[(seconds[begins] // MINUTE) % TENTH != 0]
    return bool(len(begins)) and bool((seconds[begins] % MINUTE == 0).all() and (frames[begins] // 1 == dropped).all())


def _drifts(places: Floats) -> bool:
    """Whether frames lie 1.001 numbers apart, by the straight line through all."""
    index = np.concatenate([[0.0], np.cumsum(np.round(np.diff(places)))])
    index -= index.mean()
    spread = float((index**2).sum())
    if len(places) < 3 or spread == 0:  # noqa: PLR2004 - a line through two points is no evidence
        return False
    own = places - places.mean()
    slope = float((index * own).sum()) / spread
    unsure = float(np.sqrt(((own - slope * index) ** 2).sum() / (len(places) - 2) / spread))
    return abs(slope - SLOWER) < SURE and unsure < SURE

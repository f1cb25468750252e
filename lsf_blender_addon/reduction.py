"""Fewer keys for the same face: channels per frame → the keys of smooth curves that stay within a distance (numpy)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SHARE = 0.5
"""A channel gets a key where it errs at least so much as the worst channel of that frame."""

ROUNDS = 400
BLOCK = 256
"""Frames that are looked at together; every channel has a key where two blocks meet."""


@dataclass(frozen=True, eq=False)
class Keys:
    """The keys of one curve, which is the cubic through them with these slopes.

    ``at`` (K,) indices into the frames, ``slopes`` (K,) units a frame.
    """

    at: Integers
    slopes: Floats


def reduced(frames: ArrayLike, values: ArrayLike, reach: ArrayLike, tolerance: float) -> list[Keys]:
    """The fewest keys that keep every watched point within a distance of where all keys together put it.

    Between two keys a curve is the cubic with their slopes, which is what Blender draws between keys whose handles
    reach a third of the way along them. Keys are added where the points stray farthest until none strays too far.

    Args:
        frames: (N,) ascending.
        values: (N, C) of the channels.
        reach: (C, P, 3) how far a unit of each channel moves P points, in the unit of ``tolerance``.
        tolerance: the distance.

    Returns:
        Keys for every channel, the first and the last frame always among them.
    """
    places, wanted = np.asarray(frames, np.float64), np.asarray(values, np.float64)
    ways = np.asarray(reach, np.float64)
    slopes = np.gradient(wanted, places, axis=0) if len(wanted) > 1 else np.zeros_like(wanted)
    kept = np.zeros(wanted.shape, bool)
    for first in range(0, max(len(wanted) - 1, 1), BLOCK):
        rows = slice(first, first + BLOCK + 1)
        kept[rows] |= _kept(places[rows], wanted[rows], slopes[rows], ways, tolerance)
    return [Keys(at, slopes[at, channel]) for channel in range(len(ways)) for at in [np.flatnonzero(kept[:, channel])]]


def _kept(places: Floats, values: Floats, slopes: Floats, ways: Floats, tolerance: float) -> NDArray[np.bool_]:
    """(N, C) True where a channel needs a key."""
    alone = np.linalg.norm(ways, axis=2).max(axis=1, initial=0.0)
    flat = ways.reshape(len(ways), -1)
    kept = np.zeros(values.shape, bool)
    kept[[0, -1]] = True
    for _ in range(ROUNDS):
        error = values - _curves(places, values, slopes, kept)
        strayed = np.linalg.norm((error @ flat).reshape(len(error), -1, 3), axis=2).max(axis=1, initial=0.0) > tolerance
        if not strayed.any():
            break
        blame = np.abs(error) * alone
        blame[~strayed] = 0.0
        blame[blame < SHARE * blame.max(axis=1, keepdims=True)] = 0.0
        kept |= _worst_of_each_stretch(blame, kept)
    return kept


def _curves(places: Floats, values: Floats, slopes: Floats, kept: NDArray[np.bool_]) -> Floats:
    """(N, C) what the cubics through the kept frames are on every frame."""
    before, after = _neighbours(kept)
    column = np.arange(values.shape[1])
    width = places[after] - places[before]
    part = np.divide(places[:, None] - places[before], width, out=np.zeros_like(width), where=width > 0)
    rest = 1.0 - part
    low, high = values[before, column], values[after, column]
    cubic = (1 + 2 * part) * rest**2 * low + (3 - 2 * part) * part**2 * high
    leaning = part * rest * width * (rest * slopes[before, column] - part * slopes[after, column])
    return np.asarray(cubic + leaning, np.float64)


def _neighbours(kept: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """(N, C) for every frame and channel, the kept frame at or before it, and the one at or after it."""
    rows = np.arange(len(kept))[:, None]
    before = np.maximum.accumulate(np.where(kept, rows, 0), axis=0)
    after = np.minimum.accumulate(np.where(kept, rows, len(kept) - 1)[::-1], axis=0)[::-1]
    return before, after


def _worst_of_each_stretch(blame: Floats, kept: NDArray[np.bool_]) -> NDArray[Any]:
    """(N, C) True at the largest blame between every two kept neighbours, where there is any."""
    row, column = np.nonzero((blame > 0) & ~kept)
    stretch = _neighbours(kept)[0][row, column]
    order = np.lexsort((blame[row, column], stretch, column))
    row, column, stretch = row[order], column[order], stretch[order]
    last = np.append((np.diff(column) != 0) | (np.diff(stretch) != 0), True) if len(row) else np.zeros(0, bool)
    chosen = np.zeros(kept.shape, bool)
    chosen[row[last], column[last]] = True
    return chosen

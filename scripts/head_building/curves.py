"""Smooth curves through a few given values: the hand's tool for profiles and outlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def through(at: Sequence[float], values: Sequence[float] | Sequence[Sequence[float]], x: npt.ArrayLike) -> Array:
    """A curve through ``values`` at ``at`` without overshoot (Fritsch-Carlson slopes), at every ``x``.

    Args:
        at: Ascending places (K,).
        values: What the curve passes through, (K,) or (K, D).
        x: Where to read it; beyond the ends the end values hold.

    Returns:
        The values at ``x``, (N,) or (N, D).
    """
    knots = np.asarray(at, dtype=np.float64)
    points = np.asarray(values, dtype=np.float64)
    flat = points.reshape(len(knots), -1)
    step = np.diff(knots)[:, None]
    slope = np.diff(flat, axis=0) / step
    tangent = np.zeros_like(flat)
    if len(knots) > 2:
        left, right = slope[:-1], slope[1:]
        same = left * right > 0
        w1, w2 = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
        safe_left = np.where(same, left, 1.0)
        safe_right = np.where(same, right, 1.0)
        tangent[1:-1] = np.where(same, (w1 + w2) / (w1 / safe_left + w2 / safe_right), 0.0)
    tangent[0], tangent[-1] = slope[0], slope[-1]
    where = np.clip(np.asarray(x, dtype=np.float64), knots[0], knots[-1])
    cell = np.clip(np.searchsorted(knots, where, side="right") - 1, 0, len(knots) - 2)
    width = step[cell, 0]
    t = ((where - knots[cell]) / width)[..., None]
    h = width[..., None]
    out = (
        (2 * t**3 - 3 * t**2 + 1) * flat[cell]
        + (t**3 - 2 * t**2 + t) * h * tangent[cell]
        + (-2 * t**3 + 3 * t**2) * flat[cell + 1]
        + (t**3 - t**2) * h * tangent[cell + 1]
    )
    return np.asarray(out.reshape(where.shape + points.shape[1:]))


def smoothstep(low: float, high: float, x: npt.ArrayLike) -> Array:
    """0 up to ``low``, 1 from ``high``, an S between them (``low`` may be above ``high``)."""
    t = np.clip((np.asarray(x, dtype=np.float64) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def unit(vectors: Array) -> Array:
    """Vectors (..., 3) at length one."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))

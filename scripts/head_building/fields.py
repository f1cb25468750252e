"""Soft pulls: what a thumb on clay does, as displacement fields."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .curves import Array


def near(points: Array, centre: Sequence[float], radius: Sequence[float] | float, plateau: float = 0.0) -> Array:
    """1 at ``centre``, falling smoothly to 0 at ``radius``; ``plateau``: the share of it that stays 1. (N,)."""
    reach = np.linalg.norm((points - np.asarray(centre)) / np.asarray(radius), axis=-1)
    t = np.clip((reach - plateau) / (1.0 - plateau), 0.0, 1.0)
    return np.asarray((1.0 - t**2) ** 2)


def pull(
    points: Array, centre: Sequence[float], radius: Sequence[float] | float, move: Sequence[float], plateau: float = 0.0
) -> Array:
    """A displacement (N, 3) by ``move`` at ``centre`` that dies out at ``radius``."""
    return np.asarray(near(points, centre, radius, plateau)[:, None] * np.asarray(move))

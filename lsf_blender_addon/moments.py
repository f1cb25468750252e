"""Which moments of a motion are worth a picture: those that differ most (numpy alone)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .motion import FaceMotion

JAW_WEIGHT = 4.0
"""What a radian of the jaw counts beside a unit of an expression."""


def poses_of(motion: FaceMotion) -> NDArray[np.floating[Any]]:
    """(T, 53) a motion's frames, in units in which the eye sees about as much of each."""
    return np.concatenate([motion.expression, JAW_WEIGHT * motion.jaw], axis=1)


def moments(poses: NDArray[np.floating[Any]], count: int) -> list[int]:
    """Frames in order of time, each chosen as the one least like those chosen before.

    Args:
        poses: (T, N) numbers of every frame.
        count: how many at most.
    """
    chosen = [int(np.argmax(np.linalg.norm(poses, axis=1)))]
    far: NDArray[np.floating[Any]] = np.linalg.norm(poses - poses[chosen[0]], axis=1)
    while len(chosen) < min(count, len(poses)):
        chosen.append(int(np.argmax(far)))
        far = np.minimum(far, np.linalg.norm(poses - poses[chosen[-1]], axis=1))
    return sorted(set(chosen))

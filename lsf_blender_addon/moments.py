"""Which moments of a motion are worth a picture: those that differ most (numpy alone)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .motion import ARKIT_EXPRESSIONS, FaceMotion

JAW_WEIGHT = 4.0
"""What a radian of the jaw counts beside a unit of an expression."""

LIDS_WEIGHT = 0.25
"""What a blink counts beside a unit of the mouth: it goes from 0 to 1 where lips that speak go to a third, and a sheet
full of blinks shows little of what is said."""


def poses_of(motion: FaceMotion) -> NDArray[np.floating[Any]]:
    """(T, 53) a motion's frames, in units in which the eye sees about as much of each."""
    expression = motion.expression
    if motion.space == "arkit":
        weights = [LIDS_WEIGHT if name.startswith("eyeBlink") else 1.0 for name in ARKIT_EXPRESSIONS]
        expression = expression * np.array(weights, np.float32)
    return np.concatenate([expression, JAW_WEIGHT * motion.jaw], axis=1)


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

"""The ear: rings from its root over the helix into the bowl, tilted away from the skull about its front edge."""

from __future__ import annotations

import numpy as np

from .curves import Array, smoothstep, through
from .proportions import EAR
from .surface import cast
from .topology import EAR as OPENING

HINGE_DEPTH = 0.4
COUNT = len(OPENING.edge())

# ring → (scale of the outline, height over the ear's plane, share of the plane's tilt)
RINGS: dict[int, tuple[float, float, float]] = {
    1: (0.72, -0.10, 0.25),
    2: (0.80, -0.05, 0.70),
    3: (0.95, 0.00, 0.95),
    4: (1.02, 0.12, 1.0),
    5: (0.98, 0.26, 1.0),
    6: (0.88, 0.26, 1.0),
    7: (0.79, 0.06, 1.0),
    8: (0.68, 0.10, 0.98),
    9: (0.58, 0.16, 0.95),
    10: (0.47, -0.10, 0.85),
    11: (0.36, -0.35, 0.6),
}
# The outline, from the front middle over the top: angle (degrees), reach.
ANGLES = (0, 40, 75, 110, 150, 180, 215, 250, 270, 290, 320, 360)
REACH = (1.05, 1.75, 2.6, 2.85, 2.35, 1.95, 1.85, 2.25, 2.5, 2.35, 1.5, 1.05)


def ring(number: int) -> Array:
    """One ring's points (N, 3) in the order of the opening's edge."""
    scale, height, tilt = RINGS[number]
    edge = np.array(OPENING.edge(), dtype=np.float64)
    middle = edge.mean(axis=0)
    # start at the front middle, clockwise seen from outside: front is the lower column
    flat = (edge - middle) / np.array([2.0, 5.0])
    angle = np.degrees(np.arctan2(-flat[:, 1] * 1.6, -flat[:, 0])) % 360.0
    reach = through(ANGLES, REACH, angle) * scale
    turn = np.deg2rad(angle)
    front = np.cos(turn) * reach * 0.95
    up = np.sin(turn) * reach
    frontness = smoothstep(0.15, 0.95, np.cos(turn))
    lean = np.deg2rad(10.0)
    z = front * np.cos(lean) + up * -np.sin(lean)
    y = up * np.cos(lean) + front * np.sin(lean)
    behind = np.maximum(1.0 - front, 0.0)
    x = _hinge(EAR[1] + y) + 0.44 * behind * tilt + height * (1 - 0.75 * frontness)
    return np.stack([x, EAR[1] + y, EAR[2] + z], axis=-1)


def _hinge(y: Array) -> Array:
    """How far out the head is just before the ear, at these heights (N,)."""
    start = np.stack([np.full_like(y, 20.0), y, np.full_like(y, HINGE_DEPTH)], axis=-1)
    return cast(start, np.tile(np.array([-1.0, 0.0, 0.0]), (len(y), 1)))[:, 0]

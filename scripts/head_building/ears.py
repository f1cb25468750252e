"""The ear: rings from its root round the helix and over its relief into the bowl, leaning away from the skull.

The relief is a height over the ear's plane: ridges along the curves that anatomy names, hollows between them. In that
plane the first coordinate points to the face, the second up; both in centimetres from the ear's middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from .curves import Array, smoothstep, through
from .proportions import EAR
from .surface import cast
from .topology import EAR as OPENING

COUNT = len(OPENING.edge())
HINGE_DEPTH = 0.5
LEAN = np.deg2rad(14.0)  # the ear's top lies farther back than its lobe
SPREAD = 0.47  # how steeply the ear stands off the head
BOWL = np.array([0.2, -0.25])  # where the rings shrink to

Place = tuple[float, float]

# The outline from the front's middle over the top.
OUTLINE: tuple[Place, ...] = (
    (1.06, -0.2),
    (0.98, 0.55),
    (1.0, 1.35),
    (0.82, 2.2),
    (0.25, 2.85),
    (-0.5, 2.95),
    (-1.25, 2.5),
    (-1.75, 1.65),
    (-1.9, 0.65),
    (-1.72, -0.35),
    (-1.32, -1.25),
    (-1.0, -2.0),
    (-0.62, -2.65),
    (-0.05, -2.98),
    (0.52, -2.78),
    (0.86, -2.0),
    (0.95, -1.1),
)
HELIX: tuple[Place, ...] = (
    (0.68, 0.6),
    (0.82, 1.3),
    (0.62, 2.1),
    (0.15, 2.62),
    (-0.48, 2.7),
    (-1.1, 2.3),
    (-1.54, 1.55),
    (-1.68, 0.65),
    (-1.5, -0.3),
    (-1.12, -1.2),
)
ANTIHELIX: tuple[Place, ...] = (
    (-0.3, -1.22),
    (-0.58, -0.98),
    (-0.86, -0.4),
    (-0.93, 0.3),
    (-0.78, 0.95),
    (-0.45, 1.75),
)
HELIX_ROOT: tuple[Place, ...] = ((0.2, 0.1), (0.62, 0.45), (0.78, 1.0))
LOWER_LEG: tuple[Place, ...] = ((-0.78, 0.95), (-0.38, 1.1), (0.05, 1.15))
# ridge: curve, height, half-width
RIDGES: tuple[tuple[tuple[Place, ...], float, float], ...] = (
    (HELIX, 0.78, 0.20),
    (HELIX_ROOT, 0.55, 0.32),
    (ANTIHELIX, 0.76, 0.25),
    (LOWER_LEG, 0.46, 0.23),
)
# bump or hollow: middle, radii, height
BUMPS: tuple[tuple[Place, Place, float], ...] = (
    ((-0.1, 0.4), (1.65, 2.5), -0.30),  # all that the helix goes round
    ((0.25, -0.35), (0.98, 1.08), -1.2),  # bowl
    ((0.88, -0.38), (0.52, 0.66), 0.72),  # tragus
    ((0.1, -1.36), (0.55, 0.5), 0.46),  # antitragus
    ((0.64, -1.05), (0.36, 0.46), -0.26),  # the notch between them
    ((-0.2, 1.5), (0.45, 0.55), -0.26),  # the fossa between the antihelix's legs
    ((-0.05, -2.15), (0.95, 0.85), 0.30),  # lobe
)

# ring → scale of the outline behind and before, share of the lean away from the head
ROOT: dict[int, tuple[float, float, float]] = {
    1: (0.66, 1.26, 0.15),
    2: (0.73, 1.18, 0.60),
    3: (0.89, 1.11, 0.92),
    4: (1.00, 1.05, 1.0),
}
FACE: dict[int, float] = {5: 0.985, 6: 0.93, 7: 0.87, 8: 0.80, 9: 0.72, 10: 0.63, 11: 0.54, 12: 0.44, 13: 0.32, 14: 0.2}
CANAL = 15  # the ring where the ear's canal begins
CANAL_AT, CANAL_WIDE = np.array([0.32, -0.45]), np.array([0.13, 0.2])  # its middle and radii in the ear's plane
CANAL_DEPTH = 0.3  # from that ring inward
RINGS = (*ROOT, *FACE, CANAL)
EVEN_ROUNDS, SMOOTHED = 16, 0.4
ON_HEAD = {1: 1.0, 2: 0.95, 3: 0.85, 4: 0.7}  # how far the rings before the ear lie on the head
SUNK = {5: 0.55, 6: 0.35, 7: 0.15}  # … and the first of the ear's face, which the cheek goes over into
BACK = {1: 0.0, 2: -0.10, 3: -0.12, 4: -0.02}  # height of the ear's back over its plane


def ring(number: int) -> Array:
    """One ring's points (N, 3) in the order of the opening's edge."""
    # the first points lie before the ear's opening, the last ones run up along the lobe's front
    from_front = np.minimum(np.arange(COUNT), COUNT - np.arange(COUNT))
    front = smoothstep(6.5, 0.0, from_front)
    if number in ROOT:
        behind, before, lean = ROOT[number]
        scale = behind + (before - behind) * front
        flat = BOWL + (_outline() - BOWL) * scale[:, None]
        height = BACK[number] * (1.0 - front)
    else:
        lean = 1.0
        flat, height = (laid[number - min(FACE)] for laid in _face())
    on_head = front * (ON_HEAD[number] if number in ROOT else SUNK.get(number, 0.0))
    return _placed(flat, height, lean, on_head)


@cache
def _face() -> tuple[Array, Array]:
    """The face's rings in the ear's plane (R, N, 2), and their heights over it (R, N).

    They are evened along the relief, as its walls would fold their few quads; what they cannot show is smoothed.
    """
    share = np.array(list(FACE.values()))[:, None, None]
    middle = CANAL_AT + (BOWL - CANAL_AT) * smoothstep(0.1, 0.8, share)
    flat = middle + (_outline() - middle) * share
    around = flat[-1] - flat[-1].mean(axis=0)
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    flat = np.concatenate([flat, [CANAL_AT + CANAL_WIDE * around]])
    height = relief(flat.reshape(-1, 2)).reshape(flat.shape[:2])
    for _ in range(EVEN_ROUNDS):
        laid = np.concatenate([flat, height[..., None]], axis=-1)
        flat[1:-1] += 0.5 * _strain(laid)[..., :2]
        height = relief(flat.reshape(-1, 2)).reshape(flat.shape[:2])
    height[-1] = 0.6 * height[-1].mean() + 0.4 * height[-1]
    height[1:-1] += SMOOTHED * _strain(height[..., None])[..., 0]
    return flat, height


def _strain(laid: Array) -> Array:
    """From every point between the first and the last ring (R, N, D) to the middle of its neighbours (R - 2, N, D)."""
    across = laid[:-2] + laid[2:]
    around = np.roll(laid[1:-1], 1, axis=1) + np.roll(laid[1:-1], -1, axis=1)
    return np.asarray((across + around) / 4.0 - laid[1:-1])


def relief(flat: Array) -> Array:
    """Height over the ear's plane at places in it (N, 2)."""
    height = np.zeros(len(flat))
    for curve, rise, width in RIDGES:
        height = np.maximum(height, rise * np.exp(-((_apart(flat, curve) / width) ** 2)))
    for middle, radii, rise in BUMPS:
        reach = np.linalg.norm((flat - np.array(middle)) / np.array(radii), axis=1)
        height = height + rise * (1.0 - np.minimum(reach, 1.0) ** 2) ** 2
    return np.asarray(height)


def _outline() -> Array:
    """The outline at as many evenly spaced places as the rings have points (N, 2)."""
    corners = np.array([*OUTLINE, OUTLINE[0]], dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    at = along[-1] * np.arange(COUNT) / COUNT
    return through([float(a) for a in along], corners.tolist(), at)


def _apart(flat: Array, curve: Sequence[Place]) -> Array:
    """Distance of places (N, 2) to a polyline (N,)."""
    corners = np.array(curve)
    best = np.full(len(flat), np.inf)
    for a, b in pairwise(corners):
        t = np.clip(((flat - a) @ (b - a)) / ((b - a) @ (b - a)), 0.0, 1.0)
        best = np.minimum(best, np.linalg.norm(flat - a - t[:, None] * (b - a), axis=1))
    return best


def _placed(flat: Array, height: Array, lean: float, on_head: Array) -> Array:
    """From the ear's plane into the head's space; ``on_head``: how much of a point lies on the head itself (N,)."""
    front, up = flat[:, 0], flat[:, 1]
    z = EAR[2] + front * np.cos(LEAN) - up * np.sin(LEAN)
    y = EAR[1] + up * np.cos(LEAN) + front * np.sin(LEAN)
    behind = np.maximum(1.45 - front, 0.0)
    held = 1.0 - 0.6 * smoothstep(0.3, 1.0, front) * (height > 0.0)
    x = _head(y, np.full_like(y, HINGE_DEPTH)) + SPREAD * behind * lean + height * held
    x = x + on_head * (_head(y, z) - x)
    return np.stack([x, y, z], axis=-1)


def _head(y: Array, z: Array) -> Array:
    """How far out the head is at these heights and depths (N,)."""
    start = np.stack([np.full_like(y, 20.0), y, z], axis=-1)
    return cast(start, np.tile(np.array([-1.0, 0.0, 0.0]), (len(y), 1)))[:, 0]

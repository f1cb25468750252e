"""The sculpt: soft blobs melted into one another, and the way onto their common surface.

A signed distance (negative inside) made of ellipsoids, capsules and hollows; the mesh's points are laid onto its zero
level. What the mesh has as explicit shapes (lids, lips, ears) is missing here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import skull
from .curves import Array, unit
from .proportions import EYE, EYE_RADIUS

MIRROR = np.array([-1.0, 1.0, 1.0])


def _ellipsoid(p: Array, centre: Array, radii: Array) -> Array:
    q = p - centre
    k0 = np.linalg.norm(q / radii, axis=-1)
    k1 = np.linalg.norm(q / radii**2, axis=-1)
    return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-9))


def _capsule(p: Array, a: Array, b: Array, ra: float, rb: float) -> Array:
    ab = b - a
    t = np.clip((p - a) @ ab / (ab @ ab), 0.0, 1.0)
    return np.asarray(np.linalg.norm(p - a - t[..., None] * ab, axis=-1) - (ra + (rb - ra) * t))


def _melt(a: Array, b: Array, k: float) -> Array:
    h = np.maximum(k - np.abs(a - b), 0.0) / k
    return np.asarray(np.minimum(a, b) - h**3 * k / 6.0)


@dataclass(frozen=True)
class Blob:
    """One lump of clay: an ellipsoid (``radii``) or a capsule from ``at`` to ``to`` (radii at both ends).

    Attributes:
        at: Centre or first end.
        radii: Three radii, or two for a capsule.
        melt: Over how many centimetres it melts into what was there before.
        to: Second end of a capsule.
        paired: The same lump on the other side, too.
        hollow: Takes clay away.
    """

    at: tuple[float, float, float]
    radii: tuple[float, ...]
    melt: float
    to: tuple[float, float, float] | None = None
    paired: bool = False
    hollow: bool = False

    def _one(self, p: Array) -> Array:
        if self.to is None:
            return _ellipsoid(p, np.array(self.at), np.array(self.radii))
        return _capsule(p, np.array(self.at), np.array(self.to), self.radii[0], self.radii[1])

    def onto(self, clay: Array, p: Array) -> Array:
        """The distance field ``clay`` at points ``p`` (N, 3), after this lump."""
        for q in (p, p * MIRROR) if self.paired else (p,):
            lump = self._one(q)
            clay = -_melt(-clay, lump, self.melt) if self.hollow else _melt(clay, lump, self.melt)
        return clay


EYE_AT = (float(EYE[0]), float(EYE[1]), float(EYE[2]))
LID_BALL = EYE_RADIUS + 0.2

JAW_EDGE = (np.array([0.0, -9.15, 7.6]), unit(np.array([0.0, -1.0, -0.30])))
"""A point on the plane that cuts the skull off below the jaw, and its direction."""

SCULPT: tuple[Blob, ...] = (
    Blob((0, -4.5, -3.4), (4.9, 4.9), 2.0, to=(0, -17.5, -4.6)),  # neck
    Blob((5.2, -2.6, -2.8), (1.4, 0.95), 2.0, to=(1.3, -16.8, 0.1), paired=True),  # sternomastoid
    Blob((0, -7.3, 2.6), (2.8, 1.7, 4.4), 3.0),  # floor of the mouth
    Blob((0, -9.8, 0.4), (2.3, 1.7), 3.0, to=(0, -17.0, -1.4)),  # throat
    Blob((2.0, -4.0, -6.2), (2.0, 2.9), 2.4, to=(4.2, -17.8, -6.4), paired=True),  # trapezius
    Blob((0.5, 4.0, 7.7), (0.8, 0.6), 1.8, to=(4.7, 4.2, 5.75), paired=True),  # brow ridge
    Blob((3.25, 1.9, 8.35), (1.95, 1.3, 1.5), 1.7, paired=True, hollow=True),  # eye socket
    Blob((1.65, 1.75, 8.3), (0.6, 0.9, 0.6), 1.1, paired=True, hollow=True),  # beside the nose's root
    Blob(EYE_AT, (LID_BALL, LID_BALL, LID_BALL), 1.2, paired=True),  # lids over the eyeball
    Blob((0.25, 1.5, 7.45), (0.42, 0.56), 1.3, to=(0.84, -0.85, 8.32), paired=True),  # nose's side wall
    Blob((0, 3.3, 7.5), (0.85, 0.62), 1.8, to=(0, 1.9, 7.82)),  # nose root
    Blob((0, 1.9, 7.82), (0.52, 0.50), 1.4, to=(0, 0.4, 8.74)),  # bridge
    Blob((0, 0.4, 8.74), (0.50, 0.48), 1.1, to=(0, -1.15, 9.68)),
    Blob((0.22, -1.54, 9.68), (0.58, 0.60, 0.63), 0.65, paired=True),  # tip
    Blob((1.0, -1.74, 9.0), (0.40, 0.54), 0.36, to=(1.3, -1.92, 8.42), paired=True),  # wings
    Blob((0.7, -1.7, 9.2), (0.38, 0.38, 0.42), 0.5, paired=True),  # between tip and wing
    Blob((0, -2.15, 9.55), (0.34, 0.34), 0.55, to=(0, -2.78, 8.6)),  # columella
    Blob((0.36, -3.1, 8.32), (0.16, 0.16), 0.45, to=(0.42, -4.15, 8.5), paired=True),  # ridges of the philtrum
    Blob((0, -2.95, 8.98), (0.26, 0.24), 0.45, to=(0, -4.1, 9.1), hollow=True),  # philtrum
    Blob((4.14, -0.95, 6.22), (0.60, 0.42), 1.6, to=(6.15, -0.35, 2.9), paired=True),  # cheekbone and its arch
    Blob((3.1, -1.75, 6.88), (1.05, 0.95, 0.60), 1.2, paired=True),  # flesh of the cheek beside the nose
    Blob((6.2, -3.75, 5.95), (0.95, 1.4, 1.4), 1.5, paired=True, hollow=True),  # hollow under the cheekbone
    Blob((2.0, 0.15, 8.2), (0.26, 0.24), 0.9, to=(3.6, -0.55, 7.85), paired=True, hollow=True),  # under the lower lid
    Blob((2.15, -2.1, 8.5), (0.30, 0.3), 0.9, to=(3.0, -4.2, 8.15), paired=True, hollow=True),  # fold of the cheek
    Blob((0, -6.8, 8.85), (0.5, 0.35), 1.1, to=(1.3, -6.6, 8.45), paired=True, hollow=True),  # fold above the chin
)


def distance(p: Array) -> Array:
    """Signed distance of points (N, 3) to the skin, in centimetres, negative inside."""
    point, below = JAW_EDGE
    clay = -_melt(-skull.distance(p), -((p - point) @ below), 2.0)
    for blob in SCULPT:
        clay = blob.onto(clay, p)
    return clay


def normals(p: Array) -> Array:
    """Outward unit normals of the field at points (N, 3)."""
    corners = np.array([[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, 1.0, 1.0]])
    # four places around each point give the slope in all three directions
    return unit(sum(distance(p + 0.01 * c)[..., None] * c for c in corners))


def onto_surface(p: Array, rounds: int = 6) -> Array:
    """The points (N, 3), moved along the field's gradient onto the skin."""
    for _ in range(rounds):
        p = p - np.clip(distance(p), -0.6, 0.6)[:, None] * normals(p)
    return p


def cast(start: Array, direction: Array, rounds: int = 90) -> Array:
    """Where rays from outside first meet the skin.

    Args:
        start: Ray starts outside the head (N, 3).
        direction: Unit directions inward (N, 3).
        rounds: Marching steps.

    Returns:
        The hit points (N, 3).
    """
    travelled = np.zeros(len(start))
    for _ in range(rounds):
        travelled = travelled + 0.8 * distance(start + travelled[:, None] * direction)
    return np.asarray(start + travelled[:, None] * direction)


def front(x: Array, y: Array) -> Array:
    """The skin's points straight before (x, y): seen from the front."""
    start = np.stack([x, y, np.full_like(x, 20.0)], axis=-1)
    return cast(start, np.tile(np.array([0.0, 0.0, -1.0]), (len(x), 1)))

"""The sculpt: soft blobs melted into one another, and the way onto their common surface.

A signed distance (negative inside) made of ellipsoids, capsules and hollows; the mesh's points are laid onto its zero
level. What the mesh has as explicit shapes (lids, lips, ears) is missing here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

SCULPT: tuple[Blob, ...] = (
    Blob((0, 4.9, -1.9), (7.3, 7.4, 8.7), 1.0),  # cranium
    Blob((0, 5.9, 2.2), (6.0, 5.6, 6.2), 2.2),  # forehead
    Blob((0, -0.8, 1.8), (5.9, 7.4, 6.0), 2.0),  # upper jaw block
    Blob((0, -5.6, 2.6), (4.7, 3.9, 5.0), 2.0),  # lower jaw block
    Blob((4.45, -1.8, 1.6), (1.7, 3.4, 2.6), 2.0, paired=True),  # chewing muscle
    Blob((4.75, -4.1, -0.3), (1.0, 0.95), 2.6, to=(1.5, -8.2, 6.1), paired=True),  # jaw line
    Blob((0, -8.2, 6.35), (1.9, 1.35, 1.75), 1.6),  # chin
    Blob((0, -5.0, 5.7), (3.1, 2.7, 2.75), 1.6),  # mouth mound over the teeth
    Blob((4.4, -0.45, 4.3), (1.9, 1.35, 1.9), 2.4, paired=True),  # cheekbone
    Blob((3.3, -3.1, 4.95), (2.0, 2.2, 2.1), 2.0, paired=True),  # cheek
    Blob((0.5, 3.75, 7.45), (0.85, 0.7), 1.8, to=(4.7, 4.05, 5.6), paired=True),  # brow ridge
    Blob((3.15, 1.75, 8.75), (1.95, 1.3, 1.4), 1.6, paired=True, hollow=True),  # eye socket
    Blob((1.5, 1.3, 8.8), (0.55, 1.4, 0.7), 1.0, paired=True, hollow=True),  # beside the nose's root
    Blob(EYE_AT, (LID_BALL, LID_BALL, LID_BALL), 0.9, paired=True),  # lids over the eyeball
    Blob((0, 3.0, 7.3), (0.85, 0.6), 1.4, to=(0, 0.6, 8.4)),  # nose root
    Blob((0, 1.2, 8.1), (0.55, 0.75), 1.1, to=(0, -1.45, 9.6)),  # bridge
    Blob((0, -1.5, 9.65), (0.92, 0.8, 0.85), 0.7),  # tip
    Blob((1.2, -1.75, 8.6), (0.62, 0.66, 0.85), 0.5, paired=True),  # wings
    Blob((0, -2.2, 9.15), (0.38, 0.42, 0.9), 0.5),  # columella
    Blob((0, -2.75, 8.78), (0.2, 0.3), 0.55, to=(0, -3.9, 8.78), hollow=True),  # philtrum
    Blob((0, -6.75, 8.8), (1.5, 0.42, 0.62), 0.9, hollow=True),  # fold between lower lip and chin
    Blob((0, -6.0, -2.7), (4.5, 4.9), 3.5, to=(0, -20.0, -4.6)),  # neck
    Blob((0, -2.6, -4.6), (4.3, 3.6, 3.3), 3.0),  # nape
    Blob((4.0, -3.0, -3.4), (1.3, 1.0), 3.0, to=(1.3, -16.5, 0.5), paired=True),  # neck muscle
    Blob((0, -11.0, 1.2), (1.0, 1.2, 0.9), 2.0),  # larynx
    Blob((6.9, 3.0, 3.4), (0.8, 2.2, 1.8), 2.4, paired=True, hollow=True),  # temple
)


def distance(p: Array) -> Array:
    """Signed distance of points (N, 3) to the skin, in centimetres, negative inside."""
    clay = np.full(p.shape[:-1], 1e3)
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

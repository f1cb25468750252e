"""The eye's opening: an almond laid on the eyeball, lids of real thickness, and their inner side."""

from __future__ import annotations

import numpy as np

from .curves import Array, smoothstep, through
from .proportions import EYE, EYE_RADIUS, LID_LOWER, LID_UPPER, LID_X
from .surface import front
from .topology import EYE as OPENING

COUNT = len(OPENING.edge())
HALF = COUNT // 2

# Ring → how far outside the rim it lies in the face's plane, and how far above the eyeball; rings before are skin.
FIRST_EXPLICIT = 4
FIRST_HIDDEN = 9
HIDDEN_REACH = 1.49
CARUNCLE = 0.17  # how far the pink corner reaches over the eyeball from the nose's side, in cm
CORNER_SKIN = {4: 0.85, 5: 0.4}  # how much of these rings' corners lies on the face instead of the ball
LOWER_SKIN = {4: 0.9, 5: 0.3}  # the same of the lower lid
RINGS: dict[int, tuple[float, float]] = {
    4: (0.33, 0.17),
    5: (0.18, 0.20),
    6: (0.05, 0.19),
    7: (0.0, 0.14),
    8: (0.01, 0.10),
    9: (0.30, 0.085),
    10: (0.75, 0.06),
}


# The fold over the upper lid, ring → (outside the rim, above the eyeball): a crease, and the skin that hangs over it.
FOLD: dict[int, tuple[float, float]] = {2: (0.50, 0.30), 3: (0.43, 0.15)}


def fold(number: int, skin: Array) -> Array:
    """One of the fold's rings (24, 3): laid skin at the corners and below, the fold above the eye.

    Args:
        number: Ring 2 or 3.
        skin: The ring as it lies on the face (24, 3).
    """
    out, above = FOLD[number]
    flat = rim() + outward(rim()) * (out * (1.0 + 0.35 * upper_share()))[:, None]
    weight = np.minimum(1.0, 1.5 * upper_share())[:, None]
    return np.asarray(skin + weight * (on_ball(flat, above) - skin))


def upper_share() -> Array:
    """How much each of the rim's points belongs to the upper lid's middle (24,)."""
    upper = np.zeros(COUNT)
    upper[1:HALF] = np.sin(np.pi * np.arange(1, HALF) / HALF)
    return upper


def rim(closed: float = 0.0) -> Array:
    """The lid margin's points (24, 2), relative to the eyeball's centre, from the inner corner over the upper lid.

    Args:
        closed: 0 open; 1 both rims lie on the line where the lids meet.
    """
    share = 0.5 - 0.5 * np.cos(np.pi * np.arange(HALF + 1) / HALF)
    share = 0.55 * share + 0.45 * np.arange(HALF + 1) / HALF
    x = LID_X[0] + share * (LID_X[-1] - LID_X[0])
    upper, lower = through(LID_X, LID_UPPER, x), through(LID_X, LID_LOWER, x)
    # lids meet low, lowest towards the nose
    seam = lower + (0.16 + 0.06 * np.clip(x, -0.7, 1.2)) * (upper - lower)
    upper = upper + closed * (seam - upper)
    lower = lower + closed * (seam - lower)
    top = np.stack([x, upper], axis=-1)
    bottom = np.stack([x, lower], axis=-1)[::-1]
    return np.concatenate([top, bottom[1:-1]])


def outward(outline: Array) -> Array:
    """Unit normals of a closed clockwise outline (N, 2), away from its middle."""
    along = np.roll(outline, -1, axis=0) - np.roll(outline, 1, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    return np.asarray(normal / np.linalg.norm(normal, axis=-1, keepdims=True))


def on_ball(flat: Array, above: float) -> Array:
    """Points before the eyeball at (x, y) relative to its centre (N, 2), ``above`` cm over it; absolute (N, 3).

    Beyond the ball's edge the surface goes on as a shallower dome: there the corners of the eye lie.
    """
    radius = EYE_RADIUS + above
    reach = np.linalg.norm(flat, axis=-1)
    inside = np.sqrt(np.maximum(radius**2 - reach**2, 0.0))
    dome = 0.88 - 0.62 * (reach - 1.25) + above
    share = smoothstep(1.0, 1.55, reach)
    depth = inside * (1 - share) + np.maximum(dome, inside) * share
    return np.concatenate([EYE[:2] + flat, (EYE[2] + depth)[:, None]], axis=-1)


def ring(number: int, closed: float = 0.0) -> Array:
    """One explicit ring's points (24, 3); see ``RINGS``."""
    out, above = RINGS[number]
    outline = rim(closed)
    normal = outward(rim(0.0))
    around = np.concatenate([np.arange(HALF + 1), np.arange(HALF - 1, 0, -1)]) / HALF
    corner = (1.0 - np.sin(np.pi * around)) ** 2
    wider = 1.0 + 0.35 * upper_share() - 0.5 * corner if number <= 5 else 1.0 - 0.95 * corner
    if number == FIRST_HIDDEN:
        wider = np.sin(np.pi * around) ** 1.5
    flat = outline + normal * (out * wider)[:, None]
    if number >= FIRST_HIDDEN:
        return behind_lid(flat, above, number)
    placed = on_ball(flat, above)
    if number in CORNER_SKIN:
        # at the corners and below the eye the lid goes over into the face
        lower = np.roll(upper_share()[::-1], 1)
        onto = np.maximum(corner * CORNER_SKIN[number], lower * LOWER_SKIN[number])
        skin = front(placed[:, 0], placed[:, 1])[:, 2]
        placed[:, 2] += onto * (skin - placed[:, 2])
    return placed


def behind_lid(flat: Array, above: float, number: int) -> Array:
    """Points of the lids' inner side: on the ball itself, within its outline, so that the skin stays before them.

    The first of these rings comes out to the ball's front at the eye's corners: what shows there is the caruncle.
    """
    if number == FIRST_HIDDEN:
        around = np.concatenate([np.arange(HALF + 1), np.arange(HALF - 1, 0, -1)]) / HALF
        flat = flat.copy()
        flat[:, 0] += np.where(around < 0.5, CARUNCLE, 0.0) * (1.0 - np.sin(np.pi * around)) ** 2
    reach = np.linalg.norm(flat, axis=-1, keepdims=True)
    inside = flat * np.minimum(1.0, HIDDEN_REACH / reach)
    depth = np.sqrt((EYE_RADIUS + above) ** 2 - (inside**2).sum(axis=-1))
    return np.concatenate([EYE[:2] + inside, (EYE[2] + depth)[:, None]], axis=-1)

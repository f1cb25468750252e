"""Brows, cheeks and nose."""

from __future__ import annotations

import numpy as np

from .body import Body
from .contact import inside_follows, lining_fade, sealed
from .curves import Array, smoothstep
from .eye_units import FOLLOW, LOWERED, lids_moved, with_lashes
from .fields import near, pull
from .skinning import lower_share
from .surface import distance, normals
from .topology import EAR, EYE

TINY = 1e-6
FROWN_BULGE = 0.16  # cm: a drawn-down brow bunches up
SLIDES, PUT_BACK = 3, 0.5
"""How often the forehead's skin is put back towards the bone, and how far each time."""


def _outside_lids(body: Body) -> Array:
    """1 on the face, falling to 0 on the lids, ears, eyeballs and everything in the mouth (V,)."""
    keep = np.ones(len(body.points))
    for part in body.parts:
        if part not in {"skin", "brow"}:
            keep[body.both(part)] = 0.0
    fall = {0: 0.9, 1: 0.7, 2: 0.45, 3: 0.2}
    for right in (False, True):
        for number in range(EYE.rings + 1):
            keep[body.skin.ring(EYE, number, right=right)] = fall.get(number, 0.0)
        for number in range(EAR.rings + 1):
            keep[body.skin.ring(EAR, number, right=right)] = 0.0
    return keep


def units(body: Body) -> dict[str, Array]:
    """The left units (and the two-sided browInnerUp and cheekPuff) by name."""
    p = body.points
    keep = _outside_lids(body)[:, None]
    above_eye = smoothstep(2.4, 3.6, p[:, 1])[:, None]
    below_eye = smoothstep(1.6, 0.2, p[:, 1])[:, None]
    face = smoothstep(0.5, 2.5, p[:, 2])[:, None]

    def brow(*pulls: Array) -> Array:
        return _over_bone(body, np.asarray(sum(pulls) * keep * above_eye * face))

    down = brow(
        _brow_near(p, (2.2, 3.9, 7.4), (3.6, 2.8, 4.6), 0.25) * np.array([-0.22, -0.58, 0.0]),
        pull(p, (0.9, 3.4, 8.2), (1.8, 1.8, 2.5), (-0.10, -0.18, 0.0)),
    )
    bunched = near(p, (1.6, 3.5, 8.0), (2.6, 1.7, 3.0))[:, None]
    down = down + normals(p) * (keep * above_eye * face * bunched * FROWN_BULGE)
    inner = brow(_both_inner(body))
    inner = 0.5 * (inner + body.mirrored(inner))  # the slope that skin slides along is measured lopsidedly
    outer = brow(_brow_near(p, (4.1, 4.1, 6.2), (4.2, 2.8, 5.2), 0.2) * np.array([0.04, 0.70, 0.0]))

    cheek_keep = keep * below_eye
    puff = _blown(p) * keep * lining_fade(body)[:, None]
    puff = sealed(body, puff + body.mirrored(puff))
    squint = pull(p, (4.0, -0.6, 6.4), (2.5, 2.2, 3.2), (0.08, 0.52, 0.36), 0.1) * cheek_keep
    squint = squint + lids_moved(body, 0.05, 0.85, arched=LOWERED)
    above_lip = smoothstep(-4.2, -3.0, p[:, 1])[:, None]
    sneer = pull(p, (1.75, -1.9, 8.6), (1.5, 1.8, 2.2), (0.12, 0.54, 0.06), 0.15) * keep
    sneer += pull(p, (2.9, -2.7, 7.5), (2.2, 2.4, 2.8), (-0.02, 0.50, 0.10)) * keep * above_lip
    sneer += pull(p, (3.8, -1.2, 6.7), (2.6, 2.6, 3.0), (-0.06, 0.38, 0.20)) * cheek_keep
    sneer += pull(p, (1.1, 0.6, 8.4), (1.3, 1.7, 1.7), (-0.04, 0.28, 0.09)) * keep
    # … and what lies between cheek and lid takes up the way, or the skin would bunch in one line beside the wing
    sneer += pull(p, (2.5, -0.1, 7.4), (2.2, 2.2, 2.6), (-0.04, 0.26, 0.10)) * cheek_keep
    sneer += pull(p, (0.0, -1.4, 9.6), (1.6, 1.6, 2.0), (0.0, 0.16, 0.0)) * keep
    sneer += pull(p, (1.5, -4.2, 8.6), (1.9, 1.6, 2.2), (0.0, 0.20, 0.04)) * _upper_only(body)
    sneer += brow(pull(p, (1.3, 3.6, 7.8), (1.8, 1.6, 2.6), (-0.06, -0.26, 0.05)))
    sneer = sneer + lids_moved(body, 0.0, 0.32, arched=LOWERED)
    return {
        "browDown": _settle(body, down),
        "browInnerUp": inner,
        "browOuterUp": outer,
        "cheekPuff": inside_follows(body, puff),
        "cheekSquint": squint,
        "noseSneer": inside_follows(body, sneer),
    }


def _blown(p: Array) -> Array:
    """The left half of cheeks full of air (V, 3): outward on the cheek, forward around the mouth, held at the bone."""
    cheek = near(p, (4.6, -4.2, 5.6), (3.9, 4.3, 5.6), 0.05)[:, None]
    lips = near(p, (1.9, -4.9, 8.2), (3.6, 3.0, 3.6), 0.1)[:, None]
    aside = smoothstep(2.2, 4.6, p[:, 0])[:, None]
    blown = cheek * (aside * normals(p) * 0.80 + (1.0 - aside) * np.array([0.0, 0.02, 0.40]))
    return np.asarray(blown + lips * np.array([-0.02, 0.02, 0.14]))


def _brow_near(
    p: Array, centre: tuple[float, float, float], reach: tuple[float, float, float], plateau: float
) -> Array:
    """1 at a place of the brow, dying out slowly over the forehead (V, 1): ``reach`` aside, down and up."""
    aside, down, up = reach
    below = near(p, centre, (aside, down, 5.0), plateau)
    above = near(p, centre, (aside, up, 7.0), plateau)
    return np.asarray(np.where(p[:, 1] < centre[1], below, above)[:, None])


def _both_inner(body: Body) -> Array:
    """Both brows' inner ends raised: what lies between them goes along, and no farther."""
    left = _brow_near(body.points, (1.4, 4.0, 7.7), (2.9, 2.8, 5.6), 0.1)
    right = left[body.mirror]
    together = 1.0 - (1.0 - left) * (1.0 - right)
    return np.asarray(together * np.array([0.0, 0.76, 0.0]) + (left - right) * np.array([0.08, 0.0, 0.0]))


def _over_bone(body: Body, field: Array) -> Array:
    """The field with brows and forehead sliding over the bone: nearly as far from it as before."""
    moved = np.flatnonzero(np.abs(field).max(axis=1) > TINY)
    before = distance(body.points[moved])
    p = body.points[moved] + field[moved]
    for _ in range(SLIDES):
        p = p + PUT_BACK * (before - distance(p))[:, None] * normals(p)
    out = field.copy()
    out[moved] = p - body.points[moved]
    return out


def _upper_only(body: Body) -> Array:
    return np.asarray(np.clip(1.0 - 2.0 * lower_share(body), 0.0, 1.0)[:, None] * lining_fade(body)[:, None])


def _settle(body: Body, field: Array) -> Array:
    """A lowered brow presses on the upper lid's fold a little."""
    extra = lids_moved(body, 0.14, 0.0, arched=LOWERED)
    for number, follow in FOLLOW.items():
        ring = body.skin.ring(EYE, number)
        if number > 3:
            field[ring] += extra[ring] * follow
    return with_lashes(body, field)

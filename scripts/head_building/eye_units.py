"""Eyes: blinks that follow the eyeball, squints, wide eyes and looks."""

from __future__ import annotations

import numpy as np

from . import lids
from .body import Body, lash_pieces, lid_ring
from .curves import Array
from .proportions import EYE
from .topology import EYE as OPENING

# How far each lid ring follows the rim.
FOLLOW = {1: 0.06, 2: 0.16, 3: 0.32, 4: 0.58, 5: 0.88, 6: 1.0, 7: 1.0, 8: 1.0, 9: 0.97, 10: 0.1}
CREASE_RISE = 0.10  # cm: a lid that comes down smooths out its fold
LOWERED = 0.7
"""How fast a lid that is lowered without a blink leaves the eye's corners alone: with a blink they sum up there."""
LOOK = {"Down": 30.0, "Up": 25.0, "In": 28.0, "Out": 28.0}  # degrees at 1


def _rim(upper: float, lower: float, aside: float, arched: float) -> Array:
    """How the rim moves in the face's plane (24, 2): both lids' shares of the way to where they meet, and sideways."""
    closed = lids.rim(1.0) - lids.rim(0.0)
    half = lids.HALF
    weight = np.sin(np.pi * np.concatenate([np.arange(half + 1), np.arange(half - 1, 0, -1)]) / half)
    share = np.full(len(closed), lower)
    share[1:half] = upper
    move = closed * (share * np.maximum(weight, 0.0) ** arched)[:, None]
    move[:, 0] += aside * weight
    return np.asarray(move)


def lids_moved(body: Body, upper: float, lower: float, aside: float = 0.0, arched: float = 0.0) -> Array:
    """The left lids' displacement (V, 3).

    Args:
        body: The head.
        upper: Share of the way to the line where the lids meet, of the upper lid; below 0 it opens wider.
        lower: The same for the lower lid.
        aside: Both lids drawn outward, in cm.
        arched: The power of a fall towards the eye's corners.
    """
    field = np.zeros_like(body.points)
    move = _rim(upper, lower, aside, arched)
    upper_lid = lids.upper_share()
    held = (upper_lid + np.roll(upper_lid[::-1], 1)) ** 0.2
    for number in range(1, OPENING.rings + 1):
        ring = body.skin.ring(OPENING, number)
        rest = body.points[ring]
        flat = rest[:, :2] - EYE[:2]
        if number >= lids.FIRST_EXPLICIT:
            above = lids.RINGS[number][1]
            moved = flat + move * FOLLOW[number]
            if number >= lids.FIRST_HIDDEN:
                # beside the corners the inner side stays, or a lid that passes the other would fold it
                moved = flat + move * FOLLOW[number] * held[:, None]
                placed = lids.behind_lid(moved, above, number) - lids.behind_lid(flat, above, number)
            else:
                placed = lids.on_ball(moved, above) - lids.on_ball(flat, above)
        else:
            placed = np.concatenate([move * FOLLOW[number], np.zeros((len(ring), 1))], axis=1)
        if number in lids.FOLD:
            placed[:, 2] += CREASE_RISE * max(upper, 0.0) * upper_lid
        field[ring] = placed
    return with_lashes(body, field)


def with_lashes(body: Body, field: Array) -> Array:
    """The field with lashes that ride on the moved lid margin of the left eye."""
    before = lash_pieces(lid_ring(body.points, body.skin))
    after = lash_pieces(lid_ring(body.points + field, body.skin))
    for part, old, new in zip(("lash_upper", "lash_lower"), before, after, strict=True):
        field[body.parts[part]] = new.points - old.points
    return field


def ball_turned(body: Body, pitch: float, yaw: float) -> Array:
    """The left eyeball turned about its centre (V, 3): pitch up, yaw to the character's left, in degrees."""
    field = np.zeros_like(body.points)
    ball = body.parts["eyeball"]
    a, b = np.deg2rad(-pitch), np.deg2rad(yaw)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    local = body.points[ball] - EYE
    field[ball] = local @ (about_y @ about_x).T - local
    return field


def units(body: Body) -> dict[str, Array]:
    """The left eye's units by ARKit's names without the side."""
    return {
        "eyeBlink": lids_moved(body, 1.0, 1.0),
        "eyeLookDown": ball_turned(body, -LOOK["Down"], 0) + lids_moved(body, 0.56, -0.6, arched=1.0),
        "eyeLookIn": ball_turned(body, 0, -LOOK["In"]) + lids_moved(body, 0.0, 0.0, -0.07),
        "eyeLookOut": ball_turned(body, 0, LOOK["Out"]) + lids_moved(body, 0.0, 0.0, 0.07),
        "eyeLookUp": ball_turned(body, LOOK["Up"], 0) + lids_moved(body, -0.22, 0.25),
        "eyeSquint": lids_moved(body, 0.28, 1.6, arched=LOWERED),
        "eyeWide": lids_moved(body, -0.30, -0.5),
    }

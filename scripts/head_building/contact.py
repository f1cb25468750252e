"""Where the lips touch: fields that keep them together, and the inner side that goes with them."""

from __future__ import annotations

import numpy as np

from . import lips
from .body import Body
from .curves import Array
from .topology import MOUTH

# Ring behind the contact → how much it follows the contact's innermost ring.
INSIDE = {11: 0.96, 12: 0.92, 13: 0.76, 14: 0.56, 15: 0.35, 16: 0.15, 17: 0.0, 18: 0.0, 19: 0.0, 20: 0.0, 21: 0.0}
NEAR_CONTACT = ((7, 0.8), (6, 0.5), (5, 0.25))


def sealed(body: Body, field: Array) -> Array:
    """The field with both lips' contact rings moving alike; the rest of the lips follows the correction."""
    out = field.copy()
    for right in (False, True):
        for number in lips.CONTACT:
            ring = body.skin.ring(MOUTH, number, right=right)
            out[ring] = 0.5 * (field[ring] + field[ring[::-1]])
        ring = body.skin.ring(MOUTH, lips.CONTACT[0], right=right)
        first = out[ring] - field[ring]
        for number, share in NEAR_CONTACT:
            ring = body.skin.ring(MOUTH, number, right=right)
            out[ring] = field[ring] + share * first
    return out


def inside_follows(body: Body, field: Array) -> Array:
    """The field with the lips' inner side and the sock's front going with the contact's innermost ring."""
    out = field.copy()
    for right in (False, True):
        source = field[body.skin.ring(MOUTH, lips.CONTACT[-1], right=right)]
        for number, share in INSIDE.items():
            out[body.skin.ring(MOUTH, number, right=right)] = share * source
    return out


def lining_fade(body: Body) -> Array:
    """1 on the skin and the lips, falling to 0 into the mouth's sock; 0 on every other part (V,)."""
    keep = np.zeros(len(body.points))
    for n, key in enumerate(body.skin.keys):
        if key[0] == "mouth":
            keep[n] = float(np.interp(int(str(key[1])), (10, 14), (1.0, 0.0)))
        else:
            keep[n] = float(key[0] != "mouth_patch")
    return keep

"""How lips close over an open jaw: where they meet, and what mouthClose and a pose corrective must add for it.

Rule: mouthClose = angle / 0.35 seals the lips at any jaw opening up to 0.35 rad. A blendshape is straight in mouthClose
and skinning is not straight in the angle, so a corrective on 1 - cos(angle) carries the difference. Both are solved for
every pair of points that meet.
"""

from __future__ import annotations

import numpy as np

from . import lips
from .body import Body
from .curves import Array, Mask
from .fields import near
from .proportions import CONDYLE
from .topology import MOUTH

CLOSE_ANGLE = 0.35
DROP = 0.32  # how much of the jaw's way the upper lip comes down to meet the lower
CORNER_DROP = 0.18  # … and how much more of it towards the corner, per jaw weight
FORWARD = 0.48  # cm: the meeting lips stay before the teeth
# Ring → how much it follows the contact of its own lip.
FOLLOW = {4: 0.96, 5: 0.97, 6: 0.98, 7: 1.0, 8: 1.0, 9: 1.0, 10: 1.0, 11: 0.97, 12: 0.85, 13: 0.6, 14: 0.35, 15: 0.15}


def _solve(r: complex, w: float, loss: float) -> tuple[complex, complex, complex, complex]:
    """What both lips add per mouthClose, then per 1 - cos, for a pair ``r`` (z + iy) off the condyle, upper weight."""
    angle = np.linspace(0.0, CLOSE_ANGLE, 50)
    turn = np.exp(-1j * angle) - 1.0  # opening turns +z towards -y
    bend = 1.0 - np.cos(angle)
    close = angle / CLOSE_ANGLE
    upper, lower = 1.0 + w * turn, 1.0 + (1.0 - w) * turn
    # unknowns: upper and lower per mouthClose, upper and lower per bend
    rows = [np.stack([upper * close, -lower * close, upper * bend, -lower * bend], axis=-1) * 1e3]
    right = [-(upper - lower) * r * (1.0 + loss * bend) * 1e3]
    full = np.exp(-1j * CLOSE_ANGLE) - 1.0
    middle = 1.0 - 2.0 * w  # 1 in the lips' middle, 0 at the corner
    wished = 1j * (DROP + CORNER_DROP * w - w) * (full * r).imag + (0.15 + 0.85 * middle) * FORWARD
    rows.append(np.array([[1.0, 0, 0, 0], [0, 0, 0.15, 0], [0, 0, 0, 0.15], [0, 0, 0.2, 0.2]], dtype=complex))
    right.append(np.array([wished, 0, 0, 0], dtype=complex))
    found = np.linalg.lstsq(np.concatenate(rows), np.concatenate(right), rcond=None)[0]
    return complex(found[0]), complex(found[1]), complex(found[2]), complex(found[3])


def fields(body: Body, jaw: Array, loss: Array) -> tuple[Array, Array]:
    """Solve mouthClose (V, 3) and the sealing corrective per 1 - cos(angle) (V, 3), spread over lips and face.

    Args:
        body: The head.
        jaw: Jaw weights (V,); both sides of a contact sum to one.
        loss: What the correctives already restore per 1 - cos, as a share of the way from the condyle (V,).
    """
    close, bend = np.zeros_like(body.points), np.zeros_like(body.points)
    fixed = np.zeros(len(body.points), dtype=bool)
    for number in range(4, MOUTH.rings + 1):
        ring = body.skin.ring(MOUTH, number)
        follow = FOLLOW.get(number, 0.0)
        for a, point in enumerate(ring):
            upper = a <= lips.CORNER
            # points that meet are solved at the same place and weight, so that they meet to the last digit
            place = ring[min(a, len(ring) - 1 - a)] if number in lips.CONTACT else point
            r = complex(body.points[place, 2] - CONDYLE[2], body.points[place, 1] - CONDYLE[1])
            solved = _solve(r, float(jaw[point] if upper else 1.0 - jaw[point]), float(loss[point]))
            per_close, per_bend = (solved[0], solved[2]) if upper else (solved[1], solved[3])
            close[point, 1:] = follow * per_close.imag, follow * per_close.real
            bend[point, 1:] = follow * per_bend.imag, follow * per_bend.real
        fixed[ring] = True
        fixed[body.mirror[ring]] = True
        close[body.mirror[ring]], bend[body.mirror[ring]] = close[ring], bend[ring]
    return _spread(body, close, fixed), _spread(body, bend, fixed)


def _spread(body: Body, field: Array, fixed: Mask, rounds: int = 160) -> Array:
    """Fill the face around the fixed lips with the smoothest field that is still beyond the nose and the chin."""
    skin = body.skin
    count = len(skin.points)
    p = skin.points
    reach = near(p, (0.0, -5.6, 8.2), (5.2, 4.6, 6.5), 0.55)
    above = np.clip((-2.9 - p[:, 1]) / 0.9, 0.0, 1.0)  # the nose stays
    free = reach * above
    held = fixed[:count] | np.array([k[0] == "mouth_patch" for k in skin.keys])
    edges = np.concatenate([skin.quads[:, [0, 1]], skin.quads[:, [1, 2]], skin.quads[:, [2, 3]], skin.quads[:, [3, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    degree = np.bincount(edges[:, 0], minlength=count).astype(np.float64)
    own = field[:count].copy()
    moving = ~held & (free > 0)
    edges = edges[moving[edges[:, 0]]]
    for _ in range(rounds):
        for axis in (1, 2):
            mean = np.bincount(edges[:, 0], weights=own[edges[:, 1], axis], minlength=count) / degree
            own[moving, axis] = mean[moving] * (0.9 + 0.1 * free[moving]) * np.minimum(1.0, 0.5 + free[moving])
    out = np.zeros_like(field)
    out[:count] = own
    return out

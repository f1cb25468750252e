"""The skull with its flesh: a smooth closed surface through points that a portrait sculptor marks first.

The marks are the usual landmarks of anthropometry (vertex, glabella, euryon, zygion, gonion, pogonion …) with the means
that textbooks give for adults; between them the surface is the smoothest one: radial basis functions over directions
from the head's middle.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .curves import Array

MIDDLE = np.array([0.0, 0.6, -0.4])

MIDLINE: tuple[tuple[float, float, float], ...] = (
    (0, 12.75, -1.9),  # vertex
    (0, 12.2, 2.2),
    (0, 9.9, 6.2),  # hairline
    (0, 7.0, 8.0),
    (0, 5.2, 8.4),
    (0, 3.9, 8.4),  # glabella
    (0, 2.0, 7.75),
    (0, 0.0, 7.85),
    (0, -2.0, 8.1),
    (0, -2.9, 8.3),  # under the nose
    (0, -3.8, 8.4),
    (0, -5.0, 8.45),  # where the lips meet
    (0, -6.0, 8.15),
    (0, -6.75, 7.95),  # fold above the chin
    (0, -7.95, 8.55),  # pogonion
    (0, -8.75, 8.3),
    (0, -9.8, 6.4),
    (0, -10.0, 2.0),
    (0, -9.0, -3.5),
    (0, -4.8, -8.2),  # nape
    (0, -1.2, -10.1),  # inion
    (0, 3.2, -10.8),  # opisthocranion
    (0, 8.0, -9.5),
    (0, 11.5, -6.3),
)

LEFT: tuple[tuple[float, float, float], ...] = (
    (3.4, 12.15, -2.0),
    (3.2, 11.4, 2.4),
    (3.0, 9.6, 5.5),
    (3.2, 7.0, 7.25),
    (2.9, 4.4, 7.9),  # brow above the pupil
    (1.4, 4.1, 8.3),
    (5.3, 4.1, 5.95),  # end of the brow
    (5.7, 6.4, 4.6),  # frontotemporale
    (5.6, 9.0, 2.6),
    (6.5, 9.8, -2.4),
    (7.45, 6.2, -3.0),  # euryon
    (6.85, 6.3, 1.2),
    (6.75, 3.4, 2.6),  # temple
    (7.3, 3.0, -1.2),
    (7.05, 0.2, -0.4),  # tragion
    (7.0, -0.2, 1.8),  # zygion
    (6.2, 0.3, 4.0),
    (5.75, 2.0, 4.9),  # rim of the orbit
    (5.6, 0.0, 5.8),
    (4.5, -0.6, 6.9),  # cheekbone
    (2.7, -0.6, 7.2),
    (1.6, 0.6, 7.45),
    (2.2, -2.6, 7.65),
    (3.6, -2.9, 6.75),
    (5.1, -3.1, 5.05),
    (6.45, -2.6, 2.6),
    (1.3, -4.0, 8.25),
    (1.3, -5.0, 8.22),
    (2.6, -5.0, 7.48),
    (3.6, -5.0, 6.6),
    (4.75, -5.0, 4.4),
    (6.0, -5.0, 1.6),
    (6.3, -3.6, 0.2),  # masseter
    (5.75, -5.9, -0.2),  # gonion
    (2.4, -6.7, 7.2),
    (1.6, -8.1, 7.85),
    (2.9, -8.0, 6.1),
    (4.25, -7.2, 3.4),
    (3.0, -9.4, 4.0),
    (4.6, -8.6, -0.6),
    (6.55, -1.6, -2.6),  # mastoid
    (5.7, -5.0, -3.4),
    (6.9, 2.2, -5.6),
    (6.2, -1.2, -6.0),
    (3.7, -4.8, -7.0),
    (5.2, 3.2, -9.2),
    (4.2, -1.2, -8.9),
    (5.0, 8.2, -7.8),
    (6.4, 7.4, -6.0),
)


def _marks() -> Array:
    left = np.array(LEFT, dtype=np.float64)
    return np.concatenate([np.array(MIDLINE, dtype=np.float64), left, left * [-1.0, 1.0, 1.0]])


def _kernel(a: Array, b: Array) -> Array:
    """The cube of the distance between unit vectors (N, 3) and (K, 3): (N, K)."""
    apart = np.maximum(2.0 - 2.0 * (a @ b.T), 0.0)
    return np.asarray(apart * np.sqrt(apart))


@cache
def _solved() -> tuple[Array, Array]:
    """The marks' directions (K, 3), and the weights of the kernels and of 1, x, y, z (K + 4,)."""
    offset = _marks() - MIDDLE
    reach = np.linalg.norm(offset, axis=1)
    way = offset / reach[:, None]
    count = len(way)
    plain = np.concatenate([np.ones((count, 1)), way], axis=1)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = _kernel(way, way) + LOOSE * np.eye(count)
    system[:count, count:], system[count:, :count] = plain, plain.T
    return way, np.linalg.solve(system, np.concatenate([reach, np.zeros(4)]))


LOOSE = 2e-3
"""How much the surface may pass beside a mark to be smoother."""


def radius(p: Array) -> tuple[Array, Array]:
    """How far the skull's surface lies from its middle in the direction of points (N, 3), and how far they lie (N,)."""
    way, weights = _solved()
    offset = p - MIDDLE
    far = np.linalg.norm(offset, axis=1)
    ahead = offset / np.maximum(far, 1e-9)[:, None]
    count = len(way)
    reach = _kernel(ahead, way) @ weights[:count] + weights[count] + ahead @ weights[count + 1 :]
    return np.asarray(reach), far


def distance(p: Array) -> Array:
    """Signed distance of points (N, 3) to the skull's surface, to first order, in centimetres, negative inside (N,)."""
    reach, far = radius(p)
    # how the surface slants against the ray makes the distance shorter
    step = 0.02
    slope = np.zeros_like(far)
    ahead = (p - MIDDLE) / np.maximum(far, 1e-9)[:, None]
    side = np.cross(ahead, [0.31, 0.17, 0.93])
    side /= np.maximum(np.linalg.norm(side, axis=1), 1e-9)[:, None]
    for across in (side, np.cross(ahead, side)):
        moved, _ = radius(MIDDLE + reach[:, None] * (ahead + step * across))
        slope += ((moved - reach) / (step * np.maximum(reach, 1e-9))) ** 2
    return np.asarray((far - reach) / np.sqrt(1.0 + slope))

"""Eyeballs with iris and pupil, brows and lashes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from . import lids
from .curves import Array, through, unit
from .proportions import EYE, EYE_RADIUS, IRIS_RADIUS, PUPIL_RADIUS
from .surface import front, normals
from .topology import Faces


@dataclass(frozen=True, eq=False)
class Piece:
    """A separate simple mesh on the left or the middle: points (V, 3), faces (F, 4), one material name a face."""

    points: Array
    quads: Faces
    materials: tuple[str, ...]


def tube(rings: list[list[int]], *, closed: bool) -> list[tuple[int, int, int, int]]:
    """Quads between consecutive rings of point numbers; ``closed`` joins each ring's ends."""
    quads = []
    for outer, inner in pairwise(rings):
        count = len(outer)
        for a in range(count if closed else count - 1):
            n = (a + 1) % count
            quads.append((outer[a], inner[a], inner[n], outer[n]))
    return quads


def disc_patch(first: int, side: int, rim: list[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int, int, int]]]:
    """Close a ring of 4*side points by side x side quads.

    Args:
        first: Number that the first new inner point will get.
        side: Cells along one side.
        rim: The ring's point numbers, counter-clockwise from outside, starting at the patch's corner (0, 0).

    Returns:
        The inner points' cells in the order of their numbers, and the quads.
    """
    edge = [(c, 0) for c in range(side)] + [(side, r) for r in range(side)]
    edge += [(c, side) for c in range(side, 0, -1)] + [(0, r) for r in range(side, 0, -1)]
    number = dict(zip(edge, rim, strict=True))
    inner = [(c, r) for r in range(1, side) for c in range(1, side)]
    number.update({cell: first + n for n, cell in enumerate(inner)})
    quads = [
        (number[c, r], number[c + 1, r], number[c + 1, r + 1], number[c, r + 1])
        for r in range(side)
        for c in range(side)
    ]
    return inner, quads


CORNEA_RISE = 0.235
"""How high the clear bulge before the iris stands over the iris's edge, in cm: iris and pupil are painted on it."""


def _cornea(radius: float) -> float:
    return CORNEA_RISE * (1.0 - (radius / IRIS_RADIUS) ** 2) * (1.0 - 0.12 * (radius / IRIS_RADIUS) ** 2)


RING_ANGLES = (150.0, 120.0, 95.0, 75.0, 60.0, 48.0, 37.0, 31.0)


def eyeball() -> Piece:
    """The left eyeball: rings around the axis of sight; iris and pupil on the cornea's bulge."""
    side = 5
    count = 4 * side
    # counter-clockwise from the front, first point at the lower left
    around = np.deg2rad(225.0) + 2 * np.pi * np.arange(count) / count
    iris = np.arcsin(IRIS_RADIUS / EYE_RADIUS)
    rows: list[tuple[float, float]] = [
        (np.sin(np.deg2rad(a)) * EYE_RADIUS, np.cos(np.deg2rad(a)) * EYE_RADIUS) for a in RING_ANGLES
    ]
    edge = EYE_RADIUS * np.cos(iris)
    rows += [
        (radius, edge + _cornea(radius))
        for radius in (IRIS_RADIUS, IRIS_RADIUS * 0.88, IRIS_RADIUS * 0.65, PUPIL_RADIUS, PUPIL_RADIUS * 0.6)
    ]
    points: list[list[float]] = []
    rings: list[list[int]] = []
    for radius, depth in rows:
        rings.append(list(range(len(points), len(points) + count)))
        points += [[radius * float(np.cos(a)), radius * float(np.sin(a)), depth] for a in around]
    quads = [(b, a, d, c) for a, b, c, d in tube(rings, closed=True)]
    bands = ["eye_white"] * (len(rows) - 5) + ["limbus"] + ["iris"] * 2 + ["pupil"]
    materials = [m for m in bands for _ in range(count)]
    for rim, place, inside, material in (
        (rings[-1], rows[-1], 1.0, "pupil"),
        (rings[0][::-1], rows[0], -1.0, "eye_white"),
    ):
        cells, faces = disc_patch(len(points), side, rim[:1] + rim[1:])
        for c, r in cells:
            x, y = 2 * c / side - 1, 2 * r / side - 1
            reach, length = max(abs(x), abs(y)), float(np.hypot(x, y))
            direction = np.array([x, y]) / length if length else np.zeros(2)
            turned = direction * reach * place[0]
            if inside > 0:
                points.append([turned[0], turned[1], edge + _cornea(float(np.hypot(*turned)))])
            else:
                turned = np.array([turned[1], turned[0]])
                points.append([turned[0], turned[1], -float(np.sqrt(EYE_RADIUS**2 - turned @ turned))])
        quads += faces
        materials += [material] * len(faces)
    return Piece(EYE + np.array(points), np.array(quads, dtype=np.int32)[:, ::1], tuple(materials))


BROW_X = (1.2, 1.6, 2.6, 3.7, 4.6, 5.5)
BROW_Y = (3.66, 3.75, 3.98, 4.18, 4.03, 3.55)
BROW_HALF = (0.19, 0.28, 0.28, 0.22, 0.13, 0.02)
BROW_TUFTS = 12
"""Strands of hair along a brow: they stand up where it begins and lie along it where it ends."""


def brow() -> Piece:
    """The left brow: tufts of hair on the brow ridge, full at its head, arched over the pupil, a thin tail."""
    columns, rows = 2 * BROW_TUFTS + 1, 5
    along = np.linspace(0.0, 1.0, columns)
    x = BROW_X[0] + along * (BROW_X[-1] - BROW_X[0])
    middle, half = through(BROW_X, BROW_Y, x), through(BROW_X, BROW_HALF, x)
    tuft = np.cos(np.pi * np.arange(columns))
    slant = through((0.0, 0.3, 1.0), (0.10, 0.16, 0.10), along)
    points = []
    for r in range(rows):
        v = 2 * r / (rows - 1) - 1
        ragged = 1.0 + 0.10 * tuft * abs(v)
        place = front(x + slant * v, middle + half * v * ragged)
        thick = (0.085 + 0.018 * tuft) * np.cos(v * np.pi / 2) * np.clip(half / 0.22, 0.25, 1.0) - 0.012
        points.append(place + normals(place) * thick[:, None])
    quads = [
        (r * columns + c, r * columns + c + 1, (r + 1) * columns + c + 1, (r + 1) * columns + c)
        for r in range(rows - 1)
        for c in range(columns - 1)
    ]
    return Piece(np.concatenate(points), np.array(quads, dtype=np.int32), ("brows",) * len(quads))


LASH_OUT = (0.0, 0.16, 0.32)


def lashes(rim_ring: Array, *, upper: bool) -> Piece:
    """A strip of lashes along one lid's margin; its points stand in rows as long as the rim's part.

    Args:
        rim_ring: The lid ring they grow from, this lid's points only, from the inner corner (N, 3).
        upper: Longer and curled up; else short and down.
    """
    count = len(rim_ring)
    share = np.linspace(0, 1, count)
    length = np.sin(np.pi * np.clip(share * 0.95 + 0.03, 0, 1)) ** 0.8 * (1.0 if upper else 0.28)
    away = unit(rim_ring - EYE)
    up = np.array([0.0, 1.0 if upper else -1.0, 0.0])
    fan = np.stack([0.5 * (share - 0.4), np.zeros(count), np.zeros(count)], axis=-1)
    rows = [rim_ring - 0.02 * away]
    for step, curl in ((0.07, 0.1), (0.22, 0.6)):
        rows.append(rim_ring + (away + curl * up + fan) * (length * step)[:, None])
    points = np.concatenate(rows)
    quads = []
    for r in range(2):
        for c in range(count - 1):
            a, b = r * count + c, r * count + c + 1
            quad = (a, b, b + count, a + count)
            quads.append(quad if upper else quad[::-1])
    return Piece(points, np.array(quads, dtype=np.int32), ("lashes",) * len(quads))


def lash_rims(ring: Array) -> tuple[Array, Array]:
    """The upper and the lower lid's points of a whole lid ring (24, 3), each from the inner corner."""
    half = lids.HALF
    return ring[1 : half + 1], np.concatenate([ring[half + 2 :], ring[:1]])[::-1][1:-1]

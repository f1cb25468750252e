"""The whole skin: the grid laid onto the clay, the openings' rings, an even spacing, and the mirrored other half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import ears, lids, lips
from .curves import Array, Indices, Mask, unit
from .fields import near
from .grid import laid_grid
from .surface import normals, onto_surface
from .topology import EAR, EYE, MOUTH, NOSTRIL, Faces, HalfSkin, Key, Opening, half_skin, on_midline, ring_keys

EVEN_ROUNDS = 14
EASE_ROUNDS = 10
FOLDS = (((3.9, -7.8, 0.4), (2.6, 2.2, 3.0)), ((4.9, -7.2, -1.4), (1.8, 2.6, 2.4)))
"""Middles and radii of the fold below the jaw's corner."""


@dataclass(frozen=True, eq=False)
class Skin:
    """The closed-up skin of both halves.

    Attributes:
        points: Places (V, 3) in centimetres.
        quads: Faces (F, 4), counter-clockwise from outside.
        keys: Every point's key in the half it belongs to.
        left: True for points of the left half and the midline; the others mirror them.
        mirror: The number of every point's mirror image (V,).
    """

    points: Array
    quads: Faces
    keys: tuple[Key, ...]
    left: Mask
    mirror: Indices

    def ring(self, opening: Opening, number: int, *, right: bool = False) -> Indices:
        """The point numbers of a left (or right) ring in the order of the opening's edge."""
        index = {k: n for n, k in enumerate(self.keys) if self.left[n]}
        numbers = np.array([index[k] for k in ring_keys(opening, number)])
        return self.mirror[numbers] if right else numbers


def _patch(skin: HalfSkin, opening: Opening, places: dict[Key, Array]) -> None:
    """Fill an opening's innermost patch from its rim by repeated averaging."""
    name = opening.name + "_patch"
    inner = [k for k in skin.index if k[0] == name]
    rim = ring_keys(opening, opening.rings)
    cells = dict(zip(opening.edge(), rim, strict=True))
    middle = np.mean([places[k] for k in rim], axis=0)
    for k in inner:
        places[k] = middle.copy()
    for _ in range(60):
        for k in inner:
            c, r = int(str(k[1])), int(str(k[2]))
            around = [(c - 1, r), (c + 1, r), (c, r - 1), (c, r + 1)]
            found = [places[cells.get(cell, (name, *cell))] for cell in around if cell[0] >= 0]
            places[k] = np.mean(found, axis=0)
            if opening.halved and c == 0:
                places[k][0] = 0.0


def _between(opening: Opening, first: int, last: int, places: dict[Key, Array]) -> None:
    """Rings strictly between two known ones, straight."""
    a = np.array([places[k] for k in ring_keys(opening, first)])
    b = np.array([places[k] for k in ring_keys(opening, last)])
    for number in range(first + 1, last):
        t = (number - first) / (last - first)
        places.update(zip(ring_keys(opening, number), a + t * (b - a), strict=True))


def _nostril(places: dict[Key, Array]) -> None:
    rim = np.array([places[k] for k in ring_keys(NOSTRIL, 0)])
    middle = rim.mean(axis=0)
    into = np.array([-0.1, 0.85, -0.35])
    for number, (scale, depth) in enumerate(((0.72, 0.06), (0.62, 0.4), (0.4, 0.8)), start=1):
        ring = middle + scale * (rim - middle) + depth * into
        places.update(zip(ring_keys(NOSTRIL, number), ring, strict=True))


def _explicit(places: dict[Key, Array]) -> set[Key]:
    """Lids and lips; the keys set here stay where they are."""
    fixed: set[Key] = set()
    for opening, numbers, shape in (
        (EYE, lids.RINGS, lids.ring),
        (MOUTH, range(lips.BORDER, MOUTH.rings + 1), lips.ring),
        (EAR, ears.RINGS, ears.ring),
    ):
        for number in numbers:
            keys = ring_keys(opening, number)
            places.update(zip(keys, shape(number), strict=True))
            fixed.update(keys)
    return fixed


def _neighbours(skin: HalfSkin) -> list[list[int]]:
    around: list[set[int]] = [set() for _ in skin.index]
    for quad in skin.quads:
        for a, b in zip(quad, quad[1:] + quad[:1], strict=True):
            around[a].add(b)
            around[b].add(a)
    return [sorted(s) for s in around]


def _evened(skin: HalfSkin, points: Array, free: Mask, middle: Mask) -> Array:
    """Slide free points along the clay towards the middle of their neighbours."""
    around = _neighbours(skin)
    numbers = np.flatnonzero(free)
    pairs = np.array([(i, n) for i in numbers for n in around[i]])
    count = np.bincount(pairs[:, 0], minlength=len(points)).astype(np.float64)[:, None]
    edge_rows = np.array([k[0] == "grid" and k[2] == 44 for k in skin.index])
    for _ in range(EVEN_ROUNDS):
        total = np.zeros_like(points)
        np.add.at(total, pairs[:, 0], points[pairs[:, 1]])
        target = np.where(count > 0, total / np.maximum(count, 1), points)
        pull = (target - points)[numbers]
        normal = normals(points[numbers])
        pull -= (pull * normal).sum(-1, keepdims=True) * normal
        pull[middle[numbers], 0] = 0.0
        pull[edge_rows[numbers], 1] = 0.0
        moved = onto_surface(points[numbers] + 0.45 * pull, rounds=1)
        moved[middle[numbers], 0] = 0.0
        points[numbers] = moved
    return points


def _eased(skin: HalfSkin, points: Array, free: Mask, middle: Mask) -> Array:
    """Smooth the fold from jaw to neck: it crosses the loops aslant, which would show as wrinkles."""
    around = _neighbours(skin)
    share = np.max([near(points, centre, radius) for centre, radius in FOLDS], axis=0) * (free & ~middle)
    numbers = np.flatnonzero(share)
    for _ in range(EASE_ROUNDS):
        mean = np.array([points[around[n]].mean(axis=0) for n in numbers])
        points[numbers] += 0.5 * share[numbers, None] * (mean - points[numbers])
    return points


def build_skin() -> Skin:
    """The skin at rest."""
    half = half_skin()
    places = laid_grid(half)
    fixed = _explicit(places)
    _between(EYE, 0, lids.FIRST_EXPLICIT, places)
    _between(MOUTH, 0, lips.BORDER, places)
    _nostril(places)
    keys = list(half.index)
    middle = np.array([on_midline(k) for k in keys])
    on_clay = np.array([k[0] in {"grid", "cap"} or (k[0] in {"eye", "mouth"} and k not in fixed) for k in keys])
    for opening in (MOUTH, NOSTRIL, EAR):
        _patch(half, opening, places)
    for key in half.index:
        if key[0] == "ear_patch":
            places[key][0] -= ears.CANAL_DEPTH
    points = np.array([places[k] for k in keys])
    points[on_clay] = onto_surface(points[on_clay])
    points[middle, 0] = 0.0
    points = _evened(half, points, on_clay, middle)
    points = _eased(half, points, on_clay, middle)
    places = dict(zip(keys, points, strict=True))
    beside = [np.array([places[k] for k in ring_keys(MOUTH, n)]) for n in (lips.BORDER - 2, lips.BORDER)]
    # the ring beside the red lies half-way to it, or the corner's quads would be slivers
    places.update(zip(ring_keys(MOUTH, lips.BORDER - 1), onto_surface(0.5 * (beside[0] + beside[1])), strict=True))
    for number in lids.FOLD:
        ring = ring_keys(EYE, number)
        places.update(zip(ring, lids.fold(number, np.array([places[k] for k in ring])), strict=True))
    points = np.array([places[k] for k in keys])
    # the nostril hangs on the evened rim
    places = dict(zip(keys, points, strict=True))
    _nostril(places)
    _patch(half, NOSTRIL, places)
    points = np.array([places[k] for k in keys])
    points[middle, 0] = 0.0
    return _mirrored(half, points, keys, middle)


def _mirrored(half: HalfSkin, points: Array, keys: list[Key], middle: Mask) -> Skin:
    count = len(points)
    twin = np.arange(count)
    aside = np.flatnonzero(~middle)
    twin[aside] = count + np.arange(len(aside))
    left = np.array(half.quads, dtype=np.int32)
    right = twin[left][:, ::-1].astype(np.int32)
    other = points[aside] * np.array([-1.0, 1.0, 1.0])
    mirror = np.concatenate([twin, aside])
    return Skin(
        points=np.concatenate([points, other]),
        quads=np.concatenate([left, right]),
        keys=tuple(keys) + tuple(keys[i] for i in aside),
        left=np.arange(count + len(aside)) < count,
        mirror=mirror,
    )


def face_normals(points: Array, quads: Faces) -> Array:
    """Unit normals of quads from their diagonals (F, 3)."""
    q = points[quads]
    return unit(np.cross(q[:, 2] - q[:, 0], q[:, 3] - q[:, 1]))

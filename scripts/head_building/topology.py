"""The skin's edge loops: a half grid around the head, loops around eye, mouth, nostril and ear let into it. All quads.

Columns run from the face's midline (0) to the back's (32), rows from the crown (0) down the neck (44). A rectangle of
cells is taken out for every opening and filled with rings of the same number of points, so that every opening has four
five-edged poles at its corners and nothing else irregular.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

COLUMNS = 32
ROWS = 44
CAP = 8  # the crown is closed by a patch of 2*CAP x 2*CAP cells

Key = tuple[Hashable, ...]
Faces = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Opening:
    """A rectangle of grid cells that rings replace.

    Attributes:
        name: First part of its points' keys.
        columns: First and last column.
        rows: First and last row.
        rings: How many rings lie inside the rectangle's edge.
        filled: The innermost ring is closed by a patch of cells.
    """

    name: str
    columns: tuple[int, int]
    rows: tuple[int, int]
    rings: int
    filled: bool

    @property
    def halved(self) -> bool:
        """It lies on the midline."""
        return self.columns[0] == 0

    def edge(self) -> list[tuple[int, int]]:
        """The rectangle's edge as cells (column, row), clockwise seen from outside.

        From the middle of the inner side, or from the midline's top where it lies on the midline (an open path).
        """
        (c0, c1), (r0, r1) = self.columns, self.rows
        path = [(c, r0) for c in range(c0, c1)] + [(c1, r) for r in range(r0, r1)]
        path += [(c, r1) for c in range(c1, c0, -1)]
        if self.halved:
            return [*path, (c0, r1)]
        path += [(c0, r) for r in range(r1, r0, -1)]
        middle = path.index((c0, (r0 + r1) // 2))
        return path[middle:] + path[:middle]


EYE = Opening("eye", (4, 12), (10, 14), 10, filled=False)
MOUTH = Opening("mouth", (0, 8), (24, 28), 21, filled=True)
NOSTRIL = Opening("nostril", (1, 3), (20, 22), 3, filled=True)
EAR = Opening("ear", (20, 24), (10, 20), 15, filled=True)
OPENINGS = (EYE, MOUTH, NOSTRIL, EAR)


@dataclass
class HalfSkin:
    """The left half's points by key and its quads."""

    index: dict[Key, int] = field(default_factory=dict)
    quads: list[tuple[int, int, int, int]] = field(default_factory=list)

    def point(self, key: Key) -> int:
        """The number of the point of this key; a new key gets a new one."""
        return self.index.setdefault(key, len(self.index))

    def quad(self, keys: Iterable[Key]) -> None:
        """Add a face, counter-clockwise seen from outside."""
        a, b, c, d = (self.point(k) for k in keys)
        self.quads.append((a, b, c, d))


def ring_keys(opening: Opening, ring: int) -> list[Key]:
    """The keys of one ring's points in the order of its edge; ring 0 is the rectangle's edge itself."""
    edge = opening.edge()
    if ring == 0:
        return [("grid", c, r) for c, r in edge]
    return [(opening.name, ring, a) for a in range(len(edge))]


def _patch_key(opening: Opening, cell: tuple[int, int]) -> Key:
    edge = opening.edge()
    if cell in edge:
        return ring_keys(opening, opening.rings)[edge.index(cell)]
    return (opening.name + "_patch", *cell)


def _cap_key(a: int, b: int) -> Key:
    """The crown patch's point (a across from the midline, b from the front): its rim is the grid's first row."""
    if b == 0:
        return ("grid", a, 0)
    if a == CAP:
        return ("grid", CAP + b, 0)
    if b == 2 * CAP:
        return ("grid", COLUMNS - a, 0)
    return ("cap", a, b)


def half_skin() -> HalfSkin:
    """The left half with all its openings."""
    skin = HalfSkin()
    removed = {(c, r) for o in OPENINGS for c in range(*o.columns) for r in range(*o.rows)}
    for r in range(ROWS):
        for c in range(COLUMNS):
            if (c, r) not in removed:
                skin.quad([("grid", c, r), ("grid", c, r + 1), ("grid", c + 1, r + 1), ("grid", c + 1, r)])
    for a in range(CAP):
        for b in range(2 * CAP):
            skin.quad([_cap_key(a, b), _cap_key(a + 1, b), _cap_key(a + 1, b + 1), _cap_key(a, b + 1)])
    for opening in OPENINGS:
        for ring in range(opening.rings):
            outer, inner = ring_keys(opening, ring), ring_keys(opening, ring + 1)
            count = len(outer)
            for a in range(count - 1 if opening.halved else count):
                n = (a + 1) % count
                skin.quad([outer[a], inner[a], inner[n], outer[n]])
        if opening.filled:
            for r in range(*opening.rows):
                for c in range(*opening.columns):
                    cells = [(c, r), (c, r + 1), (c + 1, r + 1), (c + 1, r)]
                    skin.quad([_patch_key(opening, cell) for cell in cells])
    return skin


def on_midline(key: Key) -> bool:
    """The point of this key lies on the plane of symmetry."""
    kind = key[0]
    if kind in {"grid", "cap", "mouth_patch"}:
        return key[1] == 0 or (kind == "grid" and key[1] == COLUMNS)
    return kind == "mouth" and key[2] in {0, len(MOUTH.edge()) - 1}

"""Where a character's landmarks lie, read off what its blendshapes move.

An opening jaw parts the lips where points that go stand close to points that stay; a blink carries the upper lid onto
the lower; the corners of mouth and eyes are where the way along a rim turns back. What no shape shows (brows move far
above where they are drawn) is filled in from a face that is known, laid over the points that are found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from .correspondence import aligned, bending, islands, normals
from .known_names import OPEN
from .landmarks import positions
from .model import Head, Landmark
from .naming import Table
from .picking import PICKED_NAMES, landmarks_from
from .walking import Edges

Floats = NDArray[np.float64]
Fields = Mapping[str, NDArray[np.floating[Any]]]

STAYS, GOES = 0.35, 0.55
"""How far a point goes with the jaw, in parts of its greatest travel, to belong to the upper or the lower lip."""

TOGETHER = 0.05
"""How near each other, in widths of what the jaw moves, the lips are looked for."""

STRONG = 0.9
"""Of a field's greatest travel: what is in the middle of it."""

FACING = 0.2
LEAST_ASIDE = 0.8
"""How far a corner lies beside the middle, in heights of the eye or quarters of what the jaw moves."""

LININGS = 40
HIDDEN = 4.0
"""How much longer a way counts that faces inward: rims are followed, not the linings of mouth and lids."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """What is known of a character before its landmarks are.

    Attributes:
        name: what messages call it.
        places: (V, 3) the neutral face, any unit, y up, facing +z, its left at +x.
        faces: (F, 4) polygons, triangles with -1 as their fourth.
        shapes: blendshape → (V, 3) displacements at 1.
        table: what each blendshape is.
    """

    name: str
    places: Floats
    faces: NDArray[np.integer[Any]]
    shapes: Fields
    table: Table


def found_landmarks(mesh: Mesh, reference: Head, jaw: NDArray[np.floating[Any]] | None = None) -> dict[str, Landmark]:
    """Every landmark of a character whose blendshapes are known by name.

    Args:
        mesh: the character.
        reference: a head with all landmarks.
        jaw: (V,) weights of the jaw bone, where there is one.

    Raises:
        HeadError: no shape is known to open the mouth or to close an eye, or they do not look as if they did.
    """
    face = _Face(mesh, jaw)
    points: dict[str, int] = face.mouth()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        points |= face.eye(side, sign)
    points |= face.profile(points)
    return landmarks_from(face.filled_in(points, reference), mesh.places, mesh.faces)


def _anchors(names: tuple[str, ...], places: Floats) -> Floats:
    """Points (N, 3) by which one face is bent over another: the rims of the lips count as the line between them."""
    rims = [names.index("lip_upper_inner"), names.index("lip_lower_inner")]
    others = [row for row in range(len(names)) if row not in rims]
    return np.concatenate([places[rims].mean(axis=0, keepdims=True), places[others]])


class _Face:
    """A mesh and what moves it."""

    def __init__(self, mesh: Mesh, jaw: NDArray[np.floating[Any]] | None) -> None:
        name, places, faces = mesh.name, mesh.places, mesh.faces
        self.name, self.places, self.faces = name, places, faces
        self._shapes, self._table = mesh.shapes, mesh.table
        triangles = np.concatenate([faces[:, [0, 1, 2]], faces[faces[:, 3] >= 0][:, [0, 2, 3]]])
        self._islands = islands(len(places), triangles)
        self._facing = normals(places, triangles)[:, 2]
        self._toll = 1 + HIDDEN * np.maximum(-self._facing, 0.0)
        opening = self.field(OPEN)
        if jaw is not None and np.max(jaw) > GOES:
            self._goes = np.asarray(jaw, np.float64)
        elif opening is not None:
            travel = np.linalg.norm(opening, axis=1)
            self._goes = travel / travel.max()
        else:
            raise HeadError(
                f"No blendshape of {name!r} is known to open its mouth, and no bone turns its jaw: say in its table "
                f"which one follows {OPEN!r}, or pick its landmarks."
            )
        self._skin = self._islands == self._largest_moved()
        moved = places[self._skin & (self._goes > GOES)]
        self._size = float(np.ptp(moved[:, 0]))
        self._middle = float((moved[:, 0].max() + moved[:, 0].min()) / 2)

    def _largest_moved(self) -> int:
        """The largest piece of the mesh that the jaw moves: lashes, teeth and tongue are smaller ones."""
        pieces = np.unique(self._islands[self._goes > GOES])
        reach = [float(np.ptp(self.places[self._islands == piece], axis=0).max()) for piece in pieces]
        return int(pieces[int(np.argmax(reach))])

    def field(self, channel: str) -> Floats | None:
        """(V, 3) what all blendshapes move that follow a channel; None where there are none."""
        total = np.zeros_like(self.places)
        for shape, row in self._table.rows.items():
            if row.used and row.follows.get(channel, 0.0) > 0:
                total += np.asarray(self._shapes[shape], np.float64) * row.follows[channel]
        return total if np.abs(total).max() > 0 else None

    def mouth(self) -> dict[str, int]:
        """Corners and the middles of the inner rims."""
        upper, lower = (self._frontmost(choice) for choice in (self._goes < STAYS, self._goes > GOES))
        apart = np.linalg.norm(self.places[upper][:, None] - self.places[lower][None], axis=2)
        near = np.argwhere(apart < TOGETHER * self._size)
        middle = np.abs(self.places[upper[near[:, 0]], 0] - self._middle) < TOGETHER * self._size
        middle &= np.abs(self.places[lower[near[:, 1]], 0] - self._middle) < TOGETHER * self._size
        pairs = near[middle]
        if not len(pairs):
            raise HeadError(
                f"The lips of {self.name!r} are not found: where its jaw opens, no points that go lie close to points "
                "that stay. Pick its landmarks."
            )
        # the lips' pairs lie before those of the teeth; of theirs, the nearest to each other and to the middle
        depth = self.places[upper[pairs[:, 0]], 2]
        aside = np.abs(self.places[upper[pairs[:, 0]], 0] - self._middle)
        aside += np.abs(self.places[lower[pairs[:, 1]], 0] - self._middle)
        front = depth > depth.max() - TOGETHER * self._size
        cost = np.where(front, apart[pairs[:, 0], pairs[:, 1]] + aside + (depth.max() - depth) / 3, np.inf)
        best = pairs[int(cost.argmin())]
        up, low = int(upper[best[0]]), int(lower[best[1]])
        width = self._size / 4
        near_mouth = np.linalg.norm(self.places - self.places[up], axis=1) < self._size
        graph = Edges.of(self.places, self.faces, near_mouth, self._toll)
        return {
            "lip_upper_inner": up,
            "lip_lower_inner": low,
            "lip_corner_left": self._turning(graph, (up, low), 1.0, width, "mouth"),
            "lip_corner_right": self._turning(graph, (up, low), -1.0, width, "mouth"),
        }

    def eye(self, side: str, sign: float) -> dict[str, int]:
        """The four points of an eye that lies at ``sign`` times +x."""
        blink = self.field(f"eyeBlink{side.capitalize()}")
        if blink is None:
            raise HeadError(
                f"No blendshape of {self.name!r} is known to close its {side} eye: say in its table which one follows "
                f"'eyeBlink{side.capitalize()}', or pick its landmarks."
            )
        skin = self._skin & (sign * (self.places[:, 0] - self._middle) > 0)
        falls = np.where(skin, -blink[:, 1], 0.0)
        most = float(falls.max())
        if not most > 0:
            raise HeadError(
                f"What is said to close the {side} eye of {self.name!r} lowers nothing there: say in its table which "
                "blendshape does, or pick its landmarks."
            )
        upper = self._central(falls)
        landing = self.places[upper] + blink[upper]
        still = skin & (np.linalg.norm(blink, axis=1) < STAYS * most) & (self.places[:, 1] < self.places[upper, 1])
        lower = int(np.where(still, np.linalg.norm(self.places - landing, axis=1), np.inf).argmin())
        graph = Edges.of(
            self.places, self.faces, np.linalg.norm(self.places - landing, axis=1) < self._size / 2, self._toll
        )
        height = float(self.places[upper, 1] - self.places[lower, 1])
        return {
            f"eye_{side}_upper": upper,
            f"eye_{side}_lower": lower,
            f"eye_{side}_outer": self._turning(graph, (upper, lower), sign, height, f"{side} eye"),
            f"eye_{side}_inner": self._turning(graph, (upper, lower), -sign, height, f"{side} eye"),
        }

    def profile(self, points: Mapping[str, int]) -> dict[str, int]:
        """Nose and chin: what stands out most on the middle line, between eyes and lips, and under the lips."""
        lips = self.places[points["lip_lower_inner"]]
        eyes = (self.places[points["eye_left_lower"], 1] + self.places[points["eye_right_lower"], 1]) / 2
        height = eyes - lips[1]
        width = self.places[points["lip_corner_left"], 0] - self.places[points["lip_corner_right"], 0]
        line = self._skin & (np.abs(self.places[:, 0] - lips[0]) < width / 8)
        share = (self.places[:, 1] - lips[1]) / height
        nose = line & (share > 0.15) & (share < 1.0)  # noqa: PLR2004 - from the lip's rim to the lids
        chin = line & (share < -0.3) & (share > -0.8) & (self._goes > STAYS)  # noqa: PLR2004
        if not nose.any() or not chin.any():
            raise HeadError(f"The nose or the chin of {self.name!r} is not found: pick its landmarks.")
        aside = np.abs(self.places[:, 0] - lips[0]) / 10
        return {
            "nose_tip": int(np.where(nose, self.places[:, 2] - aside, -np.inf).argmax()),
            "chin": int(np.where(chin, self.places[:, 2] - aside, -np.inf).argmax()),
        }

    def filled_in(self, points: dict[str, int], reference: Head) -> dict[str, int]:
        """All picked points: those that are found, and the others where a known face, bent over them, has them."""
        known = tuple(points)
        here = _anchors(known, positions(reference, reference.template, known).astype(np.float64))
        there = _anchors(known, self.places[[points[name] for name in known]])
        unit = float(np.linalg.norm(there - there.mean(axis=0)) / np.linalg.norm(here - here.mean(axis=0)))
        turn, scale, shift = aligned(here, there / unit, (reference.name, self.name))
        lacking = tuple(name for name in PICKED_NAMES if name not in points)
        laid = scale * here @ turn.T + shift
        wanted = scale * positions(reference, reference.template, lacking).astype(np.float64) @ turn.T + shift
        wanted = (wanted + bending(laid, there / unit - laid, wanted)) * unit
        front = np.flatnonzero(self._skin & (self._facing > FACING))
        if not len(front):
            raise HeadError(f"No skin of {self.name!r} faces forward: turn its faces outside, or pick its landmarks.")
        nearest = np.linalg.norm(wanted[:, None] - self.places[front][None], axis=2).argmin(axis=1)
        return {**points, **{name: int(front[row]) for name, row in zip(lacking, nearest, strict=True)}}

    def _frontmost(self, choice: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Vertices of the skin that may be lips: near the middle line and before what the jaw moves, on the mean."""
        moved = self.places[self._skin & (self._goes > GOES)]
        inside = choice & self._skin & (np.abs(self.places[:, 0] - self._middle) < self._size / 4)
        inside &= (self.places[:, 1] > moved[:, 1].min()) & (self.places[:, 1] < moved[:, 1].max() + self._size / 4)
        inside &= self.places[:, 2] > (moved[:, 2].max() + moved[:, 2].mean()) / 2
        return np.flatnonzero(inside)

    def _central(self, strength: Floats) -> int:
        """The vertex nearest to the middle of what a field moves most."""
        strong = np.flatnonzero(strength > STRONG * strength.max())
        middle = np.average(self.places[strong], axis=0, weights=strength[strong])
        return int(strong[np.linalg.norm(self.places[strong] - middle, axis=1).argmin()])

    def _turning(self, graph: Edges, rims: tuple[int, int], sign: float, least: float, what: str) -> int:
        """Where the way from one rim to the other turns back on one side, well beyond ``least``."""
        above, below = rims
        across = sign * self.places[:, 0]
        limit = float(across[[above, below]].min()) - TOGETHER * self._size / 2
        aside = float(across[[above, below]].mean()) + LEAST_ASIDE * least
        best, closed = above, frozenset[int]()
        for _ in range(LININGS):
            way = graph.way(above, below, _open_ones(across >= limit, closed))
            if not way:
                break
            best = max(best, *way, key=lambda vertex: float(across[vertex]))
            if across[best] > aside:
                break
            # it went through the lining behind the rims: close that way, and look for another
            closed |= frozenset(way[1:-1])
        if best in (above, below):
            raise HeadError(f"The corners of the {what} of {self.name!r} are not found: pick its landmarks.")
        return best


def _open_ones(allowed: NDArray[np.bool_], closed: frozenset[int]) -> Callable[[int], bool]:
    """Whether a vertex is allowed and not closed."""
    return lambda vertex: bool(allowed[vertex]) and vertex not in closed

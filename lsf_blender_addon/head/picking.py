"""All landmarks from the few that a person can point at: the lines of the lips are found along the mesh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from .landmarks import BROW_NAMES, EYE_NAMES, LIP_NAMES, LIP_POINTS, OTHER_NAMES
from .model import Landmark
from .walking import Edges

Floats = NDArray[np.float64]

PICKED_NAMES = LIP_NAMES + EYE_NAMES + BROW_NAMES + OTHER_NAMES
"""The 24 points that are enough, on the rims of lips and lids, the brows, nose and chin; left is the character's."""

PARTS = {
    "inner": "its inner corner",
    "outer": "its outer corner",
    "upper": "the middle of the upper lid's rim",
    "lower": "the middle of the lower lid's rim",
}
PLACES = {
    "lip_upper_inner": "the middle of the upper lip's inner rim, where the lips meet",
    "lip_lower_inner": "the middle of the lower lip's inner rim, where the lips meet",
    "lip_upper_outer": "the middle of the upper lip's outer edge",
    "lip_lower_outer": "the middle of the lower lip's outer edge",
    "nose_tip": "the tip of the nose",
    "chin": "the chin, where it stands out most",
}

MIDDLE = LIP_POINTS // 2
REACH = 2.0
"""How far from the two corners the way along a lip is looked for, in parts of the mouth's width."""


def in_words(name: str) -> str:
    """Where one of ``PICKED_NAMES`` lies, as a sentence goes on after "Click"; left is the character's own."""
    if name in PLACES:
        return PLACES[name]
    words = name.split("_")
    side = next(word for word in words if word in {"left", "right"})
    if words[0] == "eye":
        return f"the {side} eye of the character: {PARTS[words[-1]]}"
    if words[0] == "brow":
        return f"the {side} brow of the character: {'its middle' if words[-1] == 'middle' else f'its {words[-1]} end'}"
    return f"the {'corner of the mouth' if words[0] == 'lip' else 'wing of the nose'} at the character's {side}"


def landmarks_from(
    picked: Mapping[str, int | Sequence[int]], vertices: NDArray[np.floating[Any]], faces: NDArray[np.integer[Any]]
) -> dict[str, Landmark]:
    """Every landmark, from one vertex (or the middle of several) for each of ``PICKED_NAMES``.

    Between a corner of the mouth and the middle of a lip's inner rim, the shortest way along the mesh is the rim.

    Args:
        picked: name → vertex number, or several.
        vertices: (V, 3) the neutral face, any unit, its left at +x.
        faces: (F, 4) polygons, triangles with -1 as their fourth.

    Raises:
        HeadError: a point is missing, unknown, or no vertex; or no way leads along the lips.
    """
    points = {name: _checked(name, rows, len(vertices)) for name, rows in picked.items()}
    missing = [name for name in PICKED_NAMES if name not in points]
    if missing:
        raise HeadError(f"Of the {len(PICKED_NAMES)} points {len(missing)} are not picked: {', '.join(missing)}.")
    places = np.asarray(vertices, np.float64)
    marks = {name: Landmark(rows, np.full(len(rows), 1 / len(rows), np.float32)) for name, rows in points.items()}
    ends = places[[points["lip_corner_left"][0], points["lip_corner_right"][0]]]
    near = np.linalg.norm(places - ends.mean(axis=0), axis=1) < REACH * np.linalg.norm(ends[0] - ends[1])
    graph = Edges.of(places, faces, near)
    for lip in ("upper", "lower"):
        corners = [int(points[f"lip_corner_{side}"][0]) for side in ("right", "left")]
        middle = int(points[f"lip_{lip}_inner"][0])
        ways = [graph.way(corner, middle) for corner in corners]
        if not all(ways):
            raise HeadError(
                f"No edges of the mesh lead from a corner of the mouth to the middle of the {lip} lip: pick them on "
                "the inner rim of one mesh."
            )
        line = [*_spaced(places, ways[0]), *reversed(_spaced(places, ways[1])[:-1])]
        line[0], line[-1] = marks["lip_corner_right"], marks["lip_corner_left"]
        line[MIDDLE] = marks[f"lip_{lip}_inner"]
        marks |= {f"lip_{lip}_inner_{number}": point for number, point in enumerate(line)}
    return marks


def _checked(name: str, rows: int | Sequence[int], count: int) -> NDArray[np.int32]:
    if name not in PICKED_NAMES:
        raise HeadError(f"There is no landmark {name!r} to pick; they are: {', '.join(PICKED_NAMES)}.")
    numbers = np.atleast_1d(np.asarray(rows))
    if numbers.ndim != 1 or not len(numbers) or numbers.dtype.kind not in "iu":
        raise HeadError(f"The landmark {name!r} is one vertex number or several, not {rows!r}.")
    if numbers.min() < 0 or numbers.max() >= count:
        raise HeadError(f"The landmark {name!r} names a vertex that the mesh of {count} vertices does not have.")
    return np.asarray(numbers, np.int32)


def _spaced(places: Floats, way: list[int]) -> list[Landmark]:
    """Points from a corner (first) to the middle (last), evenly spread across the face."""
    across = places[way, 0]
    steps = across[0] + (across[-1] - across[0]) * np.arange(MIDDLE + 1) / MIDDLE
    inward = np.sign(across[-1] - across[0])
    farthest = np.maximum.accumulate(across * inward)
    line = []
    for step in steps * inward:
        after = int(np.clip(np.searchsorted(farthest, step), 1, len(way) - 1))
        span = farthest[after] - farthest[after - 1]
        share = float(np.clip((step - farthest[after - 1]) / span, 0.0, 1.0)) if span > 0 else 1.0
        line.append(Landmark(np.array(way[after - 1 : after + 1], np.int32), np.array([1 - share, share], np.float32)))
    return line

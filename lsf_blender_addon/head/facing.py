"""Which way a character looks, by what its blendshapes do: lids go down, brows go up, its left eye is on its left."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .known_names import OPEN
from .naming import CHANNEL_NAMES, Table

Floats = NDArray[np.float64]

Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Axes of a character that stands along +z and looks along -y, as Blender's do → a head's."""

SNAPPED = 0.85
"""Mean cosine from which on a character stands along its own axes: lids do not go straight down."""

LIKELY = 0.01
"""How much more likely the usual axes are where the blendshapes leave it open."""

HEIGHTS = {
    **dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight"), -1.0),
    **dict.fromkeys(("browDownLeft", "browDownRight", "mouthLowerDownLeft", "mouthLowerDownRight"), -0.5),
    **dict.fromkeys(
        ("browInnerUp", "browOuterUpLeft", "browOuterUpRight", "mouthUpperUpLeft", "mouthUpperUpRight"), 0.5
    ),
}
"""What goes up and down, and how surely."""

OPENING = np.array([0.0, -0.8, -0.6])
"""An opening jaw goes down and back."""

TRAVELLING = 0.3
"""Of a shape's greatest travel: what it is seen to move."""


def facing(places: Floats, shapes: Mapping[str, NDArray[np.floating[Any]]], table: Table) -> Floats:
    """(3, 3) the turn from a character's own axes to a head's: y up, looking along +z, its left at +x.

    Args:
        places: (V, 3) the neutral face, in any axes.
        shapes: blendshape → (V, 3) displacements at 1.
        table: what each blendshape is known as.

    Returns:
        One of the 24 turns that map axes on axes, where one fits; the z-up, -y-forward one where nothing tells.
    """
    told = []
    up = sum((way * _field(shapes, table, channel) for channel, way in HEIGHTS.items()), np.zeros(3))
    if np.linalg.norm(up) > 0:
        told.append((up / np.linalg.norm(up), np.array([0.0, 1.0, 0.0])))
    opening = _field(shapes, table, OPEN)
    if np.linalg.norm(opening) > 0:
        told.append((opening / np.linalg.norm(opening), OPENING))
    left = _leftwards(places, shapes, table)
    if left is not None:
        told.append((left, np.array([1.0, 0.0, 0.0])))
    usual = (Z_UP, np.eye(3))
    best = max(
        _turns() if np.any(up) else usual,
        key=lambda turn: (
            sum(float(meant @ (turn @ seen)) for seen, meant in told)
            + LIKELY * sum(2 - number for number, likely in enumerate(usual) if np.array_equal(turn, likely))
        ),
    )
    if (
        left is None
        or not np.any(up)
        or sum(float(meant @ (best @ seen)) for seen, meant in told) > SNAPPED * len(told)
    ):
        return best
    raised = up - left * float(up @ left)
    raised /= max(float(np.linalg.norm(raised)), 1e-9)
    return np.stack([left, raised, np.cross(left, raised)])


def _field(shapes: Mapping[str, NDArray[np.floating[Any]]], table: Table, channel: str) -> Floats:
    """(3,) the way that a channel's blendshapes carry points, on the mean over what moves, as parts of the farthest."""
    total = np.zeros(3)
    for shape, row in table.rows.items():
        if row.follows.get(channel, 0.0) > 0 and shape in shapes:
            moved = np.asarray(shapes[shape], np.float64)
            most = float(np.linalg.norm(moved, axis=1).max(initial=0.0))
            if most > 0:
                total += moved[np.linalg.norm(moved, axis=1) > TRAVELLING * most].mean(axis=0) / most
    return total


def _leftwards(
    places: Floats, shapes: Mapping[str, NDArray[np.floating[Any]]], table: Table
) -> NDArray[np.float64] | None:
    """(3,) from what blendshapes of right sides move to what those of left sides do; None where none have sides."""
    total = np.zeros(3)
    for channel in CHANNEL_NAMES:
        if not channel.endswith("Left") or channel[:-4] in ("jaw", "mouth"):
            continue
        sides = [_middle(places, shapes, table, channel[:-4] + side) for side in ("Left", "Right")]
        if sides[0] is not None and sides[1] is not None:
            total += sides[0] - sides[1]
    size = float(np.linalg.norm(total))
    return total / size if size > 1e-6 * float(np.ptp(places, axis=0).max()) else None


def _middle(
    places: Floats, shapes: Mapping[str, NDArray[np.floating[Any]]], table: Table, channel: str
) -> Floats | None:
    """(3,) the middle of what follows a channel alone; None where nothing does."""
    for shape, row in table.rows.items():
        if set(row.follows) == {channel} and shape in shapes:
            travel = np.linalg.norm(np.asarray(shapes[shape], np.float64), axis=1)
            if travel.max(initial=0.0) > 0:
                return np.asarray(np.average(places, axis=0, weights=travel), np.float64)
    return None


def _turns() -> list[Floats]:
    """The 24 rotations that map axes on axes."""
    found = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            turn = np.zeros((3, 3))
            turn[range(3), order] = signs
            if np.linalg.det(turn) > 0:
                found.append(turn)
    return found

"""Which way a character looks is read off its blendshapes, whatever its axes are."""

from __future__ import annotations

import numpy as np
import pytest

from lsf_blender_addon.head.facing import Z_UP, facing
from lsf_blender_addon.head.naming import recognised
from tests.head.bundled import head
from tests.head.characters import shapes_of

IN_DEGREES = np.pi / 180


def turned(matrix: np.ndarray, *lacking: str) -> np.ndarray:
    """What is found of the bundled head in other axes, without some of its shapes."""
    shapes = {name: move for name, move in shapes_of(opening=True).items() if not name.startswith(lacking)}
    places = head().template.astype(np.float64) @ matrix.T
    return facing(places, {name: move @ matrix.T for name, move in shapes.items()}, recognised(tuple(shapes)))


def about(axis: int, angle: float) -> np.ndarray:
    one, two = [number for number in range(3) if number != axis]
    matrix = np.eye(3)
    matrix[one, one] = matrix[two, two] = np.cos(angle)
    matrix[one, two], matrix[two, one] = -np.sin(angle), np.sin(angle)
    return matrix


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_axes_that_map_on_axes_are_found_exactly(axis: int, quarters: int) -> None:
    matrix = about(axis, quarters * np.pi / 2).round()
    np.testing.assert_array_equal(turned(matrix), matrix.T)


def test_a_face_that_looks_askew_is_found_within_the_slope_of_its_lids() -> None:
    matrix = about(1, 40 * IN_DEGREES) @ about(2, 35 * IN_DEGREES)
    left = turned(matrix) @ matrix
    angle = np.arccos((np.trace(left) - 1) / 2)
    assert angle < 25 * IN_DEGREES


def test_an_opening_jaw_alone_leaves_blenders_usual_axes() -> None:
    lacking = ("eye", "brow", "mouth", "nose", "cheek", "jawL", "jawR", "jawF")
    np.testing.assert_array_equal(turned(Z_UP.T, *lacking), Z_UP)
    np.testing.assert_array_equal(turned(np.eye(3), *lacking), np.eye(3))


def test_where_nothing_is_known_blenders_usual_axes_are_taken() -> None:
    np.testing.assert_array_equal(facing(np.zeros((4, 3)), {}, recognised(())), Z_UP)

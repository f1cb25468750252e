"""A FLAME face is read as it moves, left as right: the components' names tell no sides, so the points must."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsf_blender_addon.head.correspondence import mirror_images
from lsf_blender_addon.head.fit import Fit, Side
from lsf_blender_addon.head.moving import Moving
from lsf_blender_addon.head.retarget import character_fit, to_arkit, to_character, to_flame
from lsf_blender_addon.head.sides import character_side, firm, mirror_names, side_of
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS
from tests.head.bundled import head
from tests.head.carried_flame import carried_flame
from tests.head.characters import facekit
from tests.head.speaking import spoken
from tests.head.test_retarget import one

FLIP = np.array([-1.0, 1.0, 1.0])
SIGNS = np.outer(FLIP, FLIP).ravel()
"""What the mirror does to the entries of the jaw's rotation."""

TARGETS = ("the bundled head", "ICT-FaceKit")
LEFT = [name for name in ARKIT_EXPRESSIONS if name.endswith("Left")]


@cache
def problem(shared: Path, target: str) -> tuple[Fit, np.ndarray]:
    """A FLAME source's fit, and which of the target's expressions is each one's mirror image (itself where none)."""
    flame = carried_flame(shared, head())
    if target == TARGETS[0]:
        side: Side = firm(side_of(head(), "arkit"))
        fit, mates = Fit.of(side_of(flame, "flame"), side), mirror_names(head().expression_names[:50])
    else:
        side = character_side(facekit(shared))
        fit = character_fit(flame, facekit(shared))
        assert side.mates is not None
        mates = side.mates
    return fit, np.where(mates < 0, np.arange(len(mates)), mates)


def seen_in_a_mirror(points: Moving, partner: np.ndarray) -> Moving:
    """What the same components do to a face in the mirror."""

    def other(rows: np.ndarray) -> np.ndarray:
        swapped = (rows.reshape(len(rows), -1, 3)[:, partner] * FLIP).reshape(rows.shape)
        swapped[-9:] *= SIGNS[:, None]
        return np.asarray(swapped, np.float32)

    return replace(points, whole=other(points.whole), hung=other(points.hung))


def motions() -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Some frames of 50 components and a jaw that turns every way."""
    return st.integers(0, 2**32 - 1).map(
        lambda seed: (
            np.random.default_rng(seed).normal(0, 1, (6, 50)),
            np.abs(np.random.default_rng(seed + 1).normal(0, 0.15, (6, 3))) * [1.0, 0.3, 0.1],
        )
    )


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=20)
@given(motion=motions())
def test_a_face_in_the_mirror_gives_mirrored_channels(
    shared: Path, target: str, motion: tuple[np.ndarray, np.ndarray]
) -> None:
    fit, mates = problem(shared, target)
    expression, jaw = motion
    mirrored = replace(fit, source=seen_in_a_mirror(fit.source, mirror_images(fit.target.rest)))
    ours, theirs = fit.solved(expression, jaw), mirrored.solved(expression, jaw * [1, -1, -1])
    np.testing.assert_allclose(theirs.expression, ours.expression[:, mates], atol=1e-3)
    np.testing.assert_allclose(theirs.jaw, ours.jaw * [1, -1, -1], atol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=20)
@given(motion=motions())
def test_a_face_that_moves_alike_on_both_sides_gives_equal_channels(
    shared: Path, target: str, motion: tuple[np.ndarray, np.ndarray]
) -> None:
    fit, mates = problem(shared, target)
    expression, jaw = motion
    other = seen_in_a_mirror(fit.source, mirror_images(fit.target.rest))
    both = replace(fit.source, whole=(fit.source.whole + other.whole) / 2, hung=(fit.source.hung + other.hung) / 2)
    got = replace(fit, source=both).solved(expression, jaw * [1, 0, 0]).expression
    assert np.abs(got).max() > 0.1
    np.testing.assert_allclose(got, got[:, mates], atol=1e-3)


def test_speech_alike_on_both_sides_stays_so_through_flame_whose_neutral_is_not(shared: Path) -> None:
    flame = carried_flame(shared, head())
    in_flame = to_flame(spoken(300)[0], head(), flame)
    back = to_arkit(in_flame, flame, head()).expression
    said = to_character(in_flame, flame, facekit(shared))
    for name in LEFT:
        left, right = (ARKIT_EXPRESSIONS.index(name.replace("Left", side)) for side in ("Left", "Right"))
        assert np.abs(back[:, left] - back[:, right]).max() < 0.075, name
    for name in said.names:
        if name.endswith("_L"):
            left, right = said.names.index(name), said.names.index(f"{name[:-1]}R")
            assert np.abs(said.values[:, left] - said.values[:, right]).max() < 0.1, name


@pytest.mark.parametrize("unit", ["mouthSmileLeft", "eyeBlinkRight", "browOuterUpLeft", "mouthStretchRight"])
def test_what_one_side_does_alone_stays_on_that_side(shared: Path, unit: str) -> None:
    flame = carried_flame(shared, head())
    got = to_arkit(to_flame(one(**{unit: 0.8}), head(), flame), flame, head()).expression[0]
    other = unit.replace("Left", "#").replace("Right", "Left").replace("#", "Right")
    assert got[ARKIT_EXPRESSIONS.index(unit)] > 0.5
    assert got[ARKIT_EXPRESSIONS.index(other)] < 0.05

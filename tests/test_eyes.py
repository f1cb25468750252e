"""Blinks and looks by chance: seeded, of a person's measures, and only where a face can do them."""

from __future__ import annotations

import numpy as np
import pytest

from lsf_blender_addon import eyes
from lsf_blender_addon.errors import MotionError
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion

STILL = FaceMotion.still(60 * 50, 50.0, "arkit")


def column(motion: FaceMotion, name: str) -> np.ndarray:
    return motion.expression[:, ARKIT_EXPRESSIONS.index(name)]


def test_a_minute_has_as_many_blinks_as_a_speaking_person_makes_and_they_close_both_eyes() -> None:
    lids = column(eyes.with_blinks(STILL, 3), "eyeBlinkLeft")
    began = np.flatnonzero((lids[1:] > 0.5) & (lids[:-1] <= 0.5))
    assert 8 <= len(began) <= 26
    assert lids.max() == pytest.approx(1.0)
    np.testing.assert_array_equal(lids, column(eyes.with_blinks(STILL, 3), "eyeBlinkRight"))
    shut = np.diff(np.flatnonzero(np.diff((lids > 0.5).astype(int))))[::2] / 50
    assert (shut < 0.25).all()


def test_a_seed_gives_the_same_life_and_another_seed_another() -> None:
    for made in (eyes.with_blinks, eyes.with_looks):
        np.testing.assert_array_equal(made(STILL, 5).expression, made(STILL, 5).expression)
        assert np.abs(made(STILL, 5).expression - made(STILL, 6).expression).max() > 0.02


def test_looks_are_small_rest_between_jumps_and_turn_both_eyes_the_same_way() -> None:
    motion = eyes.with_looks(STILL, 1)
    sideways = column(motion, "eyeLookOutLeft") - column(motion, "eyeLookInLeft")
    np.testing.assert_array_equal(sideways, column(motion, "eyeLookInRight") - column(motion, "eyeLookOutRight"))
    assert 0.02 < np.abs(sideways).max() <= eyes.SIDEWAYS + 1e-6
    assert (np.diff(sideways) == 0).mean() > 0.9
    assert not eyes.has_blinks(motion)


def test_a_face_that_blinks_or_looks_is_known() -> None:
    assert not eyes.has_blinks(STILL)
    assert not eyes.has_looks(STILL)
    assert eyes.has_blinks(eyes.with_blinks(STILL, 0))
    assert eyes.has_looks(eyes.with_looks(STILL, 0))


def test_flame_cannot_blink_and_says_so() -> None:
    with pytest.raises(MotionError, match="cannot close the eyes"):
        eyes.with_blinks(FaceMotion.still(50, 25.0, "flame"), 0)

"""The bundled head's surfaces while it speaks: 500 frames, and every unit at one over a wide open jaw."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

sys.path.insert(0, str(Path(__file__).parent))

import bundled
import bundled_speech

from tests.head.bundled import INSIDE, SKIN, TEETH, TONGUE, head, posed

CHUNK = 25
TEETH_DEPTH, LIP_GAP, LIP_VOLUME = 0.5, 0.3, 0.2  # millimetres, millimetres, share


def _chunks() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Points (T, V, 3), the jaw's turns (T, 3), and where lips are meant to be shut (T,), 25 frames at a time."""
    expression, jaw, shut = bundled_speech.motion()
    for begin in range(0, bundled_speech.FRAMES, CHUNK):
        part = slice(begin, begin + CHUNK)
        yield vertices(head(), expression[part], jaw[part]).astype(np.float64), jaw[part], shut[part]


def test_no_face_folds_or_vanishes_in_five_hundred_frames() -> None:
    for points, _, _ in _chunks():
        for frame in points:
            assert bundled.areas(frame).min() > 1e-3, "square millimetres"
            assert not bundled.folded(frame).any()


def test_lips_close_where_they_should_and_never_pass_through_each_other() -> None:
    seen = 0
    for points, _, shut in _chunks():
        for frame, closed in zip(points, shut, strict=True):
            assert bundled.lips_crossed(frame) <= 0.5
            if closed:
                assert bundled.gaps(frame).max() <= LIP_GAP
                seen += 1
    assert seen > 25


def test_lips_and_tongue_stay_out_of_the_teeth_in_five_hundred_frames() -> None:
    numbers = bundled.points_of("lips", *INSIDE, *TONGUE)
    for points, jaw, _ in _chunks():
        assert bundled.deepest_in_rigid_teeth(points[:, numbers], jaw[:, 0]) <= TEETH_DEPTH


def test_lids_stay_out_of_the_eyeballs_in_five_hundred_frames() -> None:
    for points, _, _ in _chunks():
        for frame in points[::5]:
            for left in (True, False):
                assert bundled.eyeball_clearance(frame, left=left) >= -0.5


def test_teeth_and_tongue_stay_behind_the_face_while_it_speaks() -> None:
    for points, _, _ in _chunks():
        assert bundled.beyond_skin(points[12], bundled.points_of(*TEETH, *TONGUE)) <= 0.5


def test_lips_keep_their_volume_while_they_speak_and_in_every_unit() -> None:
    rest = bundled.lip_volume(head().template.astype(np.float64))
    assert 1e-6 < rest < 6e-6, "cubic metres: a few millilitres"
    for points, _, _ in _chunks():
        for frame in points:
            assert abs(bundled.lip_volume(frame) / rest - 1) <= LIP_VOLUME
    for unit in ARKIT_EXPRESSIONS:
        if unit != "mouthClose":
            assert abs(bundled.lip_volume(posed({unit: 1.0})) / rest - 1) <= LIP_VOLUME, unit


@pytest.mark.parametrize("unit", ARKIT_EXPRESSIONS)
def test_every_unit_is_sound_over_a_wide_open_jaw(unit: str) -> None:
    points = posed({unit: 1.0}, 0.35)
    assert bundled.areas(points).min() > 1e-3
    assert not bundled.folded(points).any()
    for part in (SKIN, TONGUE):
        assert bundled.deepest_in_teeth(points, bundled.points_of(*part)) <= TEETH_DEPTH
    assert bundled.beyond_skin(points, bundled.points_of(*TEETH, *TONGUE)) <= 0.5
    assert bundled.lips_crossed(points) <= 0.5


def test_rounded_and_spread_lips_differ_clearly_in_width() -> None:
    def width(units: dict[str, float]) -> float:
        points = posed(units, 0.04)
        return float(abs(bundled.place(points, "lip_corner_left")[0] - bundled.place(points, "lip_corner_right")[0]))

    rest = width({})
    assert width({"mouthPucker": 0.75, "mouthFunnel": 0.15}) < rest - 10
    assert width({"mouthSmileLeft": 0.3, "mouthSmileRight": 0.3}) > rest + 3

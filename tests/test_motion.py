"""FaceMotion: what it refuses, and that time stays exact through every step."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsf_blender_addon.errors import MotionError
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FLAME_EXPRESSIONS, FaceMotion, exact_rate

RATES = st.sampled_from([23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0, 100.0, 12.5])


def moving(frames: int = 40, fps: float = 25.0, space: str = "arkit", seed: int = 0, **more: Any) -> FaceMotion:
    random = np.random.default_rng(seed)
    return FaceMotion(random.normal(size=(frames, 50)), random.normal(size=(frames, 3)) * 0.1, fps, space, **more)


def ramp(seconds: float, fps: float) -> FaceMotion:
    """Every number is the frame's own time."""
    times = np.arange(round(seconds * fps)) / float(exact_rate(fps))
    return FaceMotion(np.repeat(times[:, None], 50, 1), np.repeat(times[:, None], 3, 1), fps, "arkit")


def test_the_arkit_space_is_apples_52_without_the_open_jaw_and_the_tongue() -> None:
    assert len(ARKIT_EXPRESSIONS) == len(set(ARKIT_EXPRESSIONS)) == 50
    assert not {"jawOpen", "tongueOut"} & set(ARKIT_EXPRESSIONS)
    left = {name.removesuffix("Left") for name in ARKIT_EXPRESSIONS if name.endswith("Left")}
    right = {name.removesuffix("Right") for name in ARKIT_EXPRESSIONS if name.endswith("Right")}
    assert left == right
    assert FLAME_EXPRESSIONS[0] == "Exp1"
    assert FLAME_EXPRESSIONS[-1] == "Exp50"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expression": np.zeros((4, 49))}, "4 by 49"),
        ({"expression": np.zeros((0, 50)), "jaw": np.zeros((0, 3))}, "0 by 50"),
        ({"jaw": np.zeros((3, 3))}, "jaw"),
        ({"expression": np.full((4, 50), np.nan)}, "finite"),
        ({"jaw": np.full((4, 3), 1e39)}, "finite"),
        ({"expression": np.full((4, 50), "a")}, "other than numbers"),
        ({"space": "smplx"}, "smplx"),
        ({"fps": 0.0}, "rate"),
        ({"fps": float("nan")}, "rate"),
        ({"start": float("inf")}, "time"),
    ],
)
def test_a_motion_that_does_not_fit_itself_is_refused(change: dict[str, Any], words: str) -> None:
    fields: dict[str, Any] = {"expression": np.zeros((4, 50)), "jaw": np.zeros((4, 3)), "fps": 25.0, "space": "arkit"}
    with pytest.raises(MotionError, match=words):
        FaceMotion(**{**fields, **change})


def test_a_motion_cannot_be_changed_behind_its_back() -> None:
    source = np.zeros((4, 50), np.float32)
    motion = FaceMotion(source, np.zeros((4, 3)), 25.0, "arkit")
    source += 1
    assert motion.expression.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        motion.jaw[0] = 1


@given(frames=st.integers(1, 30), fps=RATES, start=st.floats(-100, 100), seed=st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_what_is_saved_is_what_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, frames: int, fps: float, start: float, seed: int
) -> None:
    path = tmp_path_factory.mktemp("motion") / "deep" / "speech.npz"
    motion = moving(frames, fps, "flame", seed, start=start, origin={"seed": seed, "model": "é", "list": [1, None]})
    motion.save(path)
    again = FaceMotion.load(path)
    assert np.array_equal(again.expression, motion.expression)
    assert np.array_equal(again.jaw, motion.jaw)
    assert (again.fps, again.space, again.start, again.origin) == (fps, "flame", start, motion.origin)
    assert [item.name for item in path.parent.iterdir()] == ["speech.npz"]


def test_an_origin_that_is_not_json_leaves_no_file_behind(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="JSON"):
        moving(origin={"path": tmp_path}).save(tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MotionError, match="cannot be written"):
        moving().save(tmp_path / "file" / "a.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match=r"nothing\.npz"):
        FaceMotion.load(tmp_path / "nothing.npz")


def test_a_pickle_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, expression=np.array([print], dtype=object))
    with pytest.raises(MotionError, match="not plain"):
        FaceMotion.load(path)


def test_an_array_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.npz"
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 50)}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("expression.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(MotionError, match="cut short"):
        FaceMotion.load(path)


def test_a_file_that_unpacks_to_more_than_a_motion_can_be_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("expression.npy", "w") as stream:
        for _ in range(11):
            stream.write(bytes(100 << 20))
    assert path.stat().st_size < 2 << 20
    with pytest.raises(MotionError, match="larger"):
        FaceMotion.load(path)


def test_a_file_of_other_arrays_is_told_from_a_motion(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", t=np.zeros(3))
    with pytest.raises(MotionError, match="lacks expression"):
        FaceMotion.load(tmp_path / "other.npz")


def test_a_newer_format_is_refused_by_number(tmp_path: Path) -> None:
    path = tmp_path / "new.npz"
    moving().save(path)
    with np.load(path) as arrays:
        np.savez(path, **{**arrays, "format": 9})
    with pytest.raises(MotionError, match="format is 9"):
        FaceMotion.load(path)


def saved() -> bytes:
    stream = io.BytesIO()
    values = {
        "expression": np.zeros((2, 50), np.float32),
        "jaw": np.zeros((2, 3), np.float32),
        "origin": json.dumps({}),
    }
    np.savez_compressed(stream, format=1, space="arkit", fps=25.0, start=0.0, **values)
    return stream.getvalue()


GOOD = saved()


@given(cut=st.integers(0, len(GOOD)), place=st.integers(0, len(GOOD) - 1), new=st.binary(min_size=0, max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_a_motion_error_or_a_motion(
    tmp_path_factory: pytest.TempPathFactory, cut: int, place: int, new: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes((GOOD[:place] + new + GOOD[place + len(new) :])[: max(cut, place)])
    with suppress(MotionError):
        assert FaceMotion.load(path).frames == 2


@pytest.mark.parametrize(
    ("fps", "exact"),
    [(29.97, Fraction(30000, 1001)), (30 / 1.001, Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), (24, 24)],
)
def test_televisions_rates_are_their_exact_fractions(fps: float, exact: Fraction) -> None:
    assert exact_rate(fps) == exact


@pytest.mark.parametrize("fps", [24.0, 29.97, 30.0, 50.0, 60.0])
def test_resampling_does_not_drift_over_ten_minutes(fps: float) -> None:
    motion = ramp(600.0, 25.0).resampled(fps)
    rate = exact_rate(fps)
    assert motion.frames == round(600 * rate)
    expected = np.minimum(np.arange(motion.frames) * rate.denominator / rate.numerator, 600.0 - 1 / 25)
    assert np.abs(motion.expression[:, 0] - expected).max() < 1e-4  # float32 at 600
    assert motion.fps == float(rate)


@given(frames=st.integers(2, 60), first=RATES, second=RATES, seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_resampling_keeps_length_and_never_goes_past_its_own_values(
    frames: int, first: float, second: float, seed: int
) -> None:
    motion = moving(frames, first, seed=seed)
    again = motion.resampled(second)
    assert abs(again.seconds - motion.seconds) <= 0.5 / second + 1e-9 or again.frames == 1
    assert (again.expression.max(0) <= motion.expression.max(0) + 1e-6).all()
    assert (again.expression.min(0) >= motion.expression.min(0) - 1e-6).all()


@given(frames=st.integers(1, 60), fps=RATES)
@settings(max_examples=30, deadline=None)
def test_resampling_to_the_same_rate_changes_nothing(frames: int, fps: float) -> None:
    motion = moving(frames, fps)
    assert np.array_equal(motion.resampled(fps).expression, motion.expression)


def test_frames_that_fall_together_are_kept_exactly() -> None:
    motion = moving(50, 25.0)
    assert np.array_equal(motion.resampled(50.0).expression[::2], motion.expression)


def test_a_lead_moves_the_face_ahead_of_the_sound() -> None:
    motion = ramp(4.0, 25.0)
    early = motion.resampled(25.0, lead=0.1)
    assert early.frames == motion.frames
    assert np.allclose(early.jaw[:-3, 0], motion.times[:-3] + 0.1, atol=1e-6)
    assert np.allclose(early.jaw[-3:, 0], motion.jaw[-1, 0], atol=1e-6)
    assert np.allclose(motion.resampled(25.0, lead=-0.05).jaw[2:, 0], motion.times[2:] - 0.05, atol=1e-6)


def test_sampling_holds_the_ends() -> None:
    motion = moving(10, start=2.0)
    expression, jaw = motion.sampled([0.0, 2.0, 2.06, 99.0])
    assert np.array_equal(expression[0], motion.expression[0])
    assert np.array_equal(expression[1], motion.expression[0])
    assert np.allclose(expression[2], (motion.expression[1] + motion.expression[2]) / 2, atol=1e-5)
    assert np.array_equal(jaw[3], motion.jaw[-1])


@given(frames=st.integers(1, 60), fps=RATES, cut=st.floats(0.01, 3.0))
@settings(max_examples=60, deadline=None)
def test_two_slices_are_the_whole(frames: int, fps: float, cut: float) -> None:
    motion = moving(frames, fps, start=1.5)
    parts = []
    for begin, end in ((0.0, 1.5 + cut), (1.5 + cut, 1e6)):
        try:
            parts.append(motion.sliced(begin, end))
        except MotionError:
            continue
    assert np.array_equal(np.concatenate([part.expression for part in parts]), motion.expression)
    assert np.allclose(np.concatenate([part.times for part in parts]), motion.times, atol=1e-9)


def test_an_empty_slice_is_refused() -> None:
    with pytest.raises(MotionError, match="between 7 and 8"):
        moving(10).sliced(7, 8)


@given(weight=st.floats(0, 1), seed=st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_a_blend_lies_between_its_two(weight: float, seed: int) -> None:
    one, two = moving(20, seed=seed), moving(20, seed=seed + 1)
    mixed = one.blended(two, weight).expression
    assert np.allclose(mixed, (1 - weight) * one.expression + weight * two.expression, atol=1e-5)


def test_a_blend_takes_the_other_at_its_own_rate_and_start() -> None:
    one, two = ramp(4.0, 25.0), ramp(4.0, 50.0)
    assert np.allclose(one.blended(two, 1.0).jaw, one.jaw, atol=1e-5)


def test_spaces_do_not_blend() -> None:
    with pytest.raises(MotionError, match="retarget"):
        moving().blended(moving(space="flame"), 0.5)


def test_smoothing_keeps_a_still_face_and_calms_a_moving_one() -> None:
    still = FaceMotion(np.full((30, 50), 0.3), np.full((30, 3), 0.1), 25.0, "arkit")
    assert np.allclose(still.smoothed(0.1).expression, 0.3, atol=1e-6)
    motion = moving(200)
    assert np.diff(motion.smoothed(0.08).expression, axis=0).std() < 0.3 * np.diff(motion.expression, axis=0).std()
    assert motion.smoothed(0.0) is motion


def test_strengths_reach_their_own_part_of_the_face_only() -> None:
    motion = FaceMotion(np.ones((2, 50)), np.ones((2, 3)), 25.0, "arkit")
    mouth = dict(zip(ARKIT_EXPRESSIONS, motion.scaled(mouth=2.0).expression[0], strict=True))
    assert mouth["mouthClose"] == mouth["cheekPuff"] == 2.0
    assert mouth["browInnerUp"] == mouth["jawLeft"] == 1.0
    upper = dict(zip(ARKIT_EXPRESSIONS, motion.scaled(upper=0.0).expression[0], strict=True))
    assert upper["browInnerUp"] == upper["eyeBlinkLeft"] == upper["noseSneerLeft"] == upper["cheekSquintLeft"] == 0.0
    assert upper["mouthClose"] == 1.0
    jaw = motion.scaled(jaw=0.5)
    assert jaw.jaw.max() == 0.5
    assert jaw.expression[0, ARKIT_EXPRESSIONS.index("jawForward")] == 0.5


def test_flames_components_have_no_parts() -> None:
    motion = moving(space="flame")
    assert np.allclose(motion.scaled(expression=0.5, jaw=1.0).expression, motion.expression / 2)
    with pytest.raises(MotionError, match="retarget"):
        motion.scaled(mouth=2.0)


def test_shaping_is_its_steps_in_order() -> None:
    motion = moving(60)
    shaped = motion.shaped(mouth=0.5, smoothing=0.05, lead=0.04, fps=30.0)
    steps = motion.scaled(mouth=0.5).smoothed(0.05).resampled(30.0, lead=0.04)
    assert np.array_equal(shaped.expression, steps.expression)
    assert motion.shaped().expression is not None
    assert np.array_equal(motion.shaped().expression, motion.expression)

"""Keyframes: exact on every frame, planned before anything is touched, and never on an artist's own Action."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, faces, rig
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.motion import FaceMotion

Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]
Points = Callable[..., np.ndarray]
EXACT = 1e-4
"""Metres."""

RATES = {"24": (24, 1.0), "25": (25, 1.0), "29.97": (30, 1.001), "30": (30, 1.0), "60": (60, 1.0)}


def rigged(head: Head) -> faces.Face:
    return faces.face_of(rig.build_rig(head).mesh)


def set_scene(fps: int, base: float = 1.0) -> None:
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps, base


def column(face: faces.Face, data_path: str, index: int = 0) -> np.ndarray:
    """(N, 2) frames and values of one F-curve."""
    owner = face.armature if data_path.startswith("pose") else face.keys
    (curve,) = (
        curve for curve in compat.curves_of(owner) if curve.data_path == data_path and curve.array_index == index
    )
    points = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", points)
    return points.reshape(-1, 2)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_blender_moves_every_vertex_where_numpy_does(
    make_head: Maker, make_motion: Motions, evaluated: Points, skinned: Points, mode: str
) -> None:
    """FLAME's rules in full: correctives, a jaw off its axis, and a jaw joint that follows the expressions."""
    set_scene(25)
    head, motion = make_head("flame"), make_motion("flame")
    face = rigged(head)
    face.armature.pose.bones["jaw"].rotation_mode = mode
    bake.write(bake.plan(face, motion, bake.BakeSettings(start_frame=1)))
    wanted = skinned(head, motion.expression, motion.jaw)
    for frame in (0, 3, 17, 31, 49):
        np.testing.assert_allclose(evaluated(face.mesh, frame + 1), wanted[frame], atol=EXACT)
    assert np.abs(wanted[17] - wanted[0]).max() > 100 * EXACT


def test_a_jaw_joint_that_follows_the_expressions_needs_its_location_keyed(
    make_head: Maker, make_motion: Motions
) -> None:
    moving, fixed = (rigged(make_head("flame", moving_joints=moves)) for moves in (True, False))
    assert sum("location" in curve.data_path for curve in bake.plan(moving, make_motion()).curves) == 3
    assert not any("location" in curve.data_path for curve in bake.plan(fixed, make_motion()).curves)


@pytest.mark.parametrize("source", [25.0, 50.0])
@pytest.mark.parametrize("rate", RATES)
def test_ten_minutes_do_not_drift_at_any_rate(make_head: Maker, rate: str, source: float) -> None:
    """A ramp of one unit a second tells at each key which second it shows."""
    set_scene(*RATES[rate])
    exact = RATES[rate][0] / RATES[rate][1]
    frames = int(600 * source) + 1
    seconds = np.arange(frames) / source
    expression = np.zeros((frames, 50), np.float32)
    expression[:, 4] = seconds / 100
    motion = FaceMotion(expression, np.zeros((frames, 3), np.float32), source, "flame")
    face = rigged(make_head("flame", correctives=False, moving_joints=False))
    report = bake.write(bake.plan(face, motion, bake.BakeSettings(start_frame=10)))
    keys = column(face, 'key_blocks["Exp5"].value').astype(np.float64)
    assert (report.first_frame, report.last_frame) == (10, 10 + int(600 * exact + 1e-6))
    shown = keys[:, 1] * 100
    np.testing.assert_allclose(shown, (keys[:, 0] - 10) / exact, atol=2e-4)
    np.testing.assert_array_equal(np.diff(keys[:, 0]), 1)


def test_at_the_motions_own_rate_keys_are_the_motions_values(make_head: Maker, make_motion: Motions) -> None:
    set_scene(25)
    motion = make_motion("arkit", frames=200)
    face = rigged(make_head("arkit"))
    bake.write(bake.plan(face, motion, bake.BakeSettings(start_frame=101)))
    for number, name in enumerate(face.expressions):
        keys = column(face, f'key_blocks["{name}"].value')
        np.testing.assert_array_equal(keys[:, 0], np.arange(101, 301))
        np.testing.assert_allclose(keys[:, 1], motion.expression[:, number], atol=1e-6)


def test_a_motion_that_starts_late_or_on_a_part_of_a_frame_lies_where_it_belongs(
    make_head: Maker, make_motion: Motions
) -> None:
    set_scene(25)
    face = rigged(make_head("arkit"))
    late = bake.plan(face, make_motion("arkit", start=2.0), bake.BakeSettings(start_frame=1))
    assert (late.frames[0], late.frames[-1]) == (51, 100)
    between = bake.plan(face, make_motion("arkit"), bake.BakeSettings(start_frame=0.5))
    assert between.frames[0] == 1
    first, second = make_motion("arkit").expression[:2, 0]
    assert between.curves[0].values[0] == pytest.approx((first + second) / 2, abs=1e-6)


def test_one_action_holds_keys_and_jaw(make_head: Maker, make_motion: Motions) -> None:
    face = rigged(make_head("arkit"))
    report = bake.write(bake.plan(face, make_motion("arkit")))
    if compat.has_slots():
        assert report.actions == ("speech",)
        action = bpy.data.actions["speech"]
        assert sorted(slot.target_id_type for slot in action.slots) == ["KEY", "OBJECT"]
        assert face.keys.animation_data.action == face.armature.animation_data.action == action
    else:
        assert len(report.actions) == 2
    assert len(list(compat.curves_of(face.keys))) == 50
    assert len(list(compat.curves_of(face.armature))) == 7
    assert {curve.group.name for curve in compat.curves_of(face.armature)} == {"jaw"}
    for name in report.actions:
        assert bpy.data.actions[name].use_fake_user
        assert json.loads(bpy.data.actions[name][bake.MARK])["audio"] == "speech.wav"


def test_keys_look_the_same_whatever_a_person_prefers_for_new_keys(make_head: Maker, make_motion: Motions) -> None:
    edit = bpy.context.preferences.edit
    edit.keyframe_new_interpolation_type, edit.keyframe_new_handle_type = "CONSTANT", "VECTOR"
    face = rigged(make_head("arkit"))
    bake.write(bake.plan(face, make_motion("arkit")))
    for curve in compat.curves_of(face.keys):
        for key in curve.keyframe_points:
            assert key.interpolation == "BEZIER"
            assert (key.handle_left_type, key.handle_right_type) == ("AUTO_CLAMPED", "AUTO_CLAMPED")


def test_an_artists_action_is_put_aside_untouched(make_head: Maker, make_motion: Motions) -> None:
    face = rigged(make_head("arkit"))
    face.armature.location = 1, 2, 3
    face.armature.keyframe_insert("location", frame=5)
    face.keys.key_blocks["jawLeft"].keyframe_insert("value", frame=7)
    own = [face.armature.animation_data.action, face.keys.animation_data.action]

    def content() -> list[Any]:
        return [
            [(curve.data_path, [tuple(key.co) for key in curve.keyframe_points]) for curve in compat.curves_of(owner)]
            for owner in (face.armature, face.keys)
        ]

    before = content()
    slots = [compat.assignment(face.armature), compat.assignment(face.keys)]
    report = bake.write(bake.plan(face, make_motion("arkit")))
    assert set(report.put_aside) == {action.name for action in own}
    assert all(action.users > 0 for action in own)
    for owner, was in zip((face.armature, face.keys), slots, strict=True):
        compat.restore(owner, was)
    assert content() == before


def test_a_second_bake_makes_a_second_action(make_head: Maker, make_motion: Motions) -> None:
    face = rigged(make_head("arkit"))
    first = bake.write(bake.plan(face, make_motion("arkit")))
    second = bake.write(bake.plan(face, make_motion("arkit", frames=20)))
    assert set(second.put_aside) == set(first.actions)
    assert set(first.actions).isdisjoint(second.actions)
    assert set(first.actions) <= set(bpy.data.actions.keys())


def test_sliders_grow_to_what_the_motion_needs_and_no_further(make_head: Maker, make_motion: Motions) -> None:
    face = rigged(make_head("arkit"))
    motion = make_motion("arkit")
    expression = motion.expression.clip(0, 1)
    expression[:, 3] = 1.7
    expression[:, 4] = -0.2
    report = bake.write(bake.plan(face, replace(motion, expression=expression)))
    names = face.expressions
    assert report.widened == (names[3], names[4])
    spans = [(face.keys.key_blocks[name].slider_min, face.keys.key_blocks[name].slider_max) for name in names[3:6]]
    assert spans == [(0, 2), (-1, 1), (0, 1)]
    bpy.context.scene.frame_set(3)
    assert face.keys.key_blocks[names[3]].value == pytest.approx(1.7)


def other_space(_: faces.Face, motion: FaceMotion) -> FaceMotion:
    return replace(motion, space="flame")


def missing_key(face: faces.Face, motion: FaceMotion) -> FaceMotion:
    face.mesh.shape_key_remove(face.keys.key_blocks["mouthPucker"])
    return motion


def no_jaw(face: faces.Face, motion: FaceMotion) -> FaceMotion:
    face.armature.data.bones["jaw"].name = "mandible"
    return motion


def driven_key(face: faces.Face, motion: FaceMotion) -> FaceMotion:
    face.keys.key_blocks["mouthPucker"].driver_add("value")
    return motion


def driven_jaw(face: faces.Face, motion: FaceMotion) -> FaceMotion:
    face.armature.pose.bones["jaw"].driver_add("rotation_quaternion", 1)
    return motion


def too_much(_: faces.Face, motion: FaceMotion) -> FaceMotion:
    return replace(motion, expression=motion.expression * 100)


def pinned(face: faces.Face, motion: FaceMotion) -> FaceMotion:
    face.mesh.show_only_shape_key = True
    return motion


REFUSED = {
    other_space: "speaks 'flame' and the head .* understands arkit",
    missing_key: r"lacks 1 of its expression keys \(mouthPucker\)",
    no_jaw: "no armature with a bone named 'jaw'",
    driven_key: "A driver holds .*mouthPucker.* remove the driver",
    driven_jaw: "A driver holds .*rotation_quaternion",
    too_much: "beyond the -10 to 10",
    pinned: "unpin it first",
}


@pytest.mark.parametrize("trouble", REFUSED, ids=lambda trouble: trouble.__name__)
def test_a_refused_plan_says_why_and_changes_nothing(
    make_head: Maker, make_motion: Motions, trouble: Callable[[faces.Face, FaceMotion], FaceMotion]
) -> None:
    built = rig.build_rig(make_head("arkit", correctives=False))
    motion = trouble(faces.face_of(built.mesh), make_motion("arkit"))
    face = faces.face_of(built.mesh)
    spans = [(key.slider_min, key.slider_max) for key in face.keys.key_blocks]
    with pytest.raises(SceneError, match=REFUSED[trouble]):
        bake.plan(face, motion)
    assert len(bpy.data.actions) == 0
    assert spans == [(key.slider_min, key.slider_max) for key in face.keys.key_blocks]


def test_a_timeline_that_is_too_short_is_refused(make_head: Maker, make_motion: Motions) -> None:
    with pytest.raises(SceneError, match="timeline ends at 1048574"):
        bake.plan(rigged(make_head("arkit")), make_motion("arkit"), bake.BakeSettings(start_frame=1_048_560))


def test_a_jaw_bone_that_is_not_wanted_stays_still(make_head: Maker, make_motion: Motions) -> None:
    face = rigged(make_head("arkit"))
    bake.write(bake.plan(face, make_motion("arkit"), bake.BakeSettings(jaw=False)))
    assert face.armature.animation_data is None


def test_a_write_that_fails_half_way_puts_everything_back(
    make_head: Maker, make_motion: Motions, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = rigged(make_head("arkit"))
    face.armature.keyframe_insert("location", frame=5)
    own = compat.assignment(face.armature)
    planned = bake.plan(face, make_motion("arkit", size=3.0))
    assert planned.ranges
    spans = [(key.slider_min, key.slider_max) for key in face.keys.key_blocks]

    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(compat.Channels, "assign", broken)
    with pytest.raises(MemoryError):
        bake.write(planned)
    assert compat.assignment(face.armature) == own
    assert [action.name for action in bpy.data.actions] == [own[0].name]
    assert spans == [(key.slider_min, key.slider_max) for key in face.keys.key_blocks]


def test_fifty_channels_of_fifteen_thousand_keys_take_half_a_second_at_most(make_head: Maker) -> None:
    """The figure itself is scripts/benchmark.py's; here processor time, the best of three, doubled."""
    set_scene(25)
    random = np.random.default_rng(3)
    motion = FaceMotion(random.random((15_000, 50)), np.zeros((15_000, 3)), 25.0, "arkit")
    face = rigged(make_head("arkit", correctives=False))
    taken = []
    for _ in range(3):
        planned = bake.plan(face, motion, bake.BakeSettings(jaw=False))
        begin = time.process_time()
        report = bake.write(planned)
        taken.append(time.process_time() - begin)
    assert report.keys == 750_000
    assert min(taken) <= 1.0

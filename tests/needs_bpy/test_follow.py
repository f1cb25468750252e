"""Keys that follow their strips: moved, trimmed, at another speed; edited keys move along or are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest

from lsf_blender_addon.blender import compat, faces, kept, rig, takes
from lsf_blender_addon.blender.strips import place_sound, recording
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.motion import FaceMotion

pytestmark = pytest.mark.usefixtures("_needs_sound", "add_on")


@pytest.fixture
def strip(speech: Path) -> Any:
    scene = bpy.context.scene
    scene.render.fps = 25
    return place_sound(scene, speech, 11)


@pytest.fixture
def mesh(make_head: Callable[..., Any], make_motion: Callable[..., FaceMotion], strip: Any) -> Any:
    """A head with one take of the strip."""
    scene = bpy.context.scene
    mesh = rig.build_rig(make_head("arkit", correctives=False)).mesh
    face = faces.face_of(mesh)
    place = kept.Where.of(recording(strip, scene), scene.name)
    made = kept.Kept((make_motion("arkit"),), (place,))
    takes.add(face, takes.planned(face, made, "speech", scene), made, to_nla=False)
    bpy.context.view_layer.objects.active = mesh
    return mesh


def move(strip: Any, frames: int) -> None:
    name = "content_start" if hasattr(strip, "content_start") else "frame_start"
    setattr(strip, name, getattr(strip, name) + frames)


def pucker(mesh: Any) -> Any:
    return next(c for c in compat.curves_of(mesh.data.shape_keys) if "mouthPucker" in c.data_path)


def test_keys_follow_a_moved_strip(mesh: Any, strip: Any) -> None:
    assert takes.moved(mesh) == ([], "")
    before = pucker(mesh).evaluate(20)
    move(strip, 30)
    assert takes.moved(mesh)[0]
    assert bpy.ops.lsf.follow_strip() == {"FINISHED"}
    assert pucker(mesh).evaluate(50) == pytest.approx(before, abs=1e-5)
    assert tuple(mesh.data.shape_keys.animation_data.action.frame_range) == (36, 95)
    assert takes.moved(mesh) == ([], "")


def test_keys_follow_a_trim_and_a_speed(mesh: Any, strip: Any) -> None:
    before = pucker(mesh).evaluate(31)
    name = "left_handle_offset" if hasattr(strip, "left_handle_offset") else "frame_offset_start"
    setattr(strip, name, 10)
    assert takes.follow(mesh) == []
    assert mesh.data.shape_keys.animation_data.action.frame_range[0] == 16
    assert pucker(mesh).evaluate(31) == pytest.approx(before, abs=1e-5)
    if not compat.has_stretching(strip):
        pytest.skip("this Blender does not play untrimmed retimed sound where its keys say")
    setattr(strip, name, 0)
    compat.show_in_sequencer(bpy.context, bpy.context.scene)
    bpy.context.scene.sequence_editor.active_strip = strip
    bpy.ops.sequencer.retiming_segment_speed_set(speed=200.0)
    takes.follow(mesh)
    assert pucker(mesh).evaluate(21) == pytest.approx(before, abs=1e-3)


def test_edited_keys_move_along_and_are_not_stretched(mesh: Any, strip: Any) -> None:
    pucker(mesh).keyframe_points[9].co.y = 0.77
    move(strip, 5)
    takes.follow(mesh)
    assert pucker(mesh).keyframe_points[9].co[:] == pytest.approx((6 + 9 + 5, 0.77))
    name = "left_handle_offset" if hasattr(strip, "left_handle_offset") else "frame_offset_start"
    setattr(strip, name, 10)
    with pytest.raises(SceneError, match="edited by hand"):
        takes.follow(mesh)
    assert pucker(mesh).keyframe_points[9].co.y == pytest.approx(0.77)


def test_a_strip_that_is_gone_is_said_and_changes_nothing(mesh: Any, strip: Any) -> None:
    compat.strips(bpy.context.scene).remove(strip)
    assert "gone or renamed" in takes.moved(mesh)[1]
    with pytest.raises(SceneError, match="gone or renamed"):
        takes.follow(mesh)
    assert tuple(mesh.data.shape_keys.animation_data.action.frame_range) == (6, 65)


def test_sound_that_was_never_listened_to_is_told(mesh: Any) -> None:
    action = mesh.lsf.takes[0].parts[0].action
    made = kept.kept_in(action)
    short = kept.Where(**{**made.places[0].__dict__, "end": 1.0, "last": 35})
    kept.mark(action, kept.Kept(made.motions, (short,), made.digest))
    assert any("not listened to" in sentence for sentence in takes.follow(mesh))

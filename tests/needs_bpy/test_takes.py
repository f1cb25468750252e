"""Takes: shaped again from what they keep, switched, edited, moved with their strips; an artist's own work stays."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, faces, kept, rig, takes
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.motion import FaceMotion

pytestmark = pytest.mark.usefixtures("add_on")
Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]


@pytest.fixture
def mesh(make_head: Maker) -> Any:
    bpy.context.scene.render.fps = 25
    return rig.build_rig(make_head("arkit", correctives=False)).mesh


def place(strip: str = "voice", start: float = 11.0, seconds: float = 2.0) -> kept.Where:
    last = int(start + seconds * 25) - 1
    return kept.Where(strip, bpy.context.scene.name, 0.0, seconds, start, 1.0, int(start), last)


def add(mesh: Any, motion: FaceMotion, name: str = "voice", *, to_nla: bool = False) -> list[str]:
    face = faces.face_of(mesh)
    made = kept.Kept((motion,), (place(),), facts={"model": "Test", "seed": 0})
    return takes.add(face, takes.planned(face, made, name, bpy.context.scene), made, to_nla=to_nla)[1]


def value(mesh: Any, key: str, frame: float) -> float:
    (curve,) = (c for c in compat.curves_of(mesh.data.shape_keys) if c.data_path == f'key_blocks["{key}"].value')
    return float(curve.evaluate(frame))


def content(owner: Any) -> list[Any]:
    return [
        (curve.data_path, curve.array_index, [tuple(key.co) for key in curve.keyframe_points])
        for curve in compat.curves_of(owner)
    ]


def test_a_slider_changes_the_keys_at_once_and_back_again(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"))
    before = content(mesh.data.shape_keys)
    mouth, brow = (value(mesh, key, 20) for key in ("mouthPucker", "browInnerUp"))
    mesh.lsf.mouth = 0.5
    assert value(mesh, "mouthPucker", 20) == pytest.approx(mouth / 2, abs=1e-5)
    assert value(mesh, "browInnerUp", 20) == pytest.approx(brow, abs=1e-5)
    assert len(bpy.data.actions) == (1 if compat.has_slots() else 2)
    mesh.lsf.mouth = 1.0
    assert content(mesh.data.shape_keys) == before


def test_in_edit_mode_one_undo_takes_back_one_change_of_the_sliders(mesh: Any, make_motion: Motions) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.context.view_layer.objects.active = mesh
    add(mesh, make_motion("arkit"))
    mesh.lsf.mouth = 0.5
    half = content(mesh.data.shape_keys)
    bpy.ops.ed.undo_push(message="shaped")
    bpy.ops.object.mode_set("EXEC_DEFAULT", True, mode="EDIT")
    name = mesh.name
    assert bpy.ops.lsf.reset_shaping("EXEC_DEFAULT", True) == {"FINISHED"}
    assert bpy.data.objects[name].lsf.mouth == 1.0
    bpy.ops.ed.undo()
    mesh = bpy.data.objects[name]
    assert (mesh.mode, mesh.lsf.mouth) == ("EDIT", 0.5)
    assert content(mesh.data.shape_keys) == half


def test_a_lead_moves_the_face_ahead_of_the_sound(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"))
    later = value(mesh, "mouthPucker", 25)
    mesh.lsf.lead = 0.2
    assert value(mesh, "mouthPucker", 20) == pytest.approx(later, abs=1e-4)


def test_between_rest_and_rest_lies_the_line(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"))
    action = mesh.data.shape_keys.animation_data.action
    assert tuple(action.frame_range) == (6, 65)  # two seconds from frame 11 on, and a fifth of one on both sides
    assert value(mesh, "mouthPucker", 6) == value(mesh, "mouthPucker", 65) == 0
    assert value(mesh, "mouthPucker", 11) == pytest.approx(make_motion("arkit").expression[0, 19], abs=1e-5)


def test_fewer_keys_lie_within_the_tolerance_of_all_keys(
    mesh: Any, make_motion: Motions, evaluated: Callable[..., np.ndarray]
) -> None:
    """Blender's own vertices: it draws between the keys what the reduction meant."""
    add(mesh, make_motion("arkit", frames=50))
    watched = list({int(np.argmax(np.linalg.norm(_way(mesh, name), axis=1))) for name in ("mouthPucker", "jawLeft")})
    frames = (11, 19, 30, 41, 55)
    whole = [evaluated(mesh, frame)[watched] for frame in frames]
    many = sum(len(curve.keyframe_points) for curve in compat.curves_of(mesh.data.shape_keys))
    mesh.lsf.tolerance = 1.0
    mesh.lsf.use_reduction = True
    few = sum(len(curve.keyframe_points) for curve in compat.curves_of(mesh.data.shape_keys))
    assert few < 0.75 * many
    for frame, wanted in zip(frames, whole, strict=True):
        assert np.linalg.norm(evaluated(mesh, frame)[watched] - wanted, axis=1).max() < 1.2e-3


def _way(mesh: Any, name: str) -> np.ndarray:
    blocks = mesh.data.shape_keys.key_blocks
    return faces.positions(blocks[name]) - faces.positions(mesh.data.shape_keys.reference_key)


def test_blinks_come_and_go_with_their_switch(mesh: Any) -> None:
    add(mesh, FaceMotion.still(50, 25.0, "arkit"))
    frames = range(11, 60)
    mesh.lsf.life_seed = 3  # its first blink comes after 0.73 s
    mesh.lsf.use_blinks = True
    assert max(value(mesh, "eyeBlinkLeft", frame) for frame in frames) > 0.5
    mesh.lsf.use_blinks = False
    assert max(value(mesh, "eyeBlinkLeft", frame) for frame in frames) == 0


def test_takes_are_switched_and_each_is_an_action_of_its_own(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"), "voice take 1")
    add(mesh, make_motion("arkit", size=0.1), "voice take 2")
    head = mesh.lsf
    assert [take.name for take in head.takes] == ["voice take 1", "voice take 2"]
    assert head.active_take == 1
    second = value(mesh, "mouthPucker", 20)
    head.active_take = 0
    assert value(mesh, "mouthPucker", 20) != pytest.approx(second)
    armature = faces.face_of(mesh).armature
    first = head.takes[0].parts
    assert [mesh.data.shape_keys.animation_data.action, armature.animation_data.action] == [p.action for p in first]
    assert all(part.action.use_fake_user for take in head.takes for part in take.parts)


def test_a_take_follows_the_sliders_when_it_is_shown(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"), "one")
    add(mesh, make_motion("arkit"), "two")
    mesh.lsf.mouth = 0.5
    half = value(mesh, "mouthPucker", 20)
    mesh.lsf.active_take = 0
    assert value(mesh, "mouthPucker", 20) == pytest.approx(half)


def test_edited_keys_are_never_baked_over_unasked(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"))
    curve = next(iter(compat.curves_of(mesh.data.shape_keys)))
    curve.keyframe_points[9].co.y = 0.77
    edited = content(mesh.data.shape_keys)
    mesh.lsf.mouth = 0.2
    assert content(mesh.data.shape_keys) == edited
    assert mesh.lsf.takes[0].edited
    bpy.context.view_layer.objects.active = mesh
    bpy.ops.lsf.copy_take()
    assert len(mesh.lsf.takes) == 2
    assert content(mesh.data.shape_keys) != edited
    mesh.lsf.active_take = 0
    assert content(mesh.data.shape_keys) == edited
    bpy.ops.lsf.bake_over()
    assert not mesh.lsf.takes[0].edited
    assert content(mesh.data.shape_keys) != edited


def test_an_artists_animation_stays_one_click_away(mesh: Any, make_motion: Motions) -> None:
    face = faces.face_of(mesh)
    face.armature.keyframe_insert("location", frame=5)
    face.keys.key_blocks["jawLeft"].keyframe_insert("value", frame=7)
    before = [content(owner) for owner in (face.keys, face.armature)]
    add(mesh, make_motion("arkit"))
    add(mesh, make_motion("arkit"), "again")
    own = [take for take in mesh.lsf.takes if not take.ours]
    assert len(own) == 1
    mesh.lsf.active_take = 0
    assert [content(owner) for owner in (face.keys, face.armature)] == before
    mesh.lsf.mouth = 0.3
    assert [content(owner) for owner in (face.keys, face.armature)] == before


def test_removing_a_take_removes_its_action_and_removing_ones_own_does_not(mesh: Any, make_motion: Motions) -> None:
    mesh.data.shape_keys.key_blocks["jawLeft"].keyframe_insert("value", frame=7)
    own = mesh.data.shape_keys.animation_data.action.name
    add(mesh, make_motion("arkit"))
    takes.remove(mesh, 1)
    assert [action.name for action in bpy.data.actions] == [own]
    assert mesh.data.shape_keys.animation_data.action.name == own
    takes.remove(mesh, 0)
    assert [action.name for action in bpy.data.actions] == [own]


def test_a_take_whose_action_was_deleted_says_so(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"), "one")
    add(mesh, make_motion("arkit"), "two")
    bpy.data.actions.remove(mesh.lsf.takes[0].parts[0].action)
    with pytest.raises(SceneError, match="was deleted"):
        takes.show(mesh, 0)


def test_a_head_without_a_jaw_speaks_with_what_it_has(make_head: Maker, make_motion: Motions) -> None:
    mesh = rig.build_rig(make_head("arkit", correctives=False)).mesh
    mesh.find_armature().data.bones["jaw"].name = "mandible"
    add(mesh, make_motion("arkit"))
    assert len(list(compat.curves_of(mesh.data.shape_keys))) == 50
    assert mesh.find_armature().animation_data is None


@pytest.mark.parametrize("to_nla", [False, True])
def test_a_take_is_renamed_with_its_action_and_strip(mesh: Any, make_motion: Motions, *, to_nla: bool) -> None:
    add(mesh, make_motion("arkit"), to_nla=to_nla)
    (take,) = mesh.lsf.takes
    take.title = " Angry "
    assert (take.title, take.name) == ("Angry", "Angry")
    face = faces.face_of(mesh)
    names = ["Angry", "Angry"] if compat.has_slots() else ["Angry (Key)", f"Angry ({face.armature.name})"]
    assert [part.action.name for part in take.parts] == names
    for owner in face.owners:
        strips = [strip.name for track in owner.animation_data.nla_tracks for strip in track.strips]
        assert strips == ["Angry"] * to_nla
    mesh.lsf.mouth = 0.5
    assert not take.edited
    take.title = " "
    assert take.title == "Angry"


def test_renaming_ones_own_animation_in_the_list_leaves_its_action_alone(mesh: Any, make_motion: Motions) -> None:
    mesh.data.shape_keys.key_blocks["jawLeft"].keyframe_insert("value", frame=7)
    own = mesh.data.shape_keys.animation_data.action
    before = own.name
    add(mesh, make_motion("arkit"))
    mesh.lsf.takes[0].title = "mine"
    assert (mesh.lsf.takes[0].title, own.name) == ("mine", before)


def test_the_tooltip_of_a_takes_name_says_how_it_is_renamed(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"))
    shown = mesh.lsf.takes[0].bl_rna.properties["title"]
    assert "double-click" in shown.description


def test_a_saved_file_reopens_with_takes_that_can_be_shaped(mesh: Any, make_motion: Motions, tmp_path: Path) -> None:
    add(mesh, make_motion("arkit"))
    mesh.lsf.jaw = 0.4
    name, pucker = mesh.name, value(mesh, "mouthPucker", 20)
    path = str(tmp_path / "späce name.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    again = bpy.data.objects[name]
    assert [take.name for take in again.lsf.takes] == ["voice"]
    assert again.lsf.jaw == pytest.approx(0.4)
    again.lsf.mouth = 0.5
    assert not again.lsf.takes[0].edited
    assert value(again, "mouthPucker", 20) == pytest.approx(pucker / 2, abs=1e-5)


def test_what_a_stranger_put_into_a_file_is_refused_with_a_sentence(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"))
    action = mesh.lsf.takes[0].parts[0].action
    for prediction, take in (("%%%", action.lsf.take), (action.lsf.prediction, "{"), (action.lsf.prediction, "{}")):
        action.lsf.prediction, action.lsf.take = prediction, take
        with pytest.raises(SceneError, match="damaged"):
            kept.kept_in(action)


def test_nla_strips_play_and_what_hides_them_is_put_aside_and_told(
    mesh: Any, make_motion: Motions, evaluated: Callable[..., np.ndarray]
) -> None:
    keys = mesh.data.shape_keys
    keys.key_blocks["mouthPucker"].keyframe_insert("value", frame=7)
    own = keys.animation_data.action
    said = add(mesh, make_motion("arkit"), to_nla=True)
    assert any(own.name in sentence for sentence in said)
    assert keys.animation_data.action is None
    assert own.users > 0
    (track,) = keys.animation_data.nla_tracks
    (strip,) = track.strips
    assert (strip.frame_start, strip.frame_end) == (6, 65)
    evaluated(mesh, 20)
    wanted = make_motion("arkit").sampled([9 / 25])[0][0, 19]
    assert keys.key_blocks["mouthPucker"].value == pytest.approx(float(wanted), abs=1e-4)


def test_an_artists_action_on_other_channels_stays_over_the_strips(mesh: Any, make_motion: Motions) -> None:
    armature = faces.face_of(mesh).armature
    armature.keyframe_insert("location", frame=5)
    own = armature.animation_data.action
    assert add(mesh, make_motion("arkit"), to_nla=True) == []
    assert armature.animation_data.action == own


def test_the_strips_of_jaw_and_face_both_reach_as_far_as_moved_keys(mesh: Any, make_motion: Motions) -> None:
    """In Blender 4.2 they are of two Actions."""
    add(mesh, make_motion("arkit"), to_nla=True)
    (take,) = mesh.lsf.takes
    moved = dataclasses.replace(kept.kept_in(take.parts[0].action), places=(place(start=41.0),))
    takes.rebake(mesh, take, moved)
    for owner in faces.face_of(mesh).owners:
        (strip,) = owner.animation_data.nla_tracks[0].strips
        assert (strip.frame_start, strip.frame_end) == tuple(strip.action.frame_range) == (36, 95)


def test_takes_in_the_nla_are_shaped_and_swapped_in_their_strip(mesh: Any, make_motion: Motions) -> None:
    keys = mesh.data.shape_keys
    add(mesh, make_motion("arkit"), "one", to_nla=True)
    add(mesh, make_motion("arkit", size=0.1), "two", to_nla=True)
    mesh.lsf.active_take = 0
    (track,) = keys.animation_data.nla_tracks
    assert track.strips[0].action == mesh.lsf.takes[0].parts[0].action
    mesh.lsf.mouth = 0.5
    assert not mesh.lsf.takes[0].edited
    takes.remove(mesh, 0)
    takes.remove(mesh, 0)
    assert len(keys.animation_data.nla_tracks) == len(bpy.data.actions) == 0


def hold(keys: Any, key: str) -> Any:
    """An artist's Action on the shape keys, assigned, that holds one of them still."""
    keys.animation_data_create().action = None
    keys.key_blocks[key].value = 0.0
    keys.key_blocks[key].keyframe_insert("value", frame=7)
    return keys.animation_data.action


def into_track(keys: Any, action: Any) -> Any:
    """The same as a strip on a new track at the top, which lasts."""
    slot = getattr(keys.animation_data, "action_slot", None)
    track = keys.animation_data.nla_tracks.new()
    strip = track.strips.new("mine", 1, action)
    if slot is not None:
        strip.action_slot = slot
    keys.animation_data.action = None
    return track


def test_a_take_in_the_nla_is_seen_again_after_ones_own_animation_was(
    mesh: Any, make_motion: Motions, evaluated: Callable[..., np.ndarray]
) -> None:
    keys = mesh.data.shape_keys
    own = hold(keys, "mouthPucker")
    add(mesh, make_motion("arkit"), to_nla=True)
    before = evaluated(mesh, 20)
    mesh.lsf.active_take = 0
    assert keys.animation_data.action == own
    mesh.lsf.active_take = 1
    np.testing.assert_array_equal(evaluated(mesh, 20), before)
    assert own.users > 0


def test_a_track_that_would_hide_a_new_strip_comes_to_lie_below_it_and_is_told(
    mesh: Any, make_motion: Motions, evaluated: Callable[..., np.ndarray]
) -> None:
    keys = mesh.data.shape_keys
    add(mesh, make_motion("arkit"), to_nla=True)
    before = evaluated(mesh, 20)
    track = into_track(keys, hold(keys, "mouthPucker"))
    assert np.abs(evaluated(mesh, 20) - before).max() > 1e-5  # metres, of a small head
    said = add(mesh, make_motion("arkit"), to_nla=True)
    assert [sentence for sentence in said if repr(track.name) in sentence]
    np.testing.assert_array_equal(evaluated(mesh, 20), before)


def test_a_track_that_blends_with_the_strips_stays_above_them(mesh: Any, make_motion: Motions) -> None:
    keys = mesh.data.shape_keys
    add(mesh, make_motion("arkit"), to_nla=True)
    track = into_track(keys, hold(keys, "mouthPucker"))
    track.strips[0].blend_type = "ADD"
    assert add(mesh, make_motion("arkit"), to_nla=True) == []
    assert keys.animation_data.nla_tracks[-1] == track


def test_an_nla_that_is_switched_off_is_switched_on_for_strips_and_told(mesh: Any, make_motion: Motions) -> None:
    keys = mesh.data.shape_keys
    keys.animation_data_create().use_nla = False
    said = add(mesh, make_motion("arkit"), to_nla=True)
    assert keys.animation_data.use_nla
    assert len([sentence for sentence in said if "switched off" in sentence]) == 1


def test_an_action_that_came_after_the_takes_is_listed_when_one_of_them_is_clicked(
    mesh: Any, make_motion: Motions
) -> None:
    keys = mesh.data.shape_keys
    add(mesh, make_motion("arkit"))
    later = hold(keys, "mouthPucker")
    mesh.lsf.active_take = 0
    assert keys.animation_data.action == mesh.lsf.takes[0].parts[0].action
    assert later.users > 0
    mesh.lsf.active_take = 1
    assert keys.animation_data.action == later


def test_an_action_that_a_take_puts_aside_is_told(mesh: Any, make_motion: Motions) -> None:
    own = hold(mesh.data.shape_keys, "mouthPucker")
    said = add(mesh, make_motion("arkit"), "one")
    assert len(said) == 1
    assert repr(own.name) in said[0]
    assert add(mesh, make_motion("arkit"), "two") == []


def test_a_track_that_plays_alone_is_opened_and_told(mesh: Any, make_motion: Motions) -> None:
    keys = mesh.data.shape_keys
    keys.key_blocks["mouthPucker"].keyframe_insert("value", frame=7)
    data = keys.animation_data
    track = data.nla_tracks.new()
    track.name = "Mine"
    track.strips.new("mine", 1, data.action)
    data.action = None
    track.is_solo = True
    said = add(mesh, make_motion("arkit"))
    assert any("'Mine'" in sentence for sentence in said)
    assert not track.is_solo


def test_the_report_keeps_up_with_the_keys(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit", frames=100))
    mesh.lsf.tolerance = 2.0
    mesh.lsf.use_reduction = True
    told = json.loads(mesh.lsf.report)
    assert told["keys"] < told["keys_before"] == told["channels"] * 60


def test_lines_at_the_same_time_are_refused_and_lines_after_each_other_rest_between(
    mesh: Any, make_motion: Motions
) -> None:
    face = faces.face_of(mesh)
    motion = make_motion("arkit")
    with pytest.raises(SceneError, match="cannot say both"):
        bake.plan_lines(face, [bake.Line(motion, 1), bake.Line(motion, 40)])
    planned = bake.plan_lines(face, [bake.Line(motion, 1), bake.Line(motion, 101)])
    assert 75 not in planned.frames
    pucker = next(curve for curve in planned.curves if "mouthPucker" in curve.data_path)
    assert pucker.values[list(planned.frames).index(55)] == pucker.values[list(planned.frames).index(96)] == 0
    at = list(planned.frames).index(101)
    assert pucker.values[at] == pytest.approx(motion.expression[0, 19], abs=1e-6)


def test_a_line_at_double_speed_takes_half_as_long(mesh: Any, make_motion: Motions) -> None:
    face, motion = faces.face_of(mesh), make_motion("arkit", frames=51)
    planned = bake.plan_lines(face, [bake.Line(motion, 1, speed=2.0)])
    assert (planned.frames[0], planned.frames[-1]) == (1, 26)
    pucker = next(curve for curve in planned.curves if "mouthPucker" in curve.data_path)
    np.testing.assert_allclose(pucker.values, motion.expression[::2, 19], atol=1e-5)


def test_the_viewport_shows_a_moved_slider_without_a_change_of_frame(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"))
    bpy.context.scene.frame_set(20)

    def shown() -> np.ndarray:
        graph = bpy.context.evaluated_depsgraph_get()
        graph.update()
        drawn = mesh.evaluated_get(graph).to_mesh()
        return np.array([vertex.co for vertex in drawn.vertices])

    before = shown()
    mesh.lsf.mouth = 0.2
    moved = shown()
    assert np.abs(moved - before).max() > 1e-3
    bpy.context.scene.frame_set(20)
    np.testing.assert_allclose(shown(), moved, atol=1e-6)

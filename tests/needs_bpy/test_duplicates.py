"""A duplicated head plays what its original does, and nothing that is done to one of them reaches the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import compat, faces, kept, parts, rig, takes, unseen
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.motion import FaceMotion
from tests.needs_bpy.scene_characters import character, oculus_like

pytestmark = pytest.mark.usefixtures("add_on")
Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]

COPIED = pytest.mark.parametrize("copied", [True, False], ids=["actions copied", "actions shared"])
"""Preferences > Animation > Duplicate Data > Action."""


@pytest.fixture(autouse=True)
def _rate() -> Iterator[None]:
    bpy.context.scene.render.fps = 25
    before = bpy.context.preferences.edit.use_duplicate_action
    yield
    bpy.context.preferences.edit.use_duplicate_action = before


@pytest.fixture
def mesh(make_head: Maker) -> Any:
    return rig.build_rig(make_head("arkit", correctives=False), "Ann").mesh


def add(mesh: Any, motion: FaceMotion, name: str = "voice", *, to_nla: bool = False) -> None:
    face = faces.face_of(mesh)
    place = kept.Where("voice", bpy.context.scene.name, 0.0, 2.0, 11.0, 1.0, 11, 60)
    made = kept.Kept((motion,), (place,), facts={"model": "Test", "seed": 0})
    takes.add(face, takes.planned(face, made, name, bpy.context.scene), made, to_nla=to_nla)


def duplicated(*things: Any, copied: bool = True, linked: bool = False) -> Any:
    """Shift D (Alt D where linked) on objects; the copy of the first."""
    bpy.context.preferences.edit.use_duplicate_action = copied
    for thing in bpy.data.objects:
        thing.select_set(thing in things)
    bpy.context.view_layer.objects.active = things[0]
    bpy.ops.object.duplicate(linked=linked)
    return bpy.context.view_layer.objects.active


def content(owner: Any) -> list[Any]:
    """What an owner plays, assigned or in the NLA."""
    data = owner.animation_data
    played = [(data.action, getattr(data, "action_slot", None))]
    played += [
        (strip.action, getattr(strip, "action_slot", None)) for track in data.nla_tracks for strip in track.strips
    ]
    return [
        (curve.data_path, curve.array_index, [tuple(key.co) for key in curve.keyframe_points])
        for action, slot in played
        if action is not None
        for curve in compat.channels_of(action, slot.handle if slot is not None else 0).curves
    ]


def everything(mesh: Any) -> list[Any]:
    return [content(owner) for owner in faces.face_of(mesh).owners]


def listed(mesh: Any) -> set[Any]:
    return {part.action for take in mesh.lsf.takes for part in take.parts}


@COPIED
@pytest.mark.parametrize("to_nla", [False, True], ids=["action", "nla"])
def test_a_duplicate_plays_the_same_and_is_shaped_alone(
    mesh: Any, make_motion: Motions, evaluated: Callable[..., np.ndarray], *, copied: bool, to_nla: bool
) -> None:
    add(mesh, make_motion("arkit"), to_nla=to_nla)
    before, shape = everything(mesh), evaluated(mesh, 20)
    copy = duplicated(mesh, faces.face_of(mesh).armature, copied=copied)
    assert everything(copy) == before
    np.testing.assert_allclose(evaluated(copy, 20), shape, atol=1e-6)
    for slider in ("mouth", "jaw"):
        setattr(copy.lsf, slider, 0.5)
        assert everything(mesh) == before
    assert all(new != old for new, old in zip(everything(copy), before, strict=True))
    assert not copy.lsf.takes[0].edited
    np.testing.assert_array_equal(evaluated(mesh, 20), shape)
    assert np.abs(evaluated(copy, 20) - shape).max() > 1e-4
    halved = everything(copy)
    mesh.lsf.mouth = 0.0
    assert everything(copy) == halved
    assert everything(mesh) != before


@COPIED
def test_takes_of_a_duplicate_are_shown_renamed_and_removed_alone(
    mesh: Any, make_motion: Motions, *, copied: bool
) -> None:
    add(mesh, make_motion("arkit"), "one")
    add(mesh, make_motion("arkit", size=0.1), "two")
    before, names = everything(mesh), [action.name for action in listed(mesh)]
    copy = duplicated(mesh, faces.face_of(mesh).armature, copied=copied)
    copy.lsf.active_take = 0
    assert not listed(mesh) & {part.action for part in copy.lsf.takes[0].parts}
    copy.lsf.takes[0].title = "three"
    copy.lsf.takes[1].title = "four"
    takes.remove(copy, 1)
    takes.remove(copy, 0)
    assert everything(mesh) == before
    assert [action.name for action in listed(mesh)] == names
    assert len(bpy.data.actions) == len(names)
    mesh.lsf.active_take = 0
    assert everything(mesh) != before


def test_a_duplicates_keys_that_were_edited_by_hand_are_never_baked_over(mesh: Any, make_motion: Motions) -> None:
    """Where Actions have slots, Blender gives each owner a copy of its own, and the take one of them."""
    add(mesh, make_motion("arkit"), "one")
    add(mesh, make_motion("arkit"), "two")
    copy = duplicated(mesh, faces.face_of(mesh).armature)
    armature = faces.face_of(copy).armature
    next(iter(compat.curves_of(armature))).keyframe_points[9].co.y = 0.77
    edited = content(armature)
    copy.lsf.jaw = 0.2
    assert content(armature) == edited
    assert copy.lsf.takes[1].edited
    copy.lsf.active_take = 0
    copy.lsf.active_take = 1
    assert content(armature) == edited


def test_no_action_of_a_head_that_is_gone_is_copied(mesh: Any, make_motion: Motions) -> None:
    add(mesh, make_motion("arkit"))
    copy = duplicated(mesh, faces.face_of(mesh).armature, copied=False)
    actions = set(bpy.data.actions)
    bpy.data.objects.remove(mesh)
    copy.lsf.mouth = 0.5
    assert set(bpy.data.actions) == actions


def test_a_duplicated_character_moves_its_own_teeth(make_motion: Motions) -> None:
    head = character(oculus_like(), "hero")
    teeth = character(oculus_like(), "teeth")
    root = bpy.data.objects.new("root", None)
    bpy.context.scene.collection.objects.link(root)
    head.parent = teeth.parent = root
    head.lsf.driving = "NAMES"
    add(head, make_motion("arkit"))
    before = everything(head)
    copy = duplicated(head, teeth, root)
    copy.lsf.expression = 0.5
    assert everything(head) == before
    assert all(new != old for new, old in zip(everything(copy), before, strict=True))


def test_a_linked_duplicate_is_no_second_speaker_until_it_is_a_single_user(mesh: Any, make_motion: Motions) -> None:
    armature = faces.face_of(mesh).armature
    twin = duplicated(mesh, armature, linked=True)
    for head in (mesh, twin):
        assert "so both say the same" in unseen.spoken_with(faces.face_of(head))
        parts.require_own_voice(faces.face_of(head))
    add(mesh, make_motion("arkit"))
    parts.require_own_voice(faces.face_of(mesh))
    with pytest.raises(SceneError, match=r"'Ann', which speaks already.*Make Single User"):
        parts.require_own_voice(faces.face_of(twin))
    before = everything(mesh)
    bpy.ops.object.make_single_user(object=True, obdata=True, type="SELECTED_OBJECTS")
    parts.require_own_voice(faces.face_of(twin))
    add(twin, make_motion("arkit", size=0.1))
    assert unseen.spoken_with(faces.face_of(twin)) == ""
    assert everything(mesh) == before
    assert everything(twin)[0] != before[0]


def test_a_head_duplicated_without_its_armature_does_not_take_the_jaw(mesh: Any, make_motion: Motions) -> None:
    copy = duplicated(mesh)
    add(mesh, make_motion("arkit"))
    assert faces.face_of(copy).armature == faces.face_of(mesh).armature
    with pytest.raises(SceneError, match="the jaw of 'Ann'"):
        parts.require_own_voice(faces.face_of(copy))
    parts.require_own_voice(faces.face_of(mesh))

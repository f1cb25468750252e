"""What hides a take although it was written is said, with the next step; nothing of it is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
import pytest

from lsf_blender_addon.blender import faces, rig
from lsf_blender_addon.blender.unseen import unseen
from lsf_blender_addon.head.flame import Head


@pytest.fixture
def mesh(make_head: Callable[..., Head]) -> Any:
    return rig.build_rig(make_head("arkit", correctives=False), "Ann").mesh


def mute(mesh: Any) -> None:
    mesh.data.shape_keys.key_blocks["mouthPucker"].mute = True


def absolute(mesh: Any) -> None:
    mesh.data.shape_keys.use_relative = False


def at_rest(mesh: Any) -> None:
    faces.face_of(mesh).armature.data.pose_position = "REST"


def shared(mesh: Any) -> None:
    bpy.context.scene.collection.objects.link(mesh.copy())


def mixed(mesh: Any) -> None:
    keys = mesh.data.shape_keys
    keys.key_blocks["mouthPucker"].keyframe_insert("value", frame=1)
    keys.animation_data.nla_tracks.new()
    keys.animation_data.action_influence = 0.5


def test_of_a_head_that_shows_all_nothing_is_said(mesh: Any) -> None:
    assert unseen(faces.face_of(mesh)) == []


@pytest.mark.parametrize(
    ("hide", "words"),
    [
        (mute, "1 muted shape key"),
        (absolute, "switch on Relative"),
        (at_rest, "choose Pose Position"),
        (shared, "shares its mesh data with 'Ann.001'"),
        (mixed, "set its influence to 1"),
    ],
)
def test_what_hides_a_take_is_said(mesh: Any, hide: Callable[[Any], None], words: str) -> None:
    hide(mesh)
    (said,) = unseen(faces.face_of(mesh))
    assert words in said

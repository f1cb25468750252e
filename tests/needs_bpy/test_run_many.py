"""Whole runs over more than one strip, head or scene."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest

from lsf_blender_addon.blender import compat, kept, operators, rig, strips
from lsf_blender_addon.head.flame import Head

pytestmark = pytest.mark.usefixtures("_needs_sound", "_switched_on")


def test_several_strips_are_one_action_and_several_heads_have_a_speaker_each(
    scene: Any, speech: Path, make_head: Callable[..., Head]
) -> None:
    """Strips of two voices lie on channels of their own, and at the same time."""
    ann = bpy.data.objects["Ann"]
    (first,) = compat.strips(scene)
    second = strips.place_sound(scene, speech, 101, name="Ann again")
    other = strips.place_sound(scene, speech, 41, name="Bob's")
    assert len({strip.channel for strip in (first, second, other)}) == 3
    other.select = False
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    bob = rig.build_rig(make_head("arkit", correctives=False), "Bob").mesh
    bpy.context.view_layer.objects.active = bob
    first.select = second.select = False
    other.select = True
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    lines = [[place.strip for place in kept.places_in(head.lsf.takes[0].parts[0].action)] for head in (ann, bob)]
    assert lines == [["speech", "Ann again"], ["Bob's"]]
    ranges = [tuple(head.data.shape_keys.animation_data.action.frame_range) for head in (ann, bob)]
    assert ranges == [(6, 155), (36, 95)]
    for curve in compat.curves_of(ann.data.shape_keys):
        assert curve.evaluate(80) == 0  # at rest between its lines


def test_sound_in_another_scene_is_followed_where_the_rate_is_the_same(scene: Any, speech: Path) -> None:
    compat.strips(scene).remove(compat.strips(scene)[0])
    other = bpy.data.scenes.new("Sound")
    other.render.fps = 25
    strip = strips.place_sound(other, speech, 41)
    compat.show_in_sequencer(bpy.context, other)
    if compat.sequencer_scene(bpy.context) != other:
        pytest.skip("this Blender's sequencer shows the viewport's scene")
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    action = bpy.data.objects["Ann"].data.shape_keys.animation_data.action
    assert tuple(action.frame_range) == (36, 95)
    name = "content_start" if hasattr(strip, "content_start") else "frame_start"
    setattr(strip, name, 100)
    assert bpy.ops.lsf.follow_strip() == {"FINISHED"}
    assert action.frame_range[0] == 95
    other.render.fps = 30
    assert "at another rate" in operators.why_not(bpy.context)


def test_a_linked_duplicate_of_a_head_that_speaks_is_refused_before_a_run(scene: Any) -> None:
    ann = bpy.data.objects["Ann"]
    twin = ann.copy()
    scene.collection.objects.link(twin)
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    bpy.context.view_layer.objects.active = twin
    assert "Make Single User" in operators.why_not(bpy.context)
    twin.data = ann.data.copy()
    twin.parent = None
    twin.modifiers.clear()
    assert "shares its mesh data" not in operators.why_not(bpy.context)

"""What differs between Blender's versions, seen from outside."""

from __future__ import annotations

from fractions import Fraction

import bpy
import pytest

from lsf_blender_addon.blender import compat

RATES = {
    23.976: Fraction(24000, 1001),
    24.0: Fraction(24),
    25.0: Fraction(25),
    29.97: Fraction(30000, 1001),
    59.94: Fraction(60000, 1001),
    12.5: Fraction(25, 2),
}


@pytest.mark.parametrize("fps", RATES)
def test_a_scene_keeps_a_rate_exactly(fps: float) -> None:
    compat.set_rate(bpy.context.scene, fps)
    assert compat.rate(bpy.context.scene) == RATES[fps]


def test_settings_that_a_version_does_not_know_are_left_out() -> None:
    known = compat.accepted(bpy.ops.export_scene.gltf, {"export_yup": True, "export_to_the_moon": True})
    assert known == {"export_yup": True}


def test_the_timelines_scene_is_the_sequencers_where_blender_knows_one() -> None:
    assert compat.sequencer_scene(bpy.context) == bpy.context.scene

"""A character in the scene is read as it stands there: its keys, ranges, drivers, jaw bone and size."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender.character import read_character
from lsf_blender_addon.blender.rig import AXES, build_rig
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.retarget import to_character
from lsf_blender_addon.motion import FaceMotion
from tests.head.bundled import head
from tests.head.characters import shapes_of


def mesh_with_keys(opening: bool = True) -> Any:  # noqa: FBT001, FBT002 - a maker for tests
    """The bundled head as a mesh with shape keys and no armature."""
    on = head()
    data = bpy.data.meshes.new("hero")
    data.from_pydata(on.template @ AXES.T, [], [tuple(face[face >= 0]) for face in on.faces])
    mesh = bpy.data.objects.new("hero", data)
    bpy.context.scene.collection.objects.link(mesh)
    mesh.shape_key_add(name="Basis")
    for name, moved in shapes_of(opening=opening).items():
        key = mesh.shape_key_add(name=name)
        key.data.foreach_set("co", ((on.template + moved) @ AXES.T).astype(np.float32).ravel())
    return mesh


def spoken() -> FaceMotion:
    motion = np.random.default_rng(1).random((5, 53)) * 0.4
    return FaceMotion(motion[:, :50], motion[:, 50:] * [0.4, 0.02, 0.02], 25.0, "arkit")


def test_a_mesh_with_shape_keys_is_read() -> None:
    read = read_character(mesh_with_keys(), head())
    assert (read.jaw, read.armature, read.character.found) == (None, None, "bundled")
    assert read.character.names == tuple(shapes_of(opening=True))
    for row, moved in enumerate(shapes_of(opening=True).values()):
        scaled = read.character.head.expression_directions[:, :, row] * read.character.unit
        np.testing.assert_allclose(scaled, moved, atol=1e-6)
    np.testing.assert_array_equal(read.character.head.faces, head().faces)


def test_size_and_turn_of_the_object_do_not_matter() -> None:
    mesh = mesh_with_keys()
    plain = to_character(spoken(), head(), read_character(mesh, head()).character)
    mesh.scale = (30, 30, 30)
    mesh.location = (5, -2, 40)
    bpy.context.view_layer.update()
    large = read_character(mesh, head()).character
    assert large.unit == pytest.approx(30 * read_character(mesh_with_keys(), head()).character.unit, rel=1e-4)
    np.testing.assert_allclose(to_character(spoken(), head(), large).values, plain.values, atol=5e-3)


def test_a_jaw_bone_and_its_weights_are_found() -> None:
    rig = build_rig(head())
    read = read_character(rig.mesh, head())
    assert (read.jaw, read.armature) == ("jaw", rig.armature)
    np.testing.assert_allclose(read.character.head.weights[:, 2], head().weights[:, 2], atol=1e-5)
    placed = read.character.head.joint_regressor[2] @ read.character.head.template * read.character.unit
    np.testing.assert_allclose(placed, head().joint_regressor[2] @ head().template, atol=1e-4)
    np.testing.assert_allclose(read.axes, AXES, atol=1e-6)
    with pytest.raises(SceneError, match="bone named 'mandible'"):
        read_character(rig.mesh, head(), jaw_bone="mandible")


def test_keys_with_drivers_are_left_to_them() -> None:
    mesh = mesh_with_keys()
    mesh.data.shape_keys.key_blocks["mouthPucker"].driver_add("value")
    read = read_character(mesh, head())
    assert not read.character.table.rows["mouthPucker"].used
    assert read.character.table.rows["mouthFunnel"].used


def test_ranges_of_sliders_are_kept() -> None:
    mesh = mesh_with_keys()
    mesh.data.shape_keys.key_blocks["mouthPucker"].slider_max = 0.3
    character = read_character(mesh, head()).character
    motion = FaceMotion(np.eye(50)[[19]], np.zeros((1, 3)), 25.0, "arkit")
    got = to_character(motion, head(), character)
    assert got.values[0, got.names.index("mouthPucker")] == pytest.approx(0.3, abs=1e-5)


def test_what_has_no_shape_keys_is_refused() -> None:
    data = bpy.data.meshes.new("bare")
    for thing in (None, bpy.data.objects.new("empty", None), bpy.data.objects.new("bare", data)):
        with pytest.raises(SceneError, match="Select a mesh with shape keys"):
            read_character(thing, head())

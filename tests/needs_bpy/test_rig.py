"""A head in Blender is the head of our numpy skinning, and is recognised again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from lsf_blender_addon.blender import faces, rig
from lsf_blender_addon.blender.materials import material
from lsf_blender_addon.blender.rotation import channels
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FLAME_EXPRESSIONS

Maker = Callable[..., Head]
EXACT = 1e-6
"""Metres."""


def turn(built: rig.FaceRig, bone: str, vector: list[float]) -> None:
    own = faces.AXES.T @ faces.bone_axes(built.armature, bone)
    posed = built.armature.pose.bones[bone]
    name, values = channels(np.array([vector]) @ own, posed.rotation_mode)
    setattr(posed, name, values[0])


def test_a_head_stands_upright_and_faces_the_front_view(make_head: Maker) -> None:
    head = make_head()
    built = rig.build_rig(head)
    points = np.array([vertex.co for vertex in built.mesh.data.vertices])
    np.testing.assert_allclose(points[:, 2], head.template[:, 1], atol=1e-7)  # up
    np.testing.assert_allclose(points[:, 1], -head.template[:, 2], atol=1e-7)  # forward is -y
    np.testing.assert_allclose(points[:, 0], head.template[:, 0], atol=1e-7)  # its left stays its left
    assert built.mesh.matrix_world == built.armature.matrix_world
    assert all(value == 0 for value in built.armature.rotation_euler)


def test_the_outside_of_the_skin_is_outside(make_head: Maker) -> None:
    mesh = rig.build_rig(make_head()).mesh.data
    centres = np.array([polygon.center for polygon in mesh.polygons])
    normals = np.array([polygon.normal for polygon in mesh.polygons])
    assert (np.einsum("pc,pc->p", centres, normals) > 0).all()


@pytest.mark.parametrize(
    "row",
    [
        ("teeth", "teeth_back", "teeth_deep"),
        ("gums", "gums_middle", "gums_back"),
        ("tongue", "tongue_middle", "tongue_back", "tongue_deep"),
        ("mouth_lining", "mouth_middle", "mouth_back", "mouth_deep", "mouth_inside"),
    ],
    ids=lambda row: row[0],
)
def test_a_mouth_gets_darker_with_its_depth(row: tuple[str, ...]) -> None:
    """In Workbench, which shows the material's own colour, as in a render."""
    made = [material(name) for name in row]
    shown = [np.mean(one.diffuse_color[:3]) for one in made]
    assert shown[-1] < 0.6 * shown[0]
    assert (np.diff(shown) < 0).all()
    for one in made:
        shader = next(node for node in one.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        assert tuple(shader.inputs["Base Color"].default_value) == tuple(one.diffuse_color)


@pytest.mark.parametrize(
    "row",
    [
        ("gums", "gums_middle", "gums_back"),
        ("tongue", "tongue_middle", "tongue_back", "tongue_deep"),
        ("mouth_lining", "mouth_middle", "mouth_back", "mouth_deep", "mouth_inside"),
    ],
    ids=lambda row: row[0],
)
def test_a_mouths_flesh_gets_darker_in_small_steps(row: tuple[str, ...]) -> None:
    """Else a border shows across the tongue of a wide open mouth; teeth are parts of their own and may differ."""
    shown = np.array([np.mean(material(name).diffuse_color[:3]) for name in row])
    assert (shown[1:] > 0.6 * shown[:-1]).all()


def test_polygons_materials_and_the_uv_map_come_from_the_file(make_head: Maker) -> None:
    head = make_head()
    mesh = rig.build_rig(head).mesh.data
    assert [list(polygon.vertices) for polygon in mesh.polygons] == [face[face >= 0].tolist() for face in head.faces]
    assert [one.name for one in mesh.materials] == ["lips", "skin"]
    assert [polygon.material_index for polygon in mesh.polygons] == head.material_index.tolist()
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    corners = np.array([corner.uv for corner in mesh.uv_layers["UVMap"].data])
    np.testing.assert_allclose(corners, head.uv[head.faces >= 0], atol=1e-7)


def test_bones_stand_at_the_joints_of_the_shaped_head(make_head: Maker) -> None:
    head = make_head()
    identity = np.array([1.0, -2.0, 0.5])
    armature = rig.build_rig(head, identity=identity).armature
    joints = head.joint_regressor @ (head.template + head.shape_directions[:, :, :3] @ identity)
    placed = np.array([armature.data.bones[name].head_local for name in head.joint_names])
    np.testing.assert_allclose(placed, rig.to_blender(joints), atol=EXACT)
    parents = [bone.parent.name if bone.parent else None for bone in armature.data.bones]
    assert parents == [None, "root", "neck", "neck", "neck"]


def test_keys_carry_the_fields_names_and_ranges(make_head: Maker) -> None:
    flame = rig.build_rig(make_head("flame")).mesh.data.shape_keys.key_blocks
    arkit = rig.build_rig(make_head("arkit")).mesh.data.shape_keys.key_blocks
    assert flame.keys()[:55] == ["Basis", "Shape1", "Shape2", "Shape3", "Shape4", *FLAME_EXPRESSIONS]
    assert arkit.keys()[5:55] == list(ARKIT_EXPRESSIONS)
    assert (flame["Exp3"].slider_min, flame["Exp3"].slider_max) == (-10, 10)
    assert (arkit["mouthPucker"].slider_min, arkit["mouthPucker"].slider_max) == (0, 1)


def test_a_posed_head_is_the_numpy_skinning(
    make_head: Maker, evaluated: Callable[..., np.ndarray], skinned: Callable[..., np.ndarray]
) -> None:
    """Identity, expression, jaw, neck and eyes at once, with the correctives of all four joints."""
    head = replace(make_head(moving_joints=False))
    identity = np.array([1.0, -2.0, 0.5, 1.5])
    built = rig.build_rig(head, identity=identity)
    pose = {"jaw": [0.3, 0.2, -0.1], "neck": [0.1, -0.3, 0.2], "left_eye": [0.1, 0.3, 0], "right_eye": [-0.2, 0.3, 0]}
    for bone, vector in pose.items():
        turn(built, bone, vector)
    expression = np.zeros(50)
    expression[[2, 7]] = 1.5, -2.5
    for name, value in zip(FLAME_EXPRESSIONS, expression, strict=True):
        built.mesh.data.shape_keys.key_blocks[name].value = value
    wanted = skinned(
        head,
        expression,
        np.array(pose["jaw"]),
        identity=identity,
        neck=pose["neck"],
        eyes=pose["left_eye"] + pose["right_eye"],
    )[0]
    np.testing.assert_allclose(evaluated(built.mesh, 1), wanted, atol=EXACT)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", "XYZ", "ZYX"])
def test_correctives_follow_a_bone_that_is_posed_by_hand_in_any_rotation_mode(
    make_head: Maker, evaluated: Callable[..., np.ndarray], skinned: Callable[..., np.ndarray], mode: str
) -> None:
    head = make_head()
    built = rig.build_rig(head)
    built.armature.pose.bones["jaw"].rotation_mode = mode
    turn(built, "jaw", [0.35, -0.2, 0.15])
    wanted = skinned(head, np.zeros(50), np.array([0.35, -0.2, 0.15]))[0]
    np.testing.assert_allclose(evaluated(built.mesh, 1), wanted, atol=EXACT)


def test_drivers_need_no_permission_to_run_scripts(make_head: Maker) -> None:
    keys = rig.build_rig(make_head()).mesh.data.shape_keys
    assert len(keys.animation_data.drivers) == 36
    assert all(curve.driver.is_simple_expression for curve in keys.animation_data.drivers)


def test_a_head_without_correctives_gets_no_keys_for_them(make_head: Maker) -> None:
    keys = rig.build_rig(make_head(correctives=False)).mesh.data.shape_keys
    assert len(keys.key_blocks) == 55
    assert keys.animation_data is None


def test_our_own_head_is_recognised_from_its_mesh_and_from_its_armature(make_head: Maker) -> None:
    built = rig.build_rig(make_head("arkit"))
    for thing in (built.mesh, built.armature):
        face = faces.face_of(thing)
        assert (face.mesh, face.armature, face.space, face.jaw) == (built.mesh, built.armature, "arkit", "jaw")
        assert face.expressions == ARKIT_EXPRESSIONS


def test_a_flame_head_of_another_add_on_is_recognised_by_its_names(make_head: Maker) -> None:
    built = rig.build_rig(make_head("flame"))
    del built.mesh[faces.MARK]
    face = faces.face_of(built.mesh)
    assert (face.space, face.expressions, face.jaw) == ("flame", FLAME_EXPRESSIONS, "jaw")
    np.testing.assert_array_equal(face.axes, faces.AXES)


def test_a_flame_armature_that_is_y_up_in_itself_is_understood(make_head: Maker) -> None:
    built = rig.build_rig(make_head("flame"))
    del built.mesh[faces.MARK]
    built.armature.data.transform(Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1))))
    np.testing.assert_array_equal(faces.face_of(built.mesh).axes, np.eye(3))


def cube() -> Any:
    mesh = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(mesh)
    return mesh


def test_what_is_no_head_is_refused_with_a_sentence() -> None:
    with pytest.raises(SceneError, match="Select a head first"):
        faces.face_of(None)
    plain = cube()
    with pytest.raises(SceneError, match=r"it has no shape keys\. Add a head"):
        faces.face_of(plain)
    plain.shape_key_add(name="Basis")
    plain.shape_key_add(name="swelling")
    with pytest.raises(SceneError, match=r"neither FLAME's keys .* Say under Character"):
        faces.face_of(plain)
    light = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    with pytest.raises(SceneError, match="0 meshes"):
        faces.face_of(light)


def test_a_damaged_mark_is_refused(make_head: Maker) -> None:
    built = rig.build_rig(make_head())
    built.mesh[faces.MARK] = "{"
    with pytest.raises(SceneError, match="damaged"):
        faces.face_of(built.mesh)


def test_a_rig_is_built_where_it_can_be_seen_or_not_at_all(make_head: Maker) -> None:
    inside = bpy.data.collections.new("Inside")
    bpy.context.scene.collection.children.link(inside)
    built = rig.build_rig(make_head(), collection=inside)
    assert set(inside.objects) == {built.mesh, built.armature}
    outside = bpy.data.collections.new("Outside")
    count = len(bpy.data.objects)
    with pytest.raises(SceneError, match="'Outside' is not part of the current view layer"):
        rig.build_rig(make_head(), collection=outside)
    with pytest.raises(SceneError, match="4 identity keys, not 5"):
        rig.build_rig(make_head(), identity=np.ones(5))
    assert len(bpy.data.objects) == count


def test_the_selection_of_an_artist_survives(make_head: Maker) -> None:
    mesh = cube()
    bpy.context.view_layer.objects.active = mesh
    mesh.select_set(True)
    rig.build_rig(make_head())
    assert bpy.context.view_layer.objects.active == mesh
    assert bpy.context.mode == "OBJECT"

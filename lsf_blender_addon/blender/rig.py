"""A head becomes a rigged object (``faces.py`` tells what faces there are).

A head file is y up and faces +z; Blender is z up, and its front view looks along +y. So a head's (x, y, z) stands at
(x, -z, y): upright, facing -y, its own left at +x, in metres, with no rotation left on the objects. Blender's glTF
exporter turns the same way back, so a ``.glb`` has the head file's own axes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SceneError
from ..head.flame import Head
from ..head.model import JAW, JOINT_NAMES, FloatArray
from .faces import AXES, FORMAT, IDENTITY_NAME, MARK, bone_axes, jaw_shift, lip_rows
from .materials import material
from .rotation import Doubles

WIDE, UNIT, CORRECTIVE = (-10.0, 10.0), (0.0, 1.0), (-2.0, 2.0)
"""Slider ranges: of components in standard deviations, of blendshapes, of a rotation's entries less the identity's."""

STILL = 1e-8
"""Metres under which a direction moves nothing."""

BONES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "root": ((0.0, 0.06, 0.0), (0.0, 0.0, 1.0)),
    "neck": ((0.0, 0.06, 0.0), (0.0, 0.0, 1.0)),
    "jaw": ((0.0, -0.04, 0.08), (0.0, 1.0, 0.0)),
    "left_eye": ((0.0, 0.0, 0.03), (0.0, 1.0, 0.0)),
    "right_eye": ((0.0, 0.0, 0.03), (0.0, 1.0, 0.0)),
}
"""Where a bone points from its joint, and where its own z axis leans, in head axes, metres."""

ROTATION_ENTRIES = (
    *("-2*(y*y+z*z)", "2*(x*y-w*z)", "2*(x*z+w*y)"),
    *("2*(x*y+w*z)", "-2*(x*x+z*z)", "2*(y*z-w*x)"),
    *("2*(x*z-w*y)", "2*(y*z+w*x)", "-2*(x*x+y*y)"),
)
"""The nine entries of a rotation matrix less the identity, out of the unit quaternion w x y z: simple expressions,
which Blender computes without Python, so that drivers work where scripts are not allowed."""


@dataclass(frozen=True, eq=False)
class FaceRig:
    """What :func:`build_rig` made: a mesh with shape keys under an armature with five bones."""

    mesh: Any
    armature: Any


def build_rig(
    head: Head, name: str | None = None, collection: Any | None = None, *, identity: ArrayLike | None = None
) -> FaceRig:
    """Put a head into the scene: mesh, materials, shape keys, pose correctives, armature and weights.

    Shape keys are ``Basis``, ``Shape1`` and on (identity), the head's expressions, and pose correctives, which are
    driven by their bones: the product of a corrective's nine directions with (rotation - identity) is linear in the
    entries of the rotation in the bone's own frame, so nine driven keys a bone are FLAME's formula itself, also when
    the artist poses the bone by hand.

    Args:
        head: the head.
        name: of the objects; the head's own where None.
        collection: where they go; must be part of the current view layer. The scene's own collection where None.
        identity: (up to S,) coefficients of the head's shape directions; the joints are placed for them.

    Returns:
        The two objects; the mesh is the armature's child.

    Raises:
        SceneError: Blender is in another mode than Object Mode, or the collection is not in the view layer.
    """
    if bpy.context.mode != "OBJECT":
        raise SceneError("Leave the current mode first: a head is built in Object Mode.")
    collection = collection or bpy.context.scene.collection
    if bpy.context.view_layer.layer_collection.collection != collection and collection not in set(
        bpy.context.view_layer.layer_collection.collection.children_recursive
    ):
        raise SceneError(f"The collection {collection.name!r} is not part of the current view layer.")
    coefficients = np.zeros(head.shape_count)
    given = np.asarray([] if identity is None else identity, np.float64).ravel()
    if len(given) > head.shape_count:
        raise SceneError(f"The head {head.name!r} has {head.shape_count} identity keys, not {len(given)}.")
    coefficients[: len(given)] = given
    title = name or head.name
    shaped = head.template + head.shape_directions @ coefficients
    joints = head.joint_regressor.astype(np.float64) @ shaped
    armature = _armature(title, joints, head.parents, _chin(head, shaped), collection)
    mesh = _mesh(title, head, collection)
    _weights(mesh, head.weights)
    mesh.parent = armature
    modifier = mesh.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    modifier.use_deform_preserve_volume = False
    _keys(mesh, head, coefficients)
    _correctives(mesh, armature, head)
    mesh[MARK] = json.dumps(
        {
            "format": FORMAT,
            "space": head.space,
            "head": head.name,
            "licence": head.licence,
            "expressions": list(head.expression_names[:50]),
            "jaw_shift": jaw_shift(head).round(9).tolist(),
            "lips": lip_rows(head.landmarks),
        }
    )
    return FaceRig(mesh, armature)


def to_blender(points: NDArray[Any]) -> FloatArray:
    """(..., 3) points in head axes → the same in Blender's."""
    return np.ascontiguousarray(points @ AXES.T, dtype=np.float32)


def _mesh(title: str, head: Head, collection: Any) -> Any:
    polygons = [tuple(face[face >= 0]) for face in head.faces]
    data = bpy.data.meshes.new(title)
    data.from_pydata(to_blender(head.template), [], polygons)
    data.polygons.foreach_set("use_smooth", np.ones(len(polygons), bool))
    if head.uv is not None:
        layer = data.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", head.uv[head.faces >= 0].ravel())
    for name in head.material_names or ("skin",):
        data.materials.append(material(name))
    if head.material_index is not None:
        data.polygons.foreach_set("material_index", head.material_index)
    data.update()
    mesh = bpy.data.objects.new(title, data)
    collection.objects.link(mesh)
    return mesh


def _weights(mesh: Any, weights: FloatArray) -> None:
    for joint, name in enumerate(JOINT_NAMES):
        group = mesh.vertex_groups.new(name=name)
        column = weights[:, joint]
        for value in np.unique(column[column > 0]):
            group.add(np.flatnonzero(column == value).tolist(), float(value), "REPLACE")


def _armature(title: str, joints: Doubles, parents: NDArray[Any], chin: Doubles | None, collection: Any) -> Any:
    data = bpy.data.armatures.new(f"{title} armature")
    armature = bpy.data.objects.new(f"{title} armature", data)
    collection.objects.link(armature)
    armature.show_in_front = True
    data.display_type = "STICK"
    layer = bpy.context.view_layer
    was = layer.objects.active
    layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for joint, name in enumerate(JOINT_NAMES):
        direction, lean = (np.array(vector) for vector in BONES[name])
        if joint == JAW and chin is not None:
            direction = chin - joints[JAW]
            direction[0] = 0.0
        bone = data.edit_bones.new(name)
        bone.head = (AXES @ joints[joint]).tolist()
        bone.tail = (AXES @ (joints[joint] + direction)).tolist()
        bone.align_roll((AXES @ lean).tolist())
        if parents[joint] >= 0:
            bone.parent = data.edit_bones[JOINT_NAMES[parents[joint]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = was
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
    return armature


def _chin(head: Head, shaped: NDArray[Any]) -> Doubles | None:
    point = head.landmarks.get("chin")
    return None if point is None else np.asarray(point.weights @ shaped[point.vertices], np.float64)


def _keys(mesh: Any, head: Head, coefficients: Doubles) -> None:
    mesh.shape_key_add(name="Basis", from_mix=False)
    identity = [IDENTITY_NAME.format(number + 1) for number in range(head.shape_count)]
    for number, key_name in enumerate(identity):
        key = _key(mesh, key_name, head.template, head.shape_directions[:, :, number], WIDE)
        key.value = coefficients[number]
    span = WIDE if head.space == "flame" else UNIT
    for number, key_name in enumerate(head.expression_names):
        _key(mesh, key_name, head.template, head.expression_directions[:, :, number], span)


def _key(mesh: Any, name: str, template: FloatArray, direction: NDArray[Any], span: tuple[float, float]) -> Any:
    key = mesh.shape_key_add(name=name, from_mix=False)
    key.data.foreach_set("co", to_blender(template + direction).ravel())
    key.slider_min, key.slider_max = span
    key.value = 0.0
    return key


def _correctives(mesh: Any, armature: Any, head: Head) -> None:
    for joint, bone in list(enumerate(JOINT_NAMES))[1:]:
        own = AXES.T @ bone_axes(armature, bone)
        features = head.pose_directions[:, :, 9 * (joint - 1) : 9 * joint].astype(np.float64).reshape(-1, 3, 3, 3)
        if np.abs(features).max() < STILL:
            continue
        # R = own · R' · ownᵀ, so the entries of R are these sums of the entries of R' in the bone's own frame
        turned = np.einsum("vcij,ia,jb->vcab", features, own, own).reshape(-1, 3, 9)
        for entry in range(9):
            direction = turned[:, :, entry]
            if np.abs(direction).max() >= STILL:
                name = f"{bone.replace('_', ' ').capitalize()} corrective {entry + 1}"
                key = _key(mesh, name, head.template, direction, CORRECTIVE)
                _drive(key, armature, bone, ROTATION_ENTRIES[entry])


def _drive(key: Any, armature: Any, bone: str, expression: str) -> None:
    driver = key.driver_add("value").driver
    driver.type = "SCRIPTED"
    for letter in "wxyz":
        variable = driver.variables.new()
        variable.name = letter
        variable.type = "TRANSFORMS"
        target = variable.targets[0]
        target.id = armature
        target.bone_target = bone
        target.transform_type = f"ROT_{letter.upper()}"
        target.rotation_mode = "QUATERNION"
        target.transform_space = "LOCAL_SPACE"
    driver.expression = expression

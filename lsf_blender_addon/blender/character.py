"""A character in the scene, read as retargeting sees it: its mesh, blendshapes, ranges and jaw bone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..errors import SceneError
from ..head.character import Character, JawBone, character_of
from ..head.model import FloatArray, Head, IntArray
from ..head.naming import Table, recognised
from .faces import AXES
from .rotation import Doubles

JAW_WORD = "jaw"
LEAST_WEIGHT = 0.5
"""Of a jaw bone at its heaviest vertex: less is no bone that opens a mouth."""

CORNERS = 4


@dataclass(frozen=True, eq=False)
class SceneCharacter:
    """A character and the objects that it was read from.

    Attributes:
        mesh: the object with the shape keys.
        armature: the object with the jaw bone, or None.
        jaw: the jaw bone's name, or None where a shape key opens the mouth.
        axes: (3, 3), head axes → the armature's own; the identity's turn to Blender's where there is none.
        character: what :func:`retarget.to_character` takes.
    """

    mesh: Any
    armature: Any | None
    jaw: str | None
    axes: Doubles
    character: Character


def read_character(
    mesh: Any,
    reference: Head,
    *,
    table: Table | None = None,
    picked: Mapping[str, int | Sequence[int]] | None = None,
    jaw_bone: str | None = None,
) -> SceneCharacter:
    """Read a character off a mesh with shape keys that stands upright in the scene and looks along -y.

    Shape keys with drivers are left to their drivers: the table says that they are not used.

    Args:
        mesh: the object.
        reference: the bundled head.
        table: what each shape key is known as; by its name where None.
        picked: landmarks by vertex number, where they were picked.
        jaw_bone: the bone that turns the jaw; the topmost with ``jaw`` in its name where None.

    Raises:
        SceneError: the object is no mesh with shape keys, or has no such bone.
        HeadError: landmarks cannot be found; the sentence says what to do.
    """
    keys = getattr(mesh.data, "shape_keys", None) if mesh is not None and mesh.type == "MESH" else None
    if keys is None or len(keys.key_blocks) < 2:  # noqa: PLR2004 - a basis and something else
        raise SceneError("Select a mesh with shape keys: blendshapes are what a character speaks with.")
    world = np.array(mesh.matrix_world, np.float64)
    turned = AXES.T @ world[:3, :3]
    places = _coordinates(keys.reference_key) @ turned.T + AXES.T @ world[:3, 3]
    shapes = {
        key.name: ((_coordinates(key) - _coordinates(key.relative_key)) @ turned.T).astype(np.float32)
        for key in keys.key_blocks
        if key != keys.reference_key
    }
    ranges = {name: (keys.key_blocks[name].slider_min, keys.key_blocks[name].slider_max) for name in shapes}
    known = table or recognised(tuple(shapes))
    driven = _driven(keys)
    known = Table(
        {name: dataclasses.replace(row, used=False) if name in driven else row for name, row in known.rows.items()}
    )
    armature = mesh.find_armature()
    bone = _jaw_bone(mesh, armature, jaw_bone)
    jaw = None if armature is None or bone is None else _jaw(mesh, armature, bone)
    character = character_of(
        mesh.name,
        places,
        _faces(mesh.data),
        shapes,
        reference=reference,
        table=known,
        jaw=jaw,
        ranges=ranges,
        picked=picked,
    )
    axes = AXES
    if armature is not None:
        own = np.array(armature.matrix_world, np.float64)[:3, :3]
        axes = np.linalg.inv(own / np.linalg.norm(own, axis=0)) @ AXES
    return SceneCharacter(mesh, armature, character.jaw_bone, axes, character)


def _coordinates(key: Any) -> Doubles:
    """(V, 3) of a shape key, in the object's axes and unit."""
    flat = np.empty(len(key.data) * 3, np.float32)
    key.data.foreach_get("co", flat)
    return flat.reshape(-1, 3).astype(np.float64)


def _faces(data: Any) -> IntArray:
    """(F, 4) polygons, triangles with -1; all cut into triangles where one has more corners than four."""
    totals = np.empty(len(data.polygons), np.int32)
    data.polygons.foreach_get("loop_total", totals)
    if len(totals) and totals.max() <= CORNERS:
        corners = np.empty(len(data.loops), np.int32)
        data.loops.foreach_get("vertex_index", corners)
        faces = np.full((len(totals), CORNERS), -1, np.int32)
        faces[np.arange(CORNERS) < totals[:, None]] = corners
        return faces
    data.calc_loop_triangles()
    triangles = np.empty(len(data.loop_triangles) * 3, np.int32)
    data.loop_triangles.foreach_get("vertices", triangles)
    return np.pad(triangles.reshape(-1, 3), ((0, 0), (0, 1)), constant_values=-1)


def _driven(keys: Any) -> set[str]:
    """Names of the shape keys whose value a driver holds."""
    if keys.animation_data is None:
        return set()
    paths = {driver.data_path for driver in keys.animation_data.drivers}
    return {
        key.name for key in keys.key_blocks if f'key_blocks["{bpy.utils.escape_identifier(key.name)}"].value' in paths
    }


def _jaw_bone(mesh: Any, armature: Any | None, wanted: str | None) -> str | None:
    if wanted is not None:
        if armature is None or wanted not in armature.data.bones:
            raise SceneError(f"{mesh.name!r} has no armature with a bone named {wanted!r}.")
        return wanted
    if armature is None:
        return None
    named = [bone for bone in armature.data.bones if JAW_WORD in bone.name.lower()]
    heavy = [bone for bone in named if _weights(mesh, bone).max(initial=0.0) > LEAST_WEIGHT]
    heavy.sort(key=lambda bone: len(bone.parent_recursive))
    return heavy[0].name if heavy else None


def _jaw(mesh: Any, armature: Any, bone: str) -> JawBone:
    found = armature.data.bones[bone]
    place = np.array(armature.matrix_world @ found.head_local, np.float64)
    return JawBone(bone, AXES.T @ place, _weights(mesh, found))


def _weights(mesh: Any, bone: Any) -> FloatArray:
    """(V,) the share of each vertex' weights that is a bone's and its children's."""
    names = {bone.name, *(child.name for child in bone.children_recursive)}
    armature = mesh.find_armature()
    deforming = {group.index: group.name in names for group in mesh.vertex_groups if group.name in armature.data.bones}
    own, total = np.zeros(len(mesh.data.vertices), np.float32), np.zeros(len(mesh.data.vertices), np.float32)
    for vertex in mesh.data.vertices:
        for element in vertex.groups:
            if element.group in deforming:
                total[vertex.index] += element.weight
                own[vertex.index] += element.weight * deforming[element.group]
    return np.asarray(own / np.maximum(total, 1e-6), np.float32)

"""A character in the scene, read as retargeting sees it: its mesh, blendshapes, ranges and jaw bone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SceneError
from ..head.character import Character, JawBone, character_of
from ..head.facing import facing
from ..head.model import FloatArray, Head, IntArray
from ..head.naming import Table
from .faces import JAW_BONE, armature_of, driven_keys, placement, positions, shape_names, table_of
from .rotation import Doubles

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
        axes: (3, 3), head axes → the armature's own; the mesh's own where there is none.
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
    turns: bool = True,
) -> SceneCharacter:
    """Read a character off a mesh with shape keys, wherever it stands and however it is turned.

    Shape keys with drivers are left to their drivers: the table says that they are not used. Those that are not used
    and not driven, and stand at a value, are part of its neutral face.

    Args:
        mesh: the object.
        reference: the bundled head.
        table: what each shape key is known as; what a person said and names tell where None.
        picked: landmarks by vertex number, where they were picked.
        jaw_bone: the bone that turns the jaw; the topmost with ``jaw`` in its name where None.
        turns: whether a bone may turn the jaw.

    Raises:
        SceneError: the object is no mesh with shape keys, or has no such bone.
        HeadError: landmarks cannot be found; the sentence says what to do.
    """
    keys = getattr(mesh.data, "shape_keys", None) if mesh is not None and mesh.type == "MESH" else None
    if keys is None or len(keys.key_blocks) < 2:  # noqa: PLR2004 - a basis and something else
        raise SceneError("Select a mesh with shape keys: blendshapes are what a character speaks with.")
    armature = armature_of(mesh)
    known = table_of(mesh) if table is None else table
    placed = placement(mesh, armature)
    own, moves = _moves(mesh, keys)
    places = own @ placed[:3, :3].T + placed[:3, 3]
    moved = {name: move @ placed[:3, :3].T for name, move in moves.items()}
    turn = facing(places, moved, known)
    for name, value in resting_values(keys, known).items():
        places = places + value * moved[name]
    bone = _jaw_bone(mesh, armature, jaw_bone) if turns else None
    jaw = None if armature is None or bone is None else _jaw(mesh, armature, bone)
    character = character_of(
        mesh.name,
        places @ turn.T,
        _faces(mesh.data),
        {name: (move @ turn.T).astype(np.float32) for name, move in moved.items()},
        reference=reference,
        table=known,
        jaw=None if jaw is None else dataclasses.replace(jaw, pivot=turn @ jaw.pivot),
        ranges={name: (keys.key_blocks[name].slider_min, keys.key_blocks[name].slider_max) for name in moves},
        picked=picked,
    )
    return SceneCharacter(mesh, armature, character.jaw_bone, turn.T, character)


def axes_of_character(mesh: Any, table: Table) -> Doubles:
    """(3, 3) head axes → those of its armature, or its own where there is none, by what its shape keys do."""
    placed = placement(mesh, armature_of(mesh))[:3, :3]
    own, moves = _moves(mesh, mesh.data.shape_keys)
    return facing(own @ placed.T, {name: move @ placed.T for name, move in moves.items()}, table).T


def resting_values(keys: Any, table: Table) -> dict[str, float]:
    """What a person has set of shape keys that have no part in speaking: how fat or how old a face is."""
    driven = driven_keys(keys)
    blocks = [keys.key_blocks[name] for name, row in table.rows.items() if not row.used]
    return {key.name: key.value for key in blocks if key.value and not key.mute and key.name not in driven}


def group_share(mesh: Any, group: str) -> Doubles:
    """(V, 1) how much each vertex follows a shape key: all of it, or as its vertex group says."""
    if not group or group not in mesh.vertex_groups:
        return np.ones((len(mesh.data.vertices), 1))
    index = mesh.vertex_groups[group].index
    share = np.zeros((len(mesh.data.vertices), 1))
    for vertex in mesh.data.vertices:
        share[vertex.index] = sum(element.weight for element in vertex.groups if element.group == index)
    return share


def _moves(mesh: Any, keys: Any) -> tuple[Doubles, dict[str, Doubles]]:
    """The neutral face (V, 3), and what each shape key moves at 1, in the mesh's own axes."""
    places = {key.name: positions(key) for key in keys.key_blocks}
    shares: dict[str, Doubles] = {}
    moves = {}
    for name in shape_names(keys):
        key = keys.key_blocks[name]
        move: NDArray[np.float64] = places[name] - places[key.relative_key.name]
        if key.vertex_group:
            shares.setdefault(key.vertex_group, group_share(mesh, key.vertex_group))
            move = move * shares[key.vertex_group]
        moves[name] = move
    return places[keys.reference_key.name], moves


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


def _jaw_bone(mesh: Any, armature: Any | None, wanted: str | None) -> str | None:
    if wanted is not None:
        if armature is None or wanted not in armature.data.bones:
            raise SceneError(f"{mesh.name!r} has no armature with a bone named {wanted!r}.")
        return wanted
    if armature is None:
        return None
    named = [bone for bone in armature.data.bones if JAW_BONE in bone.name.lower()]
    heavy = [bone for bone in named if _weights(mesh, armature, bone).max(initial=0.0) > LEAST_WEIGHT]
    heavy.sort(key=lambda bone: len(bone.parent_recursive))
    return heavy[0].name if heavy else None


def _jaw(mesh: Any, armature: Any, bone: str) -> JawBone:
    found = armature.data.bones[bone]
    return JawBone(bone, np.array(found.head_local, np.float64), _weights(mesh, armature, found))


def _weights(mesh: Any, armature: Any, bone: Any) -> FloatArray:
    """(V,) the share of each vertex' weights that is a bone's and its children's."""
    names = {bone.name, *(child.name for child in bone.children_recursive)}
    deforming = {group.index: group.name in names for group in mesh.vertex_groups if group.name in armature.data.bones}
    own, total = np.zeros(len(mesh.data.vertices), np.float32), np.zeros(len(mesh.data.vertices), np.float32)
    for vertex in mesh.data.vertices:
        for element in vertex.groups:
            if element.group in deforming:
                total[vertex.index] += element.weight
                own[vertex.index] += element.weight * deforming[element.group]
    return np.asarray(own / np.maximum(total, 1e-6), np.float32)

"""A head reduced to what moves: identity and resting shapes become part of the mesh, and their shape keys go."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import compat
from .character import group_share
from .faces import Face

STILL = 1e-6
"""Below this change over the whole animation a value is still."""

Doubles = NDArray[np.float64]


@contextmanager
def pruned(face: Face) -> Iterator[Face]:
    """The same head under the same names, with only those shape keys that move; gone afterwards.

    A key that is neither animated nor driven by a bone that is animated, or whose keyframes are all alike, is added to
    the mesh at its value and left out. The armature is the same.
    """
    mesh, data = face.mesh, face.mesh.data
    names = mesh.name, data.name
    values = _still(face)
    copy = mesh.copy()
    copy.data = data.copy()
    try:
        mesh.name, data.name = f"{names[0]} (whole)", f"{names[1]} (whole)"
        copy.name, copy.data.name = names
        for collection in mesh.users_collection:
            collection.objects.link(copy)
        _bake(copy, values)
        bpy.context.view_layer.update()
        yield dataclasses.replace(face, mesh=copy)
    finally:
        made = copy.data
        bpy.data.objects.remove(copy)
        bpy.data.meshes.remove(made)
        mesh.name, data.name = names


def _still(face: Face) -> dict[str, float]:
    """Shape keys that do not move, and their value; a muted key counts 0."""
    keys = face.keys
    if not keys.use_relative:
        return {}
    moving, resting = set[str](), dict[str, float]()
    for curve in compat.curves_of(keys):
        places = _values(curve)
        if len(places) and np.ptp(places) > STILL:
            moving.add(curve.data_path)
        elif len(places):
            resting[curve.data_path] = float(places[0])
    moving |= {driver.data_path for driver in _drivers(keys) if _moves(face, driver)}
    values = {}
    for key in keys.key_blocks:
        path = f'key_blocks["{bpy.utils.escape_identifier(key.name)}"].value'
        if key == keys.reference_key or (path in moving and not key.mute):
            continue
        values[key.name] = 0.0 if key.mute else resting.get(path, key.value)
    kept = [key for key in keys.key_blocks if key.name not in values]
    for key in kept:
        values.pop(key.relative_key.name, None)
    return values


def _values(curve: Any) -> NDArray[np.float32]:
    places = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", places)
    return places[1::2]


def _drivers(keys: Any) -> list[Any]:
    return [] if keys.animation_data is None else list(keys.animation_data.drivers)


def _moves(face: Face, driver: Any) -> bool:
    """Whether a driver of ours follows a bone that is animated; of any other driver nothing is known, so it may."""
    if face.armature is None:
        return True
    bones = set()
    for variable in driver.driver.variables:
        for target in variable.targets:
            if target.id != face.armature or not target.bone_target:
                return True
            bones.add(target.bone_target)
    animated = {
        curve.data_path
        for curve in compat.curves_of(face.armature)
        if len(places := _values(curve)) and np.ptp(places) > STILL
    }
    starts = tuple(f'pose.bones["{bpy.utils.escape_identifier(bone)}"].' for bone in bones)
    constrained = any(face.armature.pose.bones[bone].constraints for bone in bones)
    return not bones or constrained or any(path.startswith(starts) for path in animated)


def _bake(mesh: Any, values: dict[str, float]) -> None:
    keys = mesh.data.shape_keys
    blocks = keys.key_blocks
    offset = np.zeros((len(mesh.data.vertices), 3))
    for name, value in values.items():
        if value:
            offset += (
                value
                * (_places(blocks[name]) - _places(blocks[name].relative_key))
                * group_share(mesh, blocks[name].vertex_group)
            )
    for name in values:
        mesh.shape_key_remove(blocks[name])
    if not offset.any():
        return
    for key in blocks:
        key.data.foreach_set("co", (_places(key) + offset).astype(np.float32).ravel())
    mesh.data.vertices.foreach_set("co", _places(keys.reference_key).astype(np.float32).ravel())
    mesh.data.update()


def _places(key: Any) -> Doubles:
    places = np.empty(3 * len(key.data), np.float32)
    key.data.foreach_get("co", places)
    return places.reshape(-1, 3).astype(np.float64)

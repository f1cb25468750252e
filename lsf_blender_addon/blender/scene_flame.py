"""A FLAME head as it stands in the scene, as numbers that retargeting takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SceneError
from ..head.model import JOINT_NAMES, Head
from ..head.topology import landmarks_of
from ..motion import FLAME_EXPRESSIONS
from .faces import IDENTITY_NAME, JAW_BONE, Face, positions
from .rotation import Doubles


def scene_head(face: Face) -> Head:
    """A FLAME head as it stands in the scene, its identity and bones included, as numbers that retargeting takes.

    Raises:
        SceneError: the head has no armature with FLAME's bones, or its mesh is not FLAME's own.
    """
    mesh, blocks = face.mesh.data, face.keys.key_blocks
    mesh.calc_loop_triangles()
    points = landmarks_of(len(mesh.vertices), len(mesh.polygons))
    names = [name for name in JOINT_NAMES if face.armature is not None and name in face.armature.data.bones]
    if not points or {"neck", JAW_BONE} - set(names):
        raise SceneError(
            f"A model that speaks ARKit can be carried over to FLAME's own mesh with its bones only, and "
            f"{face.mesh.name!r} is another; choose a model that speaks FLAME."
        )
    armature = face.armature
    assert armature is not None  # noqa: S101 - names would be empty
    placed = armature.matrix_world.inverted() @ face.mesh.matrix_world
    turn = face.axes.T @ np.array(placed, np.float64)[:3, :3]
    shift = face.axes.T @ np.array(placed, np.float64)[:3, 3]
    base = positions(face.keys.reference_key)
    shaped = base.copy()
    for number, value in enumerate(face.identity.tolist()):
        if value:
            shaped += value * (positions(blocks[IDENTITY_NAME.format(number + 1)]) - base)
    directions = np.stack([positions(blocks[name]) - base for name in face.expressions], axis=-1)
    template = shaped @ turn.T + shift
    bones = {name: face.axes.T @ np.array(armature.data.bones[name].head_local, np.float64) for name in names}
    joints = np.array([bones.get(name, bones["neck"]) for name in JOINT_NAMES])
    return Head(
        name=face.mesh.name,
        space="flame",
        template=template.astype(np.float32),
        faces=_quads(mesh),
        shape_directions=np.zeros((len(template), 3, 0), np.float32),
        expression_directions=np.einsum("ij,vje->vie", turn, directions).astype(np.float32),
        expression_names=FLAME_EXPRESSIONS,
        pose_directions=np.zeros((len(template), 3, 36), np.float32),
        joint_regressor=_regressor(template, joints),
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        weights=_weights(face.mesh),
        landmarks=points,
    )


def _quads(mesh: Any) -> NDArray[np.int32]:
    """(F, 4) polygons; FLAME's mesh has triangles alone."""
    triangles = np.empty(len(mesh.polygons) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    return np.concatenate([triangles.reshape(-1, 3), np.full((len(mesh.polygons), 1), -1, np.int32)], axis=1)


def _weights(mesh: Any) -> NDArray[np.float32]:
    """(V, 5) how far each vertex goes with each joint; what has no weight goes with the root."""
    columns = {group.index: JOINT_NAMES.index(group.name) for group in mesh.vertex_groups if group.name in JOINT_NAMES}
    weights = np.zeros((len(mesh.data.vertices), len(JOINT_NAMES)), np.float64)
    for vertex in mesh.data.vertices:
        for group in vertex.groups:
            if group.group in columns:
                weights[vertex.index, columns[group.group]] = group.weight
    weights[weights.sum(axis=1) <= 0, 0] = 1.0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _regressor(template: Doubles, joints: Doubles) -> NDArray[np.float32]:
    """(5, V) the least weights, summing to 1, that put the joints where the bones are."""
    system = np.concatenate([template.T, np.ones((1, len(template)))])
    goals = np.concatenate([joints, np.ones((len(joints), 1))], axis=1).T
    return np.asarray(np.linalg.lstsq(system, goals, rcond=None)[0].T, np.float32)

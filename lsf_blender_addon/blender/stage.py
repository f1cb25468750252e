"""A camera, a light and a background in front of a head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from . import compat, crossing
from .faces import MARK, Face, face_or_none, lip_vertices, positions
from .rotation import Doubles

LENS = 85.0
"""Millimetres: a portrait lens."""

SENSOR = 36.0
MARGIN = 1.25
"""How much wider than the head the picture is."""

BACKGROUND = (0.045, 0.05, 0.06)
"""Linear light."""

FILL = 0.38
"""How bright the surroundings are where they light the head: EEVEE and Cycles."""

SUN = (-0.6, -1.0, 0.45)
"""Where the sun stands, seen from the head: low enough to reach the teeth below the upper lip."""

KICKER = (1.0, 0.1, 0.35)
"""Where a weaker sun stands: without it, a cheek and an ear that the first one does not reach are flat."""

KICK = 0.9
SOFTNESS = math.radians(25.0)
"""How wide the suns are, seen from the head: with a small one, the nose's shadow cuts the cheek in two."""


@dataclass(frozen=True)
class View:
    """From where a head is seen.

    Attributes:
        turn: degrees to the head's left.
        rise: how far above the head's middle the camera stands, in parts of its distance.
        mouth: whether the mouth alone fills the picture.
    """

    turn: float
    rise: float = 0.02
    mouth: bool = False


VIEWS = {
    "portrait": View(math.degrees(math.atan(0.22))),
    "front": View(0.0),
    "quarter": View(38.0),
    "profile": View(90.0),
    "mouth": View(0.0, 0.0, mouth=True),
}
"""Names of cameras; ``portrait`` stands a little to the head's left, for depth."""

MOUTH_MARGIN = 2.2
"""How much wider than the lips at rest a picture of the mouth is."""

FARTHEST_SEEN = 10.0
"""Times the head's distance: where a camera's sight ends at the nearest."""

PART_OF_FACE = 0.05
"""Of the farthest that shape keys move a vertex: what moves less is not looked for."""

HEAD_REACH = 0.85
"""From a face's middle, in parts of its height: what else belongs to the head."""


@dataclass(frozen=True, eq=False)
class _Sight:
    """Where there is something to look at.

    Attributes:
        points: (N, 3) in the world.
        lips: (L, 3); empty where they are not known.
        heading: radians from -y to where a face looks, to its left.
    """

    points: Doubles
    lips: Doubles
    heading: float


def set_stage(scene: Any, subject: Any, view: str = "portrait", shape: tuple[int, int] = (1, 1)) -> list[Any]:
    """Put a camera before a head, with a sun and a dark background where the scene is not lit, and soften Workbench's.

    Args:
        scene: which.
        subject: the mesh that the camera looks at; of a face in it, at the face, from where it looks to.
        view: one of :data:`VIEWS`.
        shape: width and height of the picture that the head is to fit into; square, as movies are.

    Returns:
        The new datablocks, so that the caller can remove them.
    """
    lens = bpy.data.cameras.new("LSF camera")
    lens.lens, lens.sensor_width, lens.clip_start = LENS, SENSOR, 0.01
    camera = bpy.data.objects.new("LSF camera", lens)
    scene.collection.objects.link(camera)
    scene.camera = camera
    seen, sight = VIEWS[view], _sight(subject)
    close = seen.mouth and len(sight.lips) > 0
    points = sight.lips if close else sight.points
    turn = sight.heading + math.radians(seen.turn)
    axes = np.array([[math.cos(turn), math.sin(turn), 0.0], [math.sin(turn), -math.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    low, high = (points @ axes.T).min(axis=0), (points @ axes.T).max(axis=0)
    wide, deep, tall = high - low
    centre = (low + high) / 2 @ axes
    reach = max(wide / shape[0], tall / shape[1]) * max(shape) * (MOUTH_MARGIN if close else MARGIN)
    distance = reach * LENS / SENSOR + deep / 2
    _aim(camera, centre + distance * (axes[1] + [0.0, 0.0, seen.rise]), centre)
    lens.clip_end = max(lens.clip_end, FARTHEST_SEEN * distance)
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.studio_light = "paint.sl"
    shading.color_type = "MATERIAL"
    shading.show_cavity = False
    shading.show_shadows = False
    shading.show_object_outline = False
    shading.show_specular_highlight = True
    lit = any(thing.type == "LIGHT" for thing in scene.objects)
    return [camera, lens] if lit else [camera, lens, *_light(scene, centre)]


def _light(scene: Any, centre: Doubles) -> list[Any]:
    world = bpy.data.worlds.new("LSF background")
    compat.plain_background(world, BACKGROUND, FILL)
    scene.world = world
    made = [world]
    for place, energy in ((SUN, 2.6), (KICKER, KICK)):
        sun = bpy.data.objects.new("LSF sun", bpy.data.lights.new("LSF sun", "SUN"))
        sun.data.energy, sun.data.angle = energy, SOFTNESS
        scene.collection.objects.link(sun)
        _aim(sun, centre + np.array(place), centre)
        made += [sun, sun.data]
    return made


def _sight(subject: Any) -> _Sight:
    """What of a mesh is looked at: all of it, or where there is a face, the head that the face is part of."""
    points = _points(subject)
    face = face_or_none(subject)
    if face is None:
        return _Sight(points, points[:0], 0.0)
    read = crossing.known(face)
    face = face if read is None else read.face
    moving = _moving(face)
    shown, posed = _head(face, points, moving), _posed(face, moving)
    points = points @ posed[:3, :3].T + posed[:3, 3]
    base = np.array((face.armature or subject).matrix_world.to_3x3(), np.float64)
    ahead = posed[:3, :3] @ base @ face.axes @ [0.0, 0.0, 1.0]
    lips = points[list(lip_vertices(face))]
    return _Sight(points[shown], lips, math.atan2(ahead[0], -ahead[1]))


def _points(subject: Any) -> Doubles:
    """(V, 3) where a mesh's vertices stand at rest."""
    points = np.empty(len(subject.data.vertices) * 3, np.float32)
    subject.data.vertices.foreach_get("co", points)
    matrix = np.array(subject.matrix_world, np.float64)
    placed: Doubles = points.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return placed


def _moving(face: Face) -> Any:
    """(V,) whether a vertex is part of the face: whether its shape keys move it."""
    blocks, rest = face.keys.key_blocks, positions(face.keys.reference_key)
    farthest = np.zeros(len(rest))
    for name in filter(None, face.expressions):
        farthest = np.maximum(farthest, np.linalg.norm(positions(blocks[name]) - rest, axis=1))
    return farthest >= PART_OF_FACE * farthest.max()


def _head(face: Face, points: Doubles, moving: Any) -> Any:
    """(V,) whether a portrait shows a vertex, of those where they stand at rest.

    Of our own rigs it shows those above the tip of the jaw bone, which is the chin; of others, which may have a body,
    those that lie about the face.
    """
    rig = face.armature
    if MARK in face.mesh:
        return points[:, 2] >= (
            (rig.matrix_world @ rig.data.bones[face.jaw].tail_local).z if rig is not None and face.jaw else -np.inf
        )
    low, high = points[moving].min(axis=0), points[moving].max(axis=0)
    return np.linalg.norm(points - (low + high) / 2, axis=1) <= HEAD_REACH * (high - low)[2]


def _posed(face: Face, moving: Any) -> Doubles:
    """(4, 4) by which the bone that holds most of a face has left its place of rest, in the world."""
    if face.armature is None:
        return np.eye(4)
    bones, names = face.armature.data.bones, [group.name for group in face.mesh.vertex_groups]
    jaw = {face.jaw} | ({bone.name for bone in bones[face.jaw].children_recursive} if face.jaw else set())
    held: dict[str, float] = {}
    for row in np.flatnonzero(moving):
        for share in face.mesh.data.vertices[row].groups:
            held[names[share.group]] = held.get(names[share.group], 0.0) + share.weight
    holding = {name: weight for name, weight in held.items() if name in bones and name not in jaw}
    if not holding:
        return np.eye(4)
    name = max(holding, key=lambda bone: holding[bone])
    world, rest = face.armature.matrix_world, bones[name].matrix_local
    return np.array(world @ face.armature.pose.bones[name].matrix @ rest.inverted() @ world.inverted(), np.float64)


def _aim(thing: Any, place: Any, at: Any) -> None:
    """Stand at a place and look (along the own -z) at a point, upright."""
    away = (place - at) / np.linalg.norm(place - at)
    right = np.cross([0.0, 0.0, 1.0], away)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = right, np.cross(away, right), away, place
    thing.matrix_world = Matrix(matrix.tolist())

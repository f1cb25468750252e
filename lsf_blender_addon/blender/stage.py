"""A camera, a light and a background in front of a head, and a label beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from . import compat
from .faces import lip_vertices

LENS = 85.0
"""Millimetres: a portrait lens."""

SENSOR = 36.0
MARGIN = 1.25
"""How much wider than the head the picture is."""

BACKGROUND = (0.045, 0.05, 0.06)
"""Linear light."""

FILL = 0.35
"""How bright the surroundings are where they light the head: EEVEE and Cycles."""

INK = (0.85, 0.85, 0.82)
"""A label's colour, linear light."""


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

LABEL_SIZE, LABEL_INSET, LABEL_DISTANCE = 0.05, 0.03, 0.2
"""A label's height and distance from the picture's edges in parts of its height, and metres before the camera."""

LETTER = 0.56
"""How wide a letter is, on average, in parts of its size."""


def set_stage(scene: Any, subject: Any, view: str = "portrait", shape: tuple[int, int] = (1, 1)) -> list[Any]:
    """Put a camera, a sun and a dark background into a scene, and light Workbench softly.

    Args:
        scene: which.
        subject: the mesh that the camera looks at, upright and facing -y.
        view: one of :data:`VIEWS`.
        shape: width and height of the picture that the head is to fit into; square, as movies are.

    Returns:
        The new datablocks, so that the caller can remove them.
    """
    world = bpy.data.worlds.new("LSF background")
    compat.plain_background(world, BACKGROUND, FILL)
    scene.world = world
    lens = bpy.data.cameras.new("LSF camera")
    lens.lens, lens.sensor_width, lens.clip_start = LENS, SENSOR, 0.01
    camera = bpy.data.objects.new("LSF camera", lens)
    scene.collection.objects.link(camera)
    scene.camera = camera
    seen = VIEWS[view]
    lips = lip_vertices(subject) if seen.mouth else ()
    points = _points(subject)
    points = points[list(lips)] if lips else points[points[:, 2] >= _chin(subject, float(points[:, 2].min()))]
    turn = math.radians(seen.turn)
    axes = np.array([[math.cos(turn), math.sin(turn), 0.0], [math.sin(turn), -math.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    low, high = (points @ axes.T).min(axis=0), (points @ axes.T).max(axis=0)
    wide, deep, tall = high - low
    centre = (low + high) / 2 @ axes
    reach = max(wide / shape[0], tall / shape[1]) * max(shape) * (MOUTH_MARGIN if lips else MARGIN)
    distance = reach * LENS / SENSOR + deep / 2
    place = centre + distance * (axes[1] + [0.0, 0.0, seen.rise])
    _aim(camera, place, centre)
    sun = bpy.data.objects.new("LSF sun", bpy.data.lights.new("LSF sun", "SUN"))
    sun.data.energy = 3.0
    scene.collection.objects.link(sun)
    _aim(sun, centre + np.array([-0.6, -1.0, 0.9]), centre)
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.studio_light = "paint.sl"
    shading.color_type = "MATERIAL"
    shading.show_cavity = False
    shading.show_shadows = False
    shading.show_object_outline = False
    shading.show_specular_highlight = True
    return [camera, sun, lens, sun.data, world]


def set_label(scene: Any, text: str) -> list[Any]:
    """Write a label into the upper left corner of what a scene's camera sees.

    Args:
        scene: with a perspective camera, and its resolution set.
        text: a line; small enough to fit the picture's width.

    Returns:
        The new datablocks: the object first, its curve second, so that the text can be changed.
    """
    camera, shown = scene.camera, scene.render
    longer = max(shown.resolution_x, shown.resolution_y)
    reach = LABEL_DISTANCE * camera.data.sensor_width / camera.data.lens / longer
    width, height = reach * shown.resolution_x, reach * shown.resolution_y
    inset = LABEL_INSET * height
    curve = bpy.data.curves.new("LSF label", "FONT")
    curve.body = text
    curve.size = min(LABEL_SIZE * height, (width - 2 * inset) / (LETTER * max(1, len(text))))
    curve.align_x, curve.align_y = "LEFT", "TOP"
    ink = bpy.data.materials.new("LSF ink")
    compat.glowing(ink, INK)
    curve.materials.append(ink)
    label = bpy.data.objects.new("LSF label", curve)
    label.parent = camera
    label.location = (inset - width / 2, height / 2 - inset, -LABEL_DISTANCE)
    scene.collection.objects.link(label)
    return [label, curve, ink]


def _points(subject: Any) -> Any:
    """(V, 3) where a mesh's vertices stand at rest."""
    points = np.empty(len(subject.data.vertices) * 3, np.float32)
    subject.data.vertices.foreach_get("co", points)
    matrix = np.array(subject.matrix_world, np.float64)
    return points.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def _chin(subject: Any, otherwise: float) -> float:
    """How high the tip of the jaw bone stands, which on our rigs is the chin: a portrait leaves the neck out."""
    armature = subject.find_armature()
    if armature is None or "jaw" not in armature.data.bones:
        return otherwise
    return float((armature.matrix_world @ armature.data.bones["jaw"].tail_local).z)


def _aim(thing: Any, place: Any, at: Any) -> None:
    """Stand at a place and look (along the own -z) at a point, upright."""
    away = (place - at) / np.linalg.norm(place - at)
    right = np.cross([0.0, 0.0, 1.0], away)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = right, np.cross(away, right), away, place
    thing.matrix_world = Matrix(matrix.tolist())

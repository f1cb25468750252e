"""A camera, a light and a background in front of a head."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

LENS = 85.0
"""Millimetres: a portrait lens."""

SENSOR = 36.0
MARGIN = 1.25
"""How much wider than the head the picture is."""

BACKGROUND = (0.045, 0.05, 0.06)
"""Linear light."""

SIDE = 0.22
"""How far the camera stands to the head's left, in parts of its distance: a little, for depth."""


def set_stage(scene: Any, subject: Any) -> list[Any]:
    """Put a camera, a sun and a dark background into a scene, and light Workbench softly.

    Args:
        scene: which.
        subject: the mesh that the camera looks at, upright and facing -y.

    Returns:
        The new datablocks, so that the caller can remove them.
    """
    world = bpy.data.worlds.new("LSF background")
    world.color = BACKGROUND
    scene.world = world
    lens = bpy.data.cameras.new("LSF camera")
    lens.lens, lens.sensor_width, lens.clip_start = LENS, SENSOR, 0.01
    camera = bpy.data.objects.new("LSF camera", lens)
    scene.collection.objects.link(camera)
    scene.camera = camera
    low, high = _bounds(subject)
    low[2] = max(low[2], _chin(subject, low[2]))
    centre = (low + high) / 2
    reach = max(high[0] - low[0], high[2] - low[2]) * MARGIN
    distance = reach * LENS / SENSOR + (high[1] - low[1]) / 2
    place = centre + distance * np.array([SIDE, -1.0, 0.02]) / np.hypot(SIDE, 1.0)
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


def _bounds(subject: Any) -> tuple[Any, Any]:
    points = np.empty(len(subject.data.vertices) * 3, np.float32)
    subject.data.vertices.foreach_get("co", points)
    matrix = np.array(subject.matrix_world, np.float64)
    placed = points.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return placed.min(axis=0), placed.max(axis=0)


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

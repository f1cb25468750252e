"""A line of text in the corner of a picture, pale on a dark plate: to be read in a dark room and on a pale chin."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import compat

INK, PLATE = (0.85, 0.85, 0.82), (0.03, 0.033, 0.04)
"""Colours, linear light."""

SIZE, INSET, DISTANCE = 0.05, 0.03, 0.2
"""Height and distance from the picture's edges in parts of its height, and metres before the camera."""

MARGIN = 0.4
"""How far the plate goes beyond the letters, in parts of their size."""

BEHIND = 1.001
"""How much further than the letters their plate is, in parts of their distance."""


class Label:
    """A label in the upper left corner of what a scene's camera sees.

    Attributes:
        made: the new datablocks, so that the caller can remove them.
    """

    def __init__(self, scene: Any, text: str) -> None:
        """Write it; the scene needs a camera, and its resolution set."""
        camera = scene.camera
        away = max(DISTANCE, 2 * camera.data.clip_start)
        corners = np.array([tuple(corner) for corner in camera.data.view_frame(scene=scene)], np.float64)
        if camera.data.type != "ORTHO":
            corners *= away / -corners[:, 2:]
        self._layer = scene.view_layers[0]
        self._left, self._top = corners[:, 0].min(), corners[:, 1].max()
        self._width, self._height = np.ptp(corners[:, :2], axis=0)
        self._curve = bpy.data.curves.new("LSF label", "FONT")
        self._curve.align_x, self._curve.align_y = "LEFT", "TOP"
        square = bpy.data.meshes.new("LSF label's plate")
        square.from_pydata([(0, 0, 0), (1, 0, 0), (1, -1, 0), (0, -1, 0)], [], [(0, 3, 2, 1)])
        self.made: list[Any] = []
        self._letters = self._before(scene, self._curve, INK, away)
        self._plate = self._before(scene, square, PLATE, away * BEHIND)
        self.write(text)

    def write(self, text: str) -> None:
        """Show another line, small enough to fit the picture's width; where there is none, nothing."""
        inset, size = INSET * self._height, SIZE * self._height
        self._curve.body, self._curve.size = text, size
        self._layer.update()
        room = self._width - 2 * inset
        if self._letters.dimensions.x > room:
            self._curve.size = size = size * room / self._letters.dimensions.x
            self._layer.update()
        margin = min(MARGIN * size, inset)
        self._letters.location.xy = self._left + inset, self._top - inset
        self._plate.location.xy = (self._left + inset - margin) * BEHIND, (self._top - inset + margin) * BEHIND
        wide, tall, _ = self._letters.dimensions
        shown = bool(text.strip())
        self._plate.scale = (wide + 2 * margin, max(tall, size) + 2 * margin, 1.0) if shown else (0.0, 0.0, 0.0)

    def _before(self, scene: Any, data: Any, colour: tuple[float, float, float], away: float) -> Any:
        """Hang something before the camera that glows in a colour, and lights and darkens nothing else."""
        ink = bpy.data.materials.new(data.name)
        compat.glowing(ink, colour)
        data.materials.append(ink)
        thing = bpy.data.objects.new(data.name, data)
        thing.parent = scene.camera
        thing.location.z = -away
        thing.visible_shadow = thing.visible_diffuse = thing.visible_glossy = False
        scene.collection.objects.link(thing)
        self.made += [thing, data, ink]
        return thing

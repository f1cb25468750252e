"""A labelled contact sheet: every unit at one, visemes and feelings, from the front and three-quarter. Needs bpy."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from lsf_blender_addon.blender import materials
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.head.skinning import vertices

from .poses import ALL, Pose

Points = npt.NDArray[np.floating[Any]]
FRONT, QUARTER, SIDE = 0.0, 38.0, 90.0


class Stage:
    """A scene with the head, a camera and a label, ready to picture poses with Workbench."""

    def __init__(self, head: Head, *, width: int = 120, height: int = 132, smooth: int = 1) -> None:
        """Make the scene; ``smooth``: levels of subdivision."""
        self.head = head
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        self.mesh = bpy.data.meshes.new("head")
        faces = [tuple(int(i) for i in face if i >= 0) for face in head.faces]
        self.mesh.from_pydata([tuple(p) for p in self._blender(head.template)], [], faces)
        for name in head.material_names:
            self.mesh.materials.append(materials.material(name))
        if head.material_index is not None:
            self.mesh.polygons.foreach_set("material_index", head.material_index)
        self.mesh.polygons.foreach_set("use_smooth", np.ones(len(self.mesh.polygons), dtype=bool))
        shown = bpy.data.objects.new("head", self.mesh)
        self.scene.collection.objects.link(shown)
        if smooth:
            modifier = shown.modifiers.new("smooth", "SUBSURF")
            modifier.levels = modifier.render_levels = smooth
        self.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        self.camera.data.lens = 90
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self._label()
        self._shading(width, height)

    @staticmethod
    def _blender(points: Points) -> Points:
        return np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=-1)

    def _label(self) -> None:
        curve = bpy.data.curves.new("label", "FONT")
        curve.align_x = "CENTER"
        curve.size = 0.0155
        material = bpy.data.materials.new("label")
        material.diffuse_color = (0.02, 0.02, 0.02, 1.0)
        curve.materials.append(material)
        self.label = bpy.data.objects.new("label", curve)
        self.label.parent = self.camera
        self.scene.collection.objects.link(self.label)

    def _shading(self, width: int, height: int) -> None:
        scene = self.scene
        world = bpy.data.worlds.new("world")
        world.color = (0.42, 0.44, 0.47)
        scene.world = world
        scene.render.engine = "BLENDER_WORKBENCH"
        shading = scene.display.shading
        shading.light = "STUDIO"
        shading.studio_light = "paint.sl"
        shading.color_type = "MATERIAL"
        shading.show_cavity = True
        shading.cavity_type = "BOTH"
        shading.cavity_ridge_factor = shading.curvature_ridge_factor = 0.4
        shading.cavity_valley_factor = 1.0
        shading.curvature_valley_factor = 0.6
        shading.show_shadows = False
        shading.shadow_intensity = 0.25
        shading.show_specular_highlight = True
        scene.display.light_direction = (-0.35, 0.45, 0.82)
        scene.display.render_aa = "5"
        scene.view_settings.view_transform = "Standard"
        scene.render.dither_intensity = 0.0  # smaller files
        scene.render.resolution_x, scene.render.resolution_y = width, height
        scene.render.resolution_percentage = 100

    def pose(self, points: Points) -> None:
        """Put the mesh's points (V, 3), metres, where they belong."""
        self.mesh.vertices.foreach_set("co", self._blender(points).astype(np.float32).ravel())
        self.mesh.update()

    def picture(
        self,
        turn: float,
        label: str = "",
        *,
        centre: tuple[float, float, float] = (0, -0.014, 0.0),
        span: float = 0.215,
        tilt: float = 3.0,
    ) -> Points:
        """Render from ``turn`` degrees to the head's left: RGBA (height, width, 4), top row first."""
        distance = span * self.camera.data.lens / 36.0
        a, e = math.radians(turn), math.radians(tilt)
        x, y, z = centre
        self.camera.location = (
            x + distance * math.sin(a) * math.cos(e),
            -z - distance * math.cos(a) * math.cos(e),
            y + distance * math.sin(e),
        )
        self.camera.rotation_euler = (math.pi / 2 - e, 0.0, a)
        self.label.data.body = label
        self.label.location = (0.0, -0.082, -distance + 0.1) if label else (0.0, 9.0, 9.0)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture.png"
            self.scene.render.filepath = str(path)
            bpy.ops.render.render(write_still=True)
            image = bpy.data.images.load(str(path))
            size = (image.size[1], image.size[0], 4)
            pixels = np.empty(size, dtype=np.float32)
            image.pixels.foreach_get(pixels.ravel())
            bpy.data.images.remove(image)
        return pixels[::-1]


def write_picture(pixels: Points, path: Path) -> None:
    """Write RGBA (height, width, 4), top row first, as PNG."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new("sheet", width, height)
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1], dtype=np.float32).ravel())
    settings = bpy.context.scene.render.image_settings
    settings.file_format, settings.color_mode, settings.compression = "PNG", "RGB", 100
    image.save_render(str(path), scene=bpy.context.scene)
    bpy.data.images.remove(image)


def posed(head: Head, poses: Sequence[Pose]) -> Points:
    """The head's points in every pose (T, V, 3), metres."""
    expression = np.stack([p.expression() for p in poses])
    jaw = np.array([[p.jaw, 0.0, 0.0] for p in poses], dtype=np.float32)
    return vertices(head, expression, jaw)


def write_sheet(head: Head, path: Path, poses: Sequence[Pose] = ALL, columns: int = 6) -> None:
    """Render all poses, two views each, into one picture."""
    stage = Stage(head)
    cells = []
    for pose, points in zip(poses, posed(head, poses), strict=True):
        stage.pose(points)
        views = [stage.picture(FRONT, pose.name), stage.picture(QUARTER)]
        cells.append(np.concatenate(views, axis=1))
    while len(cells) % columns:
        cells.append(np.broadcast_to(cells[0][:1, :1], cells[0].shape))
    rows = [np.concatenate(cells[n : n + columns], axis=1) for n in range(0, len(cells), columns)]
    write_picture(np.concatenate(rows), path)

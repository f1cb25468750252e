"""A mesh as the window shows it, and which of its vertices lies under a look."""

from __future__ import annotations

from typing import Any

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from .faces import positions
from .rotation import Doubles

GRAIN = 1e-3
"""Parts of a mesh's size that lie before a vertex without hiding it: no number is exact."""


def shown_points(mesh: Any, depsgraph: Any) -> Doubles:
    """Where a mesh's own vertices stand in the world, as its shape keys and bones have it now.

    Args:
        mesh: the object, with shape keys.
        depsgraph: in which it is evaluated.

    Returns:
        (V, 3). Where a modifier makes other vertices, as a subdivision does, those of the mesh at rest.
    """
    shown = mesh.evaluated_get(depsgraph)
    data = shown.to_mesh()
    if len(data.vertices) == len(mesh.data.vertices):
        flat = np.empty(len(data.vertices) * 3, np.float32)
        data.vertices.foreach_get("co", flat)
        points = flat.reshape(-1, 3).astype(np.float64)
    else:
        points = positions(mesh.data.shape_keys.reference_key)
    shown.to_mesh_clear()
    matrix = np.array(shown.matrix_world, np.float64)
    placed: Doubles = points @ matrix[:3, :3].T + matrix[:3, 3]
    return placed


class Surface:
    """What lies before what on a mesh.

    Args:
        mesh: the object.
        points: (V, 3) its vertices in the world.
    """

    def __init__(self, mesh: Any, points: Doubles) -> None:
        self._points = points
        self._faces = [tuple(polygon.vertices) for polygon in mesh.data.polygons]
        self._tree = BVHTree.FromPolygons(points.tolist(), self._faces)
        self._grain = float(np.ptp(points, axis=0).max()) * GRAIN

    def shows(self, row: int, eye: Vector) -> bool:
        """Whether a vertex is seen from a place in the world, and no part of the mesh lies before it."""
        away = Vector(self._points[row].tolist()) - eye
        *_, met = self._tree.ray_cast(eye, away.normalized())
        return met is None or met > away.length - self._grain

    def met(self, eye: Vector, ahead: Vector) -> int | None:
        """The vertex nearest to where a look along ``ahead``, of length 1, meets the mesh; None where it passes by."""
        place, _, face, _ = self._tree.ray_cast(eye, ahead)
        if place is None:
            return None
        corners = np.array(self._faces[face])
        return int(corners[np.linalg.norm(self._points[corners] - np.array(place), axis=1).argmin()])

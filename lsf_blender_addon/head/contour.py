"""The 68-point layer of FLAME's published code: fixed points, and a jaw contour that slides as the head turns.

Only measuring against that code needs it; everything else uses named landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import HeadError
from .model import FloatArray
from .skinning import rotation_matrices

LAST_LEFT = 39
LAST_ROW = 78
"""Rows of the contour's table: 0 to 39 for turns to one side in degrees, 40 to 78 for the other."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """Points on triangles: ``faces`` (...,) triangle numbers, ``weights`` (..., 3) of their corners."""

    faces: NDArray[np.integer[Any]]
    weights: NDArray[np.floating[Any]]


def landmark_layer(
    vertices: FloatArray,
    triangles: NDArray[np.integer[Any]],
    fixed: Embedding,
    contour: Embedding,
    *,
    root: ArrayLike | None = None,
    neck: ArrayLike | None = None,
) -> FloatArray:
    """The contour's points, then the fixed ones.

    Args:
        vertices: (T, V, 3) posed vertices, translation included.
        triangles: (F, 3).
        fixed: S points.
        contour: (79, C) points, a row for each degree of turning.
        root: (T, 3) axis-angle of the head, zero where None.
        neck: (T, 3) axis-angle of the neck, zero where None.

    Returns:
        (T, C + S, 3) float32, in the unit of the vertices.

    Raises:
        HeadError: the contour's table has another number of rows.
    """
    frames = len(vertices)
    if contour.faces.ndim != 2 or len(contour.faces) != LAST_ROW + 1:  # noqa: PLR2004 rows, points
        raise HeadError(f"A contour has {LAST_ROW + 1} rows of points; this one has shape {contour.faces.shape}.")
    turned = np.zeros((frames, 3, 3)) + np.eye(3)
    for rotation in (root, neck):
        if rotation is not None:
            turned = turned @ rotation_matrices(rotation)
    rows = contour_rows(turned)
    moving = _placed(vertices, triangles, contour.faces[rows], contour.weights[rows])
    still = np.broadcast_to(fixed.faces, (frames, *fixed.faces.shape))
    steady = _placed(vertices, triangles, still, np.broadcast_to(fixed.weights, (*still.shape, 3)))
    return np.concatenate([moving, steady], axis=1)


def contour_rows(rotations: NDArray[np.float64]) -> NDArray[np.int64]:
    """(T, 3, 3) rotation of root and neck → (T,) row of the contour's table, from the turn about the vertical."""
    sine = -rotations[:, 2, 0]
    yaw = np.degrees(np.arctan2(sine, np.hypot(rotations[:, 0, 0], rotations[:, 1, 0])))
    degrees = np.rint(np.minimum(-yaw, LAST_LEFT)).astype(np.int64)
    return np.where(degrees >= 0, degrees, np.where(degrees < -LAST_LEFT, LAST_ROW, LAST_LEFT - degrees))


def _placed(
    vertices: FloatArray,
    triangles: NDArray[np.integer[Any]],
    faces: NDArray[np.integer[Any]],
    weights: NDArray[np.floating[Any]],
) -> FloatArray:
    """(T, N) faces with (T, N, 3) weights → (T, N, 3) points."""
    corners = vertices[np.arange(len(vertices))[:, None, None], triangles[faces]]
    points: FloatArray = np.einsum("tnkc,tnk->tnc", corners, weights).astype(np.float32)
    return points

"""Named points on a head, and what the mouth does over a motion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, MotionError
from ..motion import FaceMotion
from .model import FloatArray, Head
from .skinning import vertices as skin

MILLIMETRES = 1000.0

LIP_POINTS = 9
"""Points along each inner lip, from the right corner (0) to the left corner (8)."""

LIP_NAMES = (
    "lip_upper_inner",
    "lip_lower_inner",
    "lip_upper_outer",
    "lip_lower_outer",
    "lip_corner_left",
    "lip_corner_right",
)
LIP_LINE_NAMES = tuple(f"lip_{side}_inner_{point}" for side in ("upper", "lower") for point in range(LIP_POINTS))
EYE_NAMES = tuple(f"eye_{side}_{part}" for side in ("left", "right") for part in ("inner", "outer", "upper", "lower"))
BROW_NAMES = tuple(f"brow_{side}_{part}" for side in ("left", "right") for part in ("inner", "middle", "outer"))
OTHER_NAMES = ("nose_tip", "nose_wing_left", "nose_wing_right", "chin")
LANDMARK_NAMES = LIP_NAMES + LIP_LINE_NAMES + EYE_NAMES + BROW_NAMES + OTHER_NAMES
"""What every head has that retargeting and measuring can use; left is the character's own, at +x."""

MOUTH_NAMES = ("lip_upper_inner", "lip_lower_inner", "lip_corner_left", "lip_corner_right")


def positions(head: Head, vertices: NDArray[np.floating[Any]], names: Sequence[str]) -> FloatArray:
    """Where landmarks lie on posed vertices.

    Args:
        head: the head that the vertices are of.
        vertices: (V, 3) or (T, V, 3), metres.
        names: which landmarks, N of them.

    Returns:
        (N, 3) or (T, N, 3) float32, metres.

    Raises:
        HeadError: the head lacks one of the landmarks, or has another number of vertices.
    """
    if vertices.shape[-2:] != (head.vertex_count, 3):
        raise HeadError(f"Vertices of shape {vertices.shape} are not those of {head.name!r} ({head.vertex_count}).")
    points = [head.landmark(name) for name in names]
    return _weighted(vertices, [(point.vertices, point.weights) for point in points])


def poses(
    head: Head, motion: FaceMotion, names: Sequence[str], *, identity: NDArray[np.floating[Any]] | None = None
) -> FloatArray:
    """Where landmarks lie on every frame of a motion, (T, N, 3) float32 metres; only their vertices are skinned.

    Raises:
        MotionError: the motion is not in the head's space.
        HeadError: the head lacks one of the landmarks.
    """
    if motion.space != head.space:
        raise MotionError(
            f"The motion is in the space {motion.space!r} and the head {head.name!r} in {head.space!r}: "
            "retarget it first."
        )
    points = [head.landmark(name) for name in names]
    used, index = np.unique(np.concatenate([point.vertices for point in points]), return_inverse=True)
    splits = np.split(index.ravel(), np.cumsum([len(point.vertices) for point in points])[:-1])
    posed = skin(head, motion.expression, motion.jaw, identity, only=used)
    return _weighted(posed, [(rows, point.weights) for rows, point in zip(splits, points, strict=True)])


def mouth_track(
    head: Head,
    motion: FaceMotion,
    samples_per_second: float = 100.0,
    *,
    identity: NDArray[np.floating[Any]] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """How far the mouth is open and how wide, over time.

    Args:
        head: the head to measure on.
        motion: what it does; parameters are interpolated linearly between its frames.
        samples_per_second: how often to measure.
        identity: (S,) identity coefficients; the head's own neutral where None.

    Returns:
        ``t`` (N,) seconds on the clip; ``aperture`` (N,) millimetres of height between the inner lips at their
        middle, 0 where they cross (FLAME's do at rest); ``aperture_rest`` the same on the neutral face; ``width``
        (N,) millimetres between the corners.

    Raises:
        MotionError: the motion is not in the head's space.
        HeadError: the head lacks a lip landmark.
    """
    last = motion.start + max(0, motion.frames - 1) / motion.fps
    t = motion.start + np.arange(int(np.floor((last - motion.start) * samples_per_second + 1e-6)) + 1) / (
        samples_per_second
    )
    own = motion.start + np.arange(motion.frames) / motion.fps
    sampled = FaceMotion(
        expression=_interpolated(t, own, motion.expression),
        jaw=_interpolated(t, own, motion.jaw),
        fps=samples_per_second,
        space=motion.space,
        start=motion.start,
    )
    rest = FaceMotion(
        expression=np.zeros_like(motion.expression[:1]),
        jaw=np.zeros_like(motion.jaw[:1]),
        fps=motion.fps,
        space=motion.space,
    )
    aperture, width = _mouth(poses(head, sampled, MOUTH_NAMES, identity=identity))
    neutral, _ = _mouth(poses(head, rest, MOUTH_NAMES, identity=identity))
    return {"t": t, "aperture": aperture, "aperture_rest": np.asarray(neutral[0]), "width": width}


def _mouth(points: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(T, 4, 3) metres of ``MOUTH_NAMES`` → aperture and width, millimetres."""
    upper, lower, left, right = np.moveaxis(points.astype(np.float64), 1, 0)
    aperture = np.maximum(upper[:, 1] - lower[:, 1], 0.0) * MILLIMETRES
    return aperture, np.linalg.norm(left - right, axis=1) * MILLIMETRES


def _interpolated(t: NDArray[np.float64], own: NDArray[np.float64], values: FloatArray) -> FloatArray:
    columns = [np.interp(t, own, column) for column in values.T]
    table: FloatArray = np.stack(columns, axis=1).astype(np.float32)
    return table


def _weighted(
    vertices: NDArray[np.floating[Any]], points: Sequence[tuple[NDArray[np.integer[Any]], NDArray[np.floating[Any]]]]
) -> FloatArray:
    placed = [np.einsum("...kc,k->...c", vertices[..., rows, :], weights) for rows, weights in points]
    stacked: FloatArray = np.stack(placed, axis=-2).astype(np.float32)
    return stacked

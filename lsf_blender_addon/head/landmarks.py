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
    return _placed(head, names, motion.expression, motion.jaw, identity)


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
    if motion.space != head.space:
        raise MotionError(
            f"The motion is in the space {motion.space!r} and the head {head.name!r} in {head.space!r}: "
            "retarget it first."
        )
    return mouth_over(
        head,
        motion.start + np.arange(motion.frames) / motion.fps,
        motion.expression,
        motion.jaw,
        samples_per_second,
        identity=identity,
    )


def mouth_over(
    head: Head,
    times: NDArray[np.float64],
    expression: FloatArray,
    jaw: FloatArray | None,
    samples_per_second: float = 100.0,
    *,
    identity: NDArray[np.floating[Any]] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """What ``mouth_track`` measures, of any head's own expressions.

    Args:
        head: the head to measure on.
        times: (T,) seconds of the frames, evenly spaced.
        expression: (T, E) of the head's first expressions; interpolated linearly.
        jaw: (T, 3) axis-angle, radians; None for none.
        samples_per_second: how often to measure.
        identity: (S,) identity coefficients.

    Raises:
        HeadError: the head lacks a lip landmark.
    """
    count = int(np.floor((times[-1] - times[0]) * samples_per_second + 1e-6)) + 1
    t = times[0] + np.arange(count) / samples_per_second
    turning = np.zeros((len(times), 3), np.float32) if jaw is None else jaw
    sampled = _interpolated(t, times, expression), _interpolated(t, times, turning)
    aperture, width = _mouth(_placed(head, MOUTH_NAMES, *sampled, identity))
    still = np.zeros_like(expression[:1]), np.zeros_like(turning[:1])
    neutral, _ = _mouth(_placed(head, MOUTH_NAMES, *still, identity))
    return {"t": t, "aperture": aperture, "aperture_rest": np.asarray(neutral[0]), "width": width}


def _placed(
    head: Head,
    names: Sequence[str],
    expression: FloatArray,
    jaw: FloatArray,
    identity: NDArray[np.floating[Any]] | None,
) -> FloatArray:
    """(T, N, 3) metres of landmarks; only their vertices are skinned."""
    points = [head.landmark(name) for name in names]
    used, index = np.unique(np.concatenate([point.vertices for point in points]), return_inverse=True)
    splits = np.split(index.ravel(), np.cumsum([len(point.vertices) for point in points])[:-1])
    posed = skin(head, expression, jaw, identity, only=used)
    return _weighted(posed, [(rows, point.weights) for rows, point in zip(splits, points, strict=True)])


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

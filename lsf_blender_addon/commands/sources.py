"""What ``convert`` and ``render`` read: a motion with or without a face's shape, or the points of a face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import MAXIMUM_BYTES, read_array
from ..errors import HeadError, LsfError, MotionError
from ..formats.files import kind_of, read_motion
from ..formats.points import Points, holds_points, read_points
from ..formats.published import RATE, read_npy
from ..head.facekit import read_obj
from ..head.model import Head
from ..head.skinning import vertices
from ..motion import FaceMotion
from .speech import face_shape

TO_HEAD_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Blender's axes → a head file's, y up: (x, y, z) is (x, z, -y) there."""


@dataclass(frozen=True, eq=False)
class Source:
    """What a file holds.

    Attributes:
        motion: None where the file holds points.
        points: (T, V, 3) metres in a head file's axes; None where it holds a motion.
        fps: frames a second.
        identity: (300,) whose face it is, where the file says so and it is not FLAME's mean.
    """

    motion: FaceMotion | None
    points: Points | None
    fps: float
    identity: NDArray[np.float64] | None = None


def read_source(path: Path, fps: float | None = None) -> Source:
    """Read a motion (``.npz``, ``.json``, ``.csv``, ``.npy`` of the published layout) or a vertex sequence (``.npy``).

    Args:
        path: the file.
        fps: frames a second of a ``.csv`` or a vertex sequence, which do not say it; 25 for the latter where None.

    Raises:
        MotionError: the file cannot be read, or says its own rate.
    """
    if kind_of(path) == "npy" and holds_points(path):
        return Source(None, read_points(path), fps or RATE)
    motion = read_motion(path, fps)
    who = read_npy(path).identity if kind_of(path) == "npy" else np.zeros(0)
    return Source(motion, None, motion.fps, who if who.any() else None)


def neutral_face(path: Path | None, head: Head | None, *, z_up: bool = False) -> NDArray[np.float64]:
    """(V, 3) a face at rest, metres in a head file's axes.

    Args:
        path: a face's points (``.obj``, or a ``.npy`` of (V, 3)), or shape numbers of the head; the head's own neutral
            where None.
        head: whose shape numbers those are.
        z_up: whether the file of points is in Blender's axes.

    Raises:
        LsfError: the file cannot be read, or a head is needed.
    """
    points = None if path is None else _face_points(path)
    if points is not None:
        turned: NDArray[np.float64] = points @ TO_HEAD_AXES.T if z_up else points
        return turned
    if head is None:
        raise HeadError(
            "Where a face's points lie at rest its head knows: give the one that they were made on as --head."
        )
    if path is None:
        return head.template.astype(np.float64)
    return np.asarray(vertices(head, identity=identity_on(head, np.asarray(face_shape(path))))[0], np.float64)


def identity_on(head: Head, identity: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """Shape numbers as far as a FLAME head has directions for them; None where they are none of its own.

    Raises:
        HeadError: the head has fewer directions than numbers that are not zero.
    """
    if identity is None or head.space != "flame":
        return None
    who: NDArray[np.float64] = np.trim_zeros(identity, "b")
    if len(who) > head.shape_count:
        raise HeadError(f"The head {head.name!r} has {head.shape_count} shape directions, not {len(who)}.")
    return who


def points_of(head: Head, motion: FaceMotion, identity: NDArray[np.float64] | None) -> Points:
    """(T, V, 3) where a head's vertices lie in a motion of its own space.

    Raises:
        MotionError: they would be more than a file may hold.
    """
    if motion.frames * head.vertex_count * 12 > MAXIMUM_BYTES:
        raise MotionError(
            f"{motion.frames} frames of {head.vertex_count} vertices are more than {MAXIMUM_BYTES >> 20} MB: cut the "
            "motion into parts."
        )
    return vertices(head, motion.expression, motion.jaw, identity_on(head, identity))


def _face_points(path: Path) -> NDArray[np.float64] | None:
    """(V, 3) points of a file; None where it holds shape numbers."""
    kind = path.suffix.lower()
    if kind == ".obj":
        return read_obj(path, faces=False)[0]
    if kind != ".npy":
        return None
    array = read_array(path, LsfError)
    if array.ndim != 2 or array.shape[1] != 3 or array.shape[0] == 1:  # noqa: PLR2004 - (V, 3)
        return None
    if not np.isfinite(array).all():
        raise HeadError(f"{path} holds points that are not finite.")
    return array.astype(np.float64)

"""Rotations per frame: one axis-angle in head space → whatever channels a bone's rotation mode has, exactly.

numpy alone. A turn is passed as axis times angle, (T, 3) radians; changing the basis of a rotation turns its axis and
keeps its angle, so a bone's own frame costs one matrix product and loses nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]

EULER_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
"""Blender's: the first letter turns first."""

QUATERNION, AXIS_ANGLE = "QUATERNION", "AXIS_ANGLE"

DATA_PATHS = {QUATERNION: "rotation_quaternion", AXIS_ANGLE: "rotation_axis_angle"}
"""The property that each rotation mode reads; every other mode is an Euler order and reads ``rotation_euler``."""

LOCKED = 1e-7
"""Cosine of the middle angle under which an Euler triple has only two free angles."""


def channels(turns: ArrayLike, mode: str) -> tuple[str, Doubles]:
    """The property that a rotation mode reads, and its values per frame.

    Args:
        turns: (T, 3) axis times angle in the bone's own frame, radians.
        mode: Blender's rotation mode: ``QUATERNION``, ``AXIS_ANGLE`` or one of the six Euler orders.

    Returns:
        The property's name, and (T, 4) w x y z, (T, 4) angle x y z, or (T, 3) radians: continuous from frame to frame.

    Raises:
        ValueError: the mode is unknown.
    """
    if mode == QUATERNION:
        return DATA_PATHS[mode], quaternions(turns)
    if mode == AXIS_ANGLE:
        return DATA_PATHS[mode], axis_angles(turns)
    if mode in EULER_ORDERS:
        return "rotation_euler", eulers(turns, mode)
    raise ValueError(f"unknown rotation mode {mode!r}")


def quaternions(turns: ArrayLike) -> Doubles:
    """(T, 3) axis times angle → (T, 4) unit quaternions w x y z; neighbours lie in the same half of the sphere."""
    vector = np.asarray(turns, np.float64)
    angle = np.linalg.norm(vector, axis=1, keepdims=True)
    # sin(a/2)/a = sinc(a/2π)/2 holds through zero
    values = np.concatenate([np.cos(angle / 2), vector * np.sinc(angle / (2 * np.pi)) / 2], axis=1)
    return np.asarray(values * _same_side(values), np.float64)


def axis_angles(turns: ArrayLike) -> Doubles:
    """(T, 3) axis times angle → (T, 4) angle x y z; the axis keeps its side, and at rest it waits where it was."""
    vector = np.asarray(turns, np.float64)
    angle = np.linalg.norm(vector, axis=1)
    moving = angle > np.finfo(np.float64).tiny
    if not moving.any():
        return np.tile(np.array([0.0, 0.0, 1.0, 0.0]), (len(vector), 1))
    axis = np.divide(vector, angle[:, None], out=np.zeros_like(vector), where=moving[:, None])
    latest = np.maximum.accumulate(np.where(moving, np.arange(len(vector)), -1))
    axis = axis[np.where(latest < 0, int(np.argmax(moving)), latest)]
    side = _same_side(axis)
    return np.concatenate([angle[:, None] * side, axis * side], axis=1)


def eulers(turns: ArrayLike, order: str) -> Doubles:
    """(T, 3) axis times angle → (T, 3) Euler angles about x, y, z in Blender's ``order``, without jumps of 2π.

    The matrix is the product of the three turns with the first letter of ``order`` rightmost.
    """
    matrix = matrices(turns)
    first, middle, last = ("XYZ".index(letter) for letter in order)
    sign = 1.0 if (middle - first) % 3 == 1 else -1.0
    cosine = np.hypot(matrix[:, first, first], matrix[:, middle, first])
    free = cosine > LOCKED
    about_first = np.where(
        free,
        np.arctan2(sign * matrix[:, last, middle], matrix[:, last, last]),
        np.arctan2(-sign * matrix[:, middle, last], matrix[:, middle, middle]),
    )
    about_middle = np.arctan2(-sign * matrix[:, last, first], cosine)
    about_last = np.where(free, np.arctan2(sign * matrix[:, middle, first], matrix[:, first, first]), 0.0)
    values = np.empty((len(matrix), 3))
    values[:, first], values[:, middle], values[:, last] = about_first, about_middle, about_last
    return np.asarray(np.unwrap(values, axis=0), np.float64)


def matrices(turns: ArrayLike) -> Doubles:
    """(..., 3) axis times angle, radians → (..., 3, 3) rotation matrices (Rodrigues' formula)."""
    vector = np.asarray(turns, np.float64)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*vector.shape, 3)
    second = np.sinc(angle / (2 * np.pi)) ** 2 / 2
    return np.asarray(np.eye(3) + np.sinc(angle / np.pi) * cross + second * (cross @ cross), np.float64)


def _same_side(vectors: NDArray[Any]) -> Doubles:
    """(T, 1) signs that keep every vector on the side of the one before it."""
    turned = np.einsum("ti,ti->t", vectors[1:], vectors[:-1]) < 0
    signs = np.cumprod(np.where(turned, -1.0, 1.0))
    return np.asarray(np.concatenate([[1.0], signs])[:, None], np.float64)

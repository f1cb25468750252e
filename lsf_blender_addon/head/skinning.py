"""Parameters → vertices: linear blend skinning with pose correctives, as FLAME defines it (Li et al. 2017, section 4).

Every function takes parameters per frame: arrays (T, n), or (n,) and (1, n) for what stays the same on all frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import HeadError
from .model import JOINT_NAMES, POSE_FEATURES, FloatArray, Head

CHUNK_BYTES = 16 * 2**20
"""Room for what one step over frames allocates besides the result."""


STILL = 1e-9
"""A joint that moves no further than this beside the root moves nothing that float32 could show."""


def vertices(
    head: Head,
    expression: ArrayLike | None = None,
    jaw: ArrayLike | None = None,
    identity: ArrayLike | None = None,
    *,
    neck: ArrayLike | None = None,
    eyes: ArrayLike | None = None,
    root: ArrayLike | None = None,
    translation: ArrayLike | None = None,
    only: NDArray[np.integer[Any]] | None = None,
) -> FloatArray:
    """Pose a head.

    Args:
        head: the head, with V vertices.
        expression: (T, up to E) coefficients of its expression directions, in its own space.
        jaw: (T, 3) axis-angle, radians.
        identity: (T, up to S) coefficients of its shape directions; usually (S,).
        neck: (T, 3) axis-angle, radians.
        eyes: (T, 6) axis-angle of the left and the right eye, radians.
        root: (T, 3) axis-angle of the whole head, radians.
        translation: (T, 3) metres, added last.
        only: indices of the vertices that are wanted; all V where None.

    Returns:
        (T, V or len(only), 3) float32, metres.

    Raises:
        HeadError: a parameter has the wrong width or another number of frames than the rest.
    """
    posing = _posing(
        head,
        expression=expression,
        jaw=jaw,
        identity=identity,
        neck=neck,
        eyes=eyes,
        root=root,
        translation=translation,
    )
    chosen = np.arange(head.vertex_count) if only is None else np.asarray(only)
    template = head.template[chosen].reshape(-1)
    directions = _directions(head, posing.used)[chosen].reshape(3 * len(chosen), -1).T
    correctives = head.pose_directions[chosen].reshape(-1, POSE_FEATURES).T
    weights = head.weights[chosen]
    result = np.empty((posing.frames, len(chosen), 3), np.float32)
    step = max(1, CHUNK_BYTES // max(1, len(chosen) * 4 * 20))
    for begin in range(0, posing.frames, step):
        part = slice(begin, min(begin + step, posing.frames))
        result[part] = _skinned(
            posing, part, template=template, directions=directions, correctives=correctives, weights=weights
        )
    return result


def joints(
    head: Head,
    expression: ArrayLike | None = None,
    jaw: ArrayLike | None = None,
    identity: ArrayLike | None = None,
    *,
    neck: ArrayLike | None = None,
    eyes: ArrayLike | None = None,
    root: ArrayLike | None = None,
    translation: ArrayLike | None = None,
) -> FloatArray:
    """Where the five joints lie, (T, 5, 3) float32 in metres; the arguments are those of ``vertices``."""
    posing = _posing(
        head,
        expression=expression,
        jaw=jaw,
        identity=identity,
        neck=neck,
        eyes=eyes,
        root=root,
        translation=translation,
    )
    posed = posing.joint_positions
    if posing.translation is not None:
        posed = posed + posing.translation[:, None]
    return np.ascontiguousarray(np.broadcast_to(posed, (posing.frames, *posed.shape[1:])), dtype=np.float32)


def rotation_matrices(axis_angle: ArrayLike) -> NDArray[np.float64]:
    """Rodrigues' formula: (..., 3) axis-angle in radians → (..., 3, 3) rotation matrices."""
    vector = np.asarray(axis_angle, np.float64)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*vector.shape[:-1], 3, 3)
    # sinc keeps both quotients exact through zero: sin(a)/a and (1 - cos a)/a² = sinc²(a/2)/2
    first = np.sinc(angle / np.pi)
    second = np.sinc(angle / (2 * np.pi)) ** 2 / 2
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross), np.float64)


@dataclass(frozen=True, eq=False)
class _Posing:
    """Everything per frame that does not depend on single vertices; each array has T frames, or one for all."""

    frames: int
    used: tuple[int, int]
    coefficients: FloatArray
    features: FloatArray
    transforms: FloatArray
    joint_positions: NDArray[np.float64]
    translation: FloatArray | None


def _posing(
    head: Head,
    *,
    expression: ArrayLike | None,
    jaw: ArrayLike | None,
    identity: ArrayLike | None,
    neck: ArrayLike | None,
    eyes: ArrayLike | None,
    root: ArrayLike | None,
    translation: ArrayLike | None,
) -> _Posing:
    given = {
        "identity": _frames(head, "identity", identity, head.shape_count, exact=False),
        "expression": _frames(head, "expression", expression, head.expression_count, exact=False),
        "root": _frames(head, "root", root, 3),
        "neck": _frames(head, "neck", neck, 3),
        "jaw": _frames(head, "jaw", jaw, 3),
        "eyes": _frames(head, "eyes", eyes, 6),
        "translation": _frames(head, "translation", translation, 3),
    }
    counts = {len(value) for value in given.values() if value is not None}
    frames = 0 if 0 in counts else max(counts, default=1)
    if not counts <= {1, frames}:
        listed = ", ".join(f"{name} {len(value)}" for name, value in given.items() if value is not None)
        raise HeadError(f"The parameters for {head.name!r} have different numbers of frames: {listed}.")

    def of(names: tuple[str, ...], widths: tuple[int, ...]) -> NDArray[np.float64]:
        """Parameters side by side, zero where absent; one frame where none of them moves."""
        here = [given[name] for name in names]
        length = max((len(value) for value in here if value is not None), default=1)
        length = 0 if frames == 0 else length
        table = np.zeros((length, sum(widths)))
        for start, value in zip(np.cumsum((0, *widths)), here, strict=False):
            if value is not None:
                table[:, start : start + value.shape[1]] = value[:length]
        return table

    shapes, expressions = (
        0 if (value := given[name]) is None else value.shape[1] for name in ("identity", "expression")
    )
    used = shapes, expressions
    coefficients = of(("identity", "expression"), used)
    rotations = rotation_matrices(of(("root", "neck", "jaw", "eyes"), (3, 3, 3, 6)).reshape(-1, len(JOINT_NAMES), 3))
    rest = _rest_joints(head, coefficients, used)
    transforms, posed = _chain(rotations, rest, head.parents)
    features = (rotations[:, 1:] - np.eye(3)).reshape(len(rotations), POSE_FEATURES)
    moved = given["translation"]
    return _Posing(
        frames=frames,
        used=used,
        coefficients=coefficients.astype(np.float32),
        features=features.astype(np.float32),
        transforms=transforms.astype(np.float32),
        joint_positions=posed,
        translation=None if moved is None else moved.astype(np.float32),
    )


def _frames(
    head: Head, name: str, values: ArrayLike | None, width: int, *, exact: bool = True
) -> NDArray[np.float64] | None:
    if values is None:
        return None
    array = np.atleast_2d(np.asarray(values, np.float64))
    if array.ndim != 2 or array.shape[1] > width or (exact and array.shape[1] != width):  # noqa: PLR2004 frames, values
        most = "" if exact else "up to "
        raise HeadError(f"{name} for {head.name!r} has shape {array.shape}; it must be (frames, {most}{width}).")
    return array


def _directions(head: Head, used: tuple[int, int]) -> FloatArray:
    """(V, 3, n): the leading identity directions, then the leading expression directions, as many as are used."""
    shapes, expressions = used
    return np.concatenate(
        [head.shape_directions[:, :, :shapes], head.expression_directions[:, :, :expressions]], axis=2
    )


def _rest_joints(head: Head, coefficients: NDArray[np.float64], used: tuple[int, int]) -> NDArray[np.float64]:
    """(T or 1, 5, 3) joints of the unposed, shaped head; linear in the coefficients, so no vertices are needed."""
    regressor = head.joint_regressor.astype(np.float64)
    template = regressor @ head.template
    directions = np.tensordot(regressor, _directions(head, used), axes=1)
    return np.asarray(template + np.tensordot(coefficients, directions, axes=(1, 2)), np.float64)


def _chain(
    rotations: NDArray[np.float64], rest: NDArray[np.float64], parents: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Skinning transforms (T, 5, 3, 4) and posed joints (T, 5, 3) along the kinematic tree."""
    frames = 0 if 0 in (len(rotations), len(rest)) else max(len(rotations), len(rest))
    turns = np.broadcast_to(rotations, (frames, *rotations.shape[1:])).copy()
    posed = np.broadcast_to(rest, (frames, *rest.shape[1:])).copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            bone = rest[:, joint] - rest[:, parent]
            posed[:, joint] = posed[:, parent] + np.einsum("tij,tj->ti", turns[:, parent], bone + np.zeros((frames, 3)))
            turns[:, joint] = turns[:, parent] @ turns[:, joint]
    offset = posed - np.einsum("tkij,tkj->tki", turns, np.broadcast_to(rest, posed.shape))
    return np.concatenate([turns, offset[..., None]], axis=3), posed


def _skinned(
    posing: _Posing,
    part: slice,
    *,
    template: FloatArray,
    directions: FloatArray,
    correctives: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    def of(array: FloatArray) -> FloatArray:
        return array if len(array) == 1 else array[part]

    unposed = template + of(posing.coefficients) @ directions + of(posing.features) @ correctives
    points = unposed.reshape(len(unposed), -1, 3)
    transforms = of(posing.transforms)
    root = transforms[:, 0]
    by_root = weights.sum(axis=1)[:, None] * _moved(points, root)
    skinned: FloatArray = np.broadcast_to(by_root, (max(len(points), len(transforms)), *points.shape[1:])).copy()
    for joint in range(1, len(JOINT_NAMES)):
        beyond = transforms[:, joint] - root
        if np.abs(beyond).max(initial=0) > STILL:
            bound = np.flatnonzero(weights[:, joint])
            skinned[:, bound] += weights[bound, joint, None] * _moved(points[:, bound], beyond)
    if posing.translation is not None:
        skinned = skinned + of(posing.translation)[:, None]
    return skinned


def _moved(points: FloatArray, transforms: FloatArray) -> FloatArray:
    """(T or 1, V, 3) points and (T or 1, 3, 4) transforms → points."""
    turned: FloatArray = points @ transforms[:, :, :3].transpose(0, 2, 1)
    return turned + transforms[:, None, :, 3]

"""From one FLAME file's components to another's, through the vertices that both have."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, MotionError
from ..motion import CHANNELS, FaceMotion
from .basis import same_basis, with_basis
from .bounded import BoundedFit
from .model import Head
from .moving import JAW_FEATURES
from .sides import LIMIT
from .skinning import rotation_matrices
from .topology import LEFT_EYEBALL, RIGHT_EYEBALL

MILLIMETRES = 1000.0
SHRINKAGE = 1e-3
"""Square millimetres, a vertex, that a component's square costs: almost nothing, for thousands of vertices decide."""


def to_release(motion: FaceMotion, source: Head, target: Head) -> FaceMotion:
    """What a motion in one FLAME file's components is in another's, through the vertices of the skin.

    The jaw turns alike; the components are the least-squares answer, within ±3, to what the source's skin does,
    pose correctives of both files included.

    Args:
        motion: T frames in ``flame``.
        source: the FLAME file whose components the motion speaks.
        target: the other file.

    Returns:
        T frames in ``flame``; ``origin`` gets ``retargeted`` (``residual_mm``, root mean square over the skin, and
        ``worst_mm``, the same of the worst frame) and the
        target's ``basis``.

    Raises:
        MotionError: the motion is not in ``flame``, or remembers another basis than the source's.
        HeadError: a head is no FLAME head, or their meshes differ.
    """
    if motion.space != "flame":
        raise MotionError(f"Only motions in the space 'flame' have a FLAME file's basis; this is {motion.space!r}.")
    if "basis" in motion.origin and not same_basis(motion.origin["basis"], source):
        raise MotionError(
            f"The motion speaks the components of {motion.origin.get('basis_name', 'another file')!r}, not those of "
            f"{source.name!r}: give the file that it was made for."
        )
    for head in (source, target):
        if head.space != "flame" or head.expression_count < CHANNELS:
            raise HeadError(f"The head {head.name!r} is no FLAME head of {CHANNELS} expressions or more.")
    if source.vertex_count != target.vertex_count or not np.array_equal(source.faces, target.faces):
        raise HeadError(f"The heads {source.name!r} and {target.name!r} have different meshes: retarget instead.")
    skin = np.setdiff1d(np.arange(source.vertex_count), [*LEFT_EYEBALL, *RIGHT_EYEBALL])
    there = _components(target, skin)
    costs = np.full(CHANNELS, SHRINKAGE * len(skin))
    fit = BoundedFit.of(there, np.ones(len(there)), costs, np.full(CHANNELS, -LIMIT), np.full(CHANNELS, LIMIT))
    across = fit.weighted.T @ _components(source, skin)
    turning = fit.weighted.T @ (_correctives(source, skin) - _correctives(target, skin))
    turned = (rotation_matrices(motion.jaw) - np.eye(3)).reshape(-1, 9)
    found = fit.bounded(motion.expression @ across.T + turned @ turning.T)
    left = _left(motion, turned, found, (source, target), skin)
    report = {
        "from": source.name,
        "to": target.name,
        "residual_mm": round(float(np.sqrt(left.mean())), 4),
        "worst_mm": round(float(np.sqrt(left.max())), 4),
        "at_bounds": round(float((np.abs(found) >= LIMIT - 1e-6).mean()), 6),
    }
    changed = dataclasses.replace(
        motion, expression=found.astype(np.float32), origin={**motion.origin, "retargeted": report}
    )
    return with_basis(changed, target)


def _components(head: Head, skin: NDArray[np.int64]) -> NDArray[np.float64]:
    """(3V, 50) millimetres per unit of the components."""
    return head.expression_directions[skin][:, :, :CHANNELS].reshape(-1, CHANNELS).astype(np.float64) * MILLIMETRES


def _correctives(head: Head, skin: NDArray[np.int64]) -> NDArray[np.float64]:
    """(3V, 9) millimetres per unit of the jaw's rotation less the identity."""
    return head.pose_directions[skin][:, :, JAW_FEATURES].reshape(-1, 9).astype(np.float64) * MILLIMETRES


def _left(
    motion: FaceMotion,
    turned: NDArray[np.float64],
    found: NDArray[np.float64],
    heads: tuple[Head, Head],
    skin: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(T,) the mean square of what is left between the two skins, square millimetres, by the products of matrices."""
    source, target = heads
    columns: list[Any] = [_components(source, skin), -_components(target, skin)]
    columns.append(_correctives(source, skin) - _correctives(target, skin))
    rows = np.concatenate(columns, axis=1)
    square = rows.T @ rows
    given = np.concatenate([motion.expression, found, turned], axis=1)
    return np.asarray(np.maximum(((given @ square) * given).sum(axis=1), 0.0) / len(skin), np.float64)

"""``.npy`` of a vertex sequence, (T, V, 3): every point of a face on every frame, as the published tools have it.

Metres, y up, facing +z, in the order of a head's vertices. The layout has no place for a rate, a model or a licence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import read_array, whole_file
from ..errors import MotionError
from .published import WIDTH

Points = NDArray[np.float32]

FARTHEST = 1000.0
"""A point that lies further than this from the origin, in metres, belongs to no face."""


def holds_points(path: Path) -> bool:
    """Whether a ``.npy`` holds a vertex sequence rather than the published layout, by its sides.

    Raises:
        MotionError: the file is missing, damaged, or of neither layout.
    """
    array = read_array(path, MotionError)
    if array.ndim == 3 and array.shape[2] == 3:  # noqa: PLR2004 - (T, V, 3)
        return True
    if array.shape[-1:] == (WIDTH,):
        return False
    sides = " by ".join(map(str, array.shape)) or "one number"
    raise MotionError(
        f"{path} is neither a vertex sequence (frames by vertices by 3) nor in the published layout (1 by frames by "
        f"{WIDTH}); it is {sides}."
    )


def read_points(path: Path) -> Points:
    """(T, V, 3) a vertex sequence; the file may come from anybody.

    Raises:
        MotionError: the file is missing, damaged, or holds something else.
    """
    array = read_array(path, MotionError)
    if array.ndim != 3 or array.shape[2] != 3 or not array.size or array.dtype.kind != "f":  # noqa: PLR2004
        sides = " by ".join(map(str, array.shape)) or "one number"
        raise MotionError(f"{path} is no vertex sequence, frames by vertices by 3; it is {sides}.")
    points: Points = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(points).all() or np.abs(points).max() > FARTHEST:
        raise MotionError(f"{path} holds points that are no place on a face: they must be finite, in metres.")
    return points


def write_points(path: Path, points: ArrayLike) -> None:
    """Write a vertex sequence, whole or not at all.

    Raises:
        MotionError: the file cannot be written.
    """
    try:
        with whole_file(path) as part, part.open("wb") as stream:
            np.save(stream, np.asarray(points, np.float32), allow_pickle=False)
    except OSError as reason:
        raise MotionError(f"{path} cannot be written ({reason.strerror or reason}).") from reason


def at_rate(points: Points, fps: float, wanted: float) -> Points:
    """A vertex sequence at another rate, straight lines between frames, held at its end."""
    if fps == wanted:
        return points
    where = np.arange(max(1, round(len(points) * wanted / fps))) * fps / wanted
    before = np.minimum(where.astype(np.int64), len(points) - 1)
    after = np.minimum(before + 1, len(points) - 1)
    part: Any = (where - np.floor(where)).astype(np.float32)[:, None, None]
    return np.asarray(points[before] + part * (points[after] - points[before]), np.float32)

"""Read a head: our own ``head.npz``, or FLAME's model files of every release (Li et al. 2017).

FLAME 2019, 2020, 2023 and 2023 Open hold the same arrays: ``v_template`` (V, 3), ``f`` (F, 3), ``shapedirs``
(V, 3, 400) with 300 directions of identity before 100 of expression, ``posedirs`` (V, 3, 36) or (36, 3V),
``J_regressor`` (5, V) dense or sparse, ``kintree_table`` (2, 5) and ``weights`` (V, 5); V = 5023, F = 9976. The
``.pkl`` files are Python 2's or 3's, with numpy, scipy or chumpy objects inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from .archive import MARK, floats, head_of, integers, present, write_head
from .files import read_arrays
from .model import JOINT_NAMES, POSE_FEATURES, FloatArray, Head, IntArray, Landmark
from .topology import landmarks_of

__all__ = ["Head", "Landmark", "read_head", "write_head"]

Number = TypeVar("Number", np.float32, np.int32)

FLAME_SHAPES = 300
FLAME_KEYS = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "kintree_table", "weights")
FLAME_LICENCE = "FLAME, Max Planck Society; the terms under which this file was obtained apply"


def read_head(path: Path) -> Head:
    """Read a head file.

    Raises:
        HeadError: the file is missing, is no head, or an array of it is missing or does not fit.
        UntrustedFileError: the file names something that is not needed to hold arrays, or is too large.
    """
    arrays = read_arrays(path)
    return head_of(arrays, path.name) if MARK in arrays else _flame(arrays, path.stem, path.name)


def _flame(arrays: Mapping[str, NDArray[Any]], name: str, source: str) -> Head:
    missing = [key for key in FLAME_KEYS if key not in arrays]
    if missing:
        raise HeadError(f"{source} is not a FLAME head: it has no {', '.join(missing)}.")
    template = floats(arrays, "v_template", source)
    vertices = len(template) if template.ndim == 2 and template.shape[1] == 3 else 0  # noqa: PLR2004 (V, 3)
    if not vertices:
        raise HeadError(f"v_template of {source} has shape {template.shape}, not (vertices, 3).")
    shapes = _checked(floats(arrays, "shapedirs", source), "shapedirs", (vertices, 3, None), source)
    if shapes.shape[2] <= FLAME_SHAPES:
        raise HeadError(
            f"{source} has {shapes.shape[2]} directions in shapedirs; FLAME has {FLAME_SHAPES} of identity and then "
            "those of expression. Use the full model file."
        )
    triangles = _checked(integers(arrays, "f", source), "f", (None, 3), source)
    expressions = shapes.shape[2] - FLAME_SHAPES
    return Head(
        name=name,
        space="flame",
        template=template,
        faces=np.pad(triangles, ((0, 0), (0, 1)), constant_values=-1),
        shape_directions=np.ascontiguousarray(shapes[:, :, :FLAME_SHAPES]),
        expression_directions=np.ascontiguousarray(shapes[:, :, FLAME_SHAPES:]),
        expression_names=tuple(f"Exp{index + 1}" for index in range(expressions)),
        pose_directions=_pose_directions(arrays, vertices, source),
        joint_regressor=_checked(
            floats(arrays, "J_regressor", source), "J_regressor", (len(JOINT_NAMES), vertices), source
        ),
        parents=_parents(arrays, source),
        weights=_checked(floats(arrays, "weights", source), "weights", (vertices, len(JOINT_NAMES)), source),
        landmarks=landmarks_of(vertices, len(triangles)),
        licence=FLAME_LICENCE,
    )


def _pose_directions(arrays: Mapping[str, NDArray[Any]], vertices: int, source: str) -> FloatArray:
    """(V, 3, 36), also from the flattened form that some tools save."""
    directions = floats(arrays, "posedirs", source)
    if directions.shape == (POSE_FEATURES, 3 * vertices):
        directions = np.ascontiguousarray(directions.T).reshape(vertices, 3, POSE_FEATURES)
    return _checked(directions, "posedirs", (vertices, 3, POSE_FEATURES), source)


def _parents(arrays: Mapping[str, NDArray[Any]], source: str) -> IntArray:
    """The first row of ``kintree_table``; files write -1 for the root as 2³²-1, or leave its own number there."""
    table = present(arrays, "kintree_table", source)
    if table.shape != (2, len(JOINT_NAMES)):
        raise HeadError(
            f"kintree_table of {source} has shape {table.shape}, not (2, {len(JOINT_NAMES)}): "
            "it is a model of another kind than FLAME's heads."
        )
    parents: IntArray = integers(arrays, "kintree_table", source)[0].copy()
    parents[0] = -1
    return parents


def _checked(array: NDArray[Number], key: str, shape: tuple[int | None, ...], source: str) -> NDArray[Number]:
    if array.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise HeadError(f"{key} of {source} has shape {array.shape}, not ({wanted}).")
    return array

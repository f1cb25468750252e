"""``head.npz``: our own head file, FLAME's arrays under FLAME's names with a few more beside them.

=================== ==============================================================================================
``format``          1
``name``            text
``space``           ``flame`` or ``arkit``
``licence``         text, under what terms the head may be used
``v_template``      (V, 3) metres, y up, facing +z
``f``               (F', 3) triangles, for readers of FLAME's files
``faces4``          (F, 4) polygons, triangles with -1 as their fourth
``shapedirs``       (V, 3, S + E): identity first, then expression
``n_shape``         S
``expression_names`` E texts
``posedirs``        (V, 3, 36)
``J_regressor``     (5, V)
``kintree_table``   (2, 5): parents (-1 for the root), joint numbers
``weights``         (V, 5)
``landmark_names``  (N,) texts
``landmark_vertices`` (N, k) vertex numbers, -1 where fewer than k are used
``landmark_weights`` (N, k)
``uv``              (F, 4, 2) per corner; absent without a map
``material_index``  (F,); absent without materials
``material_names``  texts
=================== ==============================================================================================

Directions may be float16: they are displacements of a few centimetres, and keep 0.01 mm.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import write_arrays
from ..errors import HeadError
from .model import JOINT_NAMES, SPACES, FloatArray, Head, IntArray, Landmark

HEAD_FORMAT = 1
MARK = "expression_names"
"""The key that our files have and FLAME's do not."""


def write_head(head: Head, path: Path, *, half: bool = True) -> None:
    """Write ``head.npz``, whole or not at all; ``half`` stores directions as float16.

    Raises:
        HeadError: the folder cannot be written, or the disk is full.
    """
    directions = np.concatenate([head.shape_directions, head.expression_directions], axis=2)
    stored = np.float16 if half else np.float32
    names = sorted(head.landmarks)
    width = max((len(point.vertices) for point in head.landmarks.values()), default=1)
    landmark_vertices = np.full((len(names), width), -1, np.int32)
    landmark_weights = np.zeros((len(names), width), np.float32)
    for row, name in enumerate(names):
        point = head.landmarks[name]
        landmark_vertices[row, : len(point.vertices)] = point.vertices
        landmark_weights[row, : len(point.vertices)] = point.weights
    arrays: dict[str, NDArray[Any]] = {
        "format": np.asarray(HEAD_FORMAT),
        "name": np.asarray(head.name),
        "space": np.asarray(head.space),
        "licence": np.asarray(head.licence),
        "v_template": head.template,
        "f": head.triangles,
        "faces4": head.faces,
        "shapedirs": directions.astype(stored),
        "n_shape": np.asarray(head.shape_count),
        "expression_names": np.asarray(head.expression_names, dtype=str),
        "posedirs": head.pose_directions.astype(stored),
        "J_regressor": head.joint_regressor,
        "kintree_table": np.stack([head.parents, np.arange(len(head.parents), dtype=np.int32)]),
        "weights": head.weights,
        "landmark_names": np.asarray(names, dtype=str),
        "landmark_vertices": landmark_vertices,
        "landmark_weights": landmark_weights,
        "material_names": np.asarray(head.material_names, dtype=str),
    }
    if head.uv is not None:
        arrays["uv"] = head.uv
    if head.material_index is not None:
        arrays["material_index"] = head.material_index
    write_arrays(path, arrays, HeadError)


def head_of(arrays: Mapping[str, NDArray[Any]], source: str) -> Head:
    """Make a head from the arrays of our own file; ``source`` names it in errors.

    Raises:
        HeadError: an array is missing, or does not fit the others.
    """
    version = int(number(arrays, "format", source))
    if version != HEAD_FORMAT:
        raise HeadError(f"{source} has format {version!r}; this version reads {HEAD_FORMAT}. Update the add-on.")
    space = text(arrays, "space", source)
    matching = [known for known in SPACES if known == space]
    if not matching:
        raise HeadError(f"{source} is for the space {space!r}; known are: {', '.join(SPACES)}.")
    directions = floats(arrays, "shapedirs", source)
    if directions.ndim != 3:  # noqa: PLR2004 vertices, axes, directions
        raise HeadError(f"shapedirs of {source} has shape {directions.shape}, not (vertices, 3, directions).")
    split = int(number(arrays, "n_shape", source))
    parents = integers(arrays, "kintree_table", source)
    return Head(
        name=text(arrays, "name", source),
        space=matching[0],
        template=floats(arrays, "v_template", source),
        faces=integers(arrays, "faces4", source),
        shape_directions=np.ascontiguousarray(directions[:, :, :split]),
        expression_directions=np.ascontiguousarray(directions[:, :, split:]),
        expression_names=texts(arrays, "expression_names", source),
        pose_directions=floats(arrays, "posedirs", source),
        joint_regressor=floats(arrays, "J_regressor", source),
        parents=parents[0] if parents.shape == (2, len(JOINT_NAMES)) else parents,
        weights=floats(arrays, "weights", source),
        landmarks=_landmarks(arrays, source),
        uv=floats(arrays, "uv", source) if "uv" in arrays else None,
        material_index=integers(arrays, "material_index", source) if "material_index" in arrays else None,
        material_names=texts(arrays, "material_names", source) if "material_names" in arrays else (),
        licence=text(arrays, "licence", source) if "licence" in arrays else "",
    )


def _landmarks(arrays: Mapping[str, NDArray[Any]], source: str) -> dict[str, Landmark]:
    names = texts(arrays, "landmark_names", source)
    rows = integers(arrays, "landmark_vertices", source)
    weights = floats(arrays, "landmark_weights", source)
    if rows.ndim != 2 or rows.shape != weights.shape or len(rows) != len(names):  # noqa: PLR2004 points, vertices
        raise HeadError(f"landmark_names, landmark_vertices and landmark_weights of {source} do not fit together.")
    return {
        name: Landmark(row[row >= 0], weight[row >= 0]) for name, row, weight in zip(names, rows, weights, strict=True)
    }


def present(arrays: Mapping[str, NDArray[Any]], key: str, source: str) -> NDArray[Any]:
    """The array under ``key``.

    Raises:
        HeadError: there is none.
    """
    if key not in arrays:
        raise HeadError(f"{source} is not a head that can be read: it has no {key}.")
    return arrays[key]


def floats(arrays: Mapping[str, NDArray[Any]], key: str, source: str) -> FloatArray:
    """The array under ``key`` as float32."""
    array = present(arrays, key, source)
    if array.dtype.kind not in "fiu":
        raise HeadError(f"{key} of {source} holds {array.dtype}, not numbers.")
    return np.ascontiguousarray(array, dtype=np.float32)


def integers(arrays: Mapping[str, NDArray[Any]], key: str, source: str) -> IntArray:
    """The array under ``key`` as int32; whole floats and 2³²-1 for -1 are accepted, as FLAME's files have them."""
    array = present(arrays, key, source)
    if array.dtype.kind not in "fiu" or (array.dtype.kind == "f" and not np.array_equal(array, np.floor(array))):
        raise HeadError(f"{key} of {source} holds {array.dtype}, not whole numbers.")
    wide = array.astype(np.float64)
    wide = np.where(wide == 2.0**32 - 1, -1, wide)
    if np.abs(wide).max(initial=0) >= 2**31:
        raise HeadError(f"{key} of {source} holds numbers that are too large.")
    return np.ascontiguousarray(wide, dtype=np.int32)


def number(arrays: Mapping[str, NDArray[Any]], key: str, source: str) -> float:
    """The single number under ``key``."""
    array = present(arrays, key, source)
    if array.shape != () or array.dtype.kind not in "iuf":
        raise HeadError(f"{key} of {source} is not a single number.")
    return float(array)


def text(arrays: Mapping[str, NDArray[Any]], key: str, source: str) -> str:
    """The single text under ``key``."""
    array = present(arrays, key, source)
    if array.shape != () or array.dtype.kind != "U":
        raise HeadError(f"{key} of {source} is not a text.")
    return str(array)


def texts(arrays: Mapping[str, NDArray[Any]], key: str, source: str) -> tuple[str, ...]:
    """The list of texts under ``key``."""
    array = present(arrays, key, source)
    if array.ndim != 1 or (array.dtype.kind != "U" and array.size):
        raise HeadError(f"{key} of {source} is not a list of texts.")
    return tuple(str(value) for value in array)

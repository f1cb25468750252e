"""ICT-FaceKit's light face model as published (MIT): a folder of OBJ files, one for each shape.

``FaceXModel/`` holds ``generic_neutral_mesh.obj`` and a mesh of the same vertices for every expression
(``jawOpen.obj``, ``mouthSmile_L.obj`` …) and identity (``identity000.obj`` …); centimetres, y up, facing +z.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from .character import Character, character_of
from .model import Head
from .naming import Table

NEUTRAL = "generic_neutral_mesh.obj"
IDENTITY = "identity"
INNER_FOLDER = "FaceXModel"
MAXIMUM_BYTES = 2**27
CORNERS = (3, 4)


def read_facekit(folder: Path, reference: Head, *, table: Table | None = None) -> Character:
    """Read an ICT-FaceKit folder: the published repository's, or its ``FaceXModel``.

    Args:
        folder: where the OBJ files lie.
        reference: the bundled head.
        table: what each blendshape is known as; by its name where None.

    Raises:
        HeadError: files are missing, no OBJ, or of different meshes.
    """
    inner = folder / INNER_FOLDER
    place = inner if (inner / NEUTRAL).is_file() else folder
    neutral = place / NEUTRAL
    if not neutral.is_file():
        raise HeadError(f"{folder} is no ICT-FaceKit folder: it has no {NEUTRAL}.")
    vertices, faces = read_obj(neutral)
    shapes = {}
    for path in sorted(place.glob("*.obj")):
        if path.name == NEUTRAL or path.name.startswith(IDENTITY):
            continue
        moved, _ = read_obj(path, faces=False)
        if moved.shape != vertices.shape:
            raise HeadError(f"{path.name} has {len(moved)} vertices, and {NEUTRAL} has {len(vertices)}.")
        shapes[path.stem] = (moved - vertices).astype(np.float32)
    if not shapes:
        raise HeadError(f"{place} has no expressions beside {NEUTRAL}.")
    return character_of("ICT-FaceKit", vertices, faces, shapes, reference=reference, table=table)


def read_obj(path: Path, *, faces: bool = True) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Vertices (V, 3) and polygons (F, 4), triangles with -1, of an OBJ file; no polygons where not asked for.

    Raises:
        HeadError: the file cannot be read, is too large, or holds something else.
    """
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise HeadError(f"{path.name} is larger than any mesh of a face.")
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as reason:
        raise HeadError(f"{path} cannot be read ({reason.strerror or reason}).") from reason
    try:
        places = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], np.float64)
        rings = [_ring(line) for line in lines if line.startswith("f ")] if faces else []
    except ValueError as reason:
        raise HeadError(f"{path.name} is a damaged OBJ file ({reason}).") from reason
    if places.ndim != 2 or not np.isfinite(places).all() or (faces and not rings):  # noqa: PLR2004 (V, 3)
        raise HeadError(f"{path.name} holds no mesh.")
    polygons = np.array(rings, np.int32).reshape(-1, 4)
    if polygons.size and (polygons.max() >= len(places) or polygons[:, :3].min() < 0):
        raise HeadError(f"{path.name} has faces on vertices that it does not have.")
    return places, polygons


def _ring(line: str) -> tuple[int, ...]:
    corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
    if len(corners) not in CORNERS:
        raise ValueError(f"a face of {len(corners)} corners")
    return (*corners, -1)[:4]

"""ICT-FaceKit's light face model as published (MIT): a folder of OBJ files, one for each shape.

``FaceXModel/`` holds ``generic_neutral_mesh.obj`` and a mesh of the same vertices for every expression
(``jawOpen.obj``, ``mouthSmile_L.obj`` …) and identity (``identity000.obj`` …); centimetres, y up, facing +z.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from .model import FloatArray, IntArray

NEUTRAL = "generic_neutral_mesh.obj"
IDENTITY = "identity"
INNER_FOLDER = "FaceXModel"
MAXIMUM_BYTES = 2**27
CORNERS = (3, 4)
METRES = 0.01
"""A published unit, a centimetre."""


@dataclass(frozen=True, eq=False)
class FaceKit:
    """The mesh of an ICT-FaceKit folder and what its shapes move, in metres, y up, facing +z.

    Attributes:
        neutral: (V, 3) the neutral face.
        faces: (F, 4) polygons counter-clockwise from outside, triangles with -1 as their fourth.
        expressions: name → (V, 3) displacements at 1, ``jawOpen`` and the like.
        identities: name → (V, 3) displacements at 1: who it is, in standard deviations; empty where not read.
    """

    neutral: NDArray[np.float64]
    faces: IntArray
    expressions: dict[str, FloatArray]
    identities: dict[str, FloatArray] = field(default_factory=dict)


def facekit_files(folder: Path) -> tuple[Path, ...]:
    """The OBJ files of an ICT-FaceKit folder, the neutral face first; none where it is no such folder."""
    inner = folder / INNER_FOLDER
    place = inner if (inner / NEUTRAL).is_file() else folder
    neutral = place / NEUTRAL
    if not neutral.is_file():
        return ()
    return (neutral, *(path for path in sorted(place.glob("*.obj")) if path.name != NEUTRAL))


def read_facekit(folder: Path, *, identities: bool = False) -> FaceKit:
    """Read an ICT-FaceKit folder: the published repository's, or its ``FaceXModel``.

    Args:
        folder: where the OBJ files lie.
        identities: whether to read the shapes that say who it is as well.

    Raises:
        HeadError: files are missing, no OBJ, or of different meshes.
    """
    files = facekit_files(folder)
    if not files:
        raise HeadError(f"{folder} is no ICT-FaceKit folder: it has no {NEUTRAL}.")
    neutral, *shapes = files
    vertices, faces = read_obj(neutral)
    expressions, people = dict[str, FloatArray](), dict[str, FloatArray]()
    for path in shapes:
        who = path.name.startswith(IDENTITY)
        if who and not identities:
            continue
        moved, _ = read_obj(path, faces=False)
        if moved.shape != vertices.shape:
            raise HeadError(f"{path.name} has {len(moved)} vertices, and {NEUTRAL} has {len(vertices)}.")
        (people if who else expressions)[path.stem] = ((moved - vertices) * METRES).astype(np.float32)
    if not expressions:
        raise HeadError(f"{neutral.parent} has no expressions beside {NEUTRAL}.")
    return FaceKit(vertices * METRES, faces, expressions, people)


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
        places = _places([line for line in lines if line.startswith("v ")])
        rings = [_ring(line) for line in lines if line.startswith("f ")] if faces else []
    except ValueError as reason:
        raise HeadError(f"{path.name} is a damaged OBJ file ({reason}).") from reason
    if places.ndim != 2 or not np.isfinite(places).all() or (faces and not rings):  # noqa: PLR2004 (V, 3)
        raise HeadError(f"{path.name} holds no mesh.")
    polygons = np.array(rings, np.int32).reshape(-1, 4)
    if polygons.size and (polygons.max() >= len(places) or polygons[:, :3].min() < 0):
        raise HeadError(f"{path.name} has faces on vertices that it does not have.")
    return places, polygons


def _places(lines: list[str]) -> NDArray[np.float64]:
    found: Any = np.loadtxt(lines, np.float64, usecols=(1, 2, 3), ndmin=2) if lines else np.zeros(0)
    return np.asarray(found, np.float64)


def _ring(line: str) -> tuple[int, ...]:
    corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
    if len(corners) not in CORNERS:
        raise ValueError(f"a face of {len(corners)} corners")
    return (*corners, -1)[:4]

"""ICT-FaceKit's folder as it is published, written from the arrays of the reference material."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from tests.head.characters import FACEKIT


def obj(places: np.ndarray, faces: np.ndarray | None) -> str:
    """A mesh as OBJ text, with the texture's corners that published files have."""
    lines = ["mtllib ICTFaceModelMaterial.mtl", *("v {:.7g} {:.7g} {:.7g}".format(*place) for place in places.tolist())]
    rings = [] if faces is None else faces.tolist()
    lines += ["vt 0.5 0.5", *("f " + " ".join(f"{vertex + 1}/1" for vertex in face if vertex >= 0) for face in rings)]
    return "\n".join(lines) + "\n"


def facekit_folder(
    shared: Path, whole: Path, names: Collection[str] | None = None, identities: int | None = None
) -> Path:
    """Write ``whole/FaceXModel``: the neutral face, expressions and identities, all where nothing is said."""
    if not (shared / FACEKIT).is_file():
        pytest.skip(f"no {FACEKIT} in {shared}")
    inner = whole / "FaceXModel"
    inner.mkdir(parents=True)
    with np.load(shared / FACEKIT) as file:
        neutral, faces = file["neutral"], file["faces"]
        moves = {str(name): moved for name, moved in zip(file["names"], file["expressions"], strict=True)}
        people = file["identities"][:identities]
    shapes = {name: moves[name] for name in (moves if names is None else names)}
    shapes |= {f"identity{number:03d}": moved for number, moved in enumerate(people)}
    (inner / "generic_neutral_mesh.obj").write_text(obj(neutral, faces), encoding="utf-8")
    for name, moved in shapes.items():
        # one with its faces, as all are published: they are written once for the time that it takes
        with_faces = faces if name == "jawOpen" else None
        (inner / f"{name}.obj").write_text(obj(neutral + moved.astype(np.float32), with_faces), encoding="utf-8")
    return whole

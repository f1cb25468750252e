"""An ICT-FaceKit folder is read as it is published: OBJ files, one for each expression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.errors import HeadError
from lsf_blender_addon.head.facekit import read_facekit, read_obj
from tests.head.bundled import head
from tests.head.characters import FACEKIT, facekit

NAMES = ("jawOpen", "mouthSmile_L", "eyeBlink_L", "eyeBlink_R")


def obj(places: np.ndarray, faces: np.ndarray | None) -> str:
    """A mesh as OBJ text, with the texture's corners that published files have."""
    lines = ["mtllib ICTFaceModelMaterial.mtl", *(f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in places), "vt 0.5 0.5"]
    rings = [] if faces is None else faces
    lines += ["f " + " ".join(f"{vertex + 1}/1" for vertex in face if vertex >= 0) for face in rings]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published layout, with four of the expressions and one identity."""
    if not (shared / FACEKIT).is_file():
        pytest.skip(f"no {FACEKIT} in {shared}")
    whole = tmp_path_factory.mktemp("facekit")
    inner = whole / "FaceXModel"
    inner.mkdir()
    with np.load(shared / FACEKIT) as file:
        neutral, faces, names = file["neutral"], file["faces"], [str(name) for name in file["names"]]
        moved, identity = file["expressions"], file["identities"][0]
    (inner / "generic_neutral_mesh.obj").write_text(obj(neutral, faces), encoding="utf-8")
    for name in NAMES:
        placed = neutral + moved[names.index(name)].astype(np.float32)
        (inner / f"{name}.obj").write_text(obj(placed, faces if name == "jawOpen" else None), encoding="utf-8")
    (inner / "identity000.obj").write_text(obj(neutral + identity, None), encoding="utf-8")
    return whole


def test_the_folder_becomes_the_character(folder: Path, shared: Path) -> None:
    read, known = read_facekit(folder, head()), facekit(shared)
    assert read.found == "ICT-FaceKit"
    assert set(read.names) == set(NAMES)
    np.testing.assert_allclose(read.head.template, known.head.template, atol=1e-6)
    np.testing.assert_array_equal(read.head.faces, known.head.faces)
    for name in NAMES:
        ours = read.head.expression_directions[:, :, read.names.index(name)]
        theirs = known.head.expression_directions[:, :, known.names.index(name)]
        np.testing.assert_allclose(ours, theirs, atol=2e-6)
    assert read_facekit(folder / "FaceXModel", head()).names == read.names


def test_what_is_no_such_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="it has no generic_neutral_mesh"):
        read_facekit(tmp_path, head())
    neutral = (folder / "FaceXModel" / "generic_neutral_mesh.obj").read_text(encoding="utf-8")
    (tmp_path / "generic_neutral_mesh.obj").write_text(neutral, encoding="utf-8")
    with pytest.raises(HeadError, match="no expressions"):
        read_facekit(tmp_path, head())
    (tmp_path / "jawOpen.obj").write_text("v 0 0 0\n", encoding="utf-8")
    with pytest.raises(HeadError, match=r"jawOpen\.obj has 1 vertices"):
        read_facekit(tmp_path, head())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no mesh"),
        ("v 0 0 0\n", "holds no mesh"),
        ("v 0 0\nv 1 1 1\nf 1 2 1\n", "damaged|holds no mesh"),
        ("v 0 0 nan\nf 1 1 1\n", "holds no mesh"),
        ("v 0 0 0\nf 1 1 9\n", "does not have"),
        ("v 0 0 0\nf 0 1 1\n", "does not have"),
        ("v 0 0 0\nf 1 1 1 1 1\n", "damaged"),
        ("v 0 0 0\nf a b c\n", "damaged"),
        ("\x00\x01\x02", "holds no mesh"),
    ],
)
def test_damaged_meshes_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "mesh.obj"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HeadError, match=sentence):
        read_obj(path)

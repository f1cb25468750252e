"""An ICT-FaceKit folder is read as it is published: OBJ files, one for each expression and identity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.errors import HeadError
from lsf_blender_addon.head.character import character_of
from lsf_blender_addon.head.facekit import read_facekit, read_obj
from tests.head.bundled import head
from tests.head.characters import FACEKIT, facekit
from tests.head.facekit_folder import facekit_folder

NAMES = ("jawOpen", "mouthSmile_L", "eyeBlink_L", "eyeBlink_R")
ROUNDED = 2e-7
"""Metres: seven digits of a head's 20 centimetres, twice."""


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published layout, with four of the expressions and one identity."""
    return facekit_folder(shared, tmp_path_factory.mktemp("facekit"), NAMES, 1)


def test_every_unit_and_identity_is_what_was_published(shared: Path, tmp_path: Path) -> None:
    kit = read_facekit(facekit_folder(shared, tmp_path), identities=True)
    with np.load(shared / FACEKIT) as file:
        np.testing.assert_allclose(kit.neutral, file["neutral"] * 0.01, atol=ROUNDED)
        np.testing.assert_array_equal(kit.faces, file["faces"])
        assert set(kit.expressions) == set(file["names"].tolist())
        assert len(kit.expressions) == 57
        for name, moved in zip(file["names"], file["expressions"], strict=True):
            np.testing.assert_allclose(kit.expressions[str(name)], moved.astype(float) * 0.01, atol=ROUNDED)
        assert list(kit.identities) == [f"identity{number:03d}" for number in range(20)]
        for read, moved in zip(kit.identities.values(), file["identities"], strict=True):
            np.testing.assert_allclose(read, moved.astype(float) * 0.01, atol=ROUNDED)


def test_the_folder_becomes_the_character(folder: Path, shared: Path) -> None:
    kit, known = read_facekit(folder), facekit(shared)
    assert kit.identities == {}
    read = character_of("ICT-FaceKit", kit.neutral, kit.faces, kit.expressions, reference=head())
    assert read.found == "ICT-FaceKit"
    assert set(read.names) == set(NAMES)
    np.testing.assert_allclose(read.head.template, known.head.template, atol=1e-6)
    np.testing.assert_array_equal(read.head.faces, known.head.faces)
    assert read_facekit(folder / "FaceXModel").expressions.keys() == kit.expressions.keys()


def test_what_is_no_such_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="it has no generic_neutral_mesh"):
        read_facekit(tmp_path)
    neutral = (folder / "FaceXModel" / "generic_neutral_mesh.obj").read_text(encoding="utf-8")
    (tmp_path / "generic_neutral_mesh.obj").write_text(neutral, encoding="utf-8")
    with pytest.raises(HeadError, match="no expressions"):
        read_facekit(tmp_path)
    (tmp_path / "jawOpen.obj").write_text("v 0 0 0\n", encoding="utf-8")
    with pytest.raises(HeadError, match=r"jawOpen\.obj has 1 vertices"):
        read_facekit(tmp_path)


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

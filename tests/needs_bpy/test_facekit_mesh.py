"""ICT-FaceKit's folder becomes an object from the panel: its expressions and identities are shape keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import failures
from lsf_blender_addon.blender.faces import face_of
from tests.head.characters import FACEKIT
from tests.head.facekit_folder import facekit_folder
from tests.needs_bpy.scene_characters import CROSSWISE

NAMES = ("jawOpen", "mouthSmile_L", "mouthSmile_R", "eyeBlink_L", "eyeBlink_R", "mouthPucker")


@pytest.mark.usefixtures("add_on")
def test_add_head_takes_the_folder_with_its_identities(
    shared: Path, tmp_path: Path, evaluated: Callable[[Any, int], np.ndarray]
) -> None:
    folder = facekit_folder(shared, tmp_path, NAMES, 2)
    assert bpy.ops.lsf.add_head(kind="FACEKIT", directory=str(folder / "FaceXModel")) == {"FINISHED"}
    mesh = bpy.context.object
    face = face_of(mesh)
    assert face.table is not None
    assert set(face.table.matched) == set(NAMES)
    assert set(face.expressions) == set(NAMES)
    blocks = mesh.data.shape_keys.key_blocks
    assert (blocks["identity001"].slider_min, blocks["identity001"].slider_max) == (-10.0, 10.0)
    blocks["identity001"].value, blocks["jawOpen"].value = -2.0, 1.0
    with np.load(shared / FACEKIT) as file:
        opened = file["expressions"][file["names"].tolist().index("jawOpen")].astype(float)
        wanted = (file["neutral"] - 2.0 * file["identities"][1].astype(float) + opened) * 0.01
    np.testing.assert_allclose(evaluated(mesh, 1), wanted @ CROSSWISE.T, atol=1e-6)


@pytest.mark.usefixtures("add_on")
def test_a_folder_of_something_else_is_refused_in_the_panel(tmp_path: Path) -> None:
    assert bpy.ops.lsf.add_head(kind="FACEKIT", directory=str(tmp_path)) == {"CANCELLED"}
    assert "is no ICT-FaceKit folder" in str(failures.last())
    assert not bpy.data.objects

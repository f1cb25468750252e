"""Our skinning agrees with smplx's FLAME layer where it is installed (the oracles extra; non-commercial use only)."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lsf_blender_addon.head import skinning
from lsf_blender_addon.head.flame import Head, read_head
from tests.head.flame_files import flame_arrays

pytestmark = pytest.mark.oracle

FRAMES = 4


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("flame")
    (place / "FLAME_NEUTRAL.pkl").write_bytes(pickle.dumps(flame_arrays(shared), 2))
    with np.load(shared / "flame_topology.npz") as file:
        embedding = {key: file[key] for key in ("lmk_face_idx", "lmk_b_coords")}
    (place / "flame_static_embedding.pkl").write_bytes(pickle.dumps(embedding, 2))
    return place


@pytest.fixture(scope="module")
def head(folder: Path) -> Head:
    return read_head(folder / "FLAME_NEUTRAL.pkl")


@pytest.fixture(scope="module")
def layer(folder: Path) -> Any:
    smplx = pytest.importorskip("smplx", reason="smplx is not installed (pip install .[oracles])")
    return smplx.FLAME(
        str(folder), gender="neutral", num_betas=300, num_expression_coeffs=100, batch_size=FRAMES, ext="pkl"
    )


def test_vertices_and_joints_agree_with_smplx(head: Head, layer: Any) -> None:
    rng = np.random.default_rng(6)
    shape, expression = rng.normal(size=(FRAMES, 300)), rng.normal(size=(FRAMES, 100))
    root, neck, jaw, left, right, moved = rng.normal(0, 0.4, (6, FRAMES, 3))
    with torch.no_grad():
        theirs = layer(
            betas=torch.tensor(shape, dtype=torch.float32),
            expression=torch.tensor(expression, dtype=torch.float32),
            global_orient=torch.tensor(root, dtype=torch.float32),
            neck_pose=torch.tensor(neck, dtype=torch.float32),
            jaw_pose=torch.tensor(jaw, dtype=torch.float32),
            leye_pose=torch.tensor(left, dtype=torch.float32),
            reye_pose=torch.tensor(right, dtype=torch.float32),
            transl=torch.tensor(moved, dtype=torch.float32),
        )
    posing = {"neck": neck, "eyes": np.concatenate([left, right], axis=1), "root": root, "translation": moved}
    ours = skinning.vertices(head, expression, jaw, shape, **posing)
    joints = skinning.joints(head, expression, jaw, shape, **posing)
    assert np.abs(ours - theirs.vertices.numpy()).max() < 1e-5
    assert np.abs(joints - theirs.joints.numpy()[:, :5]).max() < 1e-5

"""Our own head file gives back the head that was written, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsf_blender_addon.errors import HeadError
from lsf_blender_addon.head.flame import Head, Landmark, read_head, write_head


@pytest.fixture
def head() -> Head:
    rng = np.random.default_rng(8)
    weights = rng.uniform(size=(12, 5))
    return Head(
        name="small",
        space="arkit",
        template=rng.normal(0, 0.1, (12, 3)).astype(np.float32),
        faces=np.array([[0, 1, 2, 3], [4, 5, 6, -1], [8, 9, 10, 11]], np.int32),
        shape_directions=rng.normal(0, 0.01, (12, 3, 2)).astype(np.float32),
        expression_directions=rng.normal(0, 0.01, (12, 3, 3)).astype(np.float32),
        expression_names=("jawForward", "mouthLeft", "browDownLeft"),
        pose_directions=np.zeros((12, 3, 36), np.float32),
        joint_regressor=rng.uniform(size=(5, 12)).astype(np.float32),
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        weights=(weights / weights.sum(1, keepdims=True)).astype(np.float32),
        landmarks={
            "chin": Landmark(np.array([3], np.int32), np.array([1], np.float32)),
            "nose_tip": Landmark(np.array([1, 2, 5], np.int32), np.array([0.5, 0.25, 0.25], np.float32)),
        },
        uv=rng.uniform(size=(3, 4, 2)).astype(np.float32),
        material_index=np.array([0, 1, 0], np.int32),
        material_names=("skin", "teeth"),
        licence="CC0-1.0",
    )


def test_a_written_head_is_the_head_that_is_read(head: Head, tmp_path: Path) -> None:
    write_head(head, tmp_path / "head.npz", half=False)
    found = read_head(tmp_path / "head.npz")
    for key in ("name", "space", "expression_names", "material_names", "licence", "joint_names"):
        assert getattr(found, key) == getattr(head, key)
    for key in ("template", "faces", "shape_directions", "expression_directions", "weights", "uv", "material_index"):
        assert np.array_equal(getattr(found, key), getattr(head, key)), key
    assert found.landmarks.keys() == head.landmarks.keys()
    assert found.landmark("nose_tip").vertices.tolist() == [1, 2, 5]
    assert found.landmark("nose_tip").weights.tolist() == [0.5, 0.25, 0.25]


def test_half_precision_keeps_a_hundredth_of_a_millimetre(head: Head, tmp_path: Path) -> None:
    write_head(head, tmp_path / "head.npz")
    found = read_head(tmp_path / "head.npz")
    assert np.abs(found.expression_directions - head.expression_directions).max() < 1e-5


def test_a_head_without_map_and_materials_comes_back_so(head: Head, tmp_path: Path) -> None:
    write_head(replace(head, uv=None, material_index=None, material_names=(), landmarks={}), tmp_path / "head.npz")
    found = read_head(tmp_path / "head.npz")
    assert (found.uv, found.material_index, found.material_names, found.landmarks) == (None, None, (), {})


def test_a_head_that_cannot_be_written_leaves_the_old_file(head: Head, tmp_path: Path) -> None:
    write_head(head, tmp_path / "head.npz")
    before = (tmp_path / "head.npz").read_bytes()
    broken = object.__new__(Head)
    vars(broken).update(vars(head))
    vars(broken)["weights"] = np.array([object()], dtype=object)
    vars(broken)["expression_directions"] = None
    with pytest.raises((AttributeError, ValueError)):
        write_head(broken, tmp_path / "head.npz")
    assert (tmp_path / "head.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["head.npz"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", np.asarray(99)),
        ("space", np.asarray("metahuman")),
        ("expression_names", np.asarray(["one"])),
        ("faces4", np.array([[0, 1, 99, -1]])),
        ("landmark_vertices", np.array([[99, 0, 0]] * 2)),
        ("weights", np.zeros((12, 5))),
        ("uv", np.zeros((1, 4, 2))),
        ("n_shape", np.asarray(1)),
        ("material_index", np.array([0, 5, 0])),
        ("kintree_table", np.array([[-1, 3, 1, 1, 1], [0, 1, 2, 3, 4]])),
        ("v_template", np.full((12, 3), np.inf)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_array_that_does_not_fit_is_refused(key: str, value: Any, head: Head, tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    write_head(head, path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **{**arrays, key: value})
    with pytest.raises(HeadError):
        read_head(path)


def test_quads_are_cut_into_triangles_in_order(head: Head) -> None:
    assert head.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [4, 5, 6], [8, 9, 10], [8, 10, 11]]


def test_an_unknown_landmark_is_named(head: Head) -> None:
    with pytest.raises(HeadError, match="tail"):
        head.landmark("tail")

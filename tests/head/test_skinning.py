"""Skinning agrees with the reference vectors, and with what rotations and weights mean."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lsf_blender_addon.errors import HeadError
from lsf_blender_addon.head import skinning
from lsf_blender_addon.head.contour import Embedding, contour_rows, landmark_layer
from lsf_blender_addon.head.model import Head


def golden_head(data: dict[str, np.ndarray]) -> Head:
    f32 = np.float32
    return Head(
        name="golden",
        space="flame",
        template=data["v_template"].astype(f32),
        faces=np.pad(data["faces"], ((0, 0), (0, 1)), constant_values=-1).astype(np.int32),
        shape_directions=data["shapedirs"][:, :, :300].astype(f32),
        expression_directions=data["shapedirs"][:, :, 300:].astype(f32),
        expression_names=tuple(f"Exp{i + 1}" for i in range(100)),
        pose_directions=data["posedirs"].astype(f32),
        joint_regressor=data["J_regressor"].astype(f32),
        parents=data["parents"].astype(np.int32),
        weights=data["lbs_weights"].astype(f32),
    )


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "goldens" / "flame_synthetic.npz") as file:
        return {key: file[key] for key in file.files}


@pytest.fixture
def random_head() -> Head:
    rng = np.random.default_rng(5)
    count = 30
    weights = rng.uniform(size=(count, 5)) ** 3
    regressor = rng.uniform(size=(5, count))
    return Head(
        name="random",
        space="arkit",
        template=rng.normal(0, 0.1, (count, 3)).astype(np.float32),
        faces=np.array([[0, 1, 2, 3], [4, 5, 6, -1]], np.int32),
        shape_directions=rng.normal(0, 0.01, (count, 3, 7)).astype(np.float32),
        expression_directions=rng.normal(0, 0.01, (count, 3, 50)).astype(np.float32),
        expression_names=tuple(f"e{i}" for i in range(50)),
        pose_directions=rng.normal(0, 0.01, (count, 3, 36)).astype(np.float32),
        joint_regressor=(regressor / regressor.sum(1, keepdims=True)).astype(np.float32),
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        weights=(weights / weights.sum(1, keepdims=True)).astype(np.float32),
    )


def test_vertices_agree_with_the_reference_with_default_neck_and_eyes(golden: dict[str, np.ndarray]) -> None:
    posed = skinning.vertices(
        golden_head(golden), golden["exp"], golden["pose"][:, 3:], golden["shape"], root=golden["pose"][:, :3]
    )
    assert np.abs(posed - golden["vertices"]).max() < 1e-5


def test_vertices_agree_with_the_reference_with_every_joint_and_translation(golden: dict[str, np.ndarray]) -> None:
    posed = skinning.vertices(
        golden_head(golden),
        golden["exp"],
        golden["pose"][:, 3:],
        golden["shape"],
        root=golden["pose"][:, :3],
        neck=golden["neck"],
        eyes=golden["eye"],
        translation=golden["transl"],
    )
    assert np.abs(posed - golden["vertices_full"]).max() < 1e-5


@pytest.mark.parametrize(("suffix", "moves_neck"), [("", False), ("_full", True)])
def test_the_landmark_layer_agrees_with_the_reference(
    golden: dict[str, np.ndarray], suffix: str, *, moves_neck: bool
) -> None:
    points = landmark_layer(
        golden[f"vertices{suffix}"],
        golden["faces"],
        Embedding(golden["static_face_idx"], golden["static_bary"]),
        Embedding(golden["dyn_face_idx"], golden["dyn_bary"]),
        root=golden["pose"][:, :3],
        neck=golden["neck"] if moves_neck else None,
    )
    assert np.abs(points - golden[f"landmarks{suffix}"]).max() < 1e-5


def test_the_contour_slides_to_either_side_and_stops_at_39_degrees() -> None:
    turns = np.radians([0, 10, -10, 39, 60, -39, -60, -90])
    matrices = skinning.rotation_matrices(np.stack([0 * turns, turns, 0 * turns], axis=1))
    assert contour_rows(matrices).tolist() == [0, 49, 10, 78, 78, 39, 39, 39]


def test_nothing_given_is_the_neutral_face(random_head: Head) -> None:
    assert np.abs(skinning.vertices(random_head)[0] - random_head.template).max() < 1e-6


def test_parameters_of_one_frame_hold_for_all_frames(random_head: Head) -> None:
    rng = np.random.default_rng(0)
    jaw, expression, identity = rng.normal(size=(6, 3)), rng.normal(size=50), rng.normal(size=7)
    together = skinning.vertices(random_head, expression, jaw, identity)
    alone = [
        skinning.vertices(random_head, np.tile(expression, (1, 1)), jaw[[frame]], identity[None])[0]
        for frame in range(6)
    ]
    assert np.abs(together - np.stack(alone)).max() < 1e-6


def test_chunks_of_frames_leave_no_seam(random_head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    jaw, expression = rng.normal(size=(50, 3)), rng.normal(size=(50, 50))
    whole = skinning.vertices(random_head, expression, jaw)
    monkeypatch.setattr(skinning, "CHUNK_BYTES", 7 * random_head.vertex_count * 80)
    assert np.abs(skinning.vertices(random_head, expression, jaw) - whole).max() < 1e-6


def test_a_choice_of_vertices_is_what_all_vertices_hold(random_head: Head) -> None:
    rng = np.random.default_rng(2)
    jaw, expression = rng.normal(size=(5, 3)), rng.normal(size=(5, 20))
    only = np.array([3, 17, 4])
    everything = skinning.vertices(random_head, expression, jaw)
    assert np.abs(skinning.vertices(random_head, expression, jaw, only=only) - everything[:, only]).max() < 1e-6


def test_turning_the_root_turns_everything_about_it(random_head: Head) -> None:
    turn = np.array([0.3, -0.2, 0.5])
    pivot = random_head.joint_regressor[0] @ random_head.template
    matrix = skinning.rotation_matrices(turn)
    turned = skinning.vertices(random_head, root=turn)[0]
    assert np.abs(turned - ((random_head.template - pivot) @ matrix.T + pivot)).max() < 1e-5


def test_the_eyes_turn_about_their_own_joints(random_head: Head) -> None:
    weights = np.zeros((random_head.vertex_count, 5), np.float32)
    weights[:, 3] = 1
    left_eye = replace(random_head, weights=weights, pose_directions=np.zeros_like(random_head.pose_directions))
    turn = np.array([0.0, 0.4, 0.0])
    pivot = left_eye.joint_regressor[3] @ left_eye.template
    posed = skinning.vertices(left_eye, eyes=np.concatenate([turn, [9, 9, 9]]))[0]
    expected = (left_eye.template - pivot) @ skinning.rotation_matrices(turn).T + pivot
    assert np.abs(posed - expected).max() < 1e-5


def test_a_translation_alone_moves_the_neutral_face(random_head: Head) -> None:
    steps = np.arange(12.0).reshape(4, 3)
    posed = skinning.vertices(random_head, translation=steps)
    assert np.abs(posed - (random_head.template + steps[:, None])).max() < 1e-5


def test_joints_are_those_that_the_skinning_turns_about(golden: dict[str, np.ndarray]) -> None:
    """A rig moved rigidly by its root carries its joints along."""
    head = golden_head(golden)
    still = skinning.joints(head, golden["exp"], golden["pose"][:, 3:], golden["shape"])
    moved = skinning.joints(
        head, golden["exp"], golden["pose"][:, 3:], golden["shape"], root=golden["pose"][:, :3], translation=[1, 2, 3]
    )
    matrices = skinning.rotation_matrices(golden["pose"][:, :3])
    expected = np.einsum("tij,tkj->tki", matrices, still - still[:, :1]) + still[:, :1] + [1, 2, 3]
    assert still.shape == (6, 5, 3)
    assert np.abs(moved - expected).max() < 1e-5


@settings(deadline=None)
@given(
    vector=arrays(np.float64, 3, elements=st.floats(-7, 7)),
)
def test_rotations_are_rotations_about_their_axis(vector: np.ndarray) -> None:
    matrix = skinning.rotation_matrices(vector)
    assert np.abs(matrix @ matrix.T - np.eye(3)).max() < 1e-9
    assert np.linalg.det(matrix) == pytest.approx(1)
    assert np.abs(matrix @ vector - vector).max() < 1e-9
    assert np.trace(matrix) == pytest.approx(1 + 2 * np.cos(np.linalg.norm(vector)), abs=1e-9)


def test_no_frames_give_no_vertices(random_head: Head) -> None:
    assert skinning.vertices(random_head, np.zeros((0, 50)), np.zeros((0, 3))).shape == (0, random_head.vertex_count, 3)


@pytest.mark.parametrize(
    "arguments",
    [
        {"expression": np.zeros((4, 51))},
        {"jaw": np.zeros((4, 4))},
        {"identity": np.zeros(8)},
        {"eyes": np.zeros((4, 3))},
        {"jaw": np.zeros((4, 3)), "neck": np.zeros((3, 3))},
        {"jaw": np.zeros((0, 3)), "neck": np.zeros((3, 3))},
        {"jaw": np.zeros((2, 2, 3))},
    ],
    ids=str,
)
def test_parameters_that_do_not_fit_are_refused(random_head: Head, arguments: dict[str, np.ndarray]) -> None:
    with pytest.raises(HeadError):
        skinning.vertices(random_head, **arguments)


def test_ten_minutes_need_no_more_than_their_own_vertices(random_head: Head) -> None:
    frames = 60_000
    tracemalloc.start()
    skinning.vertices(random_head, np.zeros((frames, 50)), np.zeros((frames, 3)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    result = frames * random_head.vertex_count * 12
    parameters = frames * (50 + 7 + 15 + 36 + 60 + 45) * 8 * 4
    assert peak < result + parameters + 2 * skinning.CHUNK_BYTES

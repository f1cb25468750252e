"""Landmarks lie where their names say, and the mouth's track measures what the lips do."""

from __future__ import annotations

import heapq
import pickle
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.errors import HeadError, MotionError
from lsf_blender_addon.head import skinning
from lsf_blender_addon.head.flame import Head, Landmark, read_head
from lsf_blender_addon.head.landmarks import LANDMARK_NAMES, LIP_POINTS, mouth_track, poses, positions
from lsf_blender_addon.motion import FaceMotion
from tests.head.flame_files import flame_arrays

INNER_51 = {
    "brow_right_outer": 0,
    "brow_right_middle": 2,
    "brow_right_inner": 4,
    "brow_left_inner": 5,
    "brow_left_middle": 7,
    "brow_left_outer": 9,
    "nose_tip": 13,
    "eye_right_outer": 19,
    "eye_right_inner": 22,
    "eye_left_inner": 25,
    "eye_left_outer": 28,
    "lip_upper_outer": 34,
    "lip_lower_outer": 40,
    "lip_corner_right": 43,
    "lip_upper_inner": 45,
    "lip_corner_left": 47,
    "lip_lower_inner": 49,
}
"""Ours, and the same point among the 51 inner ones of the 68-point layout."""

PAIRS_51 = {
    "eye_left_upper": (26, 27),
    "eye_left_lower": (29, 30),
    "eye_right_upper": (20, 21),
    "eye_right_lower": (23, 24),
}


@pytest.fixture(scope="module")
def flame(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Head:
    path = tmp_path_factory.mktemp("flame") / "flame.pkl"
    path.write_bytes(pickle.dumps(flame_arrays(shared), 4))
    return read_head(path)


@pytest.fixture(scope="module")
def published(shared: Path) -> np.ndarray:
    with np.load(shared / "flame_topology.npz") as file:
        corners = file["v_template"][file["f"][file["lmk_face_idx"]]]
        return np.einsum("nkc,nk->nc", corners, file["lmk_b_coords"])


def at(head: Head, name: str) -> np.ndarray:
    return positions(head, head.template, [name])[0]


def test_a_flame_head_has_every_landmark(flame: Head) -> None:
    assert set(LANDMARK_NAMES) <= flame.landmarks.keys()


@pytest.mark.parametrize("name", INNER_51)
def test_flame_landmarks_lie_at_the_published_ones(name: str, flame: Head, published: np.ndarray) -> None:
    assert np.linalg.norm(at(flame, name) - published[INNER_51[name]]) < 0.0025


@pytest.mark.parametrize("name", PAIRS_51)
def test_lids_lie_between_the_published_ones(name: str, flame: Head, published: np.ndarray) -> None:
    assert np.linalg.norm(at(flame, name) - published[list(PAIRS_51[name])].mean(axis=0)) < 0.0025


def test_left_is_the_heads_own_left(flame: Head) -> None:
    for name in LANDMARK_NAMES:
        if "left" in name:
            mirrored = at(flame, name.replace("left", "right")) * [-1, 1, 1]
            assert at(flame, name)[0] > 0.01
            assert np.linalg.norm(at(flame, name) - mirrored) < 0.0035


def test_the_chin_is_below_the_lips_and_the_wings_beside_the_nose(flame: Head) -> None:
    assert at(flame, "chin")[1] < at(flame, "lip_lower_outer")[1] - 0.015
    assert abs(at(flame, "chin")[0]) < 0.001
    assert at(flame, "nose_wing_left")[1] == pytest.approx(at(flame, "nose_tip")[1], abs=0.01)
    assert 0.01 < at(flame, "nose_wing_left")[0] < 0.02


@pytest.mark.parametrize(("side", "other"), [("upper", "lower"), ("lower", "upper")])
def test_lip_lines_run_along_their_own_lip_from_right_to_left(side: str, other: str, flame: Head) -> None:
    line = [at(flame, f"lip_{side}_inner_{index}") for index in range(LIP_POINTS)]
    assert (np.diff([point[0] for point in line]) > 0.002).all()
    assert np.array_equal(line[LIP_POINTS // 2], at(flame, f"lip_{side}_inner"))
    own, opposite = (walks(flame, f"lip_{name}_outer") for name in (side, other))
    for index in range(1, LIP_POINTS - 1):
        vertex = int(flame.landmark(f"lip_{side}_inner_{index}").vertices[0])
        assert own[vertex] < opposite[vertex]


def walks(head: Head, name: str) -> dict[int, float]:
    """The length of the way over the skin from a landmark to every vertex."""
    ways: dict[int, dict[int, float]] = defaultdict(dict)
    for triangle in head.triangles:
        for a, b in zip(triangle, np.roll(triangle, 1), strict=True):
            ways[int(a)][int(b)] = ways[int(b)][int(a)] = float(np.linalg.norm(head.template[a] - head.template[b]))
    start = int(head.landmark(name).vertices[0])
    found, waiting = {start: 0.0}, [(0.0, start)]
    while waiting:
        length, here = heapq.heappop(waiting)
        for there, step in ways[here].items():
            if length + step < found.get(there, np.inf):
                found[there] = length + step
                heapq.heappush(waiting, (length + step, there))
    return found


def test_a_mesh_of_another_topology_gets_no_guesses(tmp_path: Path, shared: Path) -> None:
    arrays = flame_arrays(shared)
    arrays["f"] = arrays["f"][:-1]
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps(arrays, 4))
    assert read_head(path).landmarks == {}
    with pytest.raises(HeadError, match="lip_upper_inner"):
        mouth_track(read_head(path), still(3, 25.0, "flame"))


def still(frames: int, fps: float, space: str, start: float = 0.0) -> FaceMotion:
    zeros = np.zeros((frames, 50), np.float32)
    return FaceMotion(zeros, np.zeros((frames, 3), np.float32), fps, space, start=start)


@pytest.fixture
def simple() -> Head:
    """Four points of a mouth: one key drops the lower lip by 10 mm a unit, the next parts the corners by 6 mm."""
    template = np.array([[0, 0, 0], [0, 0, 0], [0.025, 0, 0], [-0.025, 0, 0]], np.float32)
    directions = np.zeros((4, 3, 50), np.float32)
    directions[1, 1, 0] = -0.01
    directions[2:, 0, 1] = 0.003, -0.003
    names = ("lip_upper_inner", "lip_lower_inner", "lip_corner_left", "lip_corner_right")
    weights = np.zeros((4, 5), np.float32)
    weights[:, 1] = weights[1, 2] = 1
    weights[1, 1] = 0
    regressor = np.full((5, 4), 0.25, np.float32)
    return Head(
        name="simple",
        space="arkit",
        template=template,
        faces=np.array([[0, 2, 1, 3]], np.int32),
        shape_directions=np.zeros((4, 3, 0), np.float32),
        expression_directions=directions,
        expression_names=tuple(f"k{index}" for index in range(50)),
        pose_directions=np.zeros((4, 3, 36), np.float32),
        joint_regressor=regressor,
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        weights=weights,
        landmarks={name: Landmark(np.array([row], np.int32), np.ones(1, np.float32)) for row, name in enumerate(names)},
    )


def test_the_track_is_in_millimetres_and_a_hundred_times_a_second(simple: Head) -> None:
    expression = np.zeros((26, 50), np.float32)
    expression[:, 0] = np.linspace(0, 2, 26)
    expression[:, 1] = 1
    track = mouth_track(simple, FaceMotion(expression, np.zeros((26, 3), np.float32), 25.0, "arkit"))
    assert len(track["t"]) == 101
    assert track["t"][[0, -1]] == pytest.approx([0, 1])
    assert track["aperture"] == pytest.approx(20 * track["t"], abs=1e-4)
    assert track["width"] == pytest.approx(56, abs=1e-4)
    assert float(track["aperture_rest"]) == 0


def test_crossed_lips_are_shut(simple: Head) -> None:
    expression = np.zeros((4, 50), np.float32)
    expression[:, 0] = -0.5
    track = mouth_track(simple, FaceMotion(expression, np.zeros((4, 3), np.float32), 25.0, "arkit"))
    assert (track["aperture"] == 0).all()


def test_the_track_lies_where_the_motion_lies(simple: Head) -> None:
    expression = np.zeros((11, 50), np.float32)
    expression[:, 0] = np.linspace(0, 1, 11) ** 2
    jaw = np.zeros((11, 3), np.float32)
    track = mouth_track(simple, FaceMotion(expression, jaw, 50.0, "arkit", start=1.5))
    assert track["t"][[0, -1]] == pytest.approx([1.5, 1.7])
    assert track["aperture"] == pytest.approx(
        mouth_track(simple, FaceMotion(expression, jaw, 50.0, "arkit"))["aperture"]
    )
    assert track["aperture"][-1] == pytest.approx(10, abs=1e-4)


def test_a_motion_of_another_space_is_refused(simple: Head) -> None:
    with pytest.raises(MotionError, match="flame"):
        mouth_track(simple, still(3, 25.0, "flame"))


def test_landmarks_of_a_motion_are_those_of_its_vertices(flame: Head) -> None:
    rng = np.random.default_rng(3)
    motion = FaceMotion(
        rng.normal(size=(7, 50)).astype(np.float32), rng.normal(0, 0.1, (7, 3)).astype(np.float32), 25.0, "flame"
    )
    names = ["chin", "eye_left_upper", "lip_corner_left"]
    expected = positions(flame, skinning.vertices(flame, motion.expression, motion.jaw), names)
    assert np.abs(poses(flame, motion, names) - expected).max() < 1e-6


def test_vertices_of_another_head_are_refused(simple: Head, flame: Head) -> None:
    with pytest.raises(HeadError, match="simple"):
        positions(simple, flame.template, ["lip_upper_inner"])


def test_a_landmark_outside_the_mesh_is_refused(simple: Head) -> None:
    stray = Landmark(np.array([9], np.int32), np.ones(1, np.float32))
    with pytest.raises(HeadError, match="chin"):
        replace(simple, landmarks={"chin": stray})

"""The bundled head's surfaces: no folded faces, nothing passes through anything, in any unit or with an open jaw."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

sys.path.insert(0, str(Path(__file__).parent))

import bundled

from tests.head.bundled import MM, SKIN, TEETH, TONGUE, head, posed

Pose = tuple[dict[str, float], float]
SIDES = ("Left", "Right")

JAW_POSES: tuple[Pose, ...] = (
    ({}, 0.0),
    ({}, 0.15),
    ({}, 0.35),
    ({"mouthClose": 0.5}, 0.175),
    ({"mouthClose": 1.0}, 0.35),
)
# mouthClose alone is no face: it presses the lips through each other where no jaw opens them
UNIT_POSES: tuple[Pose, ...] = tuple(({n: 1.0}, 0.0) for n in ARKIT_EXPRESSIONS if n != "mouthClose")
# a blink while the eye looks down: the upper lid then passes before the lower one
LID_POSES: tuple[Pose, ...] = tuple(
    ({f"{unit}{side}": value for unit, value in (("eyeBlink", shut), ("eyeLookDown", down)) for side in SIDES}, 0.0)
    for shut in (0.5, 1.0)
    for down in (0.25, 0.5, 0.75, 1.0)
)
HALF_POSES: tuple[Pose, ...] = tuple(({n: 0.5}, 0.0) for n in ARKIT_EXPRESSIONS if n.startswith("eye"))
POSES = JAW_POSES + UNIT_POSES + HALF_POSES + LID_POSES


def _name(pose: Pose) -> str:
    return "+".join([*(f"{n}={v:g}" for n, v in pose[0].items()), f"jaw={pose[1]:g}"])


@pytest.mark.parametrize("pose", POSES, ids=_name)
def test_no_face_is_folded_or_without_area(pose: Pose) -> None:
    points = posed(*pose)
    assert bundled.areas(points).min() > 1e-3, "square millimetres"
    assert not bundled.folded(points).any()


@pytest.mark.parametrize("pose", POSES, ids=_name)
def test_nothing_passes_through_teeth_or_eyeballs(pose: Pose) -> None:
    points = posed(*pose)
    assert bundled.deepest_in_teeth(points, bundled.points_of(*SKIN)) <= 0.5
    assert bundled.deepest_in_teeth(points, bundled.points_of(*TONGUE)) <= 0.5
    for left in (True, False):
        assert bundled.eyeball_clearance(points, left=left) >= -0.5


@pytest.mark.parametrize("pose", POSES, ids=_name)
def test_teeth_and_tongue_stay_behind_the_lips(pose: Pose) -> None:
    points = posed(*pose)
    assert bundled.beyond_skin(points, bundled.points_of(*TEETH, *TONGUE)) <= 0.5


@pytest.mark.parametrize("pose", POSES, ids=_name)
def test_the_lips_do_not_pass_through_each_other(pose: Pose) -> None:
    points = posed(*pose)
    assert bundled.lips_crossed(points) <= 0.5


@pytest.mark.parametrize("angle", [0.0, 0.06, 0.12, 0.2])
def test_sealed_lips_that_are_pressed_and_rolled_in_stay_before_each_other(angle: float) -> None:
    for press, lower, upper in itertools.product((0.0, 0.25, 1.0), (0.0, 0.12, 0.5), (0.0, 0.12, 0.5)):
        units = {"mouthClose": angle / 0.35, "mouthRollLower": lower, "mouthRollUpper": upper}
        points = posed({**units, **{f"mouthPress{side}": press for side in SIDES}}, angle)
        assert bundled.lips_crossed(points) <= 0.3
        assert bundled.gaps(points).max() <= 0.45


def test_lips_pressed_and_rolled_in_over_the_widest_jaw_hardly_cross() -> None:
    units = {
        "mouthClose": 1.0,
        "mouthRollLower": 0.5,
        "mouthRollUpper": 0.5,
        "mouthPressLeft": 1.0,
        "mouthPressRight": 1.0,
    }
    assert bundled.lips_crossed(posed(units, 0.35)) <= 0.4


@pytest.mark.parametrize("shut", [0.25, 0.5, 0.75, 1.0])
def test_lids_that_every_unit_lowers_at_once_do_not_fold(shut: float) -> None:
    """Blinks on a face that squints, frowns and looks down: a linear rig adds all that up at the eye's corners."""
    for down, brow, squint in itertools.product((0.0, 0.5, 1.0), repeat=3):
        values = {"eyeBlink": shut, "eyeLookDown": down, "browDown": brow, "eyeSquint": squint, "cheekSquint": squint}
        points = posed({unit + side: value for unit, value in values.items() for side in SIDES})
        assert not bundled.folded(points).any(), values


def test_raised_brows_slide_over_the_forehead_without_a_bump() -> None:
    """What rises goes with the bone: the forehead comes forward nowhere by more than half a millimetre."""
    rest = head().template.astype(np.float64)
    faces = bundled.faces_of("skin")
    forehead = faces[(rest[faces][:, :, 1] > 0.055).all(axis=1) & (rest[faces][:, :, 2] > 0.0).all(axis=1)]
    q = rest[forehead]
    middles, normals = q.mean(axis=1), np.cross(q[:, 2] - q[:, 0], q[:, 3] - q[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    for unit in ("browInnerUp", "browOuterUpLeft"):
        moved = posed({unit: 1.0})
        risen = np.unique(forehead)
        risen = risen[np.linalg.norm(moved[risen] - rest[risen], axis=1) > 2e-4]
        assert len(risen) > 25
        nearest = np.linalg.norm(moved[risen][:, None] - middles[None], axis=2).argmin(axis=1)
        away = ((moved[risen] - middles[nearest]) * normals[nearest]).sum(axis=1)
        assert np.abs(away).max() * MM < 0.5, unit


def test_faces_look_outward_at_rest() -> None:
    rest = head().template.astype(np.float64)
    label = bundled.islands()[head().faces[:, 0]]
    for piece in np.unique(label):
        faces = head().faces[label == piece]
        names = {head().material_names[m] for m in head().material_index[label == piece]}
        if names & {"lashes", "brows"}:
            continue
        q = rest[faces]
        middle = rest[np.unique(faces)].mean(axis=0)
        volume = (np.cross(q[:, 2] - q[:, 0], q[:, 3] - q[:, 1]) * (q.mean(axis=1) - middle)).sum()
        assert volume > 0, names


def test_faces_that_share_an_edge_are_wound_the_same_way_round() -> None:
    """Else subdivision takes the edge for the mesh's end and shows a ragged flange there, and exports lack the face."""
    faces = head().faces
    edges = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    assert len(np.unique(edges, axis=0)) == len(edges), "every edge is gone along once in each direction"


def test_every_tooth_is_closed() -> None:
    faces = bundled.faces_of(*TEETH)
    edges = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    assert set(map(tuple, edges)) == set(map(tuple, edges[:, ::-1]))


def test_incisors_end_in_one_even_line() -> None:
    """The edges of the four upper front teeth differ by less than a millimetre, and neighbours nearly touch there."""
    rest = head().template.astype(np.float64)
    faces = bundled.faces_of(*TEETH)
    label = bundled.islands()[faces[:, 0]]
    crowns = [rest[np.unique(faces[label == piece])] * MM for piece in np.unique(label)]
    upper = sorted((c for c in crowns if c[:, 1].max() > -44), key=lambda c: float(c[:, 0].mean()))
    front = [c for c in upper if abs(c[:, 0].mean()) < 13]
    assert len(front) == 4
    lowest = np.array([c[:, 1].min() for c in front])
    assert np.ptp(lowest) < 1.0
    edges = [c[c[:, 1] < c[:, 1].min() + 1.0] for c in front]
    apart = [right[:, 0].min() - left[:, 0].max() for left, right in itertools.pairwise(edges)]
    assert max(apart) < 1.0

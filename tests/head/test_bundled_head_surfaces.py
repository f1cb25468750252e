"""The bundled head's surfaces: no folded faces, nothing passes through anything, in any unit or with an open jaw."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

sys.path.insert(0, str(Path(__file__).parent))

import bundled

from tests.head.bundled import head, posed

Pose = tuple[dict[str, float], float]

JAW_POSES: tuple[Pose, ...] = (
    ({}, 0.0),
    ({}, 0.15),
    ({}, 0.35),
    ({"mouthClose": 0.5}, 0.175),
    ({"mouthClose": 1.0}, 0.35),
)
# mouthClose alone is no face: it presses the lips through each other where no jaw opens them
UNIT_POSES: tuple[Pose, ...] = tuple(({n: 1.0}, 0.0) for n in ARKIT_EXPRESSIONS if n != "mouthClose")
HALF_POSES: tuple[Pose, ...] = tuple(({n: 0.5}, 0.0) for n in ARKIT_EXPRESSIONS if n.startswith("eye"))
POSES = JAW_POSES + UNIT_POSES + HALF_POSES


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
    assert bundled.deepest_in_teeth(points, bundled.points_of("skin", "lips", "mouth_inside")) <= 0.5
    assert bundled.deepest_in_teeth(points, bundled.points_of("tongue")) <= 0.5
    for left in (True, False):
        assert bundled.eyeball_clearance(points, left=left) >= -0.5


@pytest.mark.parametrize("pose", POSES, ids=_name)
def test_teeth_and_tongue_stay_behind_the_lips(pose: Pose) -> None:
    points = posed(*pose)
    assert bundled.beyond_skin(points, bundled.points_of("teeth", "tongue")) <= 0.5


@pytest.mark.parametrize("pose", POSES, ids=_name)
def test_the_lips_do_not_pass_through_each_other(pose: Pose) -> None:
    points = posed(*pose)
    assert bundled.lips_crossed(points) <= 0.5


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

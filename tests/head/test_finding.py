"""Landmarks of characters that nobody knows: found by what their blendshapes move, or from a few picked points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.errors import HeadError
from lsf_blender_addon.head.character import Character, JawBone, character_of
from lsf_blender_addon.head.finding import Mesh, found_landmarks
from lsf_blender_addon.head.landmarks import LANDMARK_NAMES, mouth_track
from lsf_blender_addon.head.model import JAW, Landmark
from lsf_blender_addon.head.naming import recognised
from lsf_blender_addon.head.picking import PICKED_NAMES, in_words, landmarks_from
from lsf_blender_addon.head.retarget import to_character
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.head.topology import FACEKIT_POINTS
from tests.head.bundled import head, points_of
from tests.head.carried_flame import carried_flame
from tests.head.characters import facekit, made, shapes_of
from tests.head.speaking import FPS, spoken
from tests.head.test_retarget import MM


def apart(places: np.ndarray, found: Mapping[str, Landmark], known: Mapping[str, Landmark]) -> dict[str, float]:
    """Millimetres between two sets of landmarks on vertices in metres."""
    assert set(found) == set(LANDMARK_NAMES)

    def place(point: Landmark) -> np.ndarray:
        return np.asarray(point.weights @ places[point.vertices])

    return {name: float(np.linalg.norm(place(found[name]) - place(known[name]))) * MM for name in LANDMARK_NAMES}


def mesh_of(character: Character) -> Mesh:
    on = character.head
    shapes = {name: on.expression_directions[:, :, row] for row, name in enumerate(on.expression_names)}
    return Mesh(on.name, on.template.astype(np.float64), on.faces, shapes, character.table)


def test_points_of_our_own_head_are_found_by_its_blendshapes() -> None:
    for jaw in (None, head().weights[:, JAW]):
        found = found_landmarks(mesh_of(made(bone=jaw is not None)), head(), jaw)
        wrong = apart(head().template, found, head().landmarks)
        assert np.mean(list(wrong.values())) < 1.5
        assert max(wrong[name] for name in wrong if name.startswith(("lip_", "eye_"))) < 3


def test_points_of_a_third_party_face_are_found_by_its_blendshapes(shared: Path) -> None:
    """Brows are left out: they stand where the bundled head has them, not where the 68 points do."""
    character = facekit(shared)
    wrong = apart(character.head.template, found_landmarks(mesh_of(character), head()), character.head.landmarks)
    assert np.mean([wrong[name] for name in wrong if not name.startswith("brow_")]) < 2
    assert max(wrong[name] for name in wrong if name.startswith(("lip_corner", "lip_upper_inner", "lip_lower"))) < 3
    assert max(wrong[name] for name in wrong if name.startswith("eye_")) < 4


def test_linings_behind_lids_are_not_taken_for_corners(shared: Path) -> None:
    """FLAME's lids have pockets, through which the way from lid to lid is shorter than along the rim."""
    flame = carried_flame(shared, head(), mixed=False)
    names = head().expression_names
    shapes = {name: flame.expression_directions[:, :, row] for row, name in enumerate(names)}
    mesh = Mesh("flame", flame.template.astype(np.float64), flame.faces, shapes, recognised(names))
    wrong = apart(flame.template, found_landmarks(mesh, head(), flame.weights[:, JAW]), flame.landmarks)
    assert max(wrong[name] for name in wrong if name.startswith("eye_")) < 5.5
    assert max(wrong[name] for name in wrong if name.startswith("lip_")) < 4.5


def test_a_character_of_unknown_topology_speaks() -> None:
    motion, sealed = spoken(400)
    character = made(bone=False, whole=False)
    assert (character.found, made(bone=False).found) == ("shapes", "bundled")
    got = to_character(motion, head(), character)
    on = character.head
    inner = [head().landmarks[f"lip_{lip}_inner_4"].vertices[0] for lip in ("upper", "lower")]
    upper, lower = np.moveaxis(vertices(on, got.values, only=np.array(inner)), 1, 0)
    theirs = (upper[:, 1] - lower[:, 1]) * MM
    ours = mouth_track(head(), motion, FPS)["aperture"]
    assert np.corrcoef(ours, theirs[: len(ours)])[0, 1] > 0.99
    assert theirs[sealed > 0.999].max() < 0.5


def test_twenty_four_picked_points_are_enough() -> None:
    on = head()
    picked = {name: [int(row) for row in on.landmarks[name].vertices] for name in PICKED_NAMES}
    wrong = apart(on.template, landmarks_from(picked, on.template, on.faces), on.landmarks)
    assert max(wrong.values()) < 1.5


def test_lines_of_lips_run_evenly_from_corner_to_corner(shared: Path) -> None:
    on = facekit(shared).head
    for lip in ("upper", "lower"):
        line = np.stack(
            [
                on.landmarks[f"lip_{lip}_inner_{n}"].weights
                @ on.template[on.landmarks[f"lip_{lip}_inner_{n}"].vertices]
                for n in range(9)
            ]
        )
        np.testing.assert_allclose(np.diff(line[:, 0]), np.diff(line[:, 0]).mean(), rtol=0.15)
        assert np.ptp(line[:, 1]) * MM < 3


def test_each_point_to_pick_is_told_in_words_of_its_own() -> None:
    assert len({in_words(name) for name in PICKED_NAMES}) == len(PICKED_NAMES)
    assert in_words("eye_left_outer") == "the left eye of the character: its outer corner"
    assert in_words("lip_corner_right") == "the corner of the mouth at the character's right"


def test_picked_points_go_before_known_topologies() -> None:
    on = head()
    picked = {name: int(on.landmarks[name].vertices[0]) for name in PICKED_NAMES}
    character = character_of("hero", on.template, on.faces, shapes_of(opening=True), reference=on, picked=picked)
    assert character.found == "picked"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"chin": None}, "1 are not picked: chin"),
        ({"chin": -1}, "does not have"),
        ({"chin": 10**7}, "does not have"),
        ({"chin": 1.5}, "is one vertex number or several"),
        ({"forehead": 3}, "no landmark 'forehead'"),
        ({"lip_upper_inner": int(points_of("teeth")[0])}, "No edges"),
    ],
)
def test_points_that_make_no_sense_are_refused(change: dict[str, int | None], sentence: str) -> None:
    on = head()
    picked = {name: int(on.landmarks[name].vertices[0]) for name in PICKED_NAMES} | change
    given = {name: rows for name, rows in picked.items() if rows is not None}
    with pytest.raises(HeadError, match=sentence):
        landmarks_from(given, on.template, on.faces)


def test_what_cannot_be_found_is_said_with_what_to_do() -> None:
    on = head()
    for lacking, sentence in (("jawOpen", "follows 'jawOpen', or pick"), ("eyeBlinkLeft", "close its left eye")):
        shapes = {name: moved for name, moved in shapes_of(opening=True).items() if name != lacking}
        with pytest.raises(HeadError, match=sentence):
            character_of("hero", on.template, on.faces[:-1], shapes, reference=on)
    with pytest.raises(HeadError, match="turn it to face"):
        character_of("hero", on.template * np.float32([-1, 1, 1]), on.faces, shapes_of(opening=True), reference=on)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"eyeBlinkLeft": np.abs(shapes_of(opening=True)["eyeBlinkLeft"])}, "lowers nothing there"),
        ({"eyeBlinkLeft": shapes_of(opening=True)["eyeBlinkRight"]}, "lowers nothing there"),
        ({"jawOpen": np.ones_like(shapes_of(opening=True)["jawOpen"])}, "lips of 'hero' are not found"),
    ],
)
def test_blendshapes_that_do_not_do_what_they_are_said_to_are_told_apart(
    change: dict[str, np.ndarray], sentence: str
) -> None:
    on = head()
    with pytest.raises(HeadError, match=sentence):
        character_of("hero", on.template, on.faces[:-1], {**shapes_of(opening=True), **change}, reference=on)


@pytest.mark.parametrize("most", [0.4, 0.5, 0.6])
def test_a_weak_jaw_bone_leaves_the_mouth_to_a_blendshape(most: float) -> None:
    on = head()
    jaw = JawBone("jaw", np.zeros(3), on.weights[:, JAW] * np.float32(most))
    character = character_of("hero", on.template, on.faces[:-1], shapes_of(opening=True), reference=on, jaw=jaw)
    assert (character.jaw_bone is None) == (most <= 0.5)


def test_published_points_of_the_facekit_are_all_there() -> None:
    assert set(FACEKIT_POINTS) == set(PICKED_NAMES)

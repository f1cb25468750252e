"""FLAME's components are never copied onto another release's: converted through the vertices, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.errors import HeadError, MotionError
from lsf_blender_addon.head.basis import basis_of, require_basis, same_basis, with_basis
from lsf_blender_addon.head.correspondence import NAMES
from lsf_blender_addon.head.crossing import to_head
from lsf_blender_addon.head.landmarks import poses
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.head.releases import to_release
from lsf_blender_addon.head.retarget import to_arkit, to_character, to_flame
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import FaceMotion
from tests.head.bundled import head
from tests.head.carried_flame import carried_flame
from tests.head.characters import made
from tests.head.test_retarget import MM, one, spoken

LIPS = tuple(name for name in NAMES if name.startswith("lip_"))


@pytest.fixture(scope="module")
def old(shared: Path) -> Head:
    return replace(carried_flame(shared, head()), name="FLAME2020")


@pytest.fixture(scope="module")
def new(shared: Path) -> Head:
    """The same mesh under a basis turned otherwise, with pose correctives of its own."""
    other = carried_flame(shared, head(), seed=7)
    return replace(other, name="FLAME2023", pose_directions=other.pose_directions * np.float32(0.2))


@pytest.fixture(scope="module")
def motion(old: Head) -> FaceMotion:
    return to_flame(spoken(400)[0], head(), old)


def test_flame_to_arkit_to_flame_returns_the_lips(motion: FaceMotion, old: Head) -> None:
    back = to_flame(to_arkit(motion, old, head()), head(), old)
    away = np.linalg.norm(poses(old, motion, LIPS) - poses(old, back, LIPS), axis=2) * MM
    assert away.max() < 1.0
    assert np.sqrt((away**2).mean()) < 0.3


def test_arkit_values_lie_between_rest_and_one(motion: FaceMotion, old: Head) -> None:
    got = to_arkit(motion, old, head())
    assert got.space == "arkit"
    assert got.expression.min() >= 0
    assert got.expression.max() <= 1
    assert "basis" not in got.origin
    still = to_arkit(FaceMotion.still(2, 50.0, "flame"), old, head())
    assert np.abs(still.expression).max() < 1e-4


def test_an_identity_of_the_speaker_is_taken_into_account(motion: FaceMotion, old: Head) -> None:
    who = np.random.default_rng(3).normal(size=old.shape_count)
    shaped = replace(old, template=vertices(old, identity=who)[0])
    ours, theirs = to_arkit(motion, old, head(), who), to_arkit(motion, shaped, head())
    np.testing.assert_allclose(ours.expression, theirs.expression, atol=0.02)


def test_another_release_shows_the_same_face(motion: FaceMotion, old: Head, new: Head) -> None:
    got = to_release(motion, old, new)
    skin = np.arange(0, 3931, 7)
    there = vertices(new, got.expression, got.jaw, only=skin)
    here = vertices(old, motion.expression, motion.jaw, only=skin)
    assert np.linalg.norm(there - here, axis=2).max() * MM < 0.5
    assert np.linalg.norm(poses(new, got, LIPS) - poses(old, motion, LIPS), axis=2).max() * MM < 0.5
    copied = vertices(new, motion.expression, motion.jaw, only=skin)
    assert np.linalg.norm(copied - here, axis=2).max() * MM > 5
    assert got.origin["retargeted"]["residual_mm"] < 0.1
    assert np.abs(got.expression).max() <= 3


def test_a_motion_remembers_whose_components_it_speaks(motion: FaceMotion, old: Head, new: Head) -> None:
    assert motion.origin["basis"] == basis_of(old)
    assert to_release(motion, old, new).origin["basis"] == basis_of(new)
    require_basis(motion, old)
    require_basis(motion, replace(old, name="renamed"))
    require_basis(one(0.1), head())


def test_a_basis_is_known_again_after_a_scene_or_a_small_file(old: Head, new: Head) -> None:
    halved = replace(old, expression_directions=old.expression_directions.astype(np.float16).astype(np.float32))
    assert same_basis(basis_of(old), halved)
    assert not same_basis(basis_of(old), new)
    assert not same_basis(basis_of(old), replace(old, expression_directions=-old.expression_directions))
    for strange in (None, "FLAME", [1.0], {"a": 1}, [None] * 12, [float("nan")] * 12):
        assert not same_basis(strange, old)


def test_any_motion_reaches_any_head_by_one_door(motion: FaceMotion, old: Head, new: Head) -> None:
    ours = one(0.1, mouthPucker=0.5)
    assert to_head(ours, head(), bundled=head()) is ours
    assert to_head(motion, old, bundled=head()) is motion
    assert to_head(ours, old, bundled=head()).space == "flame"
    assert to_head(motion, head(), bundled=head(), made_for=old).space == "arkit"
    assert same_basis(to_head(motion, new, bundled=head(), made_for=old).origin["basis"], new)
    with pytest.raises(MotionError, match="both FLAME files"):
        to_head(motion, new, bundled=head())
    with pytest.raises(MotionError, match="give the FLAME file that it was made for"):
        to_head(motion, head(), bundled=head())


def test_components_of_another_file_are_refused_with_the_way_out(motion: FaceMotion, old: Head, new: Head) -> None:
    for refused in (
        lambda: require_basis(motion, new),
        lambda: to_arkit(motion, new, head()),
        lambda: to_character(motion, new, made(bone=True)),
    ):
        with pytest.raises(MotionError, match=r"'FLAME2020', and the head 'FLAME2023' has others.*both FLAME files"):
            refused()
    with pytest.raises(MotionError, match="give the file that it was made for"):
        to_release(motion, new, old)


def test_a_motion_that_says_nothing_is_flame_2020s(motion: FaceMotion, old: Head, new: Head) -> None:
    published = replace(motion, origin={})
    require_basis(published, old)
    require_basis(published, replace(old, name="generic_model"))
    with pytest.raises(MotionError, match="FLAME 2020's, as far as the motion says"):
        require_basis(published, new)
    assert to_release(published, old, new).origin["basis"] == basis_of(new)
    require_basis(with_basis(published, new), new)


def test_other_meshes_and_spaces_are_refused(motion: FaceMotion, old: Head) -> None:
    with pytest.raises(MotionError, match="Only motions in the space 'flame'"):
        to_release(one(0.1), old, old)
    with pytest.raises(MotionError, match="Only motions in the space 'flame'"):
        to_arkit(one(0.1), old, head())
    with pytest.raises(HeadError, match="no FLAME head"):
        to_release(motion, old, head())
    with pytest.raises(HeadError, match="different meshes"):
        to_release(motion, old, replace(old, faces=old.faces[:-1]))

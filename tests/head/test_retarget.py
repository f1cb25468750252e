"""What is spoken in ``arkit`` is spoken by FLAME's mesh as well, though none of its components means anything alone."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from lsf_blender_addon.errors import HeadError, MotionError
from lsf_blender_addon.head.correspondence import NAMES, correspond
from lsf_blender_addon.head.fit import Fit
from lsf_blender_addon.head.landmarks import mouth_track, poses
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.head.retarget import to_flame
from lsf_blender_addon.head.sides import LIMIT, side_of
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion
from tests.head.bundled import LOWER_LINE, UPPER_LINE, head
from tests.head.carried_flame import carried_flame
from tests.head.speaking import FPS, spoken

MM = 1000.0


def one(jaw: float = 0.0, **units: float) -> FaceMotion:
    expression = np.zeros((1, 50))
    for name, value in units.items():
        expression[0, ARKIT_EXPRESSIONS.index(name)] = value
    return FaceMotion(expression, np.array([[jaw, 0.0, 0.0]]), FPS, "arkit")


def moved(on: Head, motion: FaceMotion, *names: str) -> np.ndarray:
    """(T, N, 3) millimetres of landmarks from their rest."""
    rest = FaceMotion.still(1, FPS, motion.space)
    return np.asarray((poses(on, motion, names) - poses(on, rest, names)) * MM)


def lips_apart(on: Head, motion: FaceMotion) -> np.ndarray:
    """(T, 7) millimetres of height by which the inner lips are farther apart than at rest."""
    upper, lower = moved(on, motion, *UPPER_LINE[1:-1]), moved(on, motion, *LOWER_LINE[1:-1])
    return np.asarray(upper[..., 1] - lower[..., 1])


@pytest.fixture(scope="module")
def flame(shared: Path) -> Head:
    return carried_flame(shared, head())


@pytest.fixture(scope="module")
def speech() -> tuple[FaceMotion, np.ndarray]:
    return spoken(1000)


@pytest.fixture(scope="module")
def carried(speech: tuple[FaceMotion, np.ndarray], flame: Head) -> FaceMotion:
    return to_flame(speech[0], head(), flame)


def test_the_mouth_opens_and_widens_as_it_did(
    speech: tuple[FaceMotion, np.ndarray], carried: FaceMotion, flame: Head
) -> None:
    ours, theirs = mouth_track(head(), speech[0], FPS), mouth_track(flame, carried, FPS)
    for measure in ("aperture", "width"):
        assert np.corrcoef(ours[measure], theirs[measure])[0, 1] > 0.995
    assert theirs["aperture"].max() == pytest.approx(0.97 * ours["aperture"].max(), rel=0.15)
    assert np.ptp(theirs["width"]) == pytest.approx(0.97 * np.ptp(ours["width"]), rel=0.15)


def test_lips_that_were_closed_are_closed(
    speech: tuple[FaceMotion, np.ndarray], carried: FaceMotion, flame: Head
) -> None:
    closed = speech[1] > 0.999
    assert closed.sum() > 100
    assert lips_apart(flame, carried)[closed].max() < 0.5
    assert mouth_track(flame, carried, FPS)["aperture"][closed].max() == 0


@pytest.mark.parametrize("angle", [0.1, 0.2, 0.3])
def test_lips_sealed_over_an_open_jaw_are_closed_for_any_identity(flame: Head, angle: float) -> None:
    for seed in range(3):
        who = np.random.default_rng(seed).uniform(-1, 1, flame.shape_count)
        person = replace(flame, template=flame.template + flame.shape_directions @ who.astype(np.float32))
        got = to_flame(one(angle, mouthClose=angle / 0.35), head(), flame, who)
        assert lips_apart(person, got).max() < 0.5
        assert got.jaw[0, 0] > 0.5 * angle


def test_lips_sealed_over_the_widest_jaw_show_no_gap(flame: Head) -> None:
    got = to_flame(one(0.35, mouthClose=1.0), head(), flame)
    upper, lower = poses(flame, got, UPPER_LINE[1:-1]), poses(flame, got, LOWER_LINE[1:-1])
    assert ((upper - lower)[..., 1] * MM).max() < 0.5


def test_lips_that_part_are_seen_to_part(flame: Head) -> None:
    """FLAME's lips overlap at rest; what parts ours by more than a millimetre must part them too."""
    steps = np.linspace(0.02, 0.2, 10)
    ours = np.concatenate([mouth_track(head(), one(a), FPS)["aperture"] for a in steps])
    theirs = np.concatenate([mouth_track(flame, to_flame(one(a), head(), flame), FPS)["aperture"] for a in steps])
    wide = ours > 1.0
    assert wide.sum() > 5
    np.testing.assert_allclose(theirs[wide], 0.97 * ours[wide], rtol=0.2, atol=0.5)


def test_every_landmark_goes_where_it_belongs(flame: Head, carried: FaceMotion) -> None:
    report = carried.origin["retargeted"]
    assert 0 < report["residual_mm"] < 0.6
    assert report["residual_mm"] < report["worst_mm"] < 3
    assert report["to"] == flame.name
    assert report["at_bounds"] == 0


@pytest.mark.parametrize(
    ("unit", "name", "axis", "way"),
    [
        ("mouthSmileLeft", "lip_corner_left", 1, 1),
        ("mouthFrownRight", "lip_corner_right", 1, -1),
        ("mouthPucker", "lip_corner_left", 0, -1),
        ("mouthStretchRight", "lip_corner_right", 0, -1),
        ("browInnerUp", "brow_left_inner", 1, 1),
        ("browDownRight", "brow_right_inner", 1, -1),
        ("noseSneerLeft", "nose_wing_left", 1, 1),
        ("jawLeft", "chin", 0, 1),
    ],
)
def test_a_unit_moves_its_point_as_far_as_on_our_head(flame: Head, unit: str, name: str, axis: int, way: int) -> None:
    scale = correspond(head(), flame).scale
    ours = moved(head(), one(**{unit: 1.0}), name)[0, 0, axis] * scale
    theirs = moved(flame, to_flame(one(**{unit: 1.0}), head(), flame), name)[0, 0, axis]
    assert way * theirs > 0.5
    assert theirs == pytest.approx(ours, rel=0.35, abs=0.5)


def test_a_jaw_that_slides_sideways_turns_sideways(flame: Head) -> None:
    left, right = (to_flame(one(**{unit: 1.0}), head(), flame).jaw[0] for unit in ("jawLeft", "jawRight"))
    assert left[1] > 0.01
    np.testing.assert_allclose(left, -right, atol=1e-3)


def test_a_blink_crosses_the_eye(flame: Head) -> None:
    got = to_flame(one(eyeBlinkLeft=1.0), head(), flame)
    placed = poses(flame, got, ("eye_left_upper", "eye_left_lower", "eye_right_upper", "eye_right_lower"))[0, :, 1] * MM
    rest = poses(flame, FaceMotion.still(1, FPS, "flame"), ("eye_left_upper", "eye_left_lower"))[0, :, 1] * MM
    assert placed[0] - placed[1] < 0.25 * (rest[0] - rest[1])
    assert placed[2] - placed[3] > 0.85 * (rest[0] - rest[1])


def test_a_face_at_rest_stays_at_rest(flame: Head) -> None:
    got = to_flame(FaceMotion.still(5, FPS, "arkit", start=2.0, origin={"seed": 4}), head(), flame)
    assert np.abs(got.expression).max() < 1e-3
    assert np.abs(got.jaw).max() < 1e-6
    assert (got.start, got.fps, got.space, got.origin["seed"]) == (2.0, FPS, "flame", 4)


def test_what_is_alike_on_both_sides_stays_alike(flame: Head, carried: FaceMotion) -> None:
    left, right = moved(flame, carried, "lip_corner_left", "brow_left_middle"), None
    right = moved(flame, carried, "lip_corner_right", "brow_right_middle")
    np.testing.assert_allclose(left, right * [-1, 1, 1], atol=0.5)
    assert np.abs(moved(flame, carried, "chin", "nose_tip")[..., 0]).max() < 0.5
    assert np.abs(carried.jaw[:, 1:]).max() < 1e-3


def test_frames_do_not_depend_on_their_neighbours(speech: tuple[FaceMotion, np.ndarray], flame: Head) -> None:
    whole = to_flame(speech[0], head(), flame)
    part = to_flame(speech[0].sliced(10.0, 11.0), head(), flame)
    np.testing.assert_allclose(part.expression, whole.expression[500:550], atol=1e-3)


def test_a_smooth_motion_stays_smooth(speech: tuple[FaceMotion, np.ndarray], carried: FaceMotion, flame: Head) -> None:
    """Jolts (third differences) of the points that have no overlap to open; the inner lips do."""
    names = ("lip_corner_left", "lip_upper_outer", "brow_left_middle", "eye_left_upper", "chin")

    def jolt(on: Head, motion: FaceMotion) -> np.ndarray:
        return np.asarray(np.abs(np.diff(moved(on, motion, *names), 3, axis=0)).max(axis=(0, 2)))

    assert (jolt(flame, carried) < 2 * jolt(head(), speech[0]) + 0.5).all()


def test_noise_too_small_to_see_stays_so(
    speech: tuple[FaceMotion, np.ndarray], carried: FaceMotion, flame: Head
) -> None:
    rng = np.random.default_rng(0)
    noisy = replace(speech[0], expression=speech[0].expression + rng.normal(0, 1e-3, (1000, 50)))
    assert np.sqrt(((to_flame(noisy, head(), flame).expression - carried.expression) ** 2).mean()) < 0.01


def test_no_component_leaves_its_bounds(speech: tuple[FaceMotion, np.ndarray], flame: Head) -> None:
    weak = replace(flame, expression_directions=flame.expression_directions / 4)
    got = to_flame(speech[0], head(), weak)
    assert np.abs(got.expression).max() == pytest.approx(LIMIT)
    assert 0 < got.origin["retargeted"]["at_bounds"] < 0.2
    assert np.abs(np.diff(got.expression, axis=0)).max() < 3


def test_thirty_components_of_falling_size_are_enough_to_close_the_lips(
    speech: tuple[FaceMotion, np.ndarray], shared: Path
) -> None:
    """FLAME's components are principal ones: the first moves the whole face, the later ones hardly anything."""
    plain = carried_flame(shared, head(), mixed=False)
    units = plain.expression_directions.reshape(-1, 50).astype(np.float64)
    strengths = np.random.default_rng(3).gamma(0.5, 0.25, (4000, 50))
    directions, sizes, _ = np.linalg.svd(units @ np.linalg.cholesky(np.cov(strengths.T)), full_matrices=False)
    sizes[30:] = 0
    falling = replace(plain, expression_directions=(directions * sizes).reshape(-1, 3, 50).astype(np.float32))
    got = to_flame(speech[0], head(), falling)
    assert lips_apart(falling, got)[speech[1] > 0.999].max() < 0.5
    ours, theirs = mouth_track(head(), speech[0], FPS), mouth_track(falling, got, FPS)
    assert np.corrcoef(ours["aperture"], theirs["aperture"])[0, 1] > 0.99
    assert np.abs(got.expression).max() <= LIMIT


def test_bounded_answers_are_the_best_ones(flame: Head) -> None:
    """Against scipy's solver for bounded least squares."""
    problem = Fit.of(side_of(head(), "arkit"), side_of(flame, "flame")).parted
    factor = np.linalg.cholesky(problem.matrix).T
    rng = np.random.default_rng(5)
    goals = (rng.normal(size=(20, 50)) * 3) @ problem.matrix
    got = problem.bounded(goals)
    for goal, answer in zip(goals, got, strict=True):
        best = lsq_linear(factor, np.linalg.solve(factor.T, goal), (-LIMIT, LIMIT), tol=1e-12).x
        cost = [0.5 * x @ problem.matrix @ x - goal @ x for x in (answer, best, np.zeros(50))]
        assert cost[0] - cost[1] < 1e-3 * (cost[2] - cost[1])


def test_an_identity_gives_what_its_own_neutral_gives(flame: Head) -> None:
    who = np.random.default_rng(2).normal(size=flame.shape_count)
    moving = one(0.15, mouthSmileLeft=0.6, browInnerUp=0.5)
    person = replace(flame, template=vertices(flame, identity=who)[0])
    np.testing.assert_allclose(
        to_flame(moving, head(), flame, who).expression, to_flame(moving, head(), person).expression, atol=0.02
    )


def test_correspondence_pairs_lips_lids_brows_and_skin_of_one_jaw(flame: Head) -> None:
    pairs = correspond(head(), flame)
    assert len(pairs.source.vertices) > len(NAMES) + 80
    assert 0.9 < pairs.scale < 1.05
    jaws = pairs.source.jaw_weights(head()) - pairs.target.jaw_weights(flame)
    assert np.abs(jaws[len(NAMES) :]).max() < 0.4


def test_a_thousand_frames_are_fast(speech: tuple[FaceMotion, np.ndarray], flame: Head) -> None:
    begin = time.process_time()
    to_flame(speech[0], head(), flame)
    assert time.process_time() - begin < 1.5


def test_other_spaces_and_heads_without_a_face_are_refused(flame: Head) -> None:
    with pytest.raises(MotionError, match="'flame'"):
        to_flame(FaceMotion.still(2, FPS, "flame"), head(), flame)
    with pytest.raises(HeadError, match="is in the space 'arkit', and 'flame' is needed"):
        to_flame(one(), head(), head())
    with pytest.raises(HeadError, match="no named points"):
        to_flame(one(), head(), replace(flame, landmarks={}))
    with pytest.raises(HeadError, match="do not lie alike"):
        to_flame(one(), head(), replace(flame, template=flame.template * np.float32([1, -1, -1])))
    few = replace(
        flame,
        expression_directions=flame.expression_directions[:, :, :10],
        expression_names=flame.expression_names[:10],
    )
    with pytest.raises(HeadError, match="10 expression directions"):
        to_flame(one(), head(), few)
    stiff = replace(
        flame,
        weights=np.eye(5, dtype=np.float32)[np.zeros(len(flame.weights), int)],
        pose_directions=np.zeros_like(flame.pose_directions),
    )
    with pytest.raises(HeadError, match="jaw of the head 'carried' does not move its chin"):
        to_flame(one(), head(), stiff)
    with pytest.raises(HeadError, match="identity"):
        to_flame(one(), head(), flame, np.zeros(400))

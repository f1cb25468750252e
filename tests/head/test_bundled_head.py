"""The bundled head's structure: what every user of the file relies on."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.head.landmarks import LANDMARK_NAMES
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

sys.path.insert(0, str(Path(__file__).parent))

import bundled

from tests.head.bundled import HEAD_FILE, MM, gaps, head, place, posed

SIDES = ("Left", "Right")


def test_the_file_is_small_and_the_mesh_has_the_wished_size() -> None:
    assert HEAD_FILE.stat().st_size <= 4_000_000
    assert 4_000 <= head().vertex_count <= 8_000
    assert (head().faces >= 0).all(), "every face is a quad"


def test_it_speaks_the_fifty_units_in_apples_order() -> None:
    assert head().space == "arkit"
    assert head().expression_names == tuple(ARKIT_EXPRESSIONS)
    assert head().expression_directions.shape[2] == 50
    assert head().shape_count >= 10


def test_every_unit_and_every_identity_direction_moves_something_by_millimetres() -> None:
    for directions in (head().expression_directions, head().shape_directions):
        reach = np.linalg.norm(directions, axis=1).max(axis=0) * MM
        assert (reach > 1.5).all()
        assert (reach < 40).all()


def test_identity_directions_differ_from_each_other() -> None:
    flat = head().shape_directions.reshape(-1, head().shape_count).astype(np.float64)
    flat /= np.linalg.norm(flat, axis=0)
    alike = np.abs(flat.T @ flat) - np.eye(head().shape_count)
    assert alike.max() < 0.9


def test_it_has_every_named_landmark_and_both_teeth() -> None:
    wanted = {*LANDMARK_NAMES, "teeth_upper", "teeth_lower"}
    assert wanted <= set(head().landmarks)
    for point in head().landmarks.values():
        assert point.weights.sum() == pytest.approx(1.0)


def test_left_is_at_positive_x_and_right_is_its_mirror_image() -> None:
    rest = head().template
    for name in LANDMARK_NAMES:
        if "left" in name:
            left = place(rest, name)
            right = place(rest, name.replace("left", "right"))
            assert left[0] > 5
            assert np.allclose(left * [-1, 1, 1], right, atol=1e-3)


def test_the_mesh_is_symmetric_with_weights_and_directions() -> None:
    twin = bundled.mirror()
    flip = np.array([-1, 1, 1], dtype=np.float32)
    assert (twin[twin] == np.arange(len(twin))).all()
    assert np.allclose(head().template[twin] * flip, head().template, atol=1e-7)
    weights = head().weights[twin][:, [0, 1, 2, 4, 3]]
    assert np.allclose(weights, head().weights, atol=1e-5)
    for n, name in enumerate(head().expression_names):
        other = name
        for side, opposite in (SIDES, SIDES[::-1]):
            if name.endswith(side):
                other = name[: -len(side)] + opposite
        mirrored = head().expression_directions[twin][:, :, n] * flip
        expected = head().expression_directions[:, :, head().expression_names.index(other)]
        assert np.allclose(mirrored, expected, atol=2e-5), name
    for n in range(head().shape_count):
        one = head().shape_directions[:, :, n]
        assert np.allclose(one[twin] * flip, one, atol=2e-5)


def test_weights_sum_to_one_and_eyes_are_rigid() -> None:
    weights = head().weights
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    assert (weights >= 0).all()
    balls = bundled.points_of("iris", "pupil")
    assert np.allclose(weights[balls, 3:].sum(axis=1), 1.0)


def test_joints_come_out_of_the_regressor_where_they_belong() -> None:
    joints = head().joint_regressor @ head().template
    assert np.allclose(joints[:3, 0], 0, atol=1e-5), "root, neck and jaw lie in the middle"
    ball = bundled.points_of("iris")
    left = ball[head().template[ball, 0] > 0]
    distance = np.linalg.norm(head().template[left] - joints[3], axis=1)
    assert distance.std() < 6e-4, "the iris lies evenly around its joint"
    assert joints[2, 2] < 0.02, "the jaw turns near the ear"


def test_the_lips_touch_along_their_whole_width_at_rest() -> None:
    assert gaps(head().template).max() <= 0.3


@pytest.mark.parametrize("angle", [0.05, 0.1, 0.2, 0.35])
def test_mouth_close_seals_the_lips_over_an_open_jaw(angle: float) -> None:
    assert gaps(posed(jaw=angle)).max() > 3, "the jaw alone opens them"
    assert gaps(posed({"mouthClose": angle / 0.35}, angle)).max() <= 0.3


def test_the_jaw_opens_the_mouth_and_takes_the_lower_teeth_along() -> None:
    rest, wide = head().template, posed(jaw=0.35)
    assert gaps(wide)[4] > 15
    assert place(rest, "chin")[1] - place(wide, "chin")[1] > 15
    assert np.allclose(place(rest, "teeth_upper"), place(wide, "teeth_upper"), atol=1e-3)
    assert place(rest, "teeth_lower")[1] - place(wide, "teeth_lower")[1] > 15
    assert np.allclose(place(rest, "nose_tip"), place(wide, "nose_tip"), atol=0.05)
    fall = [place(rest, n)[1] - place(wide, n)[1] for n in ("lip_upper_inner", "lip_corner_left", "lip_lower_inner")]
    assert fall[0] < fall[1] < fall[2], "the corner goes half-way"


def _moved(unit: str, landmark: str) -> np.ndarray:
    return np.asarray(place(posed({unit: 1.0}), landmark) - place(head().template, landmark))


@pytest.mark.parametrize("side", ["left", "right"])
def test_units_move_as_the_muscles_do(side: str) -> None:
    out = 1.0 if side == "left" else -1.0
    cap = side.capitalize()
    corner = f"lip_corner_{side}"
    smile = _moved("mouthSmile" + cap, corner)
    assert smile[0] * out > 3
    assert smile[1] > 4
    assert smile[2] < -2
    assert _moved("mouthFrown" + cap, corner)[1] < -3
    assert _moved("mouthStretch" + cap, corner)[0] * out > 4
    assert _moved("mouthDimple" + cap, corner)[2] < -2
    assert _moved("mouth" + cap, "lip_upper_inner")[0] * out > 4
    assert _moved("jaw" + cap, "chin")[0] * out > 3
    assert _moved("browDown" + cap, f"brow_{side}_middle")[1] < -3
    assert _moved("browOuterUp" + cap, f"brow_{side}_outer")[1] > 3
    assert _moved("browInnerUp", f"brow_{side}_inner")[1] > 4
    assert _moved("noseSneer" + cap, f"nose_wing_{side}")[1] > 2
    assert _moved("mouthUpperUp" + cap, "lip_lower_inner")[1] == pytest.approx(0, abs=0.05)
    assert _moved("eyeWide" + cap, f"eye_{side}_upper")[1] > 0.8
    assert _moved("eyeSquint" + cap, f"eye_{side}_lower")[1] > 0.8


def test_units_of_one_side_leave_the_other_eye_and_brow_alone() -> None:
    for unit in ("eyeBlinkLeft", "eyeWideLeft", "browDownLeft", "browOuterUpLeft", "cheekSquintLeft"):
        for landmark in ("eye_right_upper", "eye_right_lower", "brow_right_middle", "brow_right_outer"):
            assert np.linalg.norm(_moved(unit, landmark)) < 0.1, (unit, landmark)


def test_rounding_narrows_the_mouth_and_brings_it_forward() -> None:
    for unit in ("mouthPucker", "mouthFunnel"):
        assert _moved(unit, "lip_corner_left")[0] < -5
        assert _moved(unit, "lip_upper_outer")[2] > 3
    assert gaps(posed({"mouthFunnel": 1.0}))[4] > 6
    assert gaps(posed({"mouthPucker": 1.0})).max() <= 0.3


@pytest.mark.parametrize(
    ("units", "jaw"),
    [
        ({"mouthFunnel": 1.0}, 0.0),
        ({"mouthFunnel": 0.75, "mouthPucker": 0.2}, 0.03),
        ({"mouthFunnel": 0.55, "mouthPucker": 0.35}, 0.18),
    ],
    ids=["funnel", "SH", "OH"],
)
def test_a_rounded_mouth_opens_to_an_ellipse_and_not_to_a_lozenge(units: dict[str, float], jaw: float) -> None:
    """Where the lips part half as wide as in the middle, a lozenge is half-way to its corner, an ellipse at 0.87."""
    points = posed(units, jaw)
    apart = gaps(points)[4:]
    upper = np.array([place(points, f"lip_upper_inner_{n}")[0] for n in range(4, 9)])
    across = np.abs(upper / upper[-1])
    half_open = np.interp(0.5, (apart / apart[0])[::-1], across[::-1])
    assert half_open > 0.75


def test_pressed_rolled_and_shrugged_lips_stay_together() -> None:
    for unit in (
        "mouthPressLeft",
        "mouthRollLower",
        "mouthRollUpper",
        "mouthShrugLower",
        "mouthShrugUpper",
        "jawForward",
        "jawLeft",
        "mouthLeft",
        "cheekPuff",
    ):
        assert gaps(posed({unit: 1.0})).max() <= 0.3, unit
    assert _moved("mouthRollLower", "lip_lower_outer")[2] < -1, "the red turns in"
    assert _moved("mouthRollUpper", "lip_upper_outer")[1] < -2
    assert _moved("mouthShrugLower", "chin")[1] > 1


def _red(units: dict[str, float], lip: str) -> float:
    """How much of a lip's red stands between its border and the other lip, in millimetres."""
    points = posed(units)
    return float(abs(place(points, f"lip_{lip}_outer")[1] - place(points, f"lip_{lip}_inner")[1]))


def test_rolled_lips_lose_their_red_and_pressed_ones_get_thin() -> None:
    for lip in ("upper", "lower"):
        assert _red({f"mouthRoll{lip.capitalize()}": 1.0}, lip) < 0.3 * _red({}, lip)
        assert _red({"mouthPressLeft": 1.0, "mouthPressRight": 1.0}, lip) < 0.7 * _red({}, lip)


def test_a_shrug_pushes_the_lower_lip_up_and_out_with_the_chin() -> None:
    shrugged = _moved("mouthShrugLower", "lip_lower_outer")
    assert shrugged[1] > 4
    assert shrugged[2] > 3
    assert _moved("mouthShrugLower", "chin")[1] > 4
    assert _moved("mouthShrugUpper", "lip_upper_outer")[1] > 4


@pytest.mark.parametrize("tilt", [-10.0, 0.0, 10.0])
@pytest.mark.parametrize("unit", ["mouthRollLower", "mouthRollUpper", "mouthPressLeft"])
def test_lips_a_hairs_breadth_apart_show_no_teeth(unit: str, tilt: float) -> None:
    """Sight through the middle of what parts them ends at their inner sides, from the front and a little aslant."""
    a = np.radians(tilt)
    turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    points = posed({unit: 1.0}) @ turn.T
    upper, lower = (
        np.array([place(points, f"lip_{side}_inner_{n}") for n in range(1, 8)]) for side in ("upper", "lower")
    )
    assert (np.linalg.norm(upper - lower, axis=1) > 0.01).any(), "they part"
    for eye in (upper + lower) / 2 + [0.01, 0, 0]:
        assert bundled.seen_first(points, eye / MM) in {"lips", "mouth_lining"}


def test_lowered_and_raised_lips_part() -> None:
    assert gaps(posed({"mouthLowerDownLeft": 1.0, "mouthLowerDownRight": 1.0}))[4] > 4
    assert gaps(posed({"mouthUpperUpLeft": 1.0, "mouthUpperUpRight": 1.0}))[4] > 4


@pytest.mark.parametrize("out", [1.0, -1.0], ids=["left", "right"])
def test_the_ears_canal_lies_two_centimetres_below_their_rims(out: float) -> None:
    rest = head().template * [out, 1, 1] * MM
    canal = rest[bundled.points_of("mouth_inside")]
    canal = canal[canal[:, 0] > 50].mean(axis=0)
    rim = rest[np.linalg.norm((rest - canal)[:, 1:], axis=1) < 25]
    above = (rim[:, 1] > canal[1] + 8) & (rim[:, 2] < canal[2])
    assert rim[above, 0].max() - canal[0] > 20, "the helix"
    assert rim[:, 0].max() - canal[0] > 25, "the rim behind"


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_blink_closes_the_lids(side: str) -> None:
    closed = posed({"eyeBlink" + side.capitalize(): 1.0})
    apart = place(closed, f"eye_{side}_upper") - place(closed, f"eye_{side}_lower")
    assert np.linalg.norm(apart) <= 1.0
    rest = head().template
    assert np.linalg.norm(place(rest, f"eye_{side}_upper") - place(rest, f"eye_{side}_lower")) > 8


def test_looks_turn_the_eyeball_by_the_documented_angle() -> None:
    iris = bundled.points_of("pupil")
    iris = iris[head().template[iris, 0] > 0]
    centre = head().joint_regressor[3] @ head().template
    for unit, axis, sign, angle in (
        ("eyeLookUpLeft", 1, 1, 25),
        ("eyeLookDownLeft", 1, -1, 30),
        ("eyeLookInLeft", 0, -1, 28),
        ("eyeLookOutLeft", 0, 1, 28),
    ):
        sight = posed({unit: 1.0})[iris].mean(axis=0) - centre
        turned = np.degrees(np.arcsin(sight[axis] / np.linalg.norm(sight)))
        assert turned * sign == pytest.approx(angle, abs=1.0), unit


def test_the_map_lies_within_the_square_and_every_face_has_a_material() -> None:
    uv, material = head().uv, head().material_index
    assert uv is not None
    assert material is not None
    assert uv.min() >= 0
    assert uv.max() <= 1
    for wanted in ("skin", "lips", "eye_white", "iris", "pupil", "teeth", "tongue", "gums", "brows", "lashes"):
        assert (material == head().material_names.index(wanted)).any(), wanted


def test_what_of_the_mouth_lies_farther_back_has_materials_of_its_own() -> None:
    """They are darker: no renderer without shadows then shows molars as bright as incisors."""
    for row in (bundled.TEETH, bundled.GUMS, bundled.TONGUE, bundled.INSIDE):
        depth = [head().template[bundled.faces_of(name)][:, :, 2].mean() * MM for name in row]
        assert (np.diff(depth) < -4).all(), row

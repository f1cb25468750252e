"""Rotations, held to Blender's own mathutils."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mathutils import Euler, Matrix, Quaternion

from lsf_blender_addon.blender.rotation import EULER_ORDERS, axis_angles, channels, eulers, matrices, quaternions

angle = st.floats(-3.0, 3.0, allow_subnormal=False)
turn = st.tuples(angle, angle, angle)
BUSY = settings(deadline=None)
"""Correct answers count here, not how long a busy machine takes for them."""


def blender_matrix(vector: tuple[float, float, float]) -> np.ndarray:
    size = float(np.linalg.norm(vector))
    return np.array(Matrix.Rotation(size, 3, vector) if size else Matrix.Identity(3))


@BUSY
@given(turn)
def test_a_quaternion_is_the_same_rotation(vector: tuple[float, float, float]) -> None:
    ours = np.array(Quaternion(quaternions([vector])[0]).to_matrix())
    np.testing.assert_allclose(ours, blender_matrix(vector), atol=1e-6)


@BUSY
@given(turn)
def test_angle_and_axis_are_the_same_rotation(vector: tuple[float, float, float]) -> None:
    size, *axis = axis_angles([vector])[0]
    np.testing.assert_allclose(np.array(Matrix.Rotation(size, 3, axis)), blender_matrix(vector), atol=1e-6)


@pytest.mark.parametrize("order", EULER_ORDERS)
@BUSY
@given(turn)
def test_euler_angles_of_every_order_are_the_same_rotation(order: str, vector: tuple[float, float, float]) -> None:
    ours = np.array(Euler(eulers([vector], order)[0], order).to_matrix())
    np.testing.assert_allclose(ours, blender_matrix(vector), atol=2e-6)


@pytest.mark.parametrize("order", EULER_ORDERS)
def test_euler_angles_hold_where_two_axes_coincide(order: str) -> None:
    middle = np.zeros(3)
    middle["XYZ".index(order[1])] = np.pi / 2
    ours = np.array(Euler(eulers([middle], order)[0], order).to_matrix())
    np.testing.assert_allclose(ours, blender_matrix(tuple(middle)), atol=1e-6)


@BUSY
@given(turn)
def test_a_matrix_is_rodrigues_formula(vector: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(matrices([vector])[0], blender_matrix(vector), atol=1e-6)


def test_channels_do_not_jump_while_a_bone_turns_once_around() -> None:
    steps = np.linspace(0, 2 * np.pi, 400)[:, None] * np.array([0.6, 0.0, 0.8])
    for mode in ("QUATERNION", "AXIS_ANGLE"):
        assert np.abs(np.diff(channels(steps, mode)[1], axis=0)).max() < 0.05
    about_one_axis = np.linspace(0, 2 * np.pi, 400)[:, None] * np.array([1.0, 0.0, 0.0])
    assert np.abs(np.diff(channels(about_one_axis, "XYZ")[1], axis=0)).max() < 0.05


def test_an_axis_keeps_its_side_while_the_jaw_swings_through_rest() -> None:
    swing = np.sin(np.linspace(0, 20, 500))[:, None] * np.array([0.3, 0.0, 0.0])
    assert np.abs(np.diff(axis_angles(swing), axis=0)).max() < 0.05


def test_a_bone_at_rest_has_no_rotation_in_any_mode() -> None:
    still = np.zeros((3, 3))
    assert quaternions(still).tolist() == [[1, 0, 0, 0]] * 3
    assert axis_angles(still)[:, 0].tolist() == [0, 0, 0]
    assert np.linalg.norm(axis_angles(still)[:, 1:], axis=1).tolist() == [1, 1, 1]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="SPIN"):
        channels(np.zeros((1, 3)), "SPIN")

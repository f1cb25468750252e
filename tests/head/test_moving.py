"""A few points move by two matrices exactly as skinning moves the whole mesh."""

from __future__ import annotations

import numpy as np
import pytest

from lsf_blender_addon.head.correspondence import NAMES, correspond, mirror_images
from lsf_blender_addon.head.moving import Moving, Points
from lsf_blender_addon.head.skinning import vertices
from tests.head.bundled import head


@pytest.fixture(scope="module")
def points() -> Points:
    rng = np.random.default_rng(4)
    weights = rng.random((60, 4)).astype(np.float32)
    return Points(rng.integers(0, head().vertex_count, (60, 4)), weights / weights.sum(axis=1, keepdims=True))


def test_points_lie_where_skinning_puts_them(points: Points) -> None:
    on, rng = head(), np.random.default_rng(5)
    expression = rng.random((20, 50)).astype(np.float32)
    jaw = rng.normal(0, 0.2, (20, 3))
    who = rng.normal(size=on.shape_count)
    rest = points.mean(vertices(on, identity=who)[0])
    expected = np.stack([points.mean(frame) for frame in vertices(on, expression, jaw, who)]) - rest
    got = Moving.of(on, points, 50, who).moved(expression, jaw)
    np.testing.assert_allclose(got, expected, atol=2e-7)


def test_mirrored_points_do_alike_on_both_sides() -> None:
    on = head()
    pairs = correspond(on, on)
    moving = Moving.of(on, pairs.target, 50)
    partner = mirror_images(moving.rest)
    paired = np.flatnonzero(partner >= 0)
    assert len(paired) > len(NAMES) + 60
    mates = np.array([on.expression_names.index(_other(name)) for name in on.expression_names])
    both = moving.only(paired).mirrored(np.searchsorted(paired, partner[paired]), mates)
    strengths = np.random.default_rng(6).random((3, 50)).astype(np.float32)
    jaw = np.array([[0.2, 0.05, 0.02], [0.1, 0.0, 0.0], [0.0, 0.0, 0.0]])
    there = both.moved(strengths, jaw)
    back = both.moved(strengths[:, mates], jaw * [1.0, -1.0, -1.0])[:, np.searchsorted(paired, partner[paired])]
    np.testing.assert_allclose(there, back * [-1.0, 1.0, 1.0], atol=1e-7)


def _other(name: str) -> str:
    return name.replace("Left", "#").replace("Right", "Left").replace("#", "Right")

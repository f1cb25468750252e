"""Fewer keys: no watched point strays farther than asked, and speech needs a small part of its frames."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lsf_blender_addon.reduction import Keys, reduced


def drawn(frames: np.ndarray, keys: Keys, values: np.ndarray) -> np.ndarray:
    """The cubic through keys with slopes, written the other way round than the code: by its Bézier points."""
    places = frames[keys.at].astype(float)
    heights = values[keys.at]
    curve = np.empty(len(frames))
    for frame, place in enumerate(frames):
        left = max(int(np.searchsorted(places, place, "right")) - 1, 0)
        right = min(left + 1, len(places) - 1)
        width = places[right] - places[left]
        t = 0.0 if width == 0 else (place - places[left]) / width
        points = [
            heights[left],
            heights[left] + keys.slopes[left] * width / 3,
            heights[right] - keys.slopes[right] * width / 3,
            heights[right],
        ]
        for _ in range(3):
            points = [a + t * (b - a) for a, b in pairwise(points)]
        curve[frame] = points[0]
    return curve


def strayed(frames: np.ndarray, values: np.ndarray, reach: np.ndarray, keys: list[Keys]) -> float:
    error = np.stack([drawn(frames, own, values[:, channel]) for channel, own in enumerate(keys)], axis=1) - values
    return float(np.linalg.norm(np.einsum("tc,cpi->tpi", error, reach), axis=2).max())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 4), st.floats(0.05, 3.0), st.integers(0, 1000))
def test_no_watched_point_strays_farther_than_asked(count: int, channels: int, tolerance: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    frames = np.cumsum(random.integers(1, 4, count))
    values = random.normal(size=(count, channels)).cumsum(axis=0)
    reach = random.normal(size=(channels, 5, 3))
    keys = reduced(frames, values, reach, tolerance)
    assert strayed(frames, values, reach, keys) <= tolerance + 1e-9
    assert all(own.at[0] == 0 and own.at[-1] == count - 1 for own in keys)


def test_long_motions_are_looked_at_in_stretches_and_hold_the_tolerance_too() -> None:
    frames = np.arange(1200)
    values = np.stack([np.sin(frames / 7), np.sin(frames / 3) * np.sin(frames / 40)], axis=1)
    reach = np.zeros((2, 1, 3))
    reach[:, 0, 0] = 5.0, 3.0
    keys = reduced(frames, values, reach, 0.2)
    assert strayed(frames, values, reach, keys) <= 0.2
    assert sum(len(own.at) for own in keys) < 0.4 * values.size


def test_what_moves_nothing_needs_two_keys() -> None:
    frames = np.arange(50)
    values = np.stack([np.sin(frames / 2.0), np.sin(frames / 2.0)], axis=1)
    reach = np.zeros((2, 1, 3))
    reach[0] = 4.0
    keys = reduced(frames, values, reach, 0.1)
    assert len(keys[1].at) == 2 < len(keys[0].at)

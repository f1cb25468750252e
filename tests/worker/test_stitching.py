"""Windows are cut and joined without gaps, shifts or jumps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsf_blender_addon.audio import SpeechClip
from lsf_blender_addon.worker import stitching


def talk(samples: int, seed: int) -> SpeechClip:
    random = np.random.default_rng(seed)
    loud = np.repeat(random.random(samples // 3000 + 1) > 0.3, 3000)[:samples]
    return SpeechClip((random.normal(0, 0.1, samples) * (0.01 + loud)).astype(np.float32), "talk")


@given(
    samples=st.integers(1360, 16_000 * 40),
    seconds=st.floats(2.0, 12.0),
    share=st.floats(0.0, 0.25),
    grid=st.sampled_from([320, 640]),
    seed=st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_what_windows_hear_at_a_time_ends_up_at_that_time(
    samples: int, seconds: float, share: float, grid: int, seed: int
) -> None:
    clip = talk(samples, seed)
    cut = stitching.cut(clip, seconds, seconds * share, grid)
    assert len({window.end - window.begin for window in cut}) == 1
    parts = []
    for window in cut:
        heard = stitching.heard(clip, window)
        assert len(heard) <= seconds * 16_000 + stitching.MARGIN
        count = ((len(heard) - 400) // 320 + 1) // (grid // 320)
        times = (window.begin + np.arange(count) * grid) / 16_000
        parts.append((window, np.repeat(times[:, None], 53, 1).astype(np.float32)))
    frames = stitching.frame_count(clip, grid)
    assert frames == max(1, round(samples / grid))
    whole = stitching.joined(parts, frames, grid)
    expected = np.arange(frames) * grid / 16_000
    assert np.abs(whole[:-2, 0] - expected[:-2]).max(initial=0) < 1e-5
    assert (np.abs(whole[-2:, 0] - expected[-2:]) <= 2 * grid / 16_000 + 1e-6).all()


def test_a_clip_of_one_window_is_heard_as_it_is() -> None:
    clip = talk(50_000, 0)
    (window,) = stitching.cut(clip, 10.0, 1.0, 640)
    assert np.array_equal(stitching.heard(clip, window), clip.samples)


def test_a_join_of_two_levels_is_a_slope_and_no_step() -> None:
    clip = talk(16_000 * 20, 0)
    cut = stitching.cut(clip, 11.0, 1.0, 640)
    parts = []
    for level, window in enumerate(cut):
        count = ((len(stitching.heard(clip, window)) - 400) // 320 + 1) // 2
        parts.append((window, np.full((count, 53), float(level), np.float32)))
    steps = np.abs(np.diff(stitching.joined(parts, 500, 640)[:, 0]))
    assert steps.max() == pytest.approx(np.pi / 2 / 13, rel=0.02)

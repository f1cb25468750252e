"""Features and motion brought to one number of frames."""

from __future__ import annotations

import pytest
import torch

from lsf_blender_addon.network.alignment import aligned, stretched


def ramp(frames: int, step: float) -> torch.Tensor:
    return (torch.arange(frames) * step)[None, :, None]


@pytest.mark.parametrize(
    ("heard", "moved", "fps", "frames"),
    [
        (50, 25, 25.0, 25),
        (51, 25, 25.0, 25),
        (60, 25, 25.0, 25),
        (41, 25, 25.0, 20),
        (50, 31, 30.0, 31),
        (50, 48, 50.0, 48),
    ],
)
def test_everything_gets_the_same_frames(heard: int, moved: int, fps: float, frames: int) -> None:
    audio, emotion, motion = aligned(ramp(heard, 0.02), ramp(heard, 0.02), ramp(moved, 1 / fps), fps)
    per_frame = 1 if fps == 50 else 2
    assert audio.shape == emotion.shape == (1, frames, per_frame)
    assert motion.shape == (1, frames, 1)


def test_frames_that_fit_are_left_alone() -> None:
    audio, _, motion = aligned(ramp(50, 0.02), ramp(50, 0.02), ramp(25, 0.04), 25.0)
    torch.testing.assert_close(audio.flatten(), ramp(50, 0.02).flatten(), rtol=0, atol=0)
    torch.testing.assert_close(motion, ramp(25, 0.04), rtol=0, atol=0)


def test_stretching_keeps_both_ends_and_is_linear_between() -> None:
    torch.testing.assert_close(stretched(ramp(11, 1.0), 21), ramp(21, 0.5))

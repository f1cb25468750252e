"""From a recording to what the encoders expect."""

from __future__ import annotations

import pytest
import torch

from lsf_blender_addon.speech import frontend


def noise(batch: int = 2, samples: int = 16_000) -> torch.Tensor:
    return 0.05 * torch.randn(batch, samples, generator=torch.Generator().manual_seed(0)) + 0.01


def test_recordings_are_stretched_to_one() -> None:
    out = frontend.scaled(noise())
    torch.testing.assert_close(out.amin(-1), -torch.ones(2))
    torch.testing.assert_close(out.amax(-1), torch.ones(2))


def test_recordings_get_mean_zero_and_variance_one() -> None:
    for epsilon in (1e-7, 1e-5):
        out = frontend.standardised(noise(), epsilon)
        torch.testing.assert_close(out.mean(-1), torch.zeros(2), rtol=0, atol=1e-5)
        torch.testing.assert_close(out.var(-1), torch.ones(2), rtol=0, atol=1e-3)


def test_epsilon_counts_on_recordings_with_one_loud_click() -> None:
    clicked = 1e-3 * noise(1)
    clicked[0, 100] = 1.0
    small, large = (frontend.standardised(clicked, epsilon)[0, 100] for epsilon in (1e-7, 1e-5))
    assert small > 1.001 * large


@pytest.mark.parametrize("constant", [0.0, 0.3, -1.0, 1e-20])
def test_silence_becomes_zeros(constant: float) -> None:
    out = frontend.standardised(torch.full((1, 16_000), constant), 1e-7)
    torch.testing.assert_close(out, torch.zeros(1, 16_000), rtol=0, atol=1e-3)


def test_loudness_does_not_matter() -> None:
    torch.testing.assert_close(
        frontend.standardised(noise(), 1e-7), frontend.standardised(8 * noise(), 1e-7), rtol=0, atol=1e-4
    )


def test_parts_are_scaled_as_the_whole_is() -> None:
    whole = noise(1)
    of = frontend.level(whole)
    part = frontend.standardised(whole[:, 3000:5000], 1e-7, of)
    torch.testing.assert_close(part, frontend.standardised(whole, 1e-7)[:, 3000:5000], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(0, 0), (399, 0), (400, 1), (719, 1), (720, 2), (16_000, 49), (160_000, 499), (960_000, 2999)],
)
def test_frames_of_a_recording(samples: int, frames: int) -> None:
    assert frontend.frame_count(samples) == frames
    if frames:
        assert frontend.sample_count(frames) <= samples < frontend.sample_count(frames + 1)


def test_pairs_are_consecutive_frames_and_an_odd_last_one_is_dropped() -> None:
    features = torch.arange(7.0)[None, :, None].expand(1, 7, 3)
    out = frontend.paired(features, 2)
    assert out.tolist() == [[[0, 0, 0, 1, 1, 1], [2, 2, 2, 3, 3, 3], [4, 4, 4, 5, 5, 5]]]
    assert frontend.paired(features, 1).shape == (1, 7, 3)

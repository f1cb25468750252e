"""Positions, norms and mixing over time."""

from __future__ import annotations

import math

import pytest
import torch

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.network.layers import Mixer, OverChannels, OverTime, SinePositions, Smoothing, TimeConvolution


def test_positions_are_sines_of_falling_frequency() -> None:
    table = SinePositions(8).pe
    assert table.shape == (5000, 1, 8)
    for column in range(0, 8, 2):
        angle = 1234 * 10000 ** (-column / 8)
        assert table[1234, 0, column].item() == pytest.approx(math.sin(angle), abs=1e-3)
        assert table[1234, 0, column + 1].item() == pytest.approx(math.cos(angle), abs=1e-3)


def test_positions_go_on_beyond_the_stored_table() -> None:
    positions = SinePositions(8).eval()
    long = positions(torch.zeros(1, 5003, 8))
    torch.testing.assert_close(long[0, :5000], positions.pe[:, 0])
    assert long[0, 5002, 0].item() == pytest.approx(math.sin(5002), abs=1e-3)


def test_instance_norm_levels_every_channel_over_time() -> None:
    out = OverTime()(torch.randn(2, 50, 6) * 7 + 3)
    torch.testing.assert_close(out.mean(1), torch.zeros(2, 6), rtol=0, atol=1e-5)
    torch.testing.assert_close(out.var(1, correction=0), torch.ones(2, 6), rtol=0, atol=1e-4)


def test_instance_norm_is_torchs() -> None:
    x = torch.randn(2, 50, 6)
    expected = torch.nn.functional.instance_norm(x.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(OverTime()(x), expected, rtol=0, atol=1e-5)


def test_frame_norm_knows_only_its_own_frame() -> None:
    x = torch.randn(1, 20, 6)
    torch.testing.assert_close(OverChannels()(x)[:, :7], OverChannels()(x[:, :7]))


def test_smoothing_repeats_the_first_and_last_frame_beyond_the_ends() -> None:
    torch.manual_seed(0)
    smoothing = Smoothing(4, "frame")
    x = torch.randn(1, 9, 4)
    padded = torch.cat((x[:, :1].expand(-1, 2, -1), x, x[:, -1:].expand(-1, 2, -1)), dim=1)
    torch.testing.assert_close(smoothing(x), smoothing(padded)[:, 2:-2])


def test_local_mixing_reaches_only_its_neighbours() -> None:
    torch.manual_seed(0)
    mixer = Mixer(8, 2, 16, 3, mixing="convolution", kernel=5)
    x = torch.randn(1, 60, 8)
    changed = x.clone()
    changed[:, 30] = torch.randn(8)
    reached = (mixer(x) - mixer(changed)).abs().amax((0, 2)) > 0
    assert reached.nonzero().flatten().tolist() == list(range(30 - 6, 30 + 7))


def test_attention_reaches_everything() -> None:
    torch.manual_seed(0)
    mixer = Mixer(8, 2, 16, 1)
    x = torch.randn(1, 60, 8)
    changed = x.clone()
    changed[:, 30] = torch.randn(8)
    assert ((mixer(x) - mixer(changed)).abs().amax((0, 2)) > 0).all()


def test_local_frames_hear_what_the_tokens_say() -> None:
    torch.manual_seed(0)
    mixer = Mixer(8, 2, 16, 1, mixing="convolution", tokens=True)
    x, tokens = torch.randn(1, 10, 8), torch.randn(1, 4, 8)
    assert ((mixer(x, tokens) - mixer(x, 2 * tokens[:, :1])).abs().amax((0, 2)) > 0).all()


def test_an_even_kernel_is_refused_in_a_sentence() -> None:
    with pytest.raises(ModelError, match="odd kernel"):
        TimeConvolution(8, 4)

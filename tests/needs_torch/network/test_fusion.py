"""The fusion attention against the form in which the paper writes it, over all pairs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.network.fusion import FusionBlock, PairAttention


def over_all_pairs(attention: PairAttention, tokens: Tensor, emotion: Tensor, audio: Tensor) -> Tensor:
    """Keys and values of every pair (emotion j, audio i) of joined frames, one softmax over all of them."""
    batch, frames_e, width = emotion.shape
    frames_a = audio.shape[1]
    left = emotion[:, :, None].expand(batch, frames_e, frames_a, width)
    right = audio[:, None].expand(batch, frames_e, frames_a, width)
    pairs = torch.cat((left, right), dim=-1).flatten(1, 2)
    k, v = attention.kv(pairs).unflatten(-1, (2, attention.heads, -1)).permute(2, 0, 3, 1, 4)
    q = attention.q(tokens).unflatten(-1, (attention.heads, -1)).transpose(1, 2)
    weights = (q @ k.transpose(-1, -2) * (width / attention.heads) ** -0.5).softmax(-1)
    return attention.proj((weights @ v).transpose(1, 2).flatten(2))


@pytest.mark.parametrize(("frames_e", "frames_a"), [(13, 13), (7, 19), (1, 5)])
def test_two_cross_attentions_are_the_attention_over_all_pairs(frames_e: int, frames_a: int) -> None:
    torch.manual_seed(1)
    attention = PairAttention(32, 4, 0.25).double()
    with torch.no_grad():
        attention.kv.weight *= 8
    tokens, emotion, audio = (torch.randn(2, n, 32, dtype=torch.float64) for n in (4, frames_e, frames_a))
    expected = over_all_pairs(attention, tokens, emotion, audio)
    torch.testing.assert_close(attention(tokens, emotion, audio), expected, rtol=0, atol=1e-12)


def test_emotion_and_audio_are_not_interchangeable() -> None:
    torch.manual_seed(1)
    block = FusionBlock(32, 4, 48, 0.25)
    tokens, emotion, audio = (torch.randn(1, n, 32) for n in (4, 9, 9))
    assert not torch.allclose(block(tokens, emotion, audio), block(tokens, audio, emotion), atol=1e-3)


def test_memory_grows_with_the_frames_and_not_with_their_square() -> None:
    attention = PairAttention(32, 4, 0.25)
    frames = torch.randn(1, 20_000, 32)
    with torch.inference_mode():
        out = attention(torch.randn(1, 4, 32), frames, frames)
    assert out.shape == (1, 4, 32)  # all pairs would be 4 · 10⁸, 100 GB of keys


def test_heads_that_do_not_divide_the_inner_width_are_refused_in_a_sentence() -> None:
    with pytest.raises(ModelError, match="heads do not divide"):
        PairAttention(32, 5, 0.25)

"""HIFB's fusion: a few tokens gather what audio and emotion say together (paper, HIFB; docs/network.md).

The published attention is over all pairs of an emotion frame j and an audio frame i, with keys and values made from
the two joined. Keys are sums k_j + k_i, so the softmax over pairs is a product of two softmaxes, and what comes out is
the sum of two ordinary cross-attentions: the same numbers in linear instead of quadratic memory.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError


class PairAttention(nn.Module):
    """Attention of the tokens over all pairs of emotion and audio frames, as the sum of two cross-attentions."""

    def __init__(self, width: int, heads: int, ratio: float) -> None:
        super().__init__()
        inner = int(width * ratio)
        if inner == 0 or inner % heads:
            raise ModelError(f"{heads} attention heads do not divide the fusion's inner width of {inner}.")
        self.heads = heads
        self.scale = (width / heads) ** -0.5
        self.q = nn.Linear(width, inner, bias=False)
        self.kv = nn.Linear(2 * width, 2 * inner, bias=False)
        self.proj = nn.Linear(inner, width)

    def forward(self, tokens: Tensor, emotion: Tensor, audio: Tensor) -> Tensor:
        """(B, K, width), (B, T_emotion, width), (B, T_audio, width) → (B, K, width)."""
        of_emotion, of_audio = self.kv.weight.chunk(2, dim=1)
        q = self._split(self.q(tokens))
        gathered = self._gather(q, emotion, of_emotion) + self._gather(q, audio, of_audio)
        out: Tensor = self.proj(gathered.transpose(1, 2).flatten(2))
        return out

    def _gather(self, q: Tensor, frames: Tensor, weight: Tensor) -> Tensor:
        k, v = functional.linear(frames, weight).chunk(2, dim=-1)
        return functional.scaled_dot_product_attention(q, self._split(k), self._split(v), scale=self.scale)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class FusionFeedForward(nn.Module):
    """Two linear layers with the exact GELU between them."""

    def __init__(self, width: int, intermediate: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, intermediate)
        self.fc2 = nn.Linear(intermediate, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, K, width) → the same."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class FusionBlock(nn.Module):
    """One step of the tokens: look at both streams, then think."""

    def __init__(self, width: int, heads: int, intermediate: int, ratio: float) -> None:
        super().__init__()
        self.norm_mm = nn.LayerNorm(width)
        self.norm_a = nn.LayerNorm(width)
        self.norm_v = nn.LayerNorm(width)
        self.attn = PairAttention(width, heads, ratio)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = FusionFeedForward(width, int(width * (intermediate / width)))

    def forward(self, tokens: Tensor, emotion: Tensor, audio: Tensor) -> Tensor:
        """(B, K, width), (B, T, width), (B, T, width) → the new tokens (B, K, width)."""
        tokens = tokens + self.attn(self.norm_mm(tokens), self.norm_v(emotion), self.norm_a(audio))
        thought: Tensor = self.mlp(self.norm_mlp(tokens))
        return tokens + thought

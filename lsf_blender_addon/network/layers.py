"""What predictor and motion prior are built of: positions, smoothing, attention, local mixing (docs/network.md).

Every layer takes and gives (B, T, width). Attribute names follow the published tensor names where those exist.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from ..models.card import Mixing, Normalisation

TABLE_LENGTH = 5000
"""Rows of the published sine table; later rows come from the same formula."""

EPSILON = 1e-5
DROPOUT = 0.1


def sine_table(length: int, width: int, device: torch.device | None = None) -> Tensor:
    """(length, 1, width): sin(t·10000^(-2i/width)) in even columns, the cosine in odd ones."""
    rate = torch.exp(torch.arange(0, width, 2, device=device).float() * (-math.log(10000.0) / width))
    angle = torch.arange(length, device=device).float()[:, None] * rate
    table = torch.empty(length, width, device=device)
    table[:, 0::2] = torch.sin(angle)
    table[:, 1::2] = torch.cos(angle)[:, : width // 2]
    return table[:, None]


class SinePositions(nn.Module):
    """Adds the sine table to the frames; in training, with dropout after it."""

    pe: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("pe", sine_table(TABLE_LENGTH, width))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same, any T."""
        frames, width = x.shape[1:]
        table = self.pe if frames <= len(self.pe) else sine_table(frames, width, x.device)
        shifted: Tensor = self.dropout(x + table[:frames, 0].to(x.dtype))
        return shifted


class OverTime(nn.Module):
    """Instance norm: every channel to mean 0 and variance 1 over time, so that the clip's length and content count."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        variance, mean = torch.var_mean(x, dim=1, keepdim=True, correction=0)
        return (x - mean) * torch.rsqrt(variance + EPSILON)


class OverChannels(nn.Module):
    """Layer norm without scale and shift: every frame by itself, independent of all others."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        return functional.layer_norm(x, x.shape[-1:], eps=EPSILON)


class TimeConvolution(nn.Conv1d):
    """A convolution over the middle axis of (B, T, in) → (B, T, out), its ends padded with the first and last frame."""

    def __init__(self, channels: int, kernel: int, dilation: int = 1) -> None:
        if kernel % 2 == 0:
            raise ModelError(f"A convolution over time needs an odd kernel, not {kernel}.")
        reach = dilation * (kernel - 1) // 2
        super().__init__(channels, channels, kernel, padding=reach, dilation=dilation, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Smoothing(nn.Sequential):
    """Convolution of five frames, LeakyReLU, normalisation: the entry of every stack (paper: squasher, expander)."""

    def __init__(self, width: int, normalisation: Normalisation, kernel: int = 5) -> None:
        norm = OverTime() if normalisation == "instance" else OverChannels()
        super().__init__(TimeConvolution(width, kernel), nn.LeakyReLU(0.2), norm)


class LinearEmbedding(nn.Module):
    """A linear map under the published name ``net``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        mapped: Tensor = self.net(x)
        return mapped


class SelfAttention(nn.Module):
    """Full attention over time; scores are scaled by width^-½, the full width, as the published weights expect."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(f"{heads} attention heads do not divide a width of {width}.")
        self.heads = heads
        self.scale = width**-0.5
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        q, k, v = self.to_qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, scale=self.scale)
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return out


class TokenReading(nn.Module):
    """Frames look at the fusion tokens: what attention over tokens and frames together gives, where mixing is local."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_kv = nn.Linear(width, 2 * width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """(B, T, width) and (B, tokens, width) → (B, T, width), to be added to the frames."""
        q = self.to_q(self.norm(x)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.to_kv(self.norm(tokens)).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return out


class FeedForward(nn.Module):
    """Two linear layers with the tanh form of GELU between them."""

    def __init__(self, width: int, intermediate: int) -> None:
        super().__init__()
        self.l1 = nn.Linear(width, intermediate)
        self.l2 = nn.Linear(intermediate, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        out: Tensor = self.l2(functional.gelu(self.l1(x), approximate="tanh"))
        return out


class Normalised(nn.Module):
    """Layer norm, then ``fn``."""

    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        out: Tensor = self.fn(self.norm(x))
        return out


class Residual(nn.Module):
    """``x + fn(x)``."""

    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        out: Tensor = x + self.fn(x)
        return out


class Mixer(nn.Module):
    """Layers of mixing over time and feed-forward, each normalised first and added to what came in.

    ``attention`` mixes over everything (published); ``convolution`` over ``kernel`` frames, and then frames read the
    fusion tokens through ``reading`` where the stack has them. No norm at the end.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        intermediate: int,
        layers: int,
        *,
        mixing: Mixing = "attention",
        kernel: int = 5,
        tokens: bool = False,
    ) -> None:
        super().__init__()
        local = mixing == "convolution"
        self.local = local
        self.net = nn.ModuleList()
        for _ in range(layers):
            over_time = TimeConvolution(width, kernel) if local else SelfAttention(width, heads)
            self.net.append(Residual(Normalised(width, over_time)))
            self.net.append(Residual(Normalised(width, FeedForward(width, intermediate))))
        self.reading = nn.ModuleList(TokenReading(width, heads) for _ in range(layers) if local and tokens)

    def forward(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        """(B, T, width) → the same; ``tokens`` (B, tokens, width) only where mixing is local.

        With attention, the caller puts the tokens in front of the frames instead.
        """
        for index in range(0, len(self.net), 2):
            x = self.net[index](x)
            if tokens is not None:
                x = x + self.reading[index // 2](x, tokens)
            x = self.net[index + 1](x)
        return x

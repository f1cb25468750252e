"""emotion2vec hears the feeling: a data2vec 2 audio encoder under the published tensor names (docs/network.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from . import frontend
from .convolutions import KERNELS, STRIDES, strided_convolution
from .settings import settings_of


@dataclass(frozen=True)
class Emotion2vecSettings:
    """Sizes of an emotion2vec; the defaults are emotion2vec-base's (``large``: embed 1024, heads 16)."""

    embed: int = 768
    heads: int = 12
    depth: int = 8
    prenet_depth: int = 4
    mlp_ratio: float = 4.0
    extra_tokens: int = 10
    conv_width: int = 512
    position_width: int = 95
    position_depth: int = 5
    position_groups: int = 16


class LocalLayer(nn.ModuleDict):
    """A strided convolution, layer norm over its channels, GELU; the published names are places in a sequence."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int) -> None:
        norm = nn.ModuleDict({"1": nn.LayerNorm(width)})
        super().__init__({"0": nn.Conv1d(channels, width, kernel, stride, bias=False), "2": norm})
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, channels) → (B, T', width)."""
        y = strided_convolution(x, self.get_parameter("0.weight"), self.stride)
        scale, shift = self.get_parameter("2.1.weight"), self.get_parameter("2.1.bias")
        return functional.gelu(functional.layer_norm(y, y.shape[-1:], scale, shift))


class LocalEncoder(nn.Module):
    """Seven convolutions from samples to frames."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inputs = (1,) + (width,) * (len(KERNELS) - 1)
        self.conv_layers = nn.ModuleList(
            LocalLayer(channels, width, kernel, stride)
            for channels, kernel, stride in zip(inputs, KERNELS, STRIDES, strict=True)
        )

    def forward(self, source: Tensor) -> Tensor:
        """(B, N) → (B, T50, width)."""
        x = source[..., None]
        for layer in self.conv_layers:
            x = layer(x)
        return x


class PositionLayer(nn.ModuleList):
    """A grouped convolution over neighbouring frames, layer norm without scale, GELU."""

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__([nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=groups)])

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        y = self[0](x.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2)
        return functional.gelu(functional.layer_norm(y, y.shape[-1:]))


class Attention(nn.Module):
    """Attention with a bias on its scores."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, L, width) and (1, heads, L, L) → (B, L, width)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        out: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


class FeedForward(nn.Module):
    """Two linear layers with the exact GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) → the same."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class Block(nn.Module):
    """Attention and feed-forward, each normalised after it was added."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width, hidden)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, L, width) and (1, heads, L, L) → (B, L, width)."""
        x = self.norm1(x + self.attn(x, bias))
        out: Tensor = self.norm2(x + self.mlp(x))
        return out


class ContextEncoder(nn.Module):
    """Layer norm, then the first stack of blocks."""

    def __init__(self, sizes: Emotion2vecSettings) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(sizes.embed)
        self.blocks = _blocks(sizes, sizes.prenet_depth)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, L, width) and (1, heads, L, L) → (B, L, width)."""
        x = self.norm(x)
        for block in self.blocks:
            x = block(x, bias)
        return x


def _blocks(sizes: Emotion2vecSettings, depth: int) -> nn.ModuleList:
    hidden = int(sizes.embed * sizes.mlp_ratio)
    return nn.ModuleList(Block(sizes.embed, sizes.heads, hidden) for _ in range(depth))


def slopes(heads: int) -> list[float]:
    """How fast each head's attention falls with distance (ALiBi).

    Powers of two have 2^(-8(h+1)/heads); other numbers take those of the next lower power, then every second one of
    twice that power.
    """
    if heads & (heads - 1) == 0:
        return [2.0 ** (-8.0 * (head + 1) / heads) for head in range(heads)]
    lower = 2 ** math.floor(math.log2(heads))
    return slopes(lower) + slopes(2 * lower)[0::2][: heads - lower]


class AudioModality(nn.Module):
    """From samples to the tokens of the first stack."""

    def __init__(self, sizes: Emotion2vecSettings) -> None:
        super().__init__()
        kernel = max(3, sizes.position_width // sizes.position_depth)
        self.slopes = slopes(sizes.heads)
        self.extra_tokens = nn.Parameter(torch.zeros(1, sizes.extra_tokens, sizes.embed))
        self.alibi_scale = nn.Parameter(torch.ones(1, 1, sizes.heads, 1, 1))
        self.local_encoder = LocalEncoder(sizes.conv_width)
        self.project_features = nn.Sequential(
            nn.Identity(), nn.LayerNorm(sizes.conv_width), nn.Linear(sizes.conv_width, sizes.embed)
        )
        self.relative_positional_encoder = nn.ModuleDict(
            {
                str(1 + layer): PositionLayer(sizes.embed, kernel, sizes.position_groups)
                for layer in range(sizes.position_depth)
            }
        )
        self.context_encoder = ContextEncoder(sizes)

    def local(self, source: Tensor) -> Tensor:
        """(B, N) → the frames before their positions, (B, T50, width)."""
        x: Tensor = self.project_features(self.local_encoder(source))
        return x

    def bias(self, frames: int) -> Tensor:
        """(1, heads, L, L) with L = extra tokens + frames: -|i - j| times slope and scale; 0 at the extra tokens."""
        scale = self.alibi_scale.clamp(min=0)[0]
        steps = torch.arange(frames, device=scale.device)
        far = -(steps[:, None] - steps).abs().to(scale.dtype)
        steepness = torch.tensor(self.slopes, device=scale.device, dtype=scale.dtype)[:, None, None] * scale[0]
        extra = self.extra_tokens.shape[1]
        return functional.pad((far * steepness)[None], (extra, 0, extra, 0))

    def forward(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) → what the first stack makes of it, (B, L, width), and the attention's bias (1, heads, L, L)."""
        x = self.local(source)
        positions = x
        for layer in self.relative_positional_encoder.values():
            positions = layer(positions)
        x = x + positions
        bias = self.bias(x.shape[1])
        x = torch.cat((self.extra_tokens.expand(len(x), -1, -1), x), dim=1)
        return self.context_encoder(x, bias), bias


class Emotion2vecEncoder(nn.Module):
    """Waveform → emotion2vec's last layer, 50 frames a second, the extra tokens removed.

    What only its pre-training used (``decoder``) is not part of it and is passed over when tensors are loaded.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        sizes = settings_of(Emotion2vecSettings, settings, "emotion2vec")
        if sizes.embed % sizes.heads:
            raise ModelError(f"{sizes.heads} attention heads do not divide emotion2vec's width of {sizes.embed}.")
        self.width = sizes.embed
        self.modality_encoders = nn.ModuleDict({"AUDIO": AudioModality(sizes)})
        self.blocks = _blocks(sizes, sizes.depth)

    @property
    def modality(self) -> AudioModality:
        """The one modality that there is."""
        modality = self.modality_encoders["AUDIO"]
        if not isinstance(modality, AudioModality):
            raise TypeError(modality)
        return modality

    def measure(self, waveform: Tensor) -> frontend.Level:
        """What must be known of whole recordings (B, N) to hear their parts."""
        return frontend.level(waveform)

    def forward(self, waveform: Tensor, of: frontend.Level | None = None) -> Tensor:
        """(B, N) raw 16 kHz → (B, T50, width); ``of`` where the waveforms are parts of recordings."""
        return self.encode(frontend.standardised(waveform, frontend.NORM_EPSILON, of))

    def encode(self, source: Tensor) -> Tensor:
        """(B, N) already standardised → (B, T50, width)."""
        x: Tensor
        x, bias = self.modality(source.to(torch.promote_types(self.dtype, torch.float32)))
        for block in self.blocks:
            x = block(x, bias)
        return x[:, self.modality.extra_tokens.shape[1] :]

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the encoder computes in."""
        return self.modality.extra_tokens.dtype

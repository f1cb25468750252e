"""HuBERT hears the words: ``transformers.HubertModel`` under the published tensor names (docs/network.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from . import frontend
from .convolutions import KERNELS, STRIDES, levelled_convolution, strided_convolution
from .settings import settings_of


@dataclass(frozen=True)
class HubertSettings:
    """Sizes of a HuBERT, under the names of its configuration files; the defaults are hubert-base's.

    ``epsilon`` is what the front end adds to the variance: 1e-7, or 1e-5 as the oldest processors did.
    """

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    conv_dim: tuple[int, ...] = (512,) * 7
    num_conv_pos_embeddings: int = 128
    num_conv_pos_embedding_groups: int = 16
    epsilon: float = 1e-7


class ConvolutionLayer(nn.Module):
    """A strided convolution and GELU; in the first layer, every channel is normalised over time between the two."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv1d(channels, width, kernel, stride, bias=False)
        if channels == 1:
            self.layer_norm = nn.GroupNorm(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, channels) → (B, T', width)."""
        weight = self.conv.weight
        if "layer_norm" not in self._modules:
            return functional.gelu(strided_convolution(x, weight, self.stride))
        norm = self.layer_norm
        levelled = levelled_convolution(x, weight, self.stride, scale=norm.weight, shift=norm.bias, epsilon=norm.eps)
        return functional.gelu(levelled)


class ConvolutionStack(nn.Module):
    """Seven convolutions from samples to frames, in place of the library's, whose tensor names it keeps."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList(
            ConvolutionLayer(channels, width, kernel, stride)
            for channels, width, kernel, stride in zip((1, *widths), widths, KERNELS, STRIDES, strict=False)
        )

    def forward(self, source: Tensor) -> Tensor:
        """(B, N) → (B, width, T50), as the library wants it."""
        x = source[..., None]
        for layer in self.conv_layers:
            x = layer(x)
        return x.transpose(1, 2)


class WeightNormConvolution(nn.Module):
    """The positional convolution, its weight stored as length and direction under the published names."""

    weight_g: nn.Parameter
    weight_v: nn.Parameter
    bias: nn.Parameter

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.groups = groups
        direction = torch.empty(width, width // groups, kernel)
        nn.init.kaiming_normal_(direction)
        self.weight_v = nn.Parameter(direction)
        self.weight_g = nn.Parameter(_length(direction))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, T) → (B, width, T + 1) for an even kernel, as the model expects."""
        weight = self.weight_v * (self.weight_g / _length(self.weight_v))
        return functional.conv1d(x, weight, self.bias, padding=self.kernel // 2, groups=self.groups)


def _length(direction: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(direction, dim=(0, 1), keepdim=True)
    return length


def published_name(name: str) -> str:
    """A tensor's published name: newer torch calls a weight's length and direction ``original0`` and ``original1``."""
    name = name.replace("parametrizations.weight.original0", "weight_g")
    return name.replace("parametrizations.weight.original1", "weight_v")


class HubertEncoder(nn.Module):
    """Waveform → HuBERT's last layer, 50 frames a second; tensors under ``audiomodel``.

    Group norm in its first layer looks over the whole clip, so clips of unequal length cannot share a padded batch.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        sizes = settings_of(HubertSettings, settings, "hubert")
        self.epsilon = sizes.epsilon
        self.width = sizes.hidden_size
        if len(sizes.conv_dim) != len(KERNELS):
            raise ModelError(f"HuBERT has {len(KERNELS)} convolutions, not {len(sizes.conv_dim)}.")
        from transformers import HubertConfig, HubertModel  # noqa: PLC0415 - seconds, and models without HuBERT live without

        config = HubertConfig(
            hidden_size=sizes.hidden_size,
            num_hidden_layers=sizes.num_hidden_layers,
            num_attention_heads=sizes.num_attention_heads,
            intermediate_size=sizes.intermediate_size,
            conv_dim=sizes.conv_dim,
            num_conv_pos_embeddings=sizes.num_conv_pos_embeddings,
            num_conv_pos_embedding_groups=sizes.num_conv_pos_embedding_groups,
            attn_implementation="sdpa",
        )
        self.audiomodel = HubertModel(config)
        self.audiomodel.feature_extractor = ConvolutionStack(sizes.conv_dim)
        self.audiomodel.encoder.pos_conv_embed.conv = WeightNormConvolution(
            sizes.hidden_size, sizes.num_conv_pos_embeddings, sizes.num_conv_pos_embedding_groups
        )

    def measure(self, waveform: Tensor) -> frontend.Level:
        """What must be known of whole recordings (B, N) to hear their parts."""
        return frontend.level(waveform)

    def forward(self, waveform: Tensor, of: frontend.Level | None = None) -> Tensor:
        """(B, N) raw 16 kHz → (B, T50, width); ``of`` where the waveforms are parts of recordings."""
        return self.encode(frontend.standardised(waveform, self.epsilon, of))

    def encode(self, source: Tensor) -> Tensor:
        """(B, N) already standardised → (B, T50, width)."""
        return cast(
            "Tensor", self.audiomodel(source.to(torch.promote_types(self.dtype, torch.float32))).last_hidden_state
        )

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the encoder computes in."""
        return cast("torch.dtype", self.audiomodel.encoder.layer_norm.weight.dtype)

"""The parameters and inputs of reference vectors: a formula of names, shapes and a salt, never trained weights.

``numpy.random.RandomState`` is numpy's frozen generator, the same stream in every version.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

TOKENS = ("fusion_tokens", "extra_tokens")
UNSCALED = ("masked_spec_embed", "quantize.embedding.weight")
SHARP = ("to_qkv.weight", "attn.q.weight", "attn.kv.weight", "attn.qkv.weight")
SHARPNESS = 2.5


def normals(name: str, shape: tuple[int, ...], salt: int) -> NDArray[np.float64]:
    """Standard normal numbers that belong to a name."""
    seed = (zlib.crc32(name.encode()) ^ salt) & 0xFFFFFFFF
    return np.random.RandomState(seed).standard_normal(int(np.prod(shape))).reshape(shape)


def parameter(name: str, shape: tuple[int, ...], salt: int) -> NDArray[np.float32]:
    """The value of a parameter, by its whole name with prefix."""
    x = normals(name, shape, salt)
    last = name.rpartition(".")[2]
    if name.endswith(TOKENS):
        x = 0.5 * x
    elif name.endswith("alibi_scale"):
        x = np.abs(1 + 0.3 * x)
    elif last == "bias" and not name.endswith(UNSCALED):
        x = 0.02 * x
    elif not name.endswith(UNSCALED):
        if last == "weight_g" or len(shape) <= 1:
            x = 1 + 0.1 * x
        else:
            x = x / np.sqrt(np.prod(shape[1:])) * (SHARPNESS if name.endswith(SHARP) else 1.0)
    return np.asarray(x, np.float32)


def tensor(tag: str, shape: tuple[int, ...], salt: int, scale: float = 1.0) -> Tensor:
    """The input that belongs to a tag, float32."""
    return torch.from_numpy((scale * normals(f"input:{tag}", shape, salt)).astype(np.float32))


def fill(module: nn.Module, prefix: str, salt: int) -> None:
    """Overwrite every parameter; buffers keep their formula."""
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.copy_(torch.from_numpy(parameter(prefix + name, tuple(value.shape), salt)))

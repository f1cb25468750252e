"""The seven strided convolutions with which HuBERT and emotion2vec begin, on frames instead of channels.

Both keep (B, T, C), so that a convolution is one or two matrix products over views of the same memory, norms over
channels need no transposing, and less rounding is lost than in a convolution's own kernels (docs/network.md). The
waveform stays float32 into the first of them where the rest computes in half precision.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)


def strided_convolution(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """A convolution without padding and bias.

    Args:
        x: (B, T, C), of the weight's precision or of a higher one, in which it is then computed.
        weight: (width, C, kernel), as a ``Conv1d`` stores it.
        stride: frames from one output to the next.

    Returns:
        (B, (T - kernel) // stride + 1, width) in the weight's precision.
    """
    if len(x) == 1:
        return _of_item(x[0], weight, stride)[None]
    return torch.stack([_of_item(item, weight, stride) for item in x])


def levelled_convolution(
    x: Tensor, weight: Tensor, stride: int, *, scale: Tensor, shift: Tensor, epsilon: float
) -> Tensor:
    """A strided convolution whose every channel is brought to mean 0 and variance 1 over time, then scaled and shifted.

    What the channels' means and variances will be follows from the covariance of the few taps that they see, so the
    levelling is part of the weights, and the long output is written once.

    Args:
        x: (B, T, C), few channels.
        weight: (width, C, kernel).
        stride: frames from one output to the next.
        scale: (width,).
        shift: (width,).
        epsilon: added to the variances.

    Returns:
        (B, (T - kernel) // stride + 1, width).
    """
    items = [_levelled(item, weight, stride, epsilon, (scale, shift)) for item in x]
    return items[0][None] if len(items) == 1 else torch.stack(items)


def _levelled(x: Tensor, weight: Tensor, stride: int, epsilon: float, after: tuple[Tensor, Tensor]) -> Tensor:
    scale, shift = after
    wide = torch.float32 if x.device.type == "mps" else torch.float64
    taps = x.unfold(0, weight.shape[-1], stride).flatten(1)
    matrix = weight.flatten(1).to(wide)
    centre = taps.to(wide).mean(0)
    apart = taps.to(wide) - centre
    variance = (matrix @ (apart.T @ apart / len(apart)) * matrix).sum(1)
    factor = scale.to(wide) * torch.rsqrt(variance.clamp(min=0) + epsilon)
    offset = shift.to(wide) - factor * (matrix @ centre)
    out = functional.linear(taps, (matrix * factor[:, None]).to(x.dtype), offset.to(x.dtype))
    return out.to(weight.dtype)


def _of_item(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    kernel = weight.shape[-1]
    frames = (len(x) - kernel) // stride + 1
    out: Tensor | None = None
    for start in range(0, kernel, stride):
        # Taps within one stride lie side by side in memory: together they are one product.
        width = min(stride, kernel - start)
        matrix = weight[..., start : start + width].transpose(1, 2).flatten(1).to(x.dtype)
        seen = _seen(x, start, width, stride, frames)
        out = functional.linear(seen, matrix) if out is None else out.addmm_(seen, matrix.T)
    if out is None:
        raise ValueError(kernel)
    return out.to(weight.dtype)


def _seen(x: Tensor, start: int, width: int, stride: int, frames: int) -> Tensor:
    """(T, C) → (frames, width * C): ``width`` neighbours from ``start`` on, every ``stride``; a view if it can be."""
    channels = x.shape[1]
    if width == 1:
        return x[start::stride][:frames]
    end = start + frames * stride
    if end > len(x):
        return x[start:].unfold(0, width, stride)[:frames].transpose(1, 2).flatten(1)
    return x[start:end].reshape(frames, stride * channels)[:, : width * channels]

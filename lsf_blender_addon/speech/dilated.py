"""A dilated convolution over frames as a few matrix products, for hearing and for learning.

Sequences lie behind one another in one long matrix with silence between them; one tap of the kernel is then a product
of a slice of that matrix with the tap's weights, without copies or changes of layout. On processors that multiply
bfloat16 natively this learns about three times as fast as the library's own convolution in float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def dilated_convolution(x: Tensor, weight: Tensor, bias: Tensor, dilation: int) -> Tensor:
    """A convolution over time, zeros beyond both ends.

    Args:
        x: (B, T, C).
        weight: (width, C, kernel), as a ``Conv1d`` stores it; the kernel is odd.
        bias: (width,).
        dilation: frames between two taps.

    Returns:
        (B, T, width).
    """
    taps = weight.permute(2, 1, 0)
    out: Tensor = _Dilated.apply(x, taps, bias, dilation)  # type: ignore[no-untyped-call]
    return out


def _spread(x: Tensor, gap: int) -> Tensor:
    """(B, T, C) → (gap + B·(T + gap), C): the sequences behind one another, ``gap`` zeros before, between and after."""
    items, frames, channels = x.shape
    long = x.new_zeros((gap + items * (frames + gap), channels))
    long[gap:].view(items, frames + gap, channels)[:, :frames] = x
    return long


def _gathered(long: Tensor, items: int, frames: int, gap: int) -> Tensor:
    """The way back, from rows that begin with the first sequence and end with the last one."""
    out = long.new_empty((items, frames, long.shape[1]))
    whole = (items - 1) * (frames + gap)
    out[:-1] = long[:whole].view(items - 1, frames + gap, long.shape[1])[:, :frames]
    out[-1] = long[whole:]
    return out


class _Dilated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Tensor, bias: Tensor, dilation: int) -> Tensor:
        items, frames, _ = x.shape
        gap = dilation * (len(taps) - 1) // 2
        long = _spread(x, gap)
        rows = items * (frames + gap) - gap
        out = torch.addmm(bias, long[:rows], taps[0])
        for number in range(1, len(taps)):
            begin = number * dilation
            out.addmm_(long[begin : begin + rows], taps[number])
        ctx.save_for_backward(long, taps)
        ctx.dilation, ctx.sizes = dilation, (items, frames, gap, rows)
        return _gathered(out, items, frames, gap)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        long, taps = ctx.saved_tensors
        items, frames, gap, rows = ctx.sizes
        upon = _spread(gradients[0], gap)
        here = upon[gap : gap + rows]
        begins = [number * ctx.dilation for number in range(len(taps))]
        of_taps = torch.stack([long[begin : begin + rows].T @ here for begin in begins])
        out = upon[2 * gap : 2 * gap + rows] @ taps[0].T
        for number in range(1, len(taps)):
            begin = 2 * gap - begins[number]
            out.addmm_(upon[begin : begin + rows], taps[number].T)
        return _gathered(out, items, frames, gap), of_taps, gradients[0].sum((0, 1)), None

"""Strided convolutions as matrix products."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lsf_blender_addon.speech.convolutions import KERNELS, STRIDES, levelled_convolution, strided_convolution


@pytest.mark.parametrize(("kernel", "stride"), sorted({*zip(KERNELS, STRIDES, strict=True), (3, 1), (2, 3), (7, 3)}))
@pytest.mark.parametrize("frames", [10, 11, 12, 37, 38])
@pytest.mark.parametrize("batch", [1, 3])
def test_products_of_views_are_the_convolution(kernel: int, stride: int, frames: int, batch: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(batch, frames, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 4, kernel, dtype=torch.float64, requires_grad=True)
    ours = strided_convolution(x, weight, stride)
    theirs = functional.conv1d(x.transpose(1, 2), weight, stride=stride).transpose(1, 2)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    gradients = [torch.autograd.grad(out.square().sum(), (x, weight)) for out in (ours, theirs)]
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_levelling_by_the_taps_is_group_norm_after_the_convolution(offset: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4000, 1).cumsum(1) / 20 + offset
    x.requires_grad_()
    weight, scale, shift = torch.randn(6, 1, 10), torch.randn(6), torch.randn(6)
    with torch.no_grad():
        weight[0] = torch.tensor([1.0, -1.0] * 5) * 1e-2  # hears almost nothing of a slow sound
    ours = levelled_convolution(x, weight, 5, scale=scale, shift=shift, epsilon=1e-5)
    exact = functional.conv1d(x.double().transpose(1, 2), weight.double(), stride=5)
    theirs = functional.group_norm(exact, 6, scale.double(), shift.double(), 1e-5).transpose(1, 2)
    torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=2e-3 if offset else 1e-4)
    (gradient,) = torch.autograd.grad(ours.square().sum(), x)
    assert gradient.isfinite().all()


def test_levelling_silence_leaves_the_shift() -> None:
    shift = torch.randn(6)
    out = levelled_convolution(
        torch.zeros(1, 100, 1), torch.randn(6, 1, 10), 5, scale=torch.ones(6), shift=shift, epsilon=1e-5
    )
    torch.testing.assert_close(out, shift.expand_as(out))

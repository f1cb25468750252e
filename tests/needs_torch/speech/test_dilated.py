"""The dilated convolution is the library's own, forwards and backwards."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lsf_blender_addon.speech.dilated import dilated_convolution


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (5, 4), (5, 16)])
def test_it_is_a_convolution_with_zeros_beyond_the_ends(items: int, kernel: int, dilation: int) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv1d(7, 9, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation)
    if convolution.bias is None:
        raise AssertionError
    x = torch.randn(items, 30, 7, requires_grad=True)
    ours = x.detach().clone().requires_grad_()
    weight, bias = (value.detach().clone().requires_grad_() for value in (convolution.weight, convolution.bias))
    wanted = convolution(x.transpose(1, 2)).transpose(1, 2)
    found = dilated_convolution(ours, weight, bias, dilation)
    torch.testing.assert_close(found, wanted)
    for out in (wanted, found):
        (out * torch.arange(9)).sin().sum().backward()
    pairs = ((ours, x), (weight, convolution.weight), (bias, convolution.bias))
    for own, library in pairs:
        torch.testing.assert_close(own.grad, library.grad, rtol=1e-4, atol=1e-4)

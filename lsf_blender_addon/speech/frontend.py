"""From a recording to what the speech encoders expect: scaling, and the geometry of their frames (docs/network.md).

Every function takes waveforms (B, N), 16 kHz mono float32, and treats each item by itself. Silence becomes zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SAMPLE_RATE = 16_000
FIELD = 400
"""Samples that one encoder frame sees: 25 ms."""

HOP = 320
"""Samples from one encoder frame to the next: 20 ms."""

FRAME_RATE = SAMPLE_RATE / HOP

NORM_EPSILON = 1e-5
"""What emotion2vec's layer norm adds to the variance."""

CONSTANT = 10 * 1.1920929e-07
"""A recording whose range is smaller than this is constant: ten times float32's rounding."""


def frame_count(samples: int) -> int:
    """How many frames the encoders make of a recording."""
    return max((samples - FIELD) // HOP + 1, 0)


def sample_count(frames: int) -> int:
    """The fewest samples that make so many frames."""
    return FIELD + HOP * (frames - 1) if frames > 0 else 0


@dataclass(frozen=True, eq=False)
class Level:
    """What the front end must know of a whole recording, so that its parts can be heard alike; each (B, 1)."""

    low: Tensor
    reach: Tensor
    mean: Tensor
    variance: Tensor


def level(waveform: Tensor) -> Level:
    """Measure whole recordings (B, N): the range, then mean and population variance of the scaled samples."""
    low = waveform.amin(-1, keepdim=True)
    reach = waveform.amax(-1, keepdim=True) - low
    reach = torch.where(reach < CONSTANT, torch.full_like(reach, 2.0), reach)
    variance, mean = torch.var_mean(_stretched(waveform, low, reach), dim=-1, keepdim=True, correction=0)
    return Level(low, reach, mean, variance)


def scaled(waveform: Tensor, of: Level | None = None) -> Tensor:
    """Each item stretched to -1…1 by its own smallest and largest sample; a constant one becomes -1 throughout."""
    of = level(waveform) if of is None else of
    return _stretched(waveform, of.low, of.reach)


def _stretched(waveform: Tensor, low: Tensor, reach: Tensor) -> Tensor:
    return (waveform - low) * (2 / reach) - 1


def standardised(waveform: Tensor, epsilon: float, of: Level | None = None) -> Tensor:
    """Scaled to -1…1, then to mean 0 and variance 1: what HuBERT (ε 1e-7 or 1e-5) and emotion2vec (ε 1e-5) expect.

    Args:
        waveform: (B, N), whole recordings or parts of them.
        epsilon: what is added to the variance.
        of: the level of the whole recordings where ``waveform`` holds parts.

    Returns:
        (B, N); zeros for silence.
    """
    of = level(waveform) if of is None else of
    return (scaled(waveform, of) - of.mean) / torch.sqrt(of.variance + epsilon)


def paired(features: Tensor, pairing: int) -> Tensor:
    """Join consecutive frames: (B, T50, F) → (B, T50 // pairing, pairing·F); what is left over is dropped."""
    frames = features.shape[1] // pairing
    return features[:, : frames * pairing].reshape(len(features), frames, -1)

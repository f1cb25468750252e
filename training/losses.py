"""What counts as wrong: curves by how much each matters to the eye, the gap between the lips above all."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

from .batches import Crops
from .coarticulation import FEATURES, JAW, gap_weights
from .face_rules import WIDE_MILLIMETRES
from .phones import BILABIALS, CONSONANTS, PHONES

_SCALES = {"mouthClose": 0.08, "eyeBlink": 0.35, "mouthPucker": 0.22, "mouthFunnel": 0.2, "mouthRoll": 0.2}
_SCALE_OF_MOUTH, _SCALE_OF_REST, _SCALE_OF_JAW = 0.15, 0.3, 0.05
LIPS_APART = 0.19
"""The least gap while the tongue makes a consonant and the lips have nothing to do."""


def channel_weights() -> Tensor:
    """(53,): 1 over what counts as one unit of error in each channel."""
    weights = torch.empty(FEATURES)
    for number, name in enumerate(ARKIT_EXPRESSIONS):
        scale = next((value for start, value in _SCALES.items() if name.startswith(start)), None)
        fallback = _SCALE_OF_MOUTH if name.startswith(("mouth", "jaw")) else _SCALE_OF_REST
        weights[number] = 1.0 / (fallback if scale is None else scale)
    weights[JAW:] = 1.0 / _SCALE_OF_JAW
    return weights / weights.mean()


def _soft(error: Tensor) -> Tensor:
    """The size of an error, rounded off below 4 % of the wide gap, so that learning settles."""
    soft: Tensor = functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.08, reduction="none")
    return soft


class MotionLoss(nn.Module):
    """The distance between two motions of one clip.

    The gap counts above all: more where the lips must be shut, and where they must not.
    """

    weights: Tensor
    lips: Tensor
    apart: Tensor

    def __init__(self, shut: float = 6.0, apart: float = 4.0, steadiness: float = 1.0) -> None:
        super().__init__()
        self.shut, self.apart_weight, self.steadiness = shut, apart, steadiness
        self.register_buffer("weights", channel_weights())
        self.register_buffer("lips", torch.from_numpy(gap_weights()).float() / WIDE_MILLIMETRES)
        free = set(CONSONANTS) - BILABIALS - {"f", "v", "w"}
        self.register_buffer("apart", torch.tensor([name in free for name in PHONES]))

    def gap(self, motion: Tensor) -> Tensor:
        """(B, T, 53) in real units → (B, T) gap, 1 is ``WIDE_MILLIMETRES``."""
        return motion @ self.lips

    def forward(self, motion: Tensor, crops: Crops) -> Tensor:
        """(B, T, 53) in real units against the batch's own motion → a scalar."""
        real = crops.real
        curves = ((motion - crops.motion).abs() * self.weights).mean(-1)
        gap = self.gap(motion)
        wanted = self.gap(crops.motion)
        importance = 1.0 + self.shut * crops.shut
        lips = _soft(gap - wanted) * importance
        free = self.apart[crops.phone] & (wanted > LIPS_APART)
        parted = torch.relu(LIPS_APART - gap) * free * self.apart_weight
        steps = _soft(gap.diff(dim=1) - wanted.diff(dim=1)) * self.steadiness
        per_frame = curves + 2.0 * lips + parted
        total = (per_frame * real).sum() / real.sum()
        steady: Tensor = (steps * real[:, 1:]).sum() / real.sum()
        return total + 1.5 * steady

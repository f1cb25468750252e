"""What counts as wrong: curves by how much each matters to the eye, the gap between the lips above all."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

from .batches import Crops
from .coarticulation import FEATURES, JAW, gap_weights
from .face_rules import WIDE_MILLIMETRES
from .phones import BILABIALS, PHONES

_SCALES = {
    "mouthClose": 0.08, "mouthPucker": 0.1, "mouthFunnel": 0.1, "mouthStretch": 0.08, "mouthSmile": 0.08,
    "mouthRoll": 0.12, "mouthUpperUp": 0.1, "mouthLowerDown": 0.1, "brow": 0.12, "eyeWide": 0.15, "eyeSquint": 0.15,
    "eyeBlink": 0.04,
}  # fmt: skip
_SCALE_OF_MOUTH, _SCALE_OF_REST, _SCALE_OF_JAW = 0.15, 0.3, 0.05
SHUT_BELOW = 0.11
"""The gap at which lips count as shut while learning, 1 is ``WIDE_MILLIMETRES``: less than what scores ask for."""

_SHARPNESS = 0.03
"""How far from ``SHUT_BELOW`` a gap is surely shut or surely open."""

LARGE = 0.15
"""How much more large errors count: rare movements, like blinks, would be left out without it."""

ROUNDING = {"mouthPucker": 1.0, "mouthFunnel": 1.0, "mouthStretchLeft": -1.5, "mouthSmileLeft": -1.5}
"""Curves that make lips narrow or wide, and how much."""

LIPS_APART = 0.2
"""Gaps wider than this, where no bilabial is spoken, are to be told apart from shut lips."""


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
    """The size of an error, rounded off below 8 % of the wide gap, so that learning settles."""
    soft: Tensor = functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.08, reduction="none")
    return soft


class MotionLoss(nn.Module):
    """The distance between two motions of one clip.

    The gap counts above all, by its size and by the decision that a viewer makes: are the lips shut or not? That
    decision is judged as a classifier is (cross-entropy of a steep curve around ``SHUT_BELOW``), so that doubt between
    /p/ and /t/ is weighed, instead of ending in lips half shut for both.

    Args:
        shut: how much the gap counts more where lips are shut.
        decided: the weight of the decision; a missed closure counts ``missed`` times as much as a wrong one.
        missed: see ``decided``.
        steadiness: the weight of the gap's movement.
        curves: the weight of all curves' errors together.
        rounding: the weight of the squared error of how round the lips are.
    """

    weights: Tensor
    lips: Tensor
    narrow: Tensor
    bilabial: Tensor

    def __init__(
        self,
        *,
        shut: float = 3.0,
        decided: float = 0.5,
        missed: float = 2.0,
        steadiness: float = 1.0,
        curves: float = 2.0,
        rounding: float = 1.0,
    ) -> None:
        super().__init__()
        self.shut, self.decided, self.missed = shut, decided, missed
        self.steadiness, self.curves, self.rounding = steadiness, curves, rounding
        narrow = torch.zeros(FEATURES)
        for name, share in ROUNDING.items():
            narrow[ARKIT_EXPRESSIONS.index(name)] = share
        self.register_buffer("narrow", narrow)
        self.register_buffer("weights", channel_weights())
        self.register_buffer("lips", torch.from_numpy(gap_weights()).float() / WIDE_MILLIMETRES)
        self.register_buffer("bilabial", torch.tensor([name in BILABIALS for name in PHONES]))

    def gap(self, motion: Tensor) -> Tensor:
        """(B, T, 53) in real units → (B, T) gap, 1 is ``WIDE_MILLIMETRES``."""
        return motion @ self.lips

    def forward(self, motion: Tensor, wanted: Tensor, crops: Crops) -> Tensor:
        """(B, T, 53) in real units against another → a scalar."""
        real = crops.real
        error = (motion - wanted).abs() * self.weights
        curves = (error + LARGE * error.square()).mean(-1)
        gap, wanted_gap = self.gap(motion), self.gap(wanted)
        lips = _soft(gap - wanted_gap) * (1.0 + self.shut * crops.shut)
        steps = _soft(gap.diff(dim=1) - wanted_gap.diff(dim=1)) * self.steadiness
        per_frame = self.curves * curves + 2.0 * lips + self.decided * self._decision(gap, wanted_gap, crops)
        per_frame = per_frame + self.rounding * ((motion - wanted) @ self.narrow).square()
        total = (per_frame * real).sum() / real.sum()
        steady: Tensor = (steps * real[:, 1:]).sum() / real.sum()
        return total + 1.5 * steady

    def _decision(self, gap: Tensor, wanted: Tensor, crops: Crops) -> Tensor:
        shut = (crops.shut > 0.8).float()
        apart = ((wanted > LIPS_APART) & ~self.bilabial[crops.phone]).float()
        evidence = (SHUT_BELOW - gap) / _SHARPNESS
        wrong = functional.softplus(-evidence) * shut * self.missed + functional.softplus(evidence) * apart
        return _SHARPNESS * 8.0 * wrong

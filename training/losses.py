"""What counts as wrong: curves by how much each matters to the eye, the gap between the lips above all."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

from .batches import Crops
from .coarticulation import FEATURES, JAW, gap_weights
from .face_rules import WIDE_MILLIMETRES
from .phones import BILABIALS, INDEX, PHONES

_SCALES = {
    "mouthClose": 0.08, "mouthPucker": 0.1, "mouthFunnel": 0.1, "mouthStretch": 0.08, "mouthSmile": 0.08,
    "mouthRoll": 0.12, "mouthUpperUp": 0.1, "mouthLowerDown": 0.1, "brow": 0.12, "eyeWide": 0.15, "eyeSquint": 0.15,
    "eyeBlink": 0.04,
}  # fmt: skip
_SCALE_OF_MOUTH, _SCALE_OF_REST, _SCALE_OF_JAW = 0.15, 0.3, 0.05
SHUT_BELOW = 0.11
"""The gap at which lips count as shut while learning, 1 is ``WIDE_MILLIMETRES``: less than what scores ask for."""

_SHARPNESS = 0.05
"""How far from ``SHUT_BELOW`` a gap is nearly surely shut or open."""

LARGE = 0.15
"""How much more large errors of brows and lids count: rare movements, like blinks, would be left out without it."""

LIDS_LEFT_OPEN = 2.0
"""How many times as much a lid counts that is too far open as one that is too far shut. Nobody can tell to a frame when
a blink comes, and what is likeliest in each frame is a lid half shut; like this, the lids shut where a blink is more
likely than one in three."""

MOUTH = 2.0
"""How much the squared errors of mouth and jaw count beside the absolute ones of brows and lids."""

ROUNDING = {"mouthPucker": 1.0, "mouthFunnel": 1.0, "mouthStretchLeft": -1.5, "mouthSmileLeft": -1.5}
"""Curves that make lips narrow or wide, and how much."""

USUAL_CLOSURE = 5.5
"""Frames that lips stay shut on a /p b m/ said neither fast nor slowly."""

BRIEFEST = 2.5
"""How many times as much as usual each frame of a brief closure counts at most."""

SILENCE = INDEX["sil"]
AT_REST = 0.02
"""The widest gap of a mouth at rest."""

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


class MotionLoss(nn.Module):
    """The distance between two motions of one clip.

    The gap counts above all. Mouth and gap are judged by squared error, whose best answer in doubt is the mean: between
    a vowel and nothing the mouth opens by half. Brows and lids are judged by absolute error, whose best answer is the
    likelier: a blink that is half certain must not become half a blink. On top comes the decision that a viewer makes,
    are the lips shut or not, so that lips that nearly shut do so; it is bounded, and pulls on no lips that are far from
    deciding.

    Args:
        gap: the weight of the gap's error; ``shut``: how much more it counts where lips are shut.
        shut: see ``gap``.
        decided: the weight of the decision; a missed closure counts ``missed`` times as much as a wrong one.
        missed: see ``decided``.
        echoing: how many times ``shut`` and ``missed`` count where an echo is as loud as the voice. It fills the
            silence of closures, so that they are in doubt there, and what is in doubt stays open.
        resting: how much more the gap counts in pauses that bring the mouth to rest.
        steadiness: the weight of the gap's movement.
        curves: the weight of all curves' errors together.
        rounding: the weight of the error of how round the lips are.
    """

    weights: Tensor
    lips: Tensor
    narrow: Tensor
    mouth: Tensor
    lids: Tensor
    bilabial: Tensor

    def __init__(
        self,
        *,
        gap: float = 8.0,
        shut: float = 3.0,
        decided: float = 0.3,
        missed: float = 2.0,
        echoing: float = 1.0,
        resting: float = 0.0,
        steadiness: float = 12.0,
        curves: float = 2.0,
        rounding: float = 1.0,
    ) -> None:
        super().__init__()
        self.gap_weight, self.shut, self.decided, self.missed, self.echoing = gap, shut, decided, missed, echoing
        self.resting, self.steadiness, self.curves, self.rounding = resting, steadiness, curves, rounding
        narrow = torch.zeros(FEATURES)
        for name, share in ROUNDING.items():
            narrow[ARKIT_EXPRESSIONS.index(name)] = share
        self.register_buffer("narrow", narrow)
        self.register_buffer("weights", channel_weights())
        mouth = [name.startswith(("mouth", "jaw")) for name in ARKIT_EXPRESSIONS] + [True] * (FEATURES - JAW)
        self.register_buffer("mouth", torch.tensor(mouth))
        lids = [name.startswith("eyeBlink") for name in ARKIT_EXPRESSIONS] + [False] * (FEATURES - JAW)
        self.register_buffer("lids", torch.tensor(lids))
        self.register_buffer("lips", torch.from_numpy(gap_weights()).float() / WIDE_MILLIMETRES)
        self.register_buffer("bilabial", torch.tensor([name in BILABIALS for name in PHONES]))

    def gap(self, motion: Tensor) -> Tensor:
        """(B, T, 53) in real units → (B, T) gap, 1 is ``WIDE_MILLIMETRES``."""
        return motion @ self.lips

    def forward(self, motion: Tensor, wanted: Tensor, crops: Crops) -> Tensor:
        """(B, T, 53) in real units against another → a scalar."""
        real = crops.real
        error = (motion - wanted).abs() * self.weights
        error = torch.where(self.lids & (motion < wanted), LIDS_LEFT_OPEN * error, error)
        curves = torch.where(self.mouth, MOUTH * error.square(), error + LARGE * error.square()).mean(-1)
        gap, wanted_gap = self.gap(motion), self.gap(wanted)
        firmer = self._firmer(crops)
        rests = (crops.phone == SILENCE) & (wanted_gap < AT_REST)
        lips = (gap - wanted_gap).square() * (1.0 + self.shut * firmer * crops.shut + self.resting * rests)
        per_frame = self.curves * curves + self.gap_weight * lips
        per_frame = per_frame + self.decided * self._decision(gap, wanted_gap, firmer, crops)
        per_frame = per_frame + self.rounding * ((motion - wanted) @ self.narrow).square()
        total = (per_frame * real).sum() / real.sum()
        steps = (gap.diff(dim=1) - wanted_gap.diff(dim=1)).square() * real[:, 1:]
        steady: Tensor = self.steadiness * steps.sum() / real.sum()
        return total + steady

    def _decision(self, gap: Tensor, wanted: Tensor, firmer: Tensor, crops: Crops) -> Tensor:
        shut = (crops.shut > 0.8).float()
        apart = ((wanted > LIPS_APART) & ~self.bilabial[crops.phone]).float()
        open_share = torch.sigmoid((gap - SHUT_BELOW) / _SHARPNESS)
        return self.missed * firmer * open_share * shut + (1.0 - open_share) * apart

    def _firmer(self, crops: Crops) -> Tensor:
        """(B, T): how many times closures count."""
        return (1.0 + (self.echoing - 1.0) * crops.echo[:, None]) * brevity(crops.shut)


def brevity(shut: Tensor) -> Tensor:
    """(B, T) of how firmly lips shut → how many times each frame counts, so that a brief closure counts as a usual one.

    Said fast, a closure lasts two frames or three, which a vowel on each side outweighs: the lips would stay open.
    """
    closed = shut > 0.5
    begins = closed & ~functional.pad(closed[:, :-1], (1, 0))
    number = begins.cumsum(1) * closed
    lengths = shut.new_zeros(len(shut), shut.shape[1] + 1).scatter_add_(1, number, closed.to(shut))
    share = (USUAL_CLOSURE / lengths.gather(1, number).clamp(min=1.0)).clamp(1.0, BRIEFEST)
    return torch.where(closed, share, torch.ones_like(share))

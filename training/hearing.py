"""What both speech encoders learn before they meet a face: phones, closures, lips, and how agitated a voice is.

The heads here only teach; none of them ships.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.lsf import encoder_of
from lsf_blender_addon.speech.mel import LogMelEncoder

from .batches import Crops
from .coarticulation import COLUMN, JAW
from .losses import channel_weights
from .phones import BILABIALS, INDEX, PHONES
from .precision import Twin

TOLD = (
    *("mouthPucker", "mouthFunnel", "mouthStretchLeft", "mouthRollLower", "mouthUpperUpLeft", "browInnerUp"),
    "eyeBlinkLeft",
)
"""Curves that the words must tell, besides gap and jaw."""


def log_mel(card: ModelCard) -> tuple[LogMelEncoder, LogMelEncoder]:
    """New encoders of words and feeling.

    Raises:
        ModelError: the card asks for other kinds.
    """
    words, feeling = encoder_of(card.audio), encoder_of(card.emotion)
    if not isinstance(words, LogMelEncoder) or not isinstance(feeling, LogMelEncoder):
        raise ModelError("Only models with log-mel encoders can be trained from spectra.")
    return words, feeling


class Heads(nn.Module):
    """Linear maps from features to what they must tell."""

    def __init__(self, words: int, feeling: int) -> None:
        super().__init__()
        self.phones = nn.Linear(words, len(PHONES))
        self.lips = nn.Linear(words, 2 + len(TOLD))
        self.closure = nn.Linear(words, 1)
        self.agitation = nn.Linear(feeling, 1)


@dataclass(frozen=True)
class HearingWeights:
    """What each part of the loss counts."""

    phones: float = 0.5
    closure: float = 1.0
    gap: float = 12.0
    curves: float = 0.3
    agitation: float = 1.0


class HearingLoss(nn.Module):
    """How wrong features are about what was said.

    Bilabials count double among phones. Gap and curves are asked for by squared error: in doubt between /p/ and /t/ the
    features tell how likely each is, where absolute error would have them decide, too early, for one.
    """

    weight: Tensor
    columns: Tensor
    scales: Tensor

    def __init__(self, heads: Heads, weights: HearingWeights | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.parts = HearingWeights() if weights is None else weights
        weight = torch.ones(len(PHONES))
        weight[[INDEX[name] for name in BILABIALS]] = 2.0
        weight[INDEX["sil"]] = 0.5
        self.register_buffer("weight", weight)
        columns = [COLUMN[name] for name in TOLD]
        self.register_buffer("columns", torch.tensor([*columns, JAW]))
        self.register_buffer("scales", channel_weights()[[*columns, JAW]])

    def forward(self, words: Tensor, crops: Crops) -> Tensor:
        """(B, T, words) → a scalar."""
        parts, real = self.parts, crops.real
        logits = self.heads.phones(words)
        phones = functional.cross_entropy(logits.transpose(1, 2), crops.phone, weight=self.weight, reduction="none")
        evidence = self.heads.closure(words)[..., 0]
        closure = functional.binary_cross_entropy_with_logits(evidence, crops.shut, reduction="none")
        told = self.heads.lips(words)
        gap = (told[..., 0] - crops.gap).square()
        curves = ((told[..., 1:] - crops.motion[..., self.columns]) * self.scales).square().mean(-1)
        total = parts.phones * phones + parts.closure * closure + parts.gap * gap + parts.curves * curves
        mean: Tensor = (total * real).sum() / real.sum()
        return mean

    def of_feeling(self, feeling: Tensor, crops: Crops) -> Tensor:
        """(B, T, feeling) → a scalar: the error of agitation, asked of every frame where somebody speaks."""
        told = self.heads.agitation(feeling)[..., 0]
        wrong = functional.smooth_l1_loss(told, crops.agitation[:, None].expand_as(told), beta=0.2, reduction="none")
        asked = crops.real * (crops.spoken > 0.9)
        error: Tensor = (wrong * asked).sum() / asked.sum().clamp(min=1.0)
        return self.parts.agitation * error


class Listeners(nn.Module):
    """Both encoders, computing in bfloat16 where that pays."""

    def __init__(self, words: LogMelEncoder, feeling: LogMelEncoder, *, half: bool) -> None:
        super().__init__()
        self.words, self.feeling = words, feeling
        self._twins = (Twin(words, half=half), Twin(feeling, half=half))

    def forward(self, crops: Crops) -> tuple[Tensor, Tensor]:
        """A batch → float32 features of both streams, (B, T, words) and (B, T, feeling)."""
        words, feeling = (twin.fast for twin in self._twins)
        return (
            words.forward_levelled(crops.words).float(),  # type: ignore[operator]
            feeling.forward_levelled(crops.feeling).float(),  # type: ignore[operator]
        )

    def refresh(self) -> None:
        """Before each step."""
        for twin in self._twins:
            twin.refresh()
            twin.fast.train(self.training)

    def collect(self) -> None:
        """After each ``backward``."""
        for twin in self._twins:
            twin.collect()

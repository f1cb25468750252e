"""Stage 1: both speech encoders learn to hear, with heads that name phones, closures and agitation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lsf_blender_addon.models.card import ModelCard

from .batches import Drawer
from .hearing import Heads, HearingLoss, Listeners, log_mel
from .precision import bfloat16_pays
from .recipe import Schedule


class Hearing:
    """The encoders and their heads (``learning.Pupil``)."""

    parts = ("words", "feeling")

    def __init__(self, card: ModelCard, schedule: Schedule) -> None:
        words, feeling = log_mel(card)
        self.schedule = schedule
        self.listeners = Listeners(words, feeling, half=bfloat16_pays())
        self.says = HearingLoss(Heads(card.predictor.audio_features, card.predictor.emotion_features))
        self.whole = nn.ModuleDict({"listeners": self.listeners, "heads": self.says.heads})

    def groups(self) -> list[dict[str, Any]]:
        """All alike."""
        return [{"params": list(self.whole.parameters()), "share": 1.0}]

    def begin(self, drawer: Drawer) -> None:
        """From nothing."""

    def wrong(self, drawer: Drawer) -> Tensor:
        """(2,) of words and feeling."""
        crops = drawer.draw(self.schedule.crops, self.schedule.frames)
        self.listeners.refresh()
        heard, felt = self.listeners(crops)
        return torch.stack((self.says(heard, crops), self.says.of_feeling(felt, crops)))

    def collect(self) -> None:
        """From the copies that computed."""
        self.listeners.collect()

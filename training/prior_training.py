"""Stage 2: the motion prior learns to write face curves as codes and to read them back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.codebook import Quantiser, ScalarQuantiser
from lsf_blender_addon.network.lsf import LsfNetwork

from .batches import Crops, Drawer
from .losses import MotionLoss
from .recipe import Schedule

STRONGEST_FEELING = 1.4
"""Agitation up to which faces are learnt: beyond 1, so that feeling can be exaggerated."""

COMMITMENT = 0.25
"""How much latents that lie far from their codes count."""

UNSATURATED = 1.3
"""The size of a number before its tanh up to which nothing is wrong: that of the last level but one."""


class Coding:
    """The prior (``learning.Pupil``)."""

    parts = ("motion", "commitment", "saturation")

    def __init__(self, card: ModelCard, schedule: Schedule) -> None:
        self.network, self.schedule = LsfNetwork(card), schedule
        self.moves = MotionLoss()
        self.whole = self.network.motion_prior

    def groups(self) -> list[dict[str, Any]]:
        """All alike."""
        return [{"params": list(self.whole.parameters()), "share": 1.0}]

    def begin(self, drawer: Drawer) -> None:
        """From nothing, with all levels in use."""
        crops = drawer.draw_motion(4 * self.schedule.crops, self.schedule.frames)
        use_all_levels(self.network, felt_somehow(crops))

    def wrong(self, drawer: Drawer) -> Tensor:
        """(3,) of what is read back, of latents far from their codes, and of flat tanhs."""
        crops = drawer.draw_motion(self.schedule.crops, self.schedule.frames)
        wanted, prior = felt_somehow(crops), self.whole
        latent = prior.motion_encoder(self.network.scaled(wanted))
        quantised = prior.quantize(latent)
        motion = self.network.in_units(prior.motion_decoder(quantised.latent))
        commitment = COMMITMENT * quantised.loss
        return torch.stack((self.moves(motion, wanted, crops), commitment, saturation(prior.quantize, latent)))

    def collect(self) -> None:
        """Nothing was worked out elsewhere."""


def felt_somehow(crops: Crops) -> Tensor:
    """The motion with any feeling, whatever the voice had."""
    return crops.felt(STRONGEST_FEELING * (2.0 * torch.rand(len(crops.agitation)) - 1.0))


def saturation(quantiser: Quantiser, latent: Tensor) -> Tensor:
    """A penalty on numbers so large that their tanh is flat: no gradient leads back, and two levels remain."""
    if not isinstance(quantiser, ScalarQuantiser):
        return latent.new_zeros(())
    return torch.relu(quantiser.project_in(quantiser.rows(latent)).abs() - UNSATURATED).square().mean()


@torch.no_grad()
def use_all_levels(network: LsfNetwork, motion: Tensor) -> None:
    """Begin with numbers that spread over all their levels, whatever the encoder's first latents are like.

    Else a scalar codebook begins with the two levels in the middle, and much of the face is never coded.
    """
    prior = network.motion_prior
    if not isinstance(prior.quantize, ScalarQuantiser):
        return
    rows = prior.quantize.rows(prior.motion_encoder(network.scaled(motion)))
    mapping = prior.quantize.project_in
    numbers = mapping(rows).flatten(0, 1)
    deviation, mean = torch.std_mean(numbers, dim=0)
    scale = 0.8 / deviation.clamp(min=1e-6)
    mapping.weight.mul_(scale[:, None])
    mapping.bias.sub_(mean).mul_(scale)

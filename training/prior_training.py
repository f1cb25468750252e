"""Stage 2: the motion prior learns to write face curves as codes and to read them back."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.codebook import Quantiser, ScalarQuantiser
from lsf_blender_addon.network.lsf import LsfNetwork

from . import checkpoints
from .batches import Crops, Drawer
from .losses import MotionLoss
from .recipe import Recipe

STRONGEST_FEELING = 1.4
"""Agitation up to which faces are learnt: beyond 1, so that feeling can be exaggerated."""


UNSATURATED = 1.3
"""The size of a number before its tanh up to which nothing is wrong: that of the last level but one."""


def train(recipe: Recipe, card: ModelCard, drawer: Drawer, folder: Path) -> Path:
    """Train until the recipe's last step, from the last checkpoint on; returns the file of the finished prior."""
    path, finished = folder / "prior.pt", folder / "prior_finished.pt"
    if finished.is_file():
        return finished
    torch.manual_seed(recipe.seed)
    network, schedule = LsfNetwork(card), recipe.prior
    prior, loss_of = network.motion_prior, MotionLoss()
    optimiser = torch.optim.AdamW(prior.parameters(), lr=schedule.rate, betas=(0.9, 0.98), weight_decay=0.01)
    state = checkpoints.load(path)
    begin = 0
    if state is None:
        use_all_levels(network, felt_somehow(drawer.draw_motion(4 * schedule.crops, schedule.frames)))
    else:
        prior.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        begin = state["step"]
    began = time.monotonic()
    for step in range(begin, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.rate_at(step, schedule)
        crops = drawer.draw_motion(schedule.crops, schedule.frames)
        wanted = felt_somehow(crops)
        latent = prior.motion_encoder(network.scaled(wanted))
        quantised = prior.quantize(latent)
        motion = network.in_units(prior.motion_decoder(quantised.latent))
        loss = loss_of(motion, wanted, crops) + 0.25 * quantised.loss + saturation(prior.quantize, latent)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        optimiser.step()
        last = step + 1 == schedule.steps
        if (step + 1) % schedule.keep_every == 0 or last:
            print(
                f"prior: step {step + 1} of {schedule.steps}, loss {loss.item():.4f}, levels in use "
                f"{quantised.perplexity.item():.1f}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
            checkpoints.save(
                path, {"weights": prior.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}
            )
    checkpoints.save(finished, {"weights": prior.state_dict()})
    return finished


def felt_somehow(crops: Crops) -> torch.Tensor:
    """The motion with any feeling, whatever the voice had."""
    return crops.felt(STRONGEST_FEELING * (2.0 * torch.rand(len(crops.agitation)) - 1.0))


def saturation(quantiser: Quantiser, latent: torch.Tensor) -> torch.Tensor:
    """A penalty on numbers so large that their tanh is flat: no gradient leads back, and two levels remain."""
    if not isinstance(quantiser, ScalarQuantiser):
        return latent.new_zeros(())
    return torch.relu(quantiser.project_in(quantiser.rows(latent)).abs() - UNSATURATED).square().mean()


@torch.no_grad()
def use_all_levels(network: LsfNetwork, motion: torch.Tensor) -> None:
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

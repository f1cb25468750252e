"""Stage 1: the motion prior learns to write face curves as codes and to read them back."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.lsf import LsfNetwork

from . import checkpoints
from .batches import Drawer
from .losses import MotionLoss
from .recipe import Recipe


def train(recipe: Recipe, card: ModelCard, drawer: Drawer, folder: Path) -> Path:
    """Train until the recipe's last step, from the last checkpoint on; returns the file of the finished prior."""
    path, finished = folder / "prior.pt", folder / "prior_finished.pt"
    if finished.is_file():
        return finished
    torch.manual_seed(1)
    network, schedule = LsfNetwork(card), recipe.prior
    prior, loss_of = network.motion_prior, MotionLoss()
    optimiser = torch.optim.AdamW(prior.parameters(), lr=schedule.rate, betas=(0.9, 0.98), weight_decay=0.01)
    state = checkpoints.load(path)
    begin = 0
    if state is not None:
        prior.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        begin = state["step"]
    began = time.monotonic()
    for step in range(begin, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.rate_at(step, schedule)
        crops = drawer.draw_motion(schedule.crops, schedule.frames)
        motion, quantised = prior(network.scaled(crops.motion))
        loss = loss_of(network.in_units(motion), crops) + 0.25 * quantised.loss
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

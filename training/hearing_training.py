"""Stage 1: both speech encoders learn to hear, with heads that name phones, closures and agitation."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import nn

from lsf_blender_addon.models.card import ModelCard

from . import checkpoints, crews
from .batches import Drawer
from .hearing import Heads, HearingLoss, Listeners, log_mel
from .precision import bfloat16_pays
from .recipe import Recipe

MEET_EVERY = 16
"""Steps between two meetings of the processes that learn together."""


def train(recipe: Recipe, card: ModelCard, drawer: Drawer, folder: Path, *, rank: int = 0) -> Path:
    """Train until the recipe's last step, from the last checkpoint on; returns the file of the finished encoders."""
    path, finished = folder / "hearing.pt", folder / "hearing_finished.pt"
    if finished.is_file():
        return finished
    torch.manual_seed(recipe.seed)
    half = bfloat16_pays()
    words, feeling = log_mel(card)
    listeners = Listeners(words, feeling, half=half)
    loss_of = HearingLoss(Heads(card.predictor.audio_features, card.predictor.emotion_features))
    both, schedule = nn.ModuleDict({"listeners": listeners, "heads": loss_of.heads}), recipe.hearing
    optimiser = torch.optim.AdamW(both.parameters(), lr=schedule.rate, betas=(0.9, 0.98), weight_decay=0.02)
    averaged = checkpoints.copied(both)
    begin = 0
    state = checkpoints.load(path)
    if state is not None:
        both.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        averaged, begin = state["averaged"], state["step"]
    torch.manual_seed(1000 * recipe.seed + 100 * begin + rank)
    began, sums = time.monotonic(), torch.zeros(2)
    both.train()
    for step in range(begin, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.rate_at(step, schedule)
        crops = drawer.draw(schedule.crops, schedule.frames)
        optimiser.zero_grad()
        listeners.refresh()
        heard, felt = listeners(crops)
        said, moved = loss_of(heard, crops), loss_of.of_feeling(felt, crops)
        (said + moved).backward()
        listeners.collect()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimiser.step()
        sums += torch.stack((said.detach(), moved.detach()))
        if (step + 1) % MEET_EVERY == 0:
            crews.average(both.parameters())
        checkpoints.follow(averaged, both, min(recipe.average, (1 + step) / (10 + step)))
        last = step + 1 == schedule.steps
        if rank == 0 and ((step + 1) % schedule.keep_every == 0 or last):
            print(
                f"hearing: step {step + 1} of {schedule.steps}, words {sums[0] / schedule.keep_every:.4f}, "
                f"feeling {sums[1] / schedule.keep_every:.4f}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
            sums.zero_()
            checkpoints.save(
                path,
                {
                    "weights": both.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "averaged": averaged,
                    "step": step + 1,
                },
            )
    if rank == 0:
        checkpoints.save(finished, {"averaged": averaged})
    return finished

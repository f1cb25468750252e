"""Work that can stop anywhere: a stage's state is written whole beside the last one and then takes its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .recipe import Schedule


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a stage's state."""
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


def load(path: Path) -> dict[str, Any] | None:
    """The state that was written last; None where the stage has not begun."""
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state


def rate_at(step: int, schedule: Schedule) -> float:
    """The learning rate of a step: a linear rise, then a cosine down to a fiftieth."""
    if step < schedule.warm:
        return schedule.rate * (step + 1) / schedule.warm
    share = (step - schedule.warm) / max(1, schedule.steps - schedule.warm)
    falling = 0.5 * (1.0 + float(torch.cos(torch.tensor(share * torch.pi))))
    return schedule.rate * max(0.02, falling)


def copied(module: nn.Module) -> dict[str, Tensor]:
    """A module's tensors, to be moved by ``follow``."""
    return {name: value.clone() for name, value in module.state_dict().items()}


@torch.no_grad()
def follow(averaged: dict[str, Tensor], module: nn.Module, decay: float) -> None:
    """Move the average towards the module's tensors."""
    for name, value in module.state_dict().items():
        if value.dtype.is_floating_point:
            averaged[name].lerp_(value, 1.0 - decay)
        else:
            averaged[name].copy_(value)

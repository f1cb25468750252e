"""How every stage learns: steps of crops, a rate that rises and falls, a moving average, a checkpoint now and then."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from . import checkpoints, crews
from .batches import Drawer
from .recipe import Schedule

MEET_EVERY = 16
"""Steps between two meetings of the processes that learn together."""


class Pupil(Protocol):
    """What a stage teaches."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What its losses are called, in their order."""
        ...

    @property
    def schedule(self) -> Schedule:
        """Its steps."""
        ...

    @property
    def whole(self) -> nn.Module:
        """Everything that learns; its moving average is what the stage leaves behind."""
        ...

    def groups(self) -> list[dict[str, Any]]:
        """The optimiser's groups: ``params``, and ``share``, their part of the learning rate."""
        ...

    def begin(self, drawer: Drawer) -> None:
        """Called before the first step, not where a checkpoint is taken up."""
        ...

    def wrong(self, drawer: Drawer) -> Tensor:
        """(parts,) how much is wrong about newly drawn crops; their sum is learnt from."""
        ...

    def collect(self) -> None:
        """Fetch gradients that were worked out elsewhere; called after ``backward``."""
        ...


def learn(stage: str, pupil: Pupil, drawer: Drawer, folder: Path, *, seed: int, average: float, rank: int) -> None:
    """Teach until the last step, from the last checkpoint on; leaves ``STAGE_finished.pt`` in the folder.

    Args:
        stage: the name of its files.
        pupil: what learns.
        drawer: gives the material.
        folder: where checkpoints lie.
        seed: of what is drawn besides crops.
        average: decay of the moving average.
        rank: of this process among those that learn together; the first one writes.
    """
    path, schedule = folder / f"{stage}.pt", pupil.schedule
    optimiser = torch.optim.AdamW(pupil.groups(), lr=schedule.rate, betas=(0.9, 0.98), weight_decay=0.02)
    state = checkpoints.load(path)
    if state is None:
        pupil.begin(drawer)
        averaged, begin = checkpoints.copied(pupil.whole), 0
    else:
        pupil.whole.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        averaged, begin = state["averaged"], state["step"]
    torch.manual_seed(1000 * seed + 100 * begin + rank)
    began, sums = time.monotonic(), torch.zeros(len(pupil.parts))
    pupil.whole.train()
    for step in range(begin, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.rate_at(step, schedule) * group["share"]
        optimiser.zero_grad()
        parts = pupil.wrong(drawer)
        parts.sum().backward()  # type: ignore[no-untyped-call]
        pupil.collect()
        nn.utils.clip_grad_norm_(pupil.whole.parameters(), 1.0)
        optimiser.step()
        sums += parts.detach()
        if (step + 1) % MEET_EVERY == 0:
            crews.average(pupil.whole.parameters())
        checkpoints.follow(averaged, pupil.whole, min(average, (1 + step) / (10 + step)))
        done = step + 1
        if rank == 0 and (done % schedule.keep_every == 0 or done == schedule.steps):
            told = ", ".join(
                f"{name} {value / schedule.keep_every:.4f}" for name, value in zip(pupil.parts, sums, strict=True)
            )
            sums.zero_()
            print(f"{stage}: step {done} of {schedule.steps}, {told}, {time.monotonic() - began:.0f} s", flush=True)
            weights, moments = pupil.whole.state_dict(), optimiser.state_dict()
            state = {"weights": weights, "optimiser": moments, "averaged": averaged, "step": done}
            checkpoints.save(path, state)
    if rank == 0:
        checkpoints.save(finished_file(folder, stage), {"averaged": averaged})


def finished_file(folder: Path, stage: str) -> Path:
    """Where a stage leaves its average."""
    return folder / f"{stage}_finished.pt"


def left_by(folder: Path, stage: str) -> dict[str, Tensor]:
    """The averaged tensors that a finished stage has left.

    Raises:
        FileNotFoundError: it is not finished.
    """
    state = checkpoints.load(finished_file(folder, stage))
    if state is None:
        raise FileNotFoundError(finished_file(folder, stage))
    averaged: dict[str, Tensor] = state["averaged"]
    return averaged

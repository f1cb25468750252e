"""One reference file: what it holds, what we made of it, and how far the two are apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

ROUNDING = 1e-4
"""What float32 may round in a file of a tolerance below it (measured: 2e-5 as a rule in the small encoders)."""

WORST_ROUNDING = 5e-4
"""What a file itself may be from float64 at the most (measured over 60 fillings and lengths: up to 2.1e-4)."""

ALIKE = 5.0
"""How many times our own rounding a file's may be (measured there, the published operations in their own order: 0.3
to 3.2 times)."""


@dataclass(frozen=True)
class Difference:
    """The worst difference of one array, or of a few that were compared together."""

    array: str
    worst: float
    tolerance: float

    @property
    def share(self) -> float:
        """Of the tolerance; above 1 it fails."""
        return self.worst / self.tolerance if np.isfinite(self.worst) else float("inf")


@dataclass
class Comparison:
    """A file under comparison; arrays that nobody asked for are a failure, so that nothing passes unseen."""

    arrays: dict[str, NDArray[Any]]
    salt: int
    asked: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def given(self, name: str) -> Tensor:
        """An input, as a tensor of its own type."""
        return torch.from_numpy(self.array(name))

    def array(self, name: str) -> NDArray[Any]:
        """An array of the file, as it is."""
        self.asked.add(name)
        return self.arrays[name]

    def matching(self, prefix: str) -> list[str]:
        """Names of the arrays that begin so."""
        return [name for name in self.arrays if name.startswith(prefix)]

    def near(
        self,
        name: str,
        ours: Tensor | ArrayLike,
        tolerance: float,
        exact: Callable[[], Tensor] | None = None,
        relative: float = 0.0,
    ) -> None:
        """Compare with the array ``name``, where the file has it; ``relative`` is a tolerance of its largest number.

        A file is float32, made on one processor; on another, float32 may round otherwise by more than the tolerance.
        Where that happens and ``exact`` computes ours in float64, both the file and ours in float32 are compared with
        that instead: ours may be off by ``ROUNDING``, twice the tolerance or twice what the file is off, the file by
        ``ALIKE`` times what ours is off, never more than ``WORST_ROUNDING``.
        """
        if name not in self.arrays:
            return
        theirs = np.asarray(self.array(name), np.float64)
        mine = ours.detach().double().numpy() if isinstance(ours, Tensor) else np.asarray(ours, np.float64)
        if mine.shape != theirs.shape:
            self.differences.append(Difference(f"{name} {mine.shape}, not {theirs.shape}", float("inf"), tolerance))
            return
        tolerance = max(tolerance, relative * float(np.abs(theirs).max(initial=0.0)))
        worst = float(np.abs(mine - theirs).max(initial=0.0))
        if worst > tolerance and exact is not None:
            truth = exact().numpy()
            rounded = float(np.abs(truth - theirs).max(initial=0.0))
            worst = float(np.abs(truth - mine).max(initial=0.0))
            most = min(max(tolerance, ALIKE * worst), WORST_ROUNDING)
            self.differences.append(Difference(f"{name}, the file from float64", rounded, most))
            tolerance = max(ROUNDING, 2 * tolerance, 2 * min(rounded, most))
            name = f"{name}, from float64"
        self.differences.append(Difference(name, worst if np.isfinite(worst) else float("inf"), tolerance))

    def same(self, name: str, ours: Tensor, clear: Tensor | None = None) -> Tensor:
        """Compare indices exactly, on the rows that are ``clear``; returns ours, with theirs where it was close."""
        theirs = torch.from_numpy(self.array(name).astype(np.int64)).reshape(ours.shape)
        rows = torch.ones_like(ours, dtype=torch.bool) if clear is None else clear.reshape(ours.shape)
        wrong = int((ours[rows] != theirs[rows]).sum())
        self.differences.append(Difference(f"{name}: other codes", float(wrong), 0.5))
        return torch.where(rows, ours, theirs)

    def finish(self, needed: str) -> None:
        """Count arrays that were not asked for as failures, and the lack of the one that the file is about."""
        if needed not in self.arrays:
            self.differences.append(Difference(f"{needed}: missing", float("inf"), 1.0))
        self.differences += [
            Difference(f"{name}: not compared", float("inf"), 1.0) for name in sorted(set(self.arrays) - self.asked)
        ]


def clear_rows(distances: Tensor, gap: float) -> Tensor:
    """Where the nearest code is nearer than the next by more than ``gap``: (..., codes) → (...) of bool."""
    nearest = distances.topk(2, dim=-1, largest=False).values
    return nearest[..., 1] - nearest[..., 0] > gap

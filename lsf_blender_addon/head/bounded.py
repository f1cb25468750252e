"""Least squares within bounds, with one matrix for all frames: convex, so its answer follows what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIRST_STEPS, LATER_STEPS = 96, 24
"""Steps from nothing, and from an answer that is nearly right."""

RELAXATION = 1.8
"""How far each step goes beyond itself (Boyd et al. 2011, 3.4.3)."""

LOOK, SETTLED = 8, 1e-5
"""How often a look is taken whether the answers still move, and by how little of their range they no longer do."""

TOUCHING = 1e-9
SMALLEST_VALUE = 1e-4
"""Of the scaled matrix' least eigenvalue, for the step: directions flatter than that may take their time."""


@dataclass(frozen=True, eq=False)
class BoundedFit:
    """The x (K,) that makes the weighted squares of rows·x - wanted and (x - prior)·costs·(x - prior) least in bounds.

    Attributes:
        weighted: (R, K) the rows times their squared weights.
        costs: (K, K) symmetric, positive definite: what a distance from the prior costs.
        matrix: (K, K) symmetric, positive definite.
        inverse: (K, K) of the matrix.
        low: (K,) lower bounds.
        high: (K,) upper bounds.
        scales: (K,) units in which the matrix has ones on its diagonal.
        stepping: (K, K) float32, the inverse of (scaled matrix + step).
        step: how strongly a step holds on to the bounds.
    """

    weighted: Floats
    costs: Floats
    matrix: Floats
    inverse: Floats
    low: Floats
    high: Floats
    scales: Floats
    stepping: NDArray[np.float32]
    step: float

    @classmethod
    def of(cls, rows: Floats, weights: Floats, costs: Floats, low: Floats, high: Floats) -> BoundedFit:
        """A problem of rows (R, K) with weights (R,), costs (K, K), and bounds (K,)."""
        weighted = rows * weights[:, None] ** 2
        matrix = weighted.T @ rows + costs
        scales = 1 / np.sqrt(np.diag(matrix))
        alike = scales[:, None] * matrix * scales
        values = np.linalg.eigvalsh(alike)
        step = float(np.sqrt(max(values[0], SMALLEST_VALUE) * values[-1]))
        stepping = np.linalg.inv(alike + step * np.eye(len(costs))).astype(np.float32)
        return cls(weighted, costs, matrix, np.linalg.inv(matrix), low, high, scales, stepping, step)

    def improved(
        self, found: Floats, misses: NDArray[Any], prior: Floats | None = None, *, first: bool = True
    ) -> Floats:
        """The answer (T, K) that takes away what ``found`` (T, K) misses, (T, R); the prior is zero where None."""
        goal = misses @ self.weighted + found @ (self.matrix - self.costs)
        if prior is not None:
            goal += prior @ self.costs
        return self.bounded(goal, None if first else found)

    def bounded(self, goal: Floats, near: Floats | None = None) -> Floats:
        """The least of x·matrix·x / 2 - goal·x within the bounds, (T, K), by ADMM (Boyd et al. 2011, 5.2).

        Args:
            goal: (T, K).
            near: (T, K) answers to nearly the same goals.
        """
        best = goal @ self.inverse
        out = np.flatnonzero(((best < self.low) | (best > self.high)).any(axis=1))
        if len(out):
            best[out] = self._within(goal[out], best[out], None if near is None else near[out])
        return np.asarray(best, np.float64)

    def _within(self, goal: Floats, best: Floats, near: Floats | None) -> Floats:
        low, high = (self.low / self.scales).astype(np.float32), (self.high / self.scales).astype(np.float32)
        start = np.clip(best if near is None else near, self.low, self.high)
        pull = (goal - start @ self.matrix) * self.scales
        # what the bounds hold back: outward pulls where they are touched
        held = np.where(start <= self.low + TOUCHING, np.minimum(pull, 0.0), 0.0)
        held += np.where(start >= self.high - TOUCHING, np.maximum(pull, 0.0), 0.0)
        inside = (start / self.scales).astype(np.float32)
        price = (held / self.step).astype(np.float32)
        wanted = (goal * self.scales).astype(np.float32)
        step, span = np.float32(self.step), float((high - low).max())
        for number in range(FIRST_STEPS if near is None else LATER_STEPS):
            free = (wanted + step * (inside - price)) @ self.stepping
            free = RELAXATION * free + (1 - RELAXATION) * inside
            moved = free + price
            before, inside = inside, np.clip(moved, low, high)
            price = moved - inside
            if number % LOOK == LOOK - 1 and np.abs(inside - before).max() < SETTLED * span:
                break
        return np.asarray(np.clip(inside * self.scales, self.low, self.high), np.float64)

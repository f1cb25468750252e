"""From one head's space to another's: the only way across.

``to_flame`` lets what is spoken in ``arkit`` be spoken by a FLAME head, ``to_arkit`` goes back.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, MotionError
from ..motion import CHANNELS, FaceMotion
from .fit import Fit, Side, Solved
from .model import Head, Space

Floats = NDArray[np.float64]

LIMIT = 3.0
"""Standard deviations that an expression component may reach: beyond, FLAME's faces are none."""

SHRINKAGE = 0.05
"""Square millimetres that a component's square costs."""

CHUNK = 1000


def to_flame(
    motion: FaceMotion, source: Head, target: Head, identity: NDArray[np.floating[Any]] | None = None
) -> FaceMotion:
    """What a motion in ``arkit`` is on a FLAME head.

    Args:
        motion: T frames in ``arkit``.
        source: the head whose lips, lids and brows say what that means, in ``arkit``: the bundled one.
        target: the head that is to speak, in ``flame``.
        identity: (S,) the target's identity coefficients; its own neutral where None.

    Returns:
        T frames in ``flame``: FLAME's first 50 expression components, each within ±3, and the jaw's axis-angle.
        ``origin`` gets ``retargeted``: from and to which head, how far named points lie from where they belong
        (``residual_mm``, root mean square, and ``worst_mm``), and the share of values that the bounds hold back.

    Raises:
        MotionError: the motion is not in ``arkit``.
        HeadError: a head is in the wrong space, has too few expressions, or lacks the landmarks; or the identity does
            not fit.
    """
    if motion.space != "arkit":
        raise MotionError(
            f"Only motions in the space 'arkit' can be retargeted to FLAME; this one is {motion.space!r}."
        )
    who = identity_of(target, identity)
    fit = Fit.of(side_of(source, "arkit"), dataclasses.replace(side_of(target, "flame"), identity=who))
    solved = in_chunks(fit, motion.expression, motion.jaw)
    return dataclasses.replace(
        motion,
        expression=solved.expression,
        jaw=solved.jaw,
        space="flame",
        origin={**motion.origin, "retargeted": report(source, target, solved, fit)},
    )


def identity_of(head: Head, identity: NDArray[np.floating[Any]] | None) -> Floats | None:
    """Identity coefficients as float64 (S,), checked against the head.

    Raises:
        HeadError: they are too many, or not finite.
    """
    who = None if identity is None else np.asarray(identity, np.float64).reshape(-1)
    if who is not None and (who.size > head.shape_count or not np.isfinite(who).all()):
        raise HeadError(
            f"{who.size} identity numbers do not fit the head {head.name!r}: it takes up to {head.shape_count}, "
            "all finite."
        )
    return who


def side_of(head: Head, space: Space) -> Side:
    """A head of a known space as one side of a fit: 50 expressions, and a jaw that turns.

    Raises:
        HeadError: the head is in another space, or has fewer expressions.
    """
    if head.space != space:
        raise HeadError(f"The head {head.name!r} is in the space {head.space!r}, and {space!r} is needed here.")
    if head.expression_count < CHANNELS:
        raise HeadError(
            f"The head {head.name!r} has {head.expression_count} expression directions; {CHANNELS} are needed."
        )
    low, high = (-LIMIT, LIMIT) if space == "flame" else (0.0, 1.0)
    return Side(
        head=head,
        count=CHANNELS,
        turns=True,
        low=np.full(CHANNELS, low),
        high=np.full(CHANNELS, high),
        costs=np.full(CHANNELS, SHRINKAGE),
    )


def in_chunks(fit: Fit, expression: NDArray[np.float32], jaw: NDArray[np.float32]) -> Solved:
    """Any number of frames, a few at a time: what the processor works on stays near it."""
    parts = [
        fit.solved(expression[begin : begin + CHUNK], jaw[begin : begin + CHUNK]) for begin in range(0, len(jaw), CHUNK)
    ]
    return Solved(
        np.concatenate([part.expression for part in parts]),
        np.concatenate([part.jaw for part in parts]),
        np.concatenate([part.squares for part in parts]),
    )


def report(source: Head, target: Head, solved: Solved, fit: Fit) -> dict[str, Any]:
    """What a motion's origin remembers of the way across: JSON values."""
    low, high = fit.parted.low, fit.parted.high
    held = (solved.expression >= high - 1e-6) | ((solved.expression <= low + 1e-6) & (low < 0))
    return {
        "from": source.name,
        "to": target.name,
        "residual_mm": round(float(np.sqrt(solved.squares.mean())), 4),
        "worst_mm": round(float(np.sqrt(solved.squares.max())), 4),
        "at_bounds": round(float(held.mean()), 6),
    }

"""From one head's space to another's: the only way across.

``to_flame`` lets what is spoken in ``arkit`` be spoken by a FLAME head. The bundled head plays the motion; its lips,
lids, brows and skin say where the same points of the FLAME head belong, in units of the face's size; and FLAME's first
50 expression components are fitted to that, frame by frame, with the jaw already turned. The fit is one convex problem
of the same matrix on every frame, so that its answer follows the motion continuously: nothing flickers that did not.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, MotionError
from ..motion import CHANNELS, FaceMotion
from .correspondence import LOWER_LINE, NAMES, RIM_NAMES, UPPER_LINE, Correspondence, Points, correspond
from .model import Head
from .skinning import rotation_matrices

Floats = NDArray[np.float64]

LIMIT = 3.0
"""Standard deviations that an expression component may reach: beyond, FLAME's faces are none."""

MILLIMETRES = 1000.0
SHRINKAGE = 0.05
"""Square millimetres that a component's square costs."""

LIP_WEIGHT, LID_WEIGHT, NAMED_WEIGHT, SKIN_WEIGHT = 1.5, 1.0, 1.0, 0.35
OPEN_GAP_WEIGHT, CLOSED_GAP_WEIGHT = 5.0, 20.0
"""How much the points and the heights between the lips count; the latter most while the lips are nearly closed."""

PARTING = 0.4
"""Millimetres between the source's lips at which half of the target's overlap at rest has been opened."""

UPPER_SHARE = 0.25
"""How much of that the upper lip does."""

ROUNDS = 3
"""Solutions per frame: each sees what the turned jaw does to the one before."""

BOUNDING_STEPS = 60
CHUNK = 1000
TRIAL_ANGLE = 0.2
WIDEST_JAW = 0.7


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
    for head, space in ((source, "arkit"), (target, "flame")):
        if head.space != space:
            raise HeadError(f"The head {head.name!r} is in the space {head.space!r}, and {space!r} is needed here.")
        if head.expression_count < CHANNELS:
            raise HeadError(
                f"The head {head.name!r} has {head.expression_count} expression directions; {CHANNELS} are needed."
            )
    who = None if identity is None else np.asarray(identity, np.float64).reshape(-1)
    if who is not None and (who.size > target.shape_count or not np.isfinite(who).all()):
        raise HeadError(
            f"{who.size} identity numbers do not fit the head {target.name!r}: it takes up to {target.shape_count}, "
            "all finite."
        )
    fit = _Fit.of(source, target, who)
    parts = [
        fit.solved(motion.expression[begin : begin + CHUNK], motion.jaw[begin : begin + CHUNK])
        for begin in range(0, motion.frames, CHUNK)
    ]
    squares = np.concatenate([part.squares for part in parts])
    expression = np.concatenate([part.expression for part in parts])
    report = {
        "from": source.name,
        "to": target.name,
        "residual_mm": round(float(np.sqrt(squares.mean())), 4),
        "worst_mm": round(float(np.sqrt(squares.max())), 4),
        "at_bounds": round(float((np.abs(expression) >= LIMIT - 1e-6).mean()), 6),
    }
    return dataclasses.replace(
        motion,
        expression=expression,
        jaw=np.concatenate([part.jaw for part in parts]),
        space="flame",
        origin={**motion.origin, "retargeted": report},
    )


@dataclass(frozen=True, eq=False)
class _Solved:
    """``expression`` (T, 50), ``jaw`` (T, 3), ``squares`` (T, N) squared millimetres of the named points' errors."""

    expression: NDArray[np.float32]
    jaw: NDArray[np.float32]
    squares: Floats


@dataclass(frozen=True, eq=False)
class _Fit:
    """Everything about two heads that does not change from frame to frame; lengths are the source's millimetres."""

    source: Head
    target: Head
    identity: Floats | None
    pairs: Correspondence
    source_rest: Floats
    target_rest: Floats
    lids: Floats
    jaw_scale: float
    yaw: Floats
    parted: _Problem
    closed: _Problem
    going: Floats

    @classmethod
    def of(cls, source: Head, target: Head, identity: Floats | None) -> _Fit:
        pairs = correspond(source, target, identity)
        still = np.zeros((1, CHANNELS)), np.zeros((1, 3))
        source_rest = pairs.source.posed(source, *still, None)[0].astype(np.float64)
        target_rest = pairs.target.posed(target, *still, identity)[0].astype(np.float64)
        unit = MILLIMETRES / pairs.scale
        directions = pairs.target.directions(target, CHANNELS) * unit
        gaps = directions[_UPPER, 1] - directions[_LOWER, 1]
        rows = np.concatenate([directions.reshape(-1, CHANNELS), gaps])
        points = np.repeat(_weights(len(source_rest)), 3)
        parted, closed = (
            _Problem.of(rows, np.concatenate([points, np.full(len(gaps), weight)]))
            for weight in (OPEN_GAP_WEIGHT, CLOSED_GAP_WEIGHT)
        )
        return cls(
            source=source,
            target=target,
            identity=identity,
            pairs=pairs,
            source_rest=source_rest,
            target_rest=target_rest,
            lids=_lid_scales(source_rest, target_rest, pairs.scale),
            jaw_scale=_jaw_scale(pairs, source, target, identity),
            yaw=_yaw(pairs, source, target, target_rest),
            parted=parted,
            closed=closed,
            going=pairs.target.jaw_weights(target)[:, None],
        )

    def solved(self, expression: NDArray[np.float32], jaw: NDArray[np.float32]) -> _Solved:
        """A stretch of frames; each depends on itself alone."""
        turned = np.asarray(jaw, np.float64) * self.jaw_scale
        turned[:, 1] += expression.astype(np.float64) @ self.yaw
        angle = np.linalg.norm(turned, axis=1, keepdims=True)
        turned *= np.minimum(1.0, WIDEST_JAW / np.maximum(angle, 1e-9))
        wanted, opening = self._wanted(expression, jaw)
        shut = (1 - _parting(opening.max(axis=1) / 2))[:, None]
        back = rotation_matrices(turned)
        found = np.zeros((len(expression), CHANNELS))
        for _ in range(ROUNDS):
            error = wanted - self._placed(found, turned)
            apart = error[:, _UPPER, 1] - error[:, _LOWER, 1]
            pulled = error + self.going * (error @ back - error)
            misses = np.concatenate([pulled.reshape(len(error), -1), apart], axis=1)
            found = (1 - shut) * self.parted.improved(found, misses) + shut * self.closed.improved(found, misses)
        named = (wanted[:, : len(NAMES)] - self._placed(found, turned, len(NAMES))) * self.pairs.scale
        return _Solved(found.astype(np.float32), turned.astype(np.float32), (named**2).sum(axis=2))

    def _wanted(self, expression: NDArray[np.float32], jaw: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """How far from their rest the target's points belong (T, P, 3), and how far the source's lips part (T, 7)."""
        moved = self.pairs.source.posed(self.source, expression, jaw, None) - self.source_rest
        offset = (moved * MILLIMETRES) @ self.pairs.turn.T
        offset[:, : len(NAMES)] *= self.lids[:, None]
        opening = np.maximum(offset[:, _UPPER, 1] - offset[:, _LOWER, 1], 0.0)
        rest = (self.target_rest[_UPPER, 1] - self.target_rest[_LOWER, 1]) * MILLIMETRES / self.pairs.scale
        more = np.maximum(-rest, 0.0) * _parting(opening)
        offset[:, _UPPER, 1] += UPPER_SHARE * more
        offset[:, _LOWER, 1] -= (1 - UPPER_SHARE) * more
        return np.asarray(offset, np.float64), np.asarray(opening, np.float64)

    def _placed(self, found: Floats, turned: Floats, count: int | None = None) -> Floats:
        """How far the target's points, or the first ``count`` of them, are from their rest (T, P, 3)."""
        on = Points(self.pairs.target.vertices[:count], self.pairs.target.weights[:count])
        placed = on.posed(self.target, found, turned, self.identity) - self.target_rest[:count]
        return np.asarray(placed * (MILLIMETRES / self.pairs.scale), np.float64)


@dataclass(frozen=True, eq=False)
class _Problem:
    """Weighted rows of a bounded, shrunk least-squares problem whose matrix is the same on every frame.

    ``rows`` (R, 50), ``weighted`` (R, 50) the rows times their squared weights, ``matrix`` (50, 50).
    """

    rows: Floats
    weighted: Floats
    matrix: Floats
    inverse: Floats
    stepping: Floats
    step: float

    @classmethod
    def of(cls, rows: Floats, weights: Floats) -> _Problem:
        weighted = rows * weights[:, None] ** 2
        matrix = weighted.T @ rows + SHRINKAGE * np.eye(CHANNELS)
        values = np.linalg.eigvalsh(matrix)
        step = float(np.sqrt(values[0] * values[-1]))
        stepping = np.linalg.inv(matrix + step * np.eye(CHANNELS))
        return cls(rows, weighted, matrix, np.linalg.inv(matrix), stepping, step)

    def improved(self, found: Floats, misses: Floats) -> Floats:
        """The answer (T, 50) that takes away what ``found`` misses, (T, R)."""
        return self.bounded(misses @ self.weighted + found @ self.matrix - SHRINKAGE * found)

    def bounded(self, goal: Floats) -> Floats:
        """The least of x·H·x / 2 - goal·x within the bounds, (T, 50), by ADMM (Boyd et al. 2011, 5.2)."""
        best = goal @ self.inverse
        out = np.flatnonzero(np.abs(best).max(axis=1, initial=0.0) > LIMIT)
        if len(out):
            inside = np.clip(best[out], -LIMIT, LIMIT)
            price = np.zeros_like(inside)
            for _ in range(BOUNDING_STEPS):
                free = (goal[out] + self.step * (inside - price)) @ self.stepping
                inside = np.clip(free + price, -LIMIT, LIMIT)
                price += free - inside
            best[out] = inside
        return best


_UPPER = [NAMES.index(name) for name in UPPER_LINE[1:-1]]
_LOWER = [NAMES.index(name) for name in LOWER_LINE]
_CORNERS = [NAMES.index(name) for name in (UPPER_LINE[0], UPPER_LINE[-1])]


def _parting(opening: Floats) -> Floats:
    """0 for closed lips to 1 for parted ones, of millimetres."""
    return np.asarray(1 - 1 / (1 + (opening / PARTING) ** 4), np.float64)


def _weights(count: int) -> Floats:
    """(P,) how much each point counts: lips and lids before skin."""
    weights = np.full(count, SKIN_WEIGHT)
    weights[: len(NAMES)] = NAMED_WEIGHT
    weights[_UPPER + _LOWER + _CORNERS + [NAMES.index(name) for name in RIM_NAMES]] = LIP_WEIGHT
    weights[[NAMES.index(name) for name in NAMES if name.startswith("eye_")]] = LID_WEIGHT
    return weights


def _lid_scales(source_rest: Floats, target_rest: Floats, scale: float) -> Floats:
    """(N,) what the named points' movements are multiplied by: a lid crosses its own eye, however wide that is."""
    scales = np.ones(len(NAMES))
    for side in ("left", "right"):
        upper, lower = (NAMES.index(f"eye_{side}_{part}") for part in ("upper", "lower"))
        ratio = (target_rest[upper, 1] - target_rest[lower, 1]) / (source_rest[upper, 1] - source_rest[lower, 1])
        if not ratio > 0:
            raise HeadError("The landmarks of a head's lids do not lie one above the other: it has no open eyes.")
        scales[[upper, lower]] = ratio / scale
    return scales


def _jaw_scale(pairs: Correspondence, source: Head, target: Head, identity: Floats | None) -> float:
    """The target's angle over the source's, for which chin and lower lip go equally far in units of the face."""
    points = [NAMES.index("chin"), NAMES.index("lip_lower_inner_4"), NAMES.index("lip_lower_outer")]
    angles = np.array([[0.0, 0.0, 0.0], [TRIAL_ANGLE, 0.0, 0.0]])
    none = np.zeros((2, CHANNELS))

    def way(head: Head, on: Points, who: Floats | None) -> float:
        placed = on.posed(head, none, angles, who)[:, points].astype(np.float64)
        length = float(np.linalg.norm(placed[1] - placed[0], axis=1).mean())
        if length < 1e-4:  # noqa: PLR2004 metres
            raise HeadError(f"The jaw of the head {head.name!r} does not move its chin: its weights are missing.")
        return length

    return pairs.scale * way(source, pairs.source, None) / way(target, pairs.target, identity)


def _yaw(pairs: Correspondence, source: Head, target: Head, target_rest: Floats) -> Floats:
    """(50,) radians by which the jaw turns sideways for each expression that shifts the source's jaw."""
    chin = NAMES.index("chin")
    joint = target.joint_regressor[2].astype(np.float64) @ target.template
    sideways = pairs.source.directions(source, CHANNELS)[chin, 0] * pairs.scale
    shifting = np.array([name in ("jawLeft", "jawRight") for name in source.expression_names[:CHANNELS]])
    return np.asarray(np.where(shifting, sideways, 0.0) / max(target_rest[chin, 2] - joint[2], 0.01), np.float64)

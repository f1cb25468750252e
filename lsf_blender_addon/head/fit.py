"""One head's face laid onto another's: what its points do, in units of the face, done by the other's own means.

The source plays a motion; its lips, lids, brows and skin say where the same points of the target belong; and the
target's expressions are fitted to that, frame by frame, with its jaw already turned where the jaw is a bone. The fit
is one convex problem with the same matrix on every frame, so that its answer follows the motion continuously: nothing
flickers that did not. Lengths are the source's millimetres throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from .bounded import BoundedFit
from .correspondence import LOWER_LINE, NAMES, RIM_NAMES, UPPER_LINE, Correspondence, correspond, mirror_images
from .model import Head
from .moving import Moving
from .skinning import rotation_matrices

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

MILLIMETRES = 1000.0

LIP_WEIGHT, LID_WEIGHT, NAMED_WEIGHT, SKIN_WEIGHT = 1.5, 1.0, 1.0, 0.35
OPEN_GAP_WEIGHT, CLOSED_GAP_WEIGHT = 5.0, 20.0
"""How much the points and the heights between the lips count; the latter most while the lips are nearly closed."""

FIRMLY = 1.5
"""How much more closing counts for blendshapes, whose costs hold them back."""

LID_GAP_WEIGHT = 4.0
"""The same of the heights between the lids, of blendshapes: FLAME's components can hardly close an eye."""

ONE_SIDED = 5.0
"""Square millimetres that a square of the difference between an expression and its mirror image costs, where the
source's left and right are not known by name: FLAME's neutral is no mirror image of itself, and on a weak blendshape
a tenth of a millimetre of that would be a lopsided face."""

PARTING = 0.4
"""Millimetres between the source's lips at which half of the target's overlap at rest has been opened."""

UPPER_SHARE = 0.25
"""How much of that the upper lip does."""

NEARLY = 1e-4
"""How much of the one kind of answer is too little to be worked out."""

BUSY = 1.0
"""Millimetres that the lips must have moved before lips that stand apart at rest are brought together."""

ROUNDS = 3
"""Solutions per frame: each sees what the turned jaw does to the one before."""

TRIAL_ANGLE = 0.2
WIDEST_JAW = 0.7
"""Radians."""

LEAST_TRAVEL = 1e-4
"""Metres of the chin by which a jaw is known to move it."""

WIDEST_GAP = 120.0


@dataclass(frozen=True, eq=False)
class Side:
    """A head, and what of it takes part.

    Attributes:
        head: the head.
        count: how many of its expressions, K.
        turns: whether its jaw is a bone; where not, one of its expressions opens the mouth.
        identity: (S,) its identity coefficients, or None.
        low: (K,) the least each expression may be.
        high: (K,) the most.
        costs: (K,) square millimetres that a square of each expression costs, above zero.
        firmness: (K,) what a square costs besides, in parts of the squared millimetres that the expression moves and
            that expressions move on the mean: weak ones are no cheap way to do what another is for.
        mates: (K,) which expression is each one's mirror image: itself, or -1 for none; None where that is not known.
        hanging: (V,) how far each vertex goes with the jaw, 0 to 1; None where the head's own weights say so.
    """

    head: Head
    count: int
    turns: bool
    low: Floats
    high: Floats
    costs: Floats
    identity: Floats | None = None
    firmness: Floats | None = None
    mates: NDArray[np.int64] | None = None
    hanging: Floats | None = None


@dataclass(frozen=True, eq=False)
class Solved:
    """``expression`` (T, K), ``jaw`` (T, 3), ``squares`` (T, N) squared millimetres of the named points' errors."""

    expression: Singles
    jaw: Singles
    squares: Floats


@dataclass(frozen=True, eq=False)
class Fit:
    """Everything about two heads that does not change from frame to frame.

    Attributes:
        source: points of the head that speaks.
        target: the same points of the head that is to speak.
        turn: (3, 3) from the source's axes to the target's.
        scale: the target's face over the source's.
        lids: (N,) what the named points' movements are multiplied by.
        jaw: (K + 3, 3) from the source's expressions and jaw angles to the target's jaw angles.
        named: (K + 1, L) from the source's expressions and its jaw's angle about x to the values that names promise
            of the target's expressions, from which the fit departs only for a reason; None for zero.
        parted: the problem while the lips are apart.
        closed: the problem while they are closed.
    """

    source: Moving
    target: Moving
    turn: Floats
    scale: float
    lids: Floats
    jaw: Floats
    named: Floats | None
    parted: BoundedFit
    closed: BoundedFit

    @classmethod
    def of(cls, source: Side, target: Side, named: Floats | None = None, *, yaw: bool = True) -> Fit:
        """Lay one head's face onto another's.

        Args:
            source: the head that speaks.
            target: the head that is to speak.
            named: (K + 1, L) what names promise, see the attribute; its last row holds the shares in which the
                target's expressions open the mouth, and how far a radian opens it is measured here.
            yaw: whether the source's sideways shifts of the jaw turn the target's jaw.

        Raises:
            HeadError: a head lacks landmarks or a jaw, or the faces do not lie alike.
        """
        pairs = correspond(source.head, target.head, target.identity, hanging=(source.hanging, target.hanging))
        here = Moving.of(source.head, pairs.source, source.count)
        there = Moving.of(target.head, pairs.target, target.count, target.identity)
        if target.mates is not None:
            partner = mirror_images(there.rest)
            paired = np.flatnonzero(partner >= 0)
            partner = np.searchsorted(paired, partner[paired])
            here, there = (
                points.only(paired).mirrored(partner, mates)
                for points, mates in ((here, source.mates), (there, target.mates))
            )
        unit = MILLIMETRES / pairs.scale
        directions = there.whole[: target.count].astype(np.float64).reshape(target.count, -1, 3) * unit
        gaps = directions[:, UPPER, 1] - directions[:, LOWER, 1]
        lids = directions[:, LIDS, 1] @ LID_GAPS
        rows = np.concatenate([directions.reshape(target.count, -1), gaps, lids], axis=1).T
        lid_weight = 0.0 if target.head.space == "flame" else LID_GAP_WEIGHT
        points = np.repeat(_weights(len(here.rest)), 3)
        costs = target.costs
        if target.firmness is not None:
            strength = ((rows[: len(points)] * points[:, None]) ** 2).sum(axis=0)
            costs = costs + target.firmness * (strength + strength.mean()) / 2
        held = np.diag(costs)
        if source.mates is None and target.mates is not None:
            held += ONE_SIDED * _differences(target.mates)
        parted, closed = (
            BoundedFit.of(
                rows,
                np.concatenate([points, np.full(gaps.shape[1], weight), np.full(lids.shape[1], lid_weight)]),
                held,
                target.low,
                target.high,
            )
            for weight in (OPEN_GAP_WEIGHT, CLOSED_GAP_WEIGHT * (1.0 if target.firmness is None else FIRMLY))
        )
        if named is not None:
            named = named.copy()
            named[-1] *= _opening_ratio(here, there, named[-1], pairs.scale)
        return cls(
            source=here,
            target=there,
            turn=pairs.turn,
            scale=pairs.scale,
            lids=_lid_scales(here.rest, there.rest, pairs.scale),
            jaw=_jaw(source, target, here, there, pairs, yaw=yaw),
            named=named,
            parted=parted,
            closed=closed,
        )

    def solved(self, expression: NDArray[np.floating[Any]], jaw: NDArray[np.floating[Any]]) -> Solved:
        """A stretch of frames of (T, K) expressions and (T, 3) jaw angles; each depends on itself alone."""
        given = np.concatenate([expression, jaw], axis=1).astype(np.float64)
        turned = given @ self.jaw
        angle = np.linalg.norm(turned, axis=1, keepdims=True)
        turned *= np.minimum(1.0, WIDEST_JAW / np.maximum(angle, 1e-9))
        wanted, opening = self._wanted(expression, jaw)
        shut = (1 - _parting(opening.max(axis=1) / 2))[:, None]
        prior = None if self.named is None else given[:, : len(self.named)] @ self.named
        if prior is not None:
            prior = np.clip(prior, self.parted.low, self.parted.high)
        found = np.zeros((len(given), len(self.parted.costs))) if prior is None else prior
        turning = bool(np.abs(turned).max(initial=0.0) > 0)
        back = rotation_matrices(turned).astype(np.float32)
        going = self.target.jaw_weights[:, None].astype(np.float32)
        misses = np.empty((len(given), len(self.parted.weighted)), np.float32)
        width = self.target.rest.size
        for number in range(ROUNDS if turning else 1):
            error = wanted - self._placed(self.target, found, turned)
            misses[:, width : width + len(UPPER)] = error[:, UPPER, 1] - error[:, LOWER, 1]
            misses[:, width + len(UPPER) :] = error[:, LIDS, 1] @ LID_GAPS
            if turning:
                error += going * (error @ back - error)
            misses[:, :width] = error.reshape(len(error), -1)
            found = self._improved(found, misses, prior, shut, first=number == 0)
        named = self._placed(self.target.only(np.arange(len(NAMES))), found, turned)
        errors = (wanted[:, : len(NAMES)] - named) * self.scale
        return Solved(found.astype(np.float32), turned.astype(np.float32), (errors.astype(np.float64) ** 2).sum(axis=2))

    def _improved(self, found: Floats, misses: Singles, prior: Floats | None, shut: Floats, *, first: bool) -> Floats:
        """The answer (T, K), each frame's between those for parted and for closed lips."""
        together = np.flatnonzero(shut[:, 0] > NEARLY)
        apart = np.flatnonzero(shut[:, 0] < 1 - NEARLY)
        total = np.zeros_like(found)
        for fit, rows, share in ((self.parted, apart, 1 - shut), (self.closed, together, shut)):
            if len(rows):
                promised = None if prior is None else prior[rows]
                total[rows] += share[rows] * fit.improved(found[rows], misses[rows], promised, first=first)
        alone = np.where(shut > 1 - NEARLY, shut, np.where(shut < NEARLY, 1 - shut, 1.0))
        return np.asarray(total / alone, np.float64)

    def wanted_squares(self, expression: NDArray[np.floating[Any]], jaw: NDArray[np.floating[Any]]) -> Floats:
        """(T, N) squared millimetres that the target's named points are to go."""
        wanted, _ = self._wanted(expression, jaw)
        way = wanted[:, : len(NAMES)].astype(np.float64) * self.scale
        return np.asarray((way**2).sum(axis=2), np.float64)

    def _wanted(self, expression: NDArray[np.floating[Any]], jaw: NDArray[np.floating[Any]]) -> tuple[Singles, Singles]:
        """How far from their rest the target's points belong (T, P, 3), and how far the source's lips part (T, 7)."""
        offset = self.source.moved(expression, jaw) @ (self.turn.T * MILLIMETRES).astype(np.float32)
        offset[:, : len(NAMES)] *= self.lids[:, None].astype(np.float32)
        parted = offset[:, UPPER, 1] - offset[:, LOWER, 1]
        own = np.stack(
            [
                _without_overlap(parted[:, lip], max(-rest, 0.0))
                for lip, rest in enumerate(_gap(self.source.rest) * MILLIMETRES)
            ],
            axis=1,
        )
        opening = np.maximum(own, 0.0)
        rest = _gap(self.target.rest) * MILLIMETRES / self.scale
        more = np.maximum(-rest, 0.0) * _parting(opening) + own - parted
        busy = _parting(np.linalg.norm(offset[:, MOUTH], axis=2).max(axis=1, keepdims=True) * PARTING / BUSY)
        more -= np.maximum(rest, 0.0) * (1 - _parting(opening)) * busy
        offset[:, UPPER, 1] += UPPER_SHARE * more
        offset[:, LOWER, 1] -= (1 - UPPER_SHARE) * more
        return offset, np.asarray(opening, np.float32)

    def _placed(self, on: Moving, found: Floats, turned: Floats) -> Singles:
        """How far points of the target are from their rest, (T, P, 3)."""
        placed: Singles = on.moved(found, turned)
        placed *= np.float32(MILLIMETRES / self.scale)
        return placed


UPPER = [NAMES.index(name) for name in UPPER_LINE[1:-1]]
LOWER = [NAMES.index(name) for name in LOWER_LINE]
CORNERS = [NAMES.index(name) for name in (UPPER_LINE[0], UPPER_LINE[-1])]
RIMS = [NAMES.index(name) for name in RIM_NAMES]
MOUTH = UPPER + LOWER + CORNERS + RIMS
LIDS = [NAMES.index(f"eye_{side}_{part}") for side in ("left", "right") for part in ("upper", "lower")]
LID_GAPS = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], np.float32)
"""From the heights of the lids' four points to the heights between them."""

JAWED = [NAMES.index(name) for name in ("chin", "lip_lower_inner_4", "lip_lower_outer")]
"""What a jaw takes along."""


def _gap(rest: Floats) -> Floats:
    """(7,) how high the upper lip stands over the lower, in the unit of the points."""
    return np.asarray(rest[UPPER, 1] - rest[LOWER, 1], np.float64)


def _parting(opening: Any) -> Any:
    """0 for closed lips to 1 for parted ones, of millimetres."""
    return 1 - 1 / (1 + (opening / PARTING) ** 4)


def _without_overlap(parted: Singles, overlap: float) -> Singles:
    """What lips that overlap at rest by so many millimetres show when they part: the inverse of what is added to it."""
    if overlap == 0.0:
        return parted
    shown = np.concatenate([[0.0], np.geomspace(1e-3, WIDEST_GAP, 400)])
    return np.where(parted > 0, np.interp(parted, shown + overlap * _parting(shown), shown), parted).astype(np.float32)


def _weights(count: int) -> Floats:
    """(P,) how much each point counts: lips and lids before skin."""
    weights = np.full(count, SKIN_WEIGHT)
    weights[: len(NAMES)] = NAMED_WEIGHT
    weights[MOUTH] = LIP_WEIGHT
    weights[[NAMES.index(name) for name in NAMES if name.startswith("eye_")]] = LID_WEIGHT
    return weights


def _differences(mates: NDArray[np.int64]) -> Floats:
    """(K, K) the sum of squared differences between expressions and their mirror images, as a quadratic form."""
    whole = np.eye(len(mates))
    apart = np.flatnonzero((mates >= 0) & (mates != np.arange(len(mates))))
    rows = whole[apart] - whole[mates[apart]]
    # each pair is there twice
    return np.asarray(rows.T @ rows / 2, np.float64)


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


def _travel(points: Moving) -> float:
    """Metres that chin and lower lip go on the mean by a jaw turned by ``TRIAL_ANGLE``."""
    count = len(points.whole) - 9
    moved = points.moved(np.zeros((1, count)), np.array([[TRIAL_ANGLE, 0.0, 0.0]]))[0, JAWED]
    return float(np.linalg.norm(moved, axis=1).mean())


def _opening_ratio(source: Moving, target: Moving, shares: Floats, scale: float) -> float:
    """How much of the shares (L,) of the target's expressions opens as far as the source's jaw by a radian."""
    moved = target.moved(shares[None], np.zeros((1, 3)))[0, JAWED]
    length = float(np.linalg.norm(moved, axis=1).mean())
    return scale * _travel(source) / TRIAL_ANGLE / length if length > LEAST_TRAVEL else 0.0


def _jaw(source: Side, target: Side, here: Moving, there: Moving, pairs: Correspondence, *, yaw: bool) -> Floats:
    """(K + 3, 3) from the source's expressions and jaw to the target's jaw: chins go equally far on their faces."""
    table = np.zeros((source.count + 3, 3))
    if not target.turns:
        return table
    way = _travel(there)
    for side, length in ((source, _travel(here) if source.turns else 1.0), (target, way)):
        if length < LEAST_TRAVEL:
            raise HeadError(f"The jaw of the head {side.head.name!r} does not move its chin: its weights are missing.")
    if source.turns:
        table[source.count :] = np.eye(3) * pairs.scale * _travel(here) / way
        if yaw:
            table[: source.count, 1] = _yaw(source, target, here, there, pairs.scale)
    else:
        table[: source.count, 0] = _levers(source, here, there, pairs)
    return table


def _yaw(source: Side, target: Side, here: Moving, there: Moving, scale: float) -> Floats:
    """(K,) radians by which the jaw turns sideways for each expression that shifts the source's jaw."""
    chin = NAMES.index("chin")
    joint = target.head.joint_regressor[2].astype(np.float64) @ target.head.template
    sideways = here.whole[: source.count, 3 * chin].astype(np.float64) * scale
    shifting = np.array([name in ("jawLeft", "jawRight") for name in source.head.expression_names[: source.count]])
    return np.asarray(np.where(shifting, sideways, 0.0) / max(there.rest[chin, 2] - joint[2], 0.01), np.float64)


def _levers(source: Side, here: Moving, there: Moving, pairs: Correspondence) -> Floats:
    """(K,) radians by which the target's jaw turns for each of the source's expressions that take the chin along."""
    way = there.moved(np.zeros((1, len(there.whole) - 9)), np.array([[TRIAL_ANGLE, 0.0, 0.0]]))[0, JAWED]
    moves = here.whole[: source.count].reshape(source.count, -1, 3)[:, JAWED].astype(np.float64)
    moves = moves @ pairs.turn.T * pairs.scale
    angles = TRIAL_ANGLE * (moves * way).sum(axis=(1, 2)) / float((way**2).sum())
    chin = np.linalg.norm(moves[:, 0], axis=1)
    return np.asarray(np.where((angles > 0) & (chin > chin.max(initial=0.0) / 3), angles, 0.0), np.float64)

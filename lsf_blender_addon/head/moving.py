"""What a few points of a head do, as matrices: thousands of frames at the price of two products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .model import JAW, Head
from .skinning import rotation_matrices

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]

JAW_FEATURES = slice(9 * (JAW - 1), 9 * JAW)
"""Where the jaw's rotation stands among a head's pose features."""


@dataclass(frozen=True, eq=False)
class Points:
    """P points on a head, each the weighted mean of K vertices: ``vertices`` (P, K), ``weights`` (P, K) float32."""

    vertices: Integers
    weights: Singles

    def mean(self, values: NDArray[np.floating[Any]]) -> Floats:
        """(V, ...) values of vertices → (P, ...) values of points."""
        return np.asarray(np.einsum("pk...,pk->p...", values[self.vertices].astype(np.float64), self.weights))

    def directions(self, head: Head, count: int) -> Floats:
        """(P, 3, count) metres per unit of the head's first expressions."""
        return self.mean(head.expression_directions[..., :count])

    def jaw_weights(self, head: Head) -> Floats:
        """(P,) how far each point goes with the jaw, 0 to 1."""
        return self.mean(head.weights[:, JAW])


@dataclass(frozen=True, eq=False)
class Moving:
    """P points under expressions and a turning jaw, exactly as ``skinning.vertices`` moves them.

    A vertex p goes to p + w·(R - 1)·(p - j) by a jaw of rotation R at joint j, and p and j are affine in the
    expressions (and, by the pose correctives, in R): so a mean of vertices is one affine function, and (R - 1) times
    another.

    Attributes:
        rest: (P, 3) metres, where the points lie on the neutral face.
        whole: (E + 9, 3P) float32, metres per unit of expressions and of the jaw's rotation less the identity.
        hung: (1 + E + 9, 3P) float32, the same of the part that the jaw turns; first the constant.
        jaw_weights: (P,) how far each point goes with the jaw.
    """

    rest: Floats
    whole: Singles
    hung: Singles
    jaw_weights: Floats

    @classmethod
    def of(cls, head: Head, points: Points, count: int, identity: Floats | None = None) -> Moving:
        """Points of a head, under its first ``count`` expressions, for an identity (S,)."""
        template = head.template.astype(np.float64)
        if identity is not None:
            template = template + head.shape_directions[:, :, : len(identity)].astype(np.float64) @ identity
        joint = head.joint_regressor[JAW].astype(np.float64)
        used, index = np.unique(points.vertices, return_inverse=True)
        rows = Points(index.reshape(points.vertices.shape), points.weights)
        expressions = head.expression_directions[:, :, :count]
        moves = np.concatenate([expressions[used], head.pose_directions[used][:, :, JAW_FEATURES]], axis=2)
        affine = np.concatenate([template[used][:, :, None], moves], axis=2).astype(np.float64)
        following = np.zeros((3, affine.shape[2]))
        following[:, 0] = joint @ template
        following[:, 1 : 1 + count] = np.tensordot(joint, expressions.astype(np.float64), axes=1)
        whole = rows.mean(affine)
        weights = head.weights[used, JAW].astype(np.float64)
        hung = rows.mean(weights[:, None, None] * (affine - following))
        return cls(
            rest=whole[:, :, 0],
            whole=_columns(whole[:, :, 1:]),
            hung=_columns(hung),
            jaw_weights=rows.mean(weights),
        )

    def only(self, rows: NDArray[np.integer[Any]]) -> Moving:
        """Some of the points, by their numbers."""
        columns = (3 * np.asarray(rows)[:, None] + np.arange(3)).reshape(-1)
        return Moving(self.rest[rows], self.whole[:, columns], self.hung[:, columns], self.jaw_weights[rows])

    def mirrored(self, partner: Integers, mates: Integers | None) -> Moving:
        """Made the same on both sides: the mean of these points and of their mirror images.

        Args:
            partner: (P,) which point is each one's mirror image.
            mates: (E,) which expression is each one's; -1 leaves an expression as it is. Where None, nothing is known
                of them, and how expressions and jaw move the points stays as it is.
        """
        flip = np.array([-1.0, 1.0, 1.0])
        rest = (self.rest + self.rest[partner] * flip) / 2
        if mates is None:
            return Moving(rest, self.whole, self.hung, self.jaw_weights)
        count = len(mates)
        turned = np.arange(9).reshape(3, 3)
        signs = np.outer(flip, flip).reshape(-1)

        def other(values: Singles, rows: Integers, sign: Floats) -> Singles:
            table = values.reshape(len(values), -1, 3)[rows][:, partner] * flip * sign[:, None, None]
            table = np.where(rows[:, None] < 0, values, table.reshape(values.shape))
            return np.asarray((values + table) / 2, np.float32)

        rows = np.concatenate([mates, count + turned.reshape(-1)])
        sign = np.concatenate([np.ones(count), signs])
        return Moving(
            rest=rest,
            whole=other(self.whole, rows, sign),
            hung=other(
                self.hung, np.concatenate([[0], np.where(rows < 0, -1, rows + 1)]), np.concatenate([[1.0], sign])
            ),
            jaw_weights=(self.jaw_weights + self.jaw_weights[partner]) / 2,
        )

    def moved(self, expression: NDArray[np.floating[Any]], jaw: NDArray[np.floating[Any]]) -> Singles:
        """(T, P, 3) float32 metres from rest, of expressions (T, E) and the jaw's axis-angles (T, 3)."""
        turned = rotation_matrices(jaw) - np.eye(3)
        given = np.concatenate([expression, turned.reshape(-1, 9)], axis=1).astype(np.float32)
        total: Singles = (given @ self.whole).reshape(len(given), -1, 3)
        if np.abs(turned).max(initial=0.0) > 0:
            hung = (given @ self.hung[1:] + self.hung[0]).reshape(total.shape)
            total += hung @ turned.transpose(0, 2, 1).astype(np.float32)
        return total


def _columns(affine: Floats) -> Singles:
    """(P, 3, N) → (N, 3P) float32."""
    return np.ascontiguousarray(affine.transpose(2, 0, 1).reshape(affine.shape[2], -1), dtype=np.float32)

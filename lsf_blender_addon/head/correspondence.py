"""Which points of one head are which points of another: named landmarks first, and the skin between them.

Nothing but names, shape and the jaw's weights is used, so it holds for heads of any topology. The heads are laid over
each other rigidly, with one scale; then the named points bend the one onto the other, and skin is paired with the
nearest skin that faces the same way and hangs on the same jaw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from .landmarks import BROW_NAMES, EYE_NAMES, LIP_POINTS, OTHER_NAMES, positions
from .model import JAW, Head
from .moving import Points
from .skinning import vertices as skin

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

UPPER_LINE = tuple(f"lip_upper_inner_{point}" for point in range(LIP_POINTS))
LOWER_LINE = tuple(f"lip_lower_inner_{point}" for point in range(1, LIP_POINTS - 1))
RIM_NAMES = ("lip_upper_outer", "lip_lower_outer")
NAMES = UPPER_LINE + LOWER_LINE + RIM_NAMES + EYE_NAMES + BROW_NAMES + OTHER_NAMES
"""Named points in the order of ``Correspondence``; the lower lip leaves out the corners, which both lips share."""

STEADY = ("nose_tip", "nose_wing_left", "nose_wing_right", "chin", "lip_corner_left", "lip_corner_right")
STEADY_NAMES = STEADY + tuple(f"eye_{side}_{part}" for side in ("left", "right") for part in ("inner", "outer"))
"""What both heads are laid over each other by."""

OUTER_MATERIALS = ("skin", "lips")
NEIGHBOURS = 4
SPACING = 0.009
EDGE = 0.006
"""Metres on the target's face: between samples of skin, and between them and the edges of lips and lids."""

FARTHEST = 0.006
SAME_FACING = 0.6
SAME_JAW = 0.4
EYE_WEIGHT = 0.05
SMALLEST = 0.01
BEYOND = 0.012
"""Metres that the sampled skin reaches above the brows, below the chin and beside the eyes."""


@dataclass(frozen=True, eq=False)
class Correspondence:
    """P pairs of points: those of ``NAMES`` first, then samples of skin.

    Attributes:
        source: points on the head that speaks.
        target: the same points on the head that is to speak.
        turn: (3, 3) rotation from the source's axes to the target's.
        scale: the target's face over the source's.
    """

    source: Points
    target: Points
    turn: Floats
    scale: float


def correspond(
    source: Head,
    target: Head,
    identity: NDArray[np.floating[Any]] | None = None,
    *,
    hanging: tuple[Floats | None, Floats | None] = (None, None),
) -> Correspondence:
    """Pair the points of two heads at rest.

    Args:
        source: the head that speaks, at its own neutral shape.
        target: the head that is to speak.
        identity: (S,) the target's identity coefficients.
        hanging: (V,) how far each vertex goes with the jaw, of source and of target; their weights where None.

    Raises:
        HeadError: a head lacks landmarks, or its landmarks lie where no face has them.
    """
    for head in (source, target):
        missing = [name for name in NAMES if name not in head.landmarks]
        if missing:
            raise HeadError(
                f"The head {head.name!r} has no named points on lips, lids and brows ({len(missing)} are missing, such "
                f"as {missing[0]}): use one of FLAME's own topology or the bundled head, or find or pick its points."
            )
    here = source.template.astype(np.float64)
    there = skin(target, identity=identity)[0].astype(np.float64)
    turn, scale, shift = aligned(
        positions(source, here, STEADY_NAMES).astype(np.float64),
        positions(target, there, STEADY_NAMES).astype(np.float64),
        (source.name, target.name),
    )
    laid = scale * here @ turn.T + shift
    jaws = tuple(
        head.weights[:, JAW].astype(np.float64) if given is None else given
        for head, given in zip((source, target), hanging, strict=True)
    )
    samples, matched, weights = _skin_pairs(source, target, laid, there, jaws)
    named_source, named_target = _named(source), _named(target)
    return Correspondence(
        source=Points(
            np.concatenate([named_source.vertices, matched]), np.concatenate([named_source.weights, weights])
        ),
        target=Points(
            np.concatenate([named_target.vertices, np.repeat(samples[:, None], NEIGHBOURS, axis=1)]),
            np.concatenate(
                [named_target.weights, np.eye(1, NEIGHBOURS, dtype=np.float32).repeat(len(samples), axis=0)]
            ),
        ),
        turn=turn,
        scale=scale,
    )


def _named(head: Head) -> Points:
    """The points of ``NAMES``, each on ``NEIGHBOURS`` vertices, unused ones at weight 0."""
    rows = np.zeros((len(NAMES), NEIGHBOURS), np.int64)
    weights = np.zeros((len(NAMES), NEIGHBOURS), np.float32)
    for row, name in enumerate(NAMES):
        point = head.landmark(name)
        heaviest = np.argsort(-point.weights, kind="stable")[:NEIGHBOURS]
        rows[row] = point.vertices[heaviest[0]]
        rows[row, : len(heaviest)] = point.vertices[heaviest]
        weights[row, : len(heaviest)] = point.weights[heaviest] / point.weights[heaviest].sum()
    return Points(rows, weights)


def aligned(here: Floats, there: Floats, names: tuple[str, str]) -> tuple[Floats, float, Floats]:
    """Rotation, scale and shift that lay points (N, 3) over others; heads look along +z: they may nod, no more."""
    centre, goal = here.mean(axis=0), there.mean(axis=0)
    first, second = here - centre, there - goal
    along = (first[:, 1:] * second[:, 1:]).sum()
    across = (first[:, 1] * second[:, 2] - first[:, 2] * second[:, 1]).sum()
    cosine, sine = np.array([along, across]) / max(float(np.hypot(along, across)), 1e-12)
    turn = np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
    spread = float((first**2).sum())
    scale = float((second * (first @ turn.T)).sum()) / max(spread, 1e-12)
    if not (spread > SMALLEST**2 and scale > 0 and cosine > 0):
        raise HeadError(
            f"The landmarks of the heads {names[0]!r} and {names[1]!r} do not lie alike: one of them is no "
            "face that stands upright and looks along +z."
        )
    return turn, scale, np.asarray(goal - scale * turn @ centre, np.float64)


def _skin_pairs(
    source: Head, target: Head, laid: Floats, there: Floats, jaws: tuple[Floats, ...]
) -> tuple[Integers, Integers, NDArray[np.float32]]:
    """Vertices of the target (P,), and what they are on the source: vertices (P, K) and weights (P, K)."""
    anchors_here, anchors_there = _anchors(source, laid), _anchors(target, there)
    samples = _spread(_face_skin(target, there), there)
    bent = there[samples] + bending(anchors_there, anchors_here - anchors_there, there[samples])
    allowed = np.flatnonzero(_outer(source))
    facing_here, facing_there = normals(laid, source.triangles), normals(there, target.triangles)
    near = laid[allowed]
    squares = (bent**2).sum(axis=1)[:, None] + (near**2).sum(axis=1)[None] - 2 * bent @ near.T
    distance = np.sqrt(np.maximum(squares, 0.0))
    unlike = facing_there[samples] @ facing_here[allowed].T < SAME_FACING
    unlike |= np.abs(jaws[1][samples][:, None] - jaws[0][allowed][None]) > SAME_JAW
    distance[unlike] = np.inf
    if distance.shape[1] < NEIGHBOURS:
        raise HeadError(f"The head {source.name!r} has too few vertices on its face to speak for another.")
    nearest = np.argpartition(distance, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    order = np.argsort(np.take_along_axis(distance, nearest, axis=1), axis=1, kind="stable")
    nearest = np.take_along_axis(nearest, order, axis=1)
    far = np.take_along_axis(distance, nearest, axis=1)
    kept = far[:, 0] < FARTHEST
    nearness = 1 / (far[kept] + 1e-4) ** 2
    weights = (nearness / nearness.sum(axis=1, keepdims=True)).astype(np.float32)
    return samples[kept], allowed[nearest[kept]], weights


def mirror_images(rest: Floats) -> Integers:
    """Which point is each one's image in the mirror x = 0, -1 for none.

    Args:
        rest: (P, 3) metres, where the points of ``NAMES`` and samples of skin lie on a neutral face.
    """
    swapped = [_other_side(name) for name in NAMES]
    named = [NAMES.index(name) for name in swapped]
    skin_points = rest[len(NAMES) :]
    images = np.full(len(skin_points), -1, np.int64)
    if len(skin_points):
        apart = np.linalg.norm((skin_points * [-1.0, 1.0, 1.0])[:, None] - skin_points[None], axis=2)
        nearest = apart.argmin(axis=1)
        mutual = nearest[nearest] == np.arange(len(nearest))
        images = np.where(mutual & (apart.min(axis=1) < SPACING / 2), nearest + len(NAMES), -1)
    return np.concatenate([np.array(named, np.int64), images])


def _other_side(name: str) -> str:
    """The name of a landmark's mirror image; points along the lips count from the right corner to the left."""
    head, _, last = name.rpartition("_")
    if last.isdigit():
        return f"{head}_{LIP_POINTS - 1 - int(last)}"
    swap = {"left": "right", "right": "left"}
    return "_".join(swap.get(part, part) for part in name.split("_"))


def islands(vertices: int, triangles: NDArray[np.integer[Any]]) -> Integers:
    """(V,) the least vertex of the connected piece of the mesh that each vertex belongs to."""
    label = np.arange(vertices)
    while True:
        least = label[triangles].min(axis=1)
        lower = label.copy()
        np.minimum.at(lower, triangles.ravel(), np.repeat(least, 3))
        lower = lower[lower]
        if np.array_equal(lower, label):
            return label
        label = lower


def _outer(head: Head) -> NDArray[np.bool_]:
    """(V,) which vertices are skin that can be seen; the pieces with chin and nose where no material says so."""
    chosen = [number for number, name in enumerate(head.material_names) if name in OUTER_MATERIALS]
    found = np.zeros(head.vertex_count, bool)
    if head.material_index is None or not chosen:
        label = islands(head.vertex_count, head.triangles)
        return np.isin(label, label[np.concatenate([head.landmark(n).vertices for n in ("chin", "nose_tip")])])
    corners = head.faces[np.isin(head.material_index, chosen)]
    found[corners[corners >= 0]] = True
    return found


def _seam(head: Head, placed: Floats) -> Floats:
    """(9, 3) the line between the lips."""
    upper = positions(head, placed, UPPER_LINE).astype(np.float64)
    lower = positions(head, placed, LOWER_LINE).astype(np.float64)
    upper[1:-1] = (upper[1:-1] + lower) / 2
    return upper


def _anchors(head: Head, placed: Floats) -> Floats:
    """Points by which one face is bent onto another; closed lips count as the line between them."""
    others = positions(head, placed, RIM_NAMES + EYE_NAMES + BROW_NAMES + OTHER_NAMES).astype(np.float64)
    return np.concatenate([_seam(head, placed), others])


def _face_skin(head: Head, placed: Floats) -> Integers:
    """Vertices of the face's front, away from the edges of lips and lids."""
    eyes = positions(head, placed, EYE_NAMES).astype(np.float64)
    brows = positions(head, placed, BROW_NAMES).astype(np.float64)
    chin = positions(head, placed, ("chin",))[0].astype(np.float64)
    seam = _seam(head, placed)
    inside = (placed[:, 1] < brows[:, 1].max() + BEYOND) & (placed[:, 1] > chin[1] - BEYOND)
    inside &= (placed[:, 0] < eyes[:, 0].max() + BEYOND) & (placed[:, 0] > eyes[:, 0].min() - BEYOND)
    inside &= (placed[:, 2] > eyes[:, 2].min() - BEYOND) & (normals(placed, head.triangles)[:, 2] > 0)
    inside &= _outer(head) & (head.weights[:, JAW + 1 :].sum(axis=1) < EYE_WEIGHT)
    for edge in (seam, eyes[:4], eyes[4:]):
        low, high = edge.min(axis=0) - EDGE, edge.max(axis=0) + EDGE
        inside &= ~((placed[:, :2] > low[:2]) & (placed[:, :2] < high[:2])).all(axis=1)
    return np.flatnonzero(inside)


def _spread(candidates: Integers, placed: Floats) -> Integers:
    """Some of the candidates, evenly spread: the left half's, and their mirror images."""
    left = candidates[placed[candidates, 0] >= 0]
    chosen: list[int] = []
    if len(left):
        distance = np.full(len(left), np.inf)
        at = int(np.argmax(placed[left, 2]))
        while distance.max() > SPACING:
            chosen.append(int(left[at]))
            distance = np.minimum(distance, np.linalg.norm(placed[left] - placed[left[at]], axis=1))
            at = int(np.argmax(distance))
    mirrored = placed[chosen] * np.array([-1.0, 1.0, 1.0])
    apart = np.linalg.norm(mirrored[:, None] - placed[candidates][None], axis=2)
    images = candidates[apart.argmin(axis=1)] if chosen else np.zeros(0, np.int64)
    together: Integers = np.unique(np.concatenate([np.array(chosen, np.int64), images]))
    return together


def bending(anchors: Floats, offsets: Floats, points: Floats) -> Floats:
    """Offsets (N, 3) given at anchors, at other points (P, 3): polyharmonic of first order with an affine part."""
    count = len(anchors)

    def affine(places: Floats) -> Floats:
        return np.concatenate([np.ones((len(places), 1)), places], axis=1)

    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = np.linalg.norm(anchors[:, None] - anchors[None], axis=2) - 1e-4 * np.eye(count)
    system[:count, count:] = affine(anchors)
    system[count:, :count] = affine(anchors).T
    solved = np.linalg.lstsq(system, np.concatenate([offsets, np.zeros((4, 3))]), rcond=None)[0]
    kernel = np.linalg.norm(points[:, None] - anchors[None], axis=2)
    return np.asarray(np.concatenate([kernel, affine(points)], axis=1) @ solved, np.float64)


def normals(placed: Floats, triangles: NDArray[np.integer[Any]]) -> Floats:
    """(V, 3) unit normals of vertices, weighted by area."""
    a, b, c = (placed[triangles[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    total = np.stack(
        [
            sum(np.bincount(triangles[:, corner], across[:, axis], len(placed)) for corner in range(3))
            for axis in range(3)
        ],
        axis=1,
    )
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12), np.float64)

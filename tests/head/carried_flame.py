"""FLAME's real mesh with plausible directions: the bundled head's units carried over to it, then mixed by a rotation.

The way of carrying is another than the package's: along the mesh to upper and lower lip, smoothed over six neighbours.
FLAME's neutral is no mirror image of itself; at the corners of the mouth, where the jaw's weight rises by a tenth
within a millimetre, that alone would hang one corner on the jaw by 0.35 and the other by 0.43. So both sides share
their means of the weights.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from lsf_blender_addon.head.landmarks import LANDMARK_NAMES, positions
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.head.topology import LEFT_EYEBALL, RIGHT_EYEBALL, landmarks_of
from tests.head.bundled import SKIN

Array = npt.NDArray[np.float64]
UPPER = tuple(f"lip_upper_inner_{n}" for n in range(1, 8))
LOWER = tuple(f"lip_lower_inner_{n}" for n in range(1, 8))
SPREAD = 0.003
MIDLINE, UNLIKE = 2e-4, 5e-3
FLIP = np.array([-1.0, 1.0, 1.0])


def carried_flame(shared: Path, source: Head, *, mixed: bool = True, seed: int = 0) -> Head:
    """A head on FLAME's topology in ``flame`` space whose 50 components together span the source's units."""
    with np.load(shared / "flame_topology.npz") as file:
        template, triangles = file["v_template"].astype(np.float32), file["f"].astype(np.int32)
        regressor = file["J_regressor"].astype(np.float32)
    plain = _bare(template, triangles, regressor)
    laid = _laid(source, plain)
    skin = _skin(source)
    rows, weights = _neighbours(laid, _upper_side(source)[skin], skin, template, _upper_side(plain))
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(50, 50)))[0] if mixed else np.eye(50)
    scale = _size(plain) / _size(source)

    def carried(values: npt.NDArray[np.float32]) -> Array:
        return np.asarray(np.einsum("vk...,vk->v...", values[rows].astype(np.float64), weights))

    expression = carried(source.expression_directions) * scale
    skinning = carried(source.weights)
    skinning = (skinning + skinning[_images(plain)][:, [0, 1, 2, 4, 3]]) / 2
    for joint, ball in ((3, LEFT_EYEBALL), (4, RIGHT_EYEBALL)):
        expression[list(ball)] = 0
        skinning[list(ball)] = np.eye(5)[joint]
    return Head(
        name="carried",
        space="flame",
        template=template,
        faces=plain.faces,
        shape_directions=(carried(source.shape_directions) * scale).astype(np.float32),
        expression_directions=(expression @ rotation).astype(np.float32),
        expression_names=tuple(f"Exp{n}" for n in range(1, 51)),
        pose_directions=(carried(source.pose_directions) * scale).astype(np.float32),
        joint_regressor=regressor,
        parents=plain.parents,
        weights=(skinning / skinning.sum(axis=1, keepdims=True)).astype(np.float32),
        landmarks=plain.landmarks,
    )


def _bare(
    template: npt.NDArray[np.float32], triangles: npt.NDArray[np.int32], regressor: npt.NDArray[np.float32]
) -> Head:
    count = len(template)
    return Head(
        name="bare",
        space="flame",
        template=template,
        faces=np.concatenate([triangles, np.full((len(triangles), 1), -1, np.int32)], axis=1),
        shape_directions=np.zeros((count, 3, 0), np.float32),
        expression_directions=np.zeros((count, 3, 0), np.float32),
        expression_names=(),
        pose_directions=np.zeros((count, 3, 36), np.float32),
        joint_regressor=regressor,
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        weights=np.eye(5, dtype=np.float32)[np.zeros(count, int)],
        landmarks=landmarks_of(count, len(triangles)),
    )


def _images(head: Head) -> npt.NDArray[np.int64]:
    """(V,) the vertex that is each one's image on the other side, itself on other pieces than the skin.

    Found along the mesh, whose edges are mirror images though its places are not: from an edge on the midline, triangle
    by triangle on both sides at once.
    """
    apex = {
        (int(triangle[n]), int(triangle[n - 2])): int(triangle[n - 1]) for triangle in head.triangles for n in range(3)
    }
    midline = set(np.flatnonzero(np.abs(head.template[:, 0]) < MIDLINE).tolist())
    start = next(edge for edge in apex if midline.issuperset(edge))
    found, waiting = {start[0]: start[0], start[1]: start[1]}, deque([start])
    while waiting:
        a, b = waiting.popleft()
        here, there = apex.get((a, b)), apex.get((found[b], found[a]))
        if here is None or there is None or here in found:
            continue
        # a few squares are cut along the other diagonal on the other side
        if np.linalg.norm(head.template[here] * FLIP - head.template[there]) < UNLIKE:
            found[here] = there
            waiting += [(b, a), (here, b), (b, here), (a, here), (here, a)]
    images = np.arange(head.vertex_count)
    images[list(found)] = list(found.values())
    return np.asarray(images)


def _size(head: Head) -> float:
    """Mean distance of the landmarks from their middle."""
    points = positions(head, head.template, LANDMARK_NAMES)
    return float(np.linalg.norm(points - points.mean(axis=0), axis=1).mean())


def _laid(source: Head, target: Head) -> Array:
    """The source's vertices over the target: an affine map of the landmarks, and what it leaves, faded by distance."""
    here = positions(source, source.template, LANDMARK_NAMES).astype(np.float64)
    there = positions(target, target.template, LANDMARK_NAMES).astype(np.float64)

    def affine(points: Array) -> Array:
        return np.concatenate([points, np.ones((len(points), 1))], axis=1)

    map_, *_ = np.linalg.lstsq(affine(here), there, rcond=None)
    laid = affine(source.template.astype(np.float64)) @ map_
    at = affine(here) @ map_
    near = np.exp(-0.5 * (np.linalg.norm(laid[:, None] - at[None], axis=2) / 0.012) ** 2)
    return np.asarray(laid + near @ (there - at) / np.maximum(near.sum(axis=1, keepdims=True), 0.5))


def _skin(head: Head) -> npt.NDArray[np.int64]:
    chosen = [head.material_names.index(name) for name in SKIN]
    assert head.material_index is not None
    return np.unique(head.faces[np.isin(head.material_index, chosen)])


def _upper_side(head: Head) -> npt.NDArray[np.bool_]:
    """(V,) which vertices lie nearer to the upper lip than to the lower, along the mesh."""
    triangles = head.triangles
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    length = np.linalg.norm(head.template[edges[:, 0]] - head.template[edges[:, 1]], axis=1) + 1e-9
    graph = coo_matrix((length, edges.T), shape=(head.vertex_count,) * 2).tocsr()
    ways = [
        dijkstra(graph, directed=False, indices=[head.landmark(n).vertices[0] for n in names], min_only=True)
        for names in (UPPER, LOWER)
    ]
    return np.asarray(ways[0] <= ways[1])


def _neighbours(
    laid: Array,
    laid_upper: npt.NDArray[np.bool_],
    skin: npt.NDArray[np.int64],
    template: npt.NDArray[np.float32],
    upper: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int64], Array]:
    """Six source vertices (V, 6) on the same side of the mouth for each vertex, and their weights."""
    rows = np.zeros((len(template), 6), np.int64)
    weights = np.zeros((len(template), 6))
    for side in (True, False):
        own = skin[laid_upper == side]
        distance, index = cKDTree(laid[own]).query(template[upper == side], k=6)
        near = np.exp(-0.5 * ((distance - distance[:, :1]) / SPREAD) ** 2)
        rows[upper == side] = own[index]
        weights[upper == side] = near / near.sum(axis=1, keepdims=True)
    return rows, weights

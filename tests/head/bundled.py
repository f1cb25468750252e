"""What the bundled head's tests share: the committed file, its parts, and simple solids to test against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.head.landmarks import positions
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.head.skinning import vertices

HEAD_FILE = Path(__file__).resolve().parents[2] / "vendor_models" / "head" / "head.npz"
MM = 1000.0
UPPER_LINE = tuple(f"lip_upper_inner_{n}" for n in range(9))
LOWER_LINE = tuple(f"lip_lower_inner_{n}" for n in range(9))
TEETH = ("teeth", "teeth_back", "teeth_deep")
TONGUE = ("tongue", "tongue_middle", "tongue_back", "tongue_deep")
GUMS = ("gums", "gums_middle", "gums_back")
INSIDE = ("mouth_lining", "mouth_middle", "mouth_back", "mouth_deep", "mouth_inside")
SKIN = ("skin", "lips", *INSIDE)
Array = npt.NDArray[np.float64]


@cache
def head() -> Head:
    """The committed head."""
    return read_head(HEAD_FILE)


def posed(units: dict[str, float] | None = None, jaw: float = 0.0) -> Array:
    """Points (V, 3) in metres under unit strengths and a jaw opening."""
    expression = np.zeros((1, 50), dtype=np.float32)
    for name, value in (units or {}).items():
        expression[0, head().expression_names.index(name)] = value
    return vertices(head(), expression, np.array([[jaw, 0.0, 0.0]]))[0].astype(np.float64)


def gaps(points: Array) -> Array:
    """Distance of the inner lips at nine places from corner to corner, in millimetres (9,)."""
    apart = positions(head(), points, UPPER_LINE) - positions(head(), points, LOWER_LINE)
    return np.asarray(np.linalg.norm(apart, axis=-1) * MM)


def place(points: Array, name: str) -> Array:
    """A landmark's place in millimetres (3,)."""
    return np.asarray(positions(head(), points, (name,))[0] * MM)


def faces_of(*materials: str) -> npt.NDArray[np.int32]:
    """The quads that have one of these materials (F, 4)."""
    chosen = [head().material_names.index(m) for m in materials]
    return head().faces[np.isin(head().material_index, chosen)]


def points_of(*materials: str) -> npt.NDArray[np.int64]:
    """The numbers of the points of these materials' faces."""
    return np.unique(faces_of(*materials))


@cache
def mirror() -> npt.NDArray[np.int64]:
    """Every point's mirror image (V,), found by place and, where parts touch, by part."""
    rest = np.round(head().template.astype(np.float64) * 1e6).astype(np.int64)
    labels = islands()
    order: dict[tuple[int, ...], list[int]] = {}
    for n, p in enumerate(rest):
        order.setdefault(tuple(p), []).append(n)
    out = np.empty(len(rest), dtype=np.int64)
    uses = head().weights[:, 2]
    for n, p in enumerate(rest):
        found = order[-p[0], p[1], p[2]]
        out[n] = n if n in found else min(found, key=lambda m: (abs(uses[m] - uses[n]), labels[m] != labels[n]))
    return out


@cache
def islands() -> npt.NDArray[np.int64]:
    """A number for every connected piece of the mesh, by point (V,)."""
    count = head().vertex_count
    label = np.arange(count)
    faces = head().faces
    while True:
        lowest = label[faces].min(axis=1)
        new = label.copy()
        np.minimum.at(new, faces.ravel(), np.repeat(lowest, 4))
        if np.array_equal(new, label):
            return np.asarray(label)
        label = new


@dataclass(frozen=True, eq=False)
class Solid:
    """A nearly convex piece, as half-spaces (outward normals and a point on each)."""

    normals: Array
    anchors: Array

    def depth(self, points: Array) -> Array:
        """How deep points (N, 3) lie inside, in the same unit; negative outside (N,)."""
        along = np.einsum("nfk,fk->nf", points[:, None] - self.anchors[None], self.normals)
        return np.asarray(-along.max(axis=1))


def teeth(points: Array) -> list[Solid]:
    """Every crown as a solid, at posed points."""
    faces = faces_of(*TEETH)
    label = islands()[faces[:, 0]]
    made = []
    for piece in np.unique(label):
        quads = points[faces[label == piece]]
        normal = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        made.append(Solid(normal, quads.mean(axis=1)))
    return made


def deepest_in_teeth(points: Array, numbers: npt.NDArray[np.int64]) -> float:
    """How deep the deepest of these points lies in a tooth, in millimetres."""
    worst = -np.inf
    for solid in teeth(points):
        near = numbers[np.linalg.norm(points[numbers] - solid.anchors.mean(axis=0), axis=1) < 0.015]
        if len(near):
            worst = max(worst, float(solid.depth(points[near]).max()))
    return worst * MM


def eyeball_clearance(points: Array, *, left: bool) -> float:
    """The least distance of the lids over the eyeball's surface, in millimetres; negative inside."""
    ball = points_of("eye_white", "iris", "pupil")
    rest = head().template
    ball = ball[rest[ball, 0] > 0] if left else ball[rest[ball, 0] < 0]
    centre = head().joint_regressor[3 if left else 4] @ points
    radius = np.linalg.norm(rest[ball] - head().joint_regressor[3 if left else 4] @ rest, axis=1).max()
    skin = points_of("skin")
    quads = faces_of("skin")
    near = quads[np.linalg.norm(rest[quads].mean(axis=1) - centre, axis=1) < 2 * radius]
    sampled = np.concatenate([points[skin], points[near].mean(axis=1)])
    return float((np.linalg.norm(sampled - centre, axis=1) - radius).min() * MM)


def beyond_skin(points: Array, numbers: npt.NDArray[np.int64]) -> float:
    """How far the farthest of these points lies before the skin that covers it at rest, in millimetres.

    Looked at along +z: skin layers that face forward less those that face back, before the point, count 1 within flesh.
    """
    faces = faces_of(*SKIN)
    chosen = faces[(np.abs(head().template[faces][:, :, :2].mean(axis=1) - [0, -0.05]) < [0.05, 0.06]).all(axis=1)]
    triangles = np.concatenate([points[chosen[:, :3]], points[chosen[:, [0, 2, 3]]]])
    triangles = triangles[triangles[:, :, 2].mean(axis=1) > 0.02]
    worst = 0.0
    # what can show between the lips; a hair beside the midline, so that no ray runs along an edge
    probes = points[numbers[head().template[numbers, 2] > 0.035]] + [1e-5, 0, 0]
    a, b, c = (triangles[:, n] for n in range(3))
    for begin in range(0, len(probes), 200):
        p = probes[begin : begin + 200, None]
        d1, d2, d3 = (_side(p, *pair) for pair in ((a, b), (b, c), (c, a)))
        hit = ((d1 >= 0) & (d2 >= 0) & (d3 >= 0)) | ((d1 < 0) & (d2 < 0) & (d3 < 0))
        total = d1 + d2 + d3
        safe = np.where(np.abs(total) > 1e-14, total, 1.0)
        z = (d2 * a[None, :, 2] + d3 * b[None, :, 2] + d1 * c[None, :, 2]) / safe
        ahead = z - p[..., 2]
        facing = np.sign(total)
        # layers that face forward less layers that face back: 1 before a point inside the head, 0 in the open
        layers = np.where(hit & (ahead > 0), facing, 0.0).sum(axis=1)
        behind = np.where(hit & (ahead <= 0) & (facing > 0), -ahead, np.inf).min(axis=1)
        # between the skin and the mouth's lining the count is 1; in the mouth behind closed lips it is 0
        inside_flesh = layers > 0
        depth = np.where(inside_flesh, np.where(hit & (facing < 0), np.abs(ahead), np.inf).min(axis=1), 0.0)
        depth = np.minimum(depth, behind + 1.0)
        worst = max(worst, float(np.where(np.isfinite(depth), depth, 0.0).max()))
    return worst * MM


def seen_first(points: Array, eye: Array) -> str:
    """The material of the first face that a sight from before ``eye`` (3,) along -z meets."""
    faces = head().faces
    quads = points[faces]
    near = np.flatnonzero(np.abs(quads.mean(axis=1)[:, :2] - eye[:2]).max(axis=1) < 0.02)
    first, name = -np.inf, "nothing"
    for number in near:
        for corners in ((0, 1, 2), (0, 2, 3)):
            a, b, c = quads[number][list(corners)][:, None]
            d1, d2, d3 = (float(_side(eye[None, None], *pair)[0, 0]) for pair in ((a, b), (b, c), (c, a)))
            total = d1 + d2 + d3
            if abs(total) < 1e-14 or not (min(d1, d2, d3) >= 0 or max(d1, d2, d3) <= 0):
                continue
            z = (d2 * a[0, 2] + d3 * b[0, 2] + d1 * c[0, 2]) / total
            if z > first:
                first, name = float(z), head().material_names[head().material_index[number]]
    return name


def _side(p: Array, a: Array, b: Array) -> Array:
    """Twice the signed area of (a, b, p) seen along z: (P, F)."""
    return np.asarray(
        (b[None, :, 0] - a[None, :, 0]) * (p[..., 1] - a[None, :, 1])
        - (b[None, :, 1] - a[None, :, 1]) * (p[..., 0] - a[None, :, 0])
    )


def lips_crossed(points: Array) -> float:
    """How far the lower inner lip stands above the upper, at the nine places, in millimetres."""
    up = positions(head(), points, UPPER_LINE)[:, 1]
    low = positions(head(), points, LOWER_LINE)[:, 1]
    return float((low - up).max() * MM)


def folded(points: Array) -> npt.NDArray[np.bool_]:
    """Quads that are folded whichever way they are cut (F,)."""
    q = points[head().faces]

    def against(a: int, b: int, c: int, d: int) -> npt.NDArray[np.bool_]:
        one = np.cross(q[:, b] - q[:, a], q[:, c] - q[:, a])
        other = np.cross(q[:, c] - q[:, a], q[:, d] - q[:, a])
        return np.asarray((one * other).sum(axis=1) < 0)

    return against(0, 1, 2, 3) & against(1, 2, 3, 0)


def areas(points: Array) -> Array:
    """Every quad's area in square millimetres (F,)."""
    q = points[head().faces]
    return np.asarray(np.linalg.norm(np.cross(q[:, 2] - q[:, 0], q[:, 3] - q[:, 1]), axis=1) / 2 * MM**2)


@cache
def _rest_teeth() -> list[tuple[Solid, bool]]:
    """Every crown at rest, and whether it goes with the jaw."""
    faces = faces_of(*TEETH)
    label = islands()[faces[:, 0]]
    lower = [bool(head().weights[faces[label == piece][0, 0], 2] > 0.5) for piece in np.unique(label)]
    return list(zip(teeth(head().template.astype(np.float64)), lower, strict=True))


def deepest_in_rigid_teeth(points: Array, angles: npt.NDArray[np.float32]) -> float:
    """How deep any of the points (T, N, 3) lies in a tooth while the jaw is open by ``angles`` (T,), in millimetres.

    Teeth are rigid, so the points are turned into the jaw's frame instead of the teeth into the head's.
    """
    hinge = (head().joint_regressor @ head().template)[2].astype(np.float64)
    sine, cosine = np.sin(angles)[:, None], np.cos(angles)[:, None]
    y, z = points[..., 1] - hinge[1], points[..., 2] - hinge[2]
    back = np.stack([points[..., 0], hinge[1] + y * cosine + z * sine, hinge[2] - y * sine + z * cosine], axis=-1)
    worst = -np.inf
    for solid, lower in _rest_teeth():
        flat = (back if lower else points).reshape(-1, 3)
        near = flat[np.linalg.norm(flat - solid.anchors.mean(axis=0), axis=1) < 0.008]
        if len(near):
            worst = max(worst, float(solid.depth(near).max()))
    return worst * MM


@cache
def _lip_faces() -> npt.NDArray[np.int32]:
    """The red of both lips, and a band that closes it from behind, from its inner edge to its outer one (F, 4)."""
    faces = faces_of("lips")
    owner = {(int(q[n]), int(q[(n + 1) % 4])): (q, n) for q in faces for n in range(4)}
    band, done = [], set()
    for start in [edge for edge in owner if edge[::-1] not in owner]:
        if start in done:
            continue
        edge = start
        while True:
            quad, n = owner[edge]
            # across this quad: what lies beside the edge's first and second point
            beside = (int(quad[(n + 3) % 4]), int(quad[(n + 2) % 4]))
            if beside not in owner:
                break
            edge = beside
        done.add(beside[::-1])
        band.append((start[1], start[0], beside[0], beside[1]))
    return np.concatenate([faces, np.array(band, dtype=np.int32)])


def lip_volume(points: Array) -> float:
    """What both lips hold between the red and the straight line from its outer to its inner edge, in cubic metres."""
    q = points[_lip_faces()] - points[_lip_faces()].mean(axis=(0, 1))
    halves = np.cross(q[:, 1], q[:, 2]) + np.cross(q[:, 2], q[:, 3])
    return float(abs((q[:, 0] * halves).sum()) / 6)

"""Teeth, gums and tongue: what shows when the lips part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curves import Array, smoothstep, through
from .eyes import Piece, tube
from .proportions import MOUTH_Y

EDGE_UPPER = MOUTH_Y - 0.30
EDGE_LOWER = MOUTH_Y - 0.14
FRONT_UPPER, FRONT_LOWER = 7.81, 7.55
BEND = (0.25, 0.03)  # how the arch falls back from its front with the second and the fourth power of x


@dataclass(frozen=True)
class Crown:
    """One tooth: how wide, how tall, how thick, in cm.

    Attributes:
        width: Across, along the arch.
        height: From the edge to where it stands in the gum.
        depth: From the face that shows to the back, at its thickest.
        blade: How thick the edge is, as a share of the depth: incisors cut, molars grind.
        rise: How far the edge stands behind the arch's own, towards the gum.
        point: How far the edge's middle stands before its corners: a canine's tip, an incisor's worn corners.
    """

    width: float
    height: float
    depth: float
    blade: float
    rise: float
    point: float


# The left half of each jaw, from the middle.
UPPER = (
    Crown(0.82, 0.98, 0.58, 0.22, 0.0, 0.025),
    Crown(0.66, 0.90, 0.54, 0.22, 0.045, 0.04),
    Crown(0.74, 0.98, 0.64, 0.26, 0.0, 0.13),
    Crown(0.68, 0.82, 0.76, 0.62, 0.06, 0.09),
    Crown(0.66, 0.76, 0.80, 0.70, 0.09, 0.07),
    Crown(0.92, 0.70, 0.95, 0.80, 0.12, 0.05),
)
LOWER = (
    Crown(0.54, 0.84, 0.50, 0.24, 0.0, 0.015),
    Crown(0.58, 0.84, 0.52, 0.24, 0.01, 0.02),
    Crown(0.66, 0.92, 0.60, 0.28, -0.02, 0.10),
    Crown(0.68, 0.80, 0.72, 0.62, 0.05, 0.08),
    Crown(0.70, 0.74, 0.78, 0.70, 0.09, 0.06),
    Crown(0.95, 0.68, 0.95, 0.80, 0.13, 0.05),
)
# From the edge to the gum: height, width, how the depth goes from the edge's to the whole, how the face bulges in cm.
LEVELS = (
    (0.0, 0.90, 0.0, -0.035),
    (0.07, 0.955, 0.10, -0.01),
    (0.34, 0.99, 0.45, 0.025),
    (0.70, 0.95, 1.0, 0.035),
    (1.05, 0.76, 0.95, -0.01),
)
MOLAR_BEVEL = (0.16, 0.09)  # how much less wide and how much farther in the edge of a full-thick blade is
MOLAR = 0.5  # from which blade on a tooth grinds: its edge is a surface of its own
FACE_QUADS = 3  # how many of a ring's quads make the tooth's face; the first ones
SHOULDER = 0.56
"""Where along half a tooth's width its face begins to turn to the side."""

# The farther back in the mouth, the darker. Of teeth from the middle: the material of the side that shows, and of the
# others. Of gum and tongue: every ring's, in steps that the eye takes for one slope.
SHADES = (*(("teeth", "teeth_back"),) * 3, *(("teeth_back", "teeth_deep"),) * 2, ("teeth_deep", "teeth_deep"))
GUM = (*("gums",) * 3, *("gums_middle",) * 2, *("gums_back",) * 3)
TONGUE = (*("tongue_deep",) * 3, *("tongue_back",) * 2, "tongue_middle", *("tongue",) * 3)


def _arch(front: float, length: Array) -> tuple[Array, Array]:
    """Places along the dental arch at arc length from the middle: points (N, 3) at y 0 and outward normals."""
    x = np.linspace(0.0, 3.2, 600)
    z = front - BEND[0] * x**2 - BEND[1] * x**4
    s = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    px, pz = np.interp(length, s, x), np.interp(length, s, z)
    slope = np.interp(length, s, np.gradient(z, x))
    normal = np.stack([-slope, np.zeros_like(slope), np.ones_like(slope)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.stack([px, np.zeros_like(px), pz], axis=-1), normal


def _crown(crown: Crown) -> tuple[Array, list[tuple[int, int, int, int]], list[bool]]:
    """One tooth in its own frame (x across, y from the edge towards the gum, z outward): a bulged box of rings.

    Returns:
        Its points, its quads, and whether each quad belongs to the side that shows.
    """
    points: list[list[float]] = []
    rings: list[list[int]] = []
    up, wide, thick, face = LEVELS[0]
    bevelled = (up, wide - MOLAR_BEVEL[0] * crown.blade, thick, face - MOLAR_BEVEL[1] * crown.blade)
    for up, wide, thick, face in (bevelled, *LEVELS[1:]):
        w, shoulder = crown.width / 2 * wide, crown.width / 2 * wide * SHOULDER
        back = face - crown.depth * (crown.blade + (1.0 - crown.blade) * thick)
        turn = min(0.13, 0.3 * (face - back))
        corner = crown.point * (1.0 - min(up / 0.34, 1.0))
        ring = [
            (-w, corner, face - turn),
            (-shoulder, 0.0, face),
            (shoulder, 0.0, face),
            (w, corner, face - turn),
            (w, corner, back + turn),
            (shoulder, 0.0, back),
            (-shoulder, 0.0, back),
            (-w, corner, back + turn),
        ]
        rings.append(list(range(len(points), len(points) + 8)))
        points += [[x, up * crown.height + y, z] for x, y, z in ring]
    quads = tube(rings, closed=True)
    # both ends are closed by rungs from face to back: a straight edge needs no point in its middle
    edge, root = rings[0], rings[-1]
    ends = [(edge[7 - n], edge[6 - n], edge[n + 1], edge[n]) for n in range(3)]
    ends += [(root[n], root[n + 1], root[6 - n], root[7 - n]) for n in range(3)]
    shows = [n % len(ring) < FACE_QUADS for n in range(len(quads))] + [crown.blade < MOLAR] * 3 + [False] * 3
    return np.array(points), [q[::-1] for q in quads] + ends, shows


def arch_teeth(*, upper: bool) -> Piece:
    """The left half's teeth of one jaw."""
    front, edge = (FRONT_UPPER, EDGE_UPPER) if upper else (FRONT_LOWER, EDGE_LOWER)
    points: list[Array] = []
    quads: list[tuple[int, int, int, int]] = []
    materials: list[str] = []
    start, total = 0.0, 0
    for crown, shade in zip(UPPER if upper else LOWER, SHADES, strict=True):
        place, normal = _arch(front, np.array([start + crown.width / 2]))
        own, faces, shows = _crown(crown)
        across = np.array([normal[0, 2], 0.0, -normal[0, 0]])
        up = 1.0 if upper else -1.0
        local = place + own[:, :1] * across + own[:, 2:] * normal
        local[:, 1] = edge + up * (own[:, 1] + crown.rise)
        points.append(local)
        quads += [tuple(i + total for i in (q if upper else q[::-1])) for q in faces]  # type: ignore[misc]
        materials += [shade[0] if shown else shade[1] for shown in shows]
        total += len(local)
        start += crown.width
    return Piece(np.concatenate(points), np.array(quads, dtype=np.int32), tuple(materials))


def gum(*, upper: bool) -> Piece:
    """The left half of one jaw's gum: a soft tube along the arch that the crowns stand in."""
    front, edge = (FRONT_UPPER, EDGE_UPPER) if upper else (FRONT_LOWER, EDGE_LOWER)
    up = 1.0 if upper else -1.0
    total = sum(crown.width for crown in (UPPER if upper else LOWER))
    at = np.linspace(0.0, total, 9)
    place, normal = _arch(front, at)
    profile = [(0.74, 0.0), (0.86, 0.10), (1.12, 0.08), (1.35, -0.1), (1.35, -0.9), (1.0, -1.05), (0.72, -0.85)]
    rings: list[list[int]] = []
    points: list[list[float]] = []
    for p, n in zip(place, normal, strict=True):
        rings.append(list(range(len(points), len(points) + len(profile))))
        for rise, out in profile:
            q = p + n * out
            points.append([q[0], edge + up * rise, q[2]])
    quads = tube(rings, closed=True)
    quads = quads if upper else [q[::-1] for q in quads]
    array = np.array(points)
    array[: len(profile), 0] = 0.0
    materials = tuple(GUM[min(q) // len(profile)] for q in quads)
    return Piece(array, np.array(quads, dtype=np.int32), materials)


def tongue() -> Piece:
    """The left half of the tongue: rings from the root to the tip, a groove along its middle."""
    at = np.linspace(0.0, 1.0, 9)
    z = through((0, 1), (1.0, 7.05), at)
    width = through((0, 0.3, 0.6, 0.85, 1.0), (1.6, 1.6, 1.5, 1.1, 0.35), at)
    top = through((0, 0.35, 0.7, 1.0), (-5.75, -5.05, -5.35, -5.72), at)
    thick = through((0, 0.5, 0.85, 1.0), (2.1, 1.8, 0.8, 0.2), at)
    arc = np.linspace(np.pi / 2, -np.pi / 2, 8)
    points: list[list[float]] = []
    rings: list[list[int]] = []
    for zz, w, t, h in zip(z, width, top, thick, strict=True):
        rings.append(list(range(len(points), len(points) + len(arc))))
        for a in arc:
            x = w * np.cos(a) if abs(a) < np.pi / 2 - 1e-6 else 0.0
            groove = 0.15 * float(1 - smoothstep(0.0, 0.8, x)) * (a > 0) * min(1.0, h)
            points.append([x, t - h / 2 + h / 2 * np.sin(a) - groove, zz])
    quads = tube(rings, closed=False)
    # close the tip by folding the half ring upon itself
    last = rings[-1]
    for a in range(3):
        quads.append((last[a], last[7 - a], last[6 - a], last[a + 1]))
    materials = tuple(TONGUE[min(q) // len(arc)] for q in quads)
    return Piece(np.array(points), np.array(quads, dtype=np.int32), materials)

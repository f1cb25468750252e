"""Teeth, gums and tongue: what shows when the lips part."""

from __future__ import annotations

import numpy as np

from .curves import Array, smoothstep, through
from .eyes import Piece, disc_patch, tube
from .proportions import MOUTH_Y

EDGE_UPPER = MOUTH_Y - 0.30
EDGE_LOWER = MOUTH_Y - 0.14
FRONT_UPPER, FRONT_LOWER = 7.81, 7.57
BEND = (0.33, 0.03)  # how the arch falls back from its front with the second and the fourth power of x

# Left half, from the middle: widths and heights of the crowns.
UPPER_WIDTH = (0.82, 0.66, 0.74, 0.68, 0.68, 0.9)
UPPER_HEIGHT = (0.98, 0.86, 0.94, 0.80, 0.74, 0.68)
LOWER_WIDTH = (0.54, 0.58, 0.66, 0.68, 0.70, 0.95)
LOWER_HEIGHT = (0.84, 0.84, 0.92, 0.80, 0.74, 0.68)
DEPTH = (0.55, 0.55, 0.62, 0.75, 0.8, 0.95)


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


def _crown(width: float, height: float, depth: float, *, molar: bool) -> tuple[Array, list[tuple[int, int, int, int]]]:
    """One tooth in its own frame (x across, y from the edge towards the gum, z outward): a bulged box of rings."""
    levels = (
        (0.0, 0.78, 0.45 if not molar else 0.8, -0.02),
        (0.18, 0.96, 0.75, 0.0),
        (0.6, 1.0, 1.0, 0.05),
        (1.05, 0.78, 0.9, 0.0),
    )
    points: list[list[float]] = []
    rings: list[list[int]] = []
    for y, wide, deep, out in levels:
        w, d = width / 2 * wide * 0.98, depth * deep
        back = -depth / 2 - d / 2
        face = out + (0.0 if y > 0.1 else -0.06)
        ring = [
            (-w, face - 0.10),
            (-w * 0.55, face),
            (w * 0.55, face),
            (w, face - 0.10),
            (w, back + 0.10),
            (w * 0.55, back),
            (-w * 0.55, back),
            (-w, back + 0.10),
        ]
        rings.append(list(range(len(points), len(points) + 8)))
        points += [[x, y * height, z] for x, z in ring]
    quads = tube(rings, closed=True)
    bottom = rings[0]
    cells, cap = disc_patch(len(points), 2, bottom)
    for _ in cells:
        points.append(list(np.mean([points[i] for i in bottom], axis=0) - np.array([0.0, 0.02, 0.0])))
    return np.array(points), [q[::-1] for q in quads] + cap


def arch_teeth(*, upper: bool) -> Piece:
    """The left half's teeth of one jaw."""
    widths, heights = (UPPER_WIDTH, UPPER_HEIGHT) if upper else (LOWER_WIDTH, LOWER_HEIGHT)
    front, edge = (FRONT_UPPER, EDGE_UPPER) if upper else (FRONT_LOWER, EDGE_LOWER)
    points: list[Array] = []
    quads: list[tuple[int, int, int, int]] = []
    start, total = 0.0, 0
    for n, (width, height, depth) in enumerate(zip(widths, heights, DEPTH, strict=True)):
        place, normal = _arch(front, np.array([start + width / 2]))
        own, faces = _crown(width, height, depth, molar=n > 2)
        across = np.array([normal[0, 2], 0.0, -normal[0, 0]])
        rise = 0.06 if n == 1 and upper else 0.04 * max(n - 2, 0)
        up = 1.0 if upper else -1.0
        local = place + own[:, :1] * across + own[:, 2:] * normal
        local[:, 1] = edge + up * (own[:, 1] + rise)
        points.append(local)
        quads += [tuple(i + total for i in (q if upper else q[::-1])) for q in faces]  # type: ignore[misc]
        total += len(local)
        start += width
    return Piece(np.concatenate(points), np.array(quads, dtype=np.int32), ("teeth",) * len(quads))


def gum(*, upper: bool) -> Piece:
    """The left half of one jaw's gum: a soft tube along the arch that the crowns stand in."""
    front, edge = (FRONT_UPPER, EDGE_UPPER) if upper else (FRONT_LOWER, EDGE_LOWER)
    up = 1.0 if upper else -1.0
    total = sum(UPPER_WIDTH if upper else LOWER_WIDTH) + 0.25
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
    return Piece(array, np.array(quads, dtype=np.int32), ("gums",) * len(quads))


def tongue() -> Piece:
    """The left half of the tongue: rings from the root to the tip, a groove along its middle."""
    at = np.linspace(0.0, 1.0, 9)
    z = through((0, 1), (1.0, 7.05), at)
    width = through((0, 0.3, 0.6, 0.85, 1.0), (1.5, 1.55, 1.5, 1.15, 0.35), at)
    top = through((0, 0.35, 0.7, 1.0), (-5.75, -5.05, -5.35, -5.72), at)
    thick = through((0, 0.5, 0.85, 1.0), (1.1, 1.0, 0.6, 0.18), at)
    arc = np.linspace(np.pi / 2, -np.pi / 2, 8)
    points: list[list[float]] = []
    rings: list[list[int]] = []
    for zz, w, t, h in zip(z, width, top, thick, strict=True):
        rings.append(list(range(len(points), len(points) + len(arc))))
        for a in arc:
            x = w * np.cos(a) ** 0.8 if abs(a) < np.pi / 2 - 1e-6 else 0.0
            groove = 0.10 * float(1 - smoothstep(0.0, 0.6, x)) * (a > 0) * min(1.0, h)
            points.append([x, t - h / 2 + h / 2 * np.sin(a) - groove, zz])
    quads = tube(rings, closed=False)
    # close the tip by folding the half ring upon itself
    last = rings[-1]
    for a in range(3):
        quads.append((last[a], last[7 - a], last[6 - a], last[a + 1]))
    return Piece(np.array(points), np.array(quads, dtype=np.int32), ("tongue",) * len(quads))

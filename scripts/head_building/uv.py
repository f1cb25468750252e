"""The UV map: the skin unrolled around the head, everything else in tiles below it."""

from __future__ import annotations

import numpy as np

from .body import LINING, MATERIALS, Body
from .curves import Array

SKIN_FLOOR = 0.25  # the skin fills the map above this line
TILES = ("mouth_inside", "eyeball", "teeth_upper", "teeth_lower", "gum_upper", "gum_lower", "tongue", "brow", "lash")


def uv_map(body: Body) -> Array:
    """Map coordinates of every face's corners (F, 4, 2), all within 0 to 1."""
    p = body.points
    corners = p[body.quads]
    out = np.zeros((*body.quads.shape, 2))
    turn = np.arctan2(corners[..., 0], corners[..., 2] + 1.0)
    side = np.sign(corners[..., 0].mean(axis=1))[:, None]
    # points on the back's midline lie on both edges of the map: each face takes the edge of its own side
    back = (np.abs(corners[..., 0]) < 1e-6) & (corners[..., 2] < -1.0)
    turn = np.where(back, side * np.pi, turn)
    out[..., 0] = 0.5 + turn / (2 * np.pi) * 0.98
    skin_points = p[: len(body.skin.points), 1]
    low, high = skin_points.min(), skin_points.max()
    out[..., 1] = SKIN_FLOOR + 0.01 + (1 - SKIN_FLOOR - 0.02) * (corners[..., 1] - low) / (high - low)
    lining = np.isin(body.material, [MATERIALS.index(name) for _, name in LINING])
    groups = {"mouth_inside": lining & (body.quads.max(axis=1) < len(body.skin.points))}
    for part in body.parts:
        if part == "skin":
            continue
        member = np.zeros(len(p), dtype=bool)
        member[body.both(part)] = True
        name = "lash" if part.startswith("lash") else part
        groups[name] = groups.get(name, np.zeros(len(body.quads), dtype=bool)) | member[body.quads].all(axis=1)
    width = 1.0 / len(TILES)
    for n, name in enumerate(TILES):
        faces = groups[name]
        across = (
            (1, 0) if name in {"brow", "lash"} else (0, 2) if name in {"gum_upper", "gum_lower", "tongue"} else (0, 1)
        )
        flat = corners[faces][..., sorted(across)]
        lowest = flat.reshape(-1, 2).min(axis=0)
        span = flat.reshape(-1, 2).max(axis=0) - lowest
        place = (flat - lowest) / span
        out[faces, :, 0] = width * (n + 0.04 + 0.92 * place[..., 0])
        out[faces, :, 1] = SKIN_FLOOR * (0.04 + 0.92 * place[..., 1])
    return np.clip(out, 0.0, 1.0)

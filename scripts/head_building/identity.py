"""Identity directions: who it is. Each is a soft change of the whole head; eyes, teeth and lips go with it unbroken."""

from __future__ import annotations

import numpy as np

from .body import Body
from .curves import Array, smoothstep
from .fields import near
from .proportions import EYE

Both = tuple[float, float, float]


def _pair(p: Array, centre: Both, radius: Both, plateau: float = 0.0) -> tuple[Array, Array]:
    """Weights around a place on both sides (V, 1) and the sign of x (V, 1)."""
    folded = np.abs(p) * [1, 0, 0] + p * [0, 1, 1]
    return near(folded, centre, radius, plateau)[:, None], np.sign(p[:, :1])


def _scaled(p: Array, centre: Both, weight: Array, factors: Both) -> Array:
    return np.asarray((p - np.array(centre)) * weight * np.array(factors))


def directions(body: Body) -> dict[str, Array]:
    """Name → displacement (V, 3) at 1; useful from -1 to 1."""
    p = body.points
    zero = np.zeros_like(p)
    x, y, z = (p[:, i : i + 1] for i in range(3))
    sign = np.sign(x)
    left = np.concatenate([sign, 0 * sign, 0 * sign], axis=1)
    face = smoothstep(-2.0, 4.0, z)
    low = smoothstep(0.0, -7.0, y) * smoothstep(-14.0, -9.0, y)

    def along(axis: int, amount: Array) -> Array:
        out = zero.copy()
        out[:, axis : axis + 1] = amount
        return out

    made: dict[str, Array] = {}
    made["face_width"] = along(0, x * 0.09)
    made["face_length"] = along(1, np.minimum(y - 2.0, 0.0) * 0.09 * smoothstep(-18.0, -9.5, y))
    made["skull_height"] = along(1, smoothstep(3.5, 12.0, y) * 1.2) + along(2, -smoothstep(3.5, 12.0, y) * 0.5)
    jaw, _ = _pair(p, (4.8, -5.2, 0.8), (3.4, 4.4, 5.2), 0.2)
    made["jaw_width"] = left * jaw * 0.75
    chin = near(p, (0.0, -8.6, 6.6), (4.0, 2.9, 4.4), 0.1)[:, None]
    made["chin"] = chin * np.array([0.0, -0.45, 0.75])
    nose = near(p, (0.0, -0.9, 9.4), (2.8, 3.4, 3.0), 0.1)[:, None]
    made["nose_size"] = nose * np.array([0.0, -0.28, 0.75])
    wings = near(p, (0.0, -1.7, 9.0), (3.0, 2.0, 2.4), 0.2)[:, None]
    made["nose_width"] = along(0, x * 0.36 * wings)
    bridge = near(p, (0.0, 0.7, 8.8), (1.9, 2.1, 2.0), 0.1)[:, None]
    made["nose_bridge"] = bridge * np.array([0.0, 0.0, 0.55])
    eye, _ = _pair(p, (float(EYE[0]), float(EYE[1]), float(EYE[2])), (3.0, 2.7, 3.6), 0.5)
    centre = np.where(sign >= 0, 1.0, -1.0) * EYE[0]
    offset = p - np.concatenate([centre, np.full_like(x, EYE[1]), np.full_like(x, EYE[2])], axis=1)
    made["eye_size"] = offset * eye * 0.12
    made["eye_spacing"] = left * eye * 0.30
    mouth = near(p, (0.0, -5.0, 8.6), (5.0, 3.0, 5.0), 0.3)[:, None]
    made["mouth_width"] = along(0, x * 0.16 * mouth)
    lip = near(p, (0.0, -5.1, 8.9), (3.6, 2.1, 2.2), 0.1)[:, None] * smoothstep(7.4, 8.6, z)
    made["lip_fullness"] = along(1, (y + 5.0) * 0.42 * lip) + along(2, 0.22 * lip)
    brow, _ = _pair(p, (2.4, 3.9, 7.2), (3.6, 1.9, 3.2), 0.1)
    made["brow_ridge"] = brow * np.array([0.0, -0.12, 0.42])
    cheek, _ = _pair(p, (4.2, -3.2, 5.2), (2.6, 3.2, 3.4), 0.1)
    made["cheek_fullness"] = cheek * (left * 0.60 + np.array([0.0, -0.10, 0.30]))
    bone, _ = _pair(p, (4.8, -0.2, 4.6), (2.2, 1.8, 3.2), 0.1)
    made["cheekbones"] = bone * (left * 0.42 + np.array([0.0, 0.06, 0.30]))
    neck = smoothstep(-8.0, -12.0, y)
    made["neck_width"] = along(0, x * 0.16 * neck) + along(2, (z + 3.4) * 0.12 * neck)
    slope = smoothstep(4.5, 9.5, y) * face
    made["forehead"] = along(2, slope * 0.8)
    made["weight"] = along(0, x * 0.10 * low) + along(2, low * 0.35 * face)
    ears = np.zeros_like(x)
    for n, key in enumerate(body.skin.keys):
        if key[0] in {"ear", "ear_patch"}:
            ears[n] = 1.0 if key[0] == "ear_patch" else float(np.interp(int(str(key[1])), (0, 3), (0, 1)))
    made["ear_size"] = ears * (
        (p - np.concatenate([sign * 7.0, np.full_like(x, 0.7), np.full_like(x, -0.6)], axis=1)) * 0.18
    )
    return made

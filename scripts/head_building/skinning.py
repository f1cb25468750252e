"""Joints and weights: who follows the jaw, and how softly."""

from __future__ import annotations

import numpy as np

from . import lips
from .body import Body
from .curves import Array, smoothstep
from .proportions import CONDYLE, EYE, MOUTH_HALF_WIDTH, MOUTH_Y, NECK_JOINT, ROOT_JOINT
from .topology import MOUTH

JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
PARENTS = np.array([-1, 0, 1, 1, 1], dtype=np.int64)
CORNER_DEPTH = 7.6


def joints() -> Array:
    """Places of the five joints (5, 3)."""
    return np.stack([ROOT_JOINT, NECK_JOINT, CONDYLE, EYE, EYE * np.array([-1.0, 1.0, 1.0])])


def lower_share(body: Body) -> Array:
    """How much every point belongs to the mouth's lower side: 0 above, 1 below, a half at the corner (V,).

    At the contact line both lips' shares sum to one exactly, so that the lips meet again whatever closes them.
    """
    p = body.points
    x = np.abs(p[:, 0])
    corner = np.array([MOUTH_HALF_WIDTH, MOUTH_Y - 0.05, CORNER_DEPTH])
    # the seam runs from the mouth to the jaw's joint
    slope = (CONDYLE[1] - corner[1]) / (CONDYLE[2] - corner[2])
    seam = corner[1] + slope * np.minimum(p[:, 2] - corner[2], 0.0)
    below = seam - p[:, 1]
    away = np.maximum(np.hypot(np.maximum(x - corner[0], 0.0), np.minimum(p[:, 2] - corner[2], 0.0) * 0.5), 0.0)
    width = 1.0 + 0.32 * np.minimum(away, 5.0)
    u = np.clip(x / corner[0], 0.0, 1.0)
    side = np.sign(below)
    along = lips.along()
    for number in range(1, MOUTH.rings + 1):
        for right in (False, True):
            ring = body.skin.ring(MOUTH, number, right=right)
            u[ring] = along
            side[ring] = -lips.is_upper()
            if number in lips.CONTACT:
                below[ring] = 0.0
            elif number >= lips.BORDER:
                below[ring] *= 0.5
    full = (1.0 - u**2) ** 0.85
    q = side * full + below / width
    return np.asarray(0.5 + 0.5 * np.sin(np.pi / 2 * np.clip(q, -1.0, 1.0)))


def jaw_share(body: Body) -> Array:
    """The jaw's weight of every point (V,)."""
    p = body.points
    share = lower_share(body)
    front = smoothstep(-0.9, 2.6, p[:, 2])
    depth = ((p[:, 1] + 4.8) * -7.1 + (p[:, 2] + 0.6) * -4.6) / 8.46  # below the jaw's edge
    share = share * front * (1.0 - smoothstep(0.2, 3.3, depth))
    rigid = [k[0] == "ear" or k[0] == "ear_patch" for k in body.skin.keys]
    share[: len(rigid)][np.array(rigid)] = 0.0
    for part, value in (
        ("eyeball", 0.0),
        ("brow", 0.0),
        ("lash_upper", 0.0),
        ("lash_lower", 0.0),
        ("teeth_upper", 0.0),
        ("gum_upper", 0.0),
        ("teeth_lower", 1.0),
        ("gum_lower", 1.0),
    ):
        share[body.both(part)] = value
    tongue = body.both("tongue")
    share[tongue] = 0.35 + 0.65 * smoothstep(1.0, 4.5, p[tongue, 2])
    return _softened(body, share)


def _softened(body: Body, share: Array, rounds: int = 3) -> Array:
    """Even out the skin's weights, the lips' own (from the border inward) left as they are."""
    skin = body.skin
    held = np.array(
        [k[0].__str__().startswith("mouth") and (k[0] != "mouth" or int(str(k[1])) >= 3) for k in skin.keys]
    )
    edges = np.concatenate([skin.quads[:, [0, 1]], skin.quads[:, [1, 2]], skin.quads[:, [2, 3]], skin.quads[:, [3, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    count = np.bincount(edges[:, 0], minlength=len(skin.points))
    own = share[: len(skin.points)].copy()
    for _ in range(rounds):
        mean = np.bincount(edges[:, 0], weights=own[edges[:, 1]], minlength=len(own)) / count
        own = np.where(held, own, 0.5 * own + 0.5 * mean)
    own = 0.5 * (own + own[skin.mirror])
    out = share.copy()
    out[: len(own)] = np.where(own < 1e-4, 0.0, own)
    return out


def weights(body: Body, jaw: Array) -> Array:
    """Skinning weights (V, 5) that sum to one."""
    p = body.points
    out = np.zeros((len(p), 5))
    out[:, 2] = jaw
    root = smoothstep(-10.5, -16.0, p[:, 1])
    out[:, 0] = (1 - jaw) * root
    out[:, 1] = (1 - jaw) * (1 - root)
    eye = body.parts["eyeball"]
    for column, numbers in ((3, eye), (4, body.mirror[eye])):
        out[numbers] = 0.0
        out[numbers, column] = 1.0
    return out


def regressor(body: Body) -> Array:
    """Joint regressor (5, V): every joint from points near it, so that it follows the identity."""
    p = body.points
    skin = np.arange(len(body.skin.points))
    near_condyle = skin[
        np.linalg.norm(np.abs(p[skin]) * [1, 0, 0] + p[skin] * [0, 1, 1] - [6.4, -0.6, 0.8], axis=1) < 2.2
    ]
    ring = skin[np.abs(p[skin, 1] - NECK_JOINT[1]) < 1.6]
    ring = ring[p[ring, 2] < 2.0]
    base = skin[p[skin, 1] < -13.5]
    eye = body.parts["eyeball"]
    sets = (base, ring, near_condyle, eye, body.mirror[eye])
    out = np.zeros((5, len(p)))
    for row, (numbers, target) in enumerate(zip(sets, joints(), strict=True)):
        # the smallest weights that give the joint exactly and sum to one
        system = np.concatenate([p[numbers].T, np.ones((1, len(numbers)))])
        out[row, numbers] = np.linalg.lstsq(system, np.append(target, 1.0), rcond=None)[0]
    return out

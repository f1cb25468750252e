"""The lips: a contact line along the teeth's curve, a profile over the red to the inside, and the sock behind."""

from __future__ import annotations

import numpy as np

from .curves import Array, smoothstep, through
from .proportions import MOUTH_HALF_WIDTH, MOUTH_Y
from .topology import MOUTH as OPENING

COUNT = len(OPENING.edge())
CORNER = COUNT // 2

BORDER = 4  # the ring of the vermilion border; rings before it are skin
CONTACT = (8, 9, 10)  # rings where the lips touch
FORNIX = 13

ALONG = (0.0, 0.12, 0.24, 0.45, 0.7, 0.88, 1.0)
UPPER_HEIGHT = (0.58, 0.68, 0.76, 0.67, 0.45, 0.23, 0.0)
LOWER_HEIGHT = (0.90, 0.925, 0.945, 0.86, 0.60, 0.30, 0.0)
# how far forward the contact lies, over x
ARCH_X = (0.0, 0.54, 1.07, 1.58, 2.08, 2.55)
ARCH_Z = (8.48, 8.45, 8.33, 8.13, 7.85, 7.51)
LINE = (-0.07, -0.03, 0.03, 0.05, 0.02, 0.0, 0.03)

# ring → (share of the red's height above the contact line, how far it stands out)
UPPER = {
    4: (1.0, 0.10),
    5: (0.78, 0.19),
    6: (0.48, 0.26),
    7: (0.16, 0.20),
    8: (0.0, 0.03),
    9: (0.0, -0.14),
    10: (0.0, -0.30),
}
LOWER = {
    4: (1.0, 0.02),
    5: (0.78, 0.20),
    6: (0.46, 0.30),
    7: (0.15, 0.21),
    8: (0.0, 0.03),
    9: (0.0, -0.14),
    10: (0.0, -0.30),
}

GROOVE = 0.05
"""How far the middle of the contact lies above its edges, in cm: lips a hair's breadth apart still hide the teeth."""


def along() -> Array:
    """Where each of the half mouth's points lies along the lip: 0 middle … 1 corner (N,)."""
    return np.asarray(1.0 - np.abs(np.arange(COUNT) - CORNER) / CORNER)


def is_upper() -> Array:
    """+1 for points of the upper lip, -1 for the lower, 0 at the corner (N,)."""
    return np.asarray(np.sign(CORNER - np.arange(COUNT)), dtype=np.float64)


def contact() -> tuple[Array, Array]:
    """The line where the lips meet, on the clay, and the outward direction there: both (N, 3)."""
    u = along()
    x = MOUTH_HALF_WIDTH * (u * 0.9 + 0.1 * np.sin(np.pi / 2 * u))
    # both halves at once: the line is level in the middle, or the lower lip would have a point there
    y = MOUTH_Y + through((-ALONG[1], *ALONG), (LINE[1], *LINE), u)
    line = np.stack([x, y, through(ARCH_X, ARCH_Z, x)], axis=-1)
    turn = np.deg2rad(38.0) * u**1.4
    out = np.stack([np.sin(turn), np.zeros_like(u), np.cos(turn)], axis=-1)
    return line, out


def ring(number: int) -> Array:
    """One explicit ring of the half mouth (N, 3); rings 4 to 21."""
    line, out = contact()
    u, side = along(), is_upper()
    upper = side >= 0
    height = np.where(upper, through(ALONG, UPPER_HEIGHT, u), -through(ALONG, LOWER_HEIGHT, u))
    full = 1.0 - 0.75 * smoothstep(0.35, 1.0, u)
    up = np.array([0.0, 1.0, 0.0])
    if number in UPPER:
        share = np.where(upper, UPPER[number][0], LOWER[number][0])
        stand = np.where(upper, UPPER[number][1], LOWER[number][1])
        stand = np.where(stand > 0, stand * full, stand)
        sideways = np.clip(8 - number, 0, 4) * 0.04 * smoothstep(0.7, 1.0, u)
        point = line + up * (share * height)[:, None] + out * stand[:, None]
        point[:, 0] += sideways
        if number == CONTACT[1]:
            point[:, 1] += GROOVE * (1.0 - u**6)
        return np.asarray(point)
    return _inside(number, line, out, u, side)


def _inside(number: int, line: Array, out: Array, u: Array, side: Array) -> Array:
    """Behind the contact: the lips' backs up to the fornix, then the sock to the throat."""
    angle = np.pi / 2 * (1.0 - u) * side  # +90° upper middle, 0 corner, -90° lower middle
    if number <= FORNIX:
        climb = {11: 0.28, 12: 0.75, 13: 1.2}[number]
        back = {11: 0.46, 12: 0.56, 13: 0.62}[number]
        lift = climb * np.sin(angle)
        aside = {11: 0.0, 12: 0.12, 13: 0.35}[number] * u**2
        point = line - out * back + np.stack([np.zeros_like(u), lift, np.zeros_like(u)], axis=-1)
        point[:, 0] += aside
        return np.asarray(point)
    share = (number - FORNIX) / (OPENING.rings - FORNIX)
    rim = _inside(FORNIX, line, out, u, side)
    width, tall = 3.7 - 0.8 * share, 2.2 - 0.3 * share
    tube = np.stack(
        [width * np.cos(angle), MOUTH_Y - 0.05 + tall * np.sin(angle), np.full_like(u, 5.0 - 4.2 * share)], axis=-1
    )
    blend = smoothstep(0.0, 0.45, share)[()]
    tube[:, 2] = rim[:, 2] + (0.6 - rim[:, 2]) * share
    return np.asarray(rim * (1 - blend) + tube * blend)

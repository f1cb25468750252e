"""Named points on the head."""

from __future__ import annotations

import numpy as np

from . import lips
from .body import Body, mouth_rings
from .curves import Indices
from .lids import HALF
from .topology import EYE, MOUTH

Landmarks = dict[str, tuple[Indices, Indices]]
LINE_POINTS = 9


def _nearest(body: Body, part: str, place: tuple[float, float, float]) -> int:
    numbers = body.both(part)
    return int(numbers[np.argmin(np.linalg.norm(body.points[numbers] - np.array(place), axis=1))])


def _lip_line(body: Body, *, upper: bool) -> list[tuple[Indices, Indices]]:
    """Nine places along one lip's inner edge, from the right corner to the left."""
    ring = mouth_rings(body, lips.CONTACT[0])
    half = ring[: lips.CORNER + 1] if upper else ring[::-1][: lips.CORNER + 1]  # middle → left corner
    line = np.concatenate([body.mirror[half[::-1]], half[1:]])
    places = []
    for at in np.linspace(0, len(line) - 1, LINE_POINTS):
        first = min(int(at), len(line) - 2)
        share = at - first
        places.append((line[[first, first + 1]], np.array([1 - share, share])))
    return places


def landmarks(body: Body) -> Landmarks:
    """Name → (point numbers (k,), weights (k,) that sum to one)."""
    skin = body.skin
    mirror = body.mirror
    single: dict[str, int] = {}
    contact = skin.ring(MOUTH, lips.CONTACT[0])
    border = skin.ring(MOUTH, lips.BORDER)
    single["lip_upper_inner"], single["lip_lower_inner"] = int(contact[0]), int(contact[-1])
    single["lip_upper_outer"], single["lip_lower_outer"] = int(border[0]), int(border[-1])
    single["lip_corner_left"] = int(contact[lips.CORNER])
    rim = skin.ring(EYE, 7)
    for name, place in (("inner", 0), ("upper", HALF // 2), ("outer", HALF), ("lower", HALF + HALF // 2)):
        single[f"eye_left_{name}"] = int(rim[place])
    for name, at in (("inner", (1.56, 3.4, 8.3)), ("middle", (3.2, 3.8, 7.75)), ("outer", (5.45, 3.65, 5.9))):
        single[f"brow_left_{name}"] = _nearest(body, "brow", at)
    single["nose_tip"] = _nearest(body, "skin", (0.0, -1.3, 12.0))
    single["nose_wing_left"] = _nearest(body, "skin", (2.1, -1.9, 8.6))
    single["chin"] = _nearest(body, "skin", (0.0, -8.6, 10.0))
    single["teeth_upper"] = _nearest(body, "teeth_upper", (0.1, -5.2, 8.1))
    single["teeth_lower"] = _nearest(body, "teeth_lower", (0.1, -4.9, 7.9))
    for name, number in list(single.items()):
        if "_left" in name:
            single[name.replace("_left", "_right")] = int(mirror[number])
    found: Landmarks = {n: (np.array([v]), np.array([1.0])) for n, v in single.items()}
    for side, upper in (("upper", True), ("lower", False)):
        for n, spot in enumerate(_lip_line(body, upper=upper)):
            found[f"lip_{side}_inner_{n}"] = spot
    return found

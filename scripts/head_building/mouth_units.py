"""Lips: pulled, rounded, pressed, rolled and shrugged."""

from __future__ import annotations

import numpy as np

from . import lips
from .body import Body
from .contact import inside_follows, lining_fade, sealed
from .curves import Array, smoothstep
from .eye_units import lids_moved
from .fields import near, pull
from .skinning import lower_share
from .topology import MOUTH

CORNER = (2.55, -5.05, 7.7)
MIDDLE = (0.0, -5.0, 8.8)

# Lip ring → (along the lip's height, outward) of a rolled-in lip, in cm.
ROLL = {
    2: (0.06, -0.03),
    3: (0.16, -0.08),
    4: (0.36, -0.20),
    5: (0.38, -0.33),
    6: (0.28, -0.40),
    7: (0.10, -0.38),
    8: (0.0, -0.30),
    9: (0.0, -0.22),
    10: (0.0, -0.14),
    11: (0.0, -0.06),
}
PRESS = {
    2: (0.03, -0.02),
    3: (0.10, -0.06),
    4: (0.27, -0.13),
    5: (0.26, -0.19),
    6: (0.18, -0.20),
    7: (0.07, -0.15),
    8: (0.0, -0.06),
    9: (0.0, -0.03),
    10: (0.0, 0.0),
}


class Mouth:
    """What mouth units share: the skin's places and who belongs to which lip."""

    def __init__(self, body: Body) -> None:
        """Read the masks off the body at rest."""
        self.body = body
        self.p = body.points
        self.skin = lining_fade(body)[:, None]
        share = lower_share(body)
        self.low = np.clip(2.0 * share - 1.0, 0.0, 1.0)[:, None]
        self.up = np.clip(1.0 - 2.0 * share, 0.0, 1.0)[:, None]

    def pull(
        self,
        centre: tuple[float, float, float],
        radius: tuple[float, float, float],
        move: tuple[float, float, float],
        plateau: float = 0.0,
    ) -> Array:
        """A pull on the skin outside the mouth's sock."""
        return pull(self.p, centre, radius, move, plateau) * self.skin

    def rings(self, table: dict[int, tuple[float, float]], lip: int, fade: float) -> Array:
        """Lip rings moved towards the contact line and outward, on both halves.

        Args:
            table: Ring → (towards the contact, outward).
            lip: +1 upper, -1 lower, 0 both.
            fade: The power of the fall towards the corner.
        """
        field = np.zeros_like(self.p)
        side, u = lips.is_upper(), lips.along()
        _, out = lips.contact()
        chosen = (np.ones_like(side) if lip == 0 else (side == lip).astype(float)) * (1.0 - u**2) ** fade
        for number, (inward, stand) in table.items():
            left = self.body.skin.ring(MOUTH, number)
            move = out * stand + np.array([0.0, -1.0, 0.0]) * (inward * side)[:, None]
            move = move * chosen[:, None]
            field[left] += move
            right = self.body.skin.mirror[left]
            aside = right != left
            field[right[aside]] += (move * np.array([-1.0, 1.0, 1.0]))[aside]
        return field

    def side(self) -> Array:
        """A soft left-half mask (V, 1): half at the midline, so that both sides make the whole."""
        return smoothstep(-1.3, 1.3, self.p[:, 0])[:, None]


def _corners(m: Mouth) -> dict[str, Array]:
    smile = m.pull(CORNER, (3.0, 2.3, 3.6), (0.72, 0.86, -0.60), 0.14)
    smile += m.pull((4.1, -2.2, 5.9), (2.2, 2.4, 2.8), (0.22, 0.48, 0.42), 0.1)
    smile += m.pull((1.8, -3.4, 8.3), (1.7, 1.4, 2.0), (0.16, 0.12, -0.08))
    smile += m.pull((1.7, -1.9, 8.6), (1.1, 1.1, 1.6), (0.08, 0.06, 0.0))
    frown = m.pull(CORNER, (2.6, 2.4, 3.2), (0.10, -0.68, -0.10), 0.12)
    frown += m.pull((1.2, -7.2, 8.0), (2.0, 1.6, 2.4), (0.0, 0.14, 0.10))
    dimple = m.pull(CORNER, (1.9, 1.7, 2.6), (0.40, 0.10, -0.50), 0.1)
    stretch = m.pull(CORNER, (3.2, 2.4, 3.8), (0.78, -0.26, -0.52), 0.15)
    stretch += m.pull((3.0, -8.6, 4.5), (2.6, 2.6, 3.6), (0.18, -0.16, 0.0))
    return {
        "mouthSmile": smile + lids_moved(m.body, 0.0, 0.35),
        "mouthFrown": frown,
        "mouthDimple": dimple,
        "mouthStretch": stretch,
    }


def _round(m: Mouth) -> dict[str, Array]:
    p = m.p
    g = near(p, MIDDLE, (4.6, 3.0, 4.6), 0.3)[:, None] * m.skin
    core = near(p, MIDDLE, (3.2, 1.9, 3.2), 0.3)[:, None] * m.skin
    x = np.zeros_like(p)
    x[:, 0] = p[:, 0]
    z = np.zeros_like(p)
    z[:, 2] = 1.0
    y = np.zeros_like(p)
    y[:, 1] = 1.0
    flat = np.clip(p[:, :1] / 2.55, -1, 1) ** 2
    pucker = -0.46 * x * g + z * (0.34 * g + 0.42 * core + 0.25 * flat * core)
    pucker += y * core * (0.10 * m.up - 0.12 * m.low)
    roll_out = {4: (-0.10, 0.02), 5: (-0.10, 0.07), 6: (-0.06, 0.10), 7: (0.0, 0.09), 8: (0.0, 0.06)}
    pucker += m.rings(roll_out, 0, 0.8)
    funnel = -0.34 * x * g + z * (0.26 * g + 0.44 * core + 0.2 * flat * core)
    funnel += y * core * (0.46 * m.up - 0.56 * m.low)
    funnel += m.rings(
        {4: (-0.06, 0.06), 5: (-0.06, 0.14), 6: (-0.03, 0.20), 7: (0.0, 0.22), 8: (0.0, 0.18), 9: (0.0, 0.08)}, 0, 0.6
    )
    return {"mouthPucker": sealed(m.body, pucker), "mouthFunnel": funnel}


def _lips(m: Mouth) -> dict[str, Array]:
    side = m.side()
    aside = m.pull(MIDDLE, (4.2, 2.9, 4.6), (0.72, 0.0, 0.0), 0.3)
    turn = m.pull(CORNER, (2.4, 2.2, 3.2), (0.10, 0.06, -0.34))
    other = m.pull((-2.55, -5.05, 7.7), (2.4, 2.2, 3.2), (0.0, 0.0, 0.20))
    chin = m.pull((0.0, -7.9, 7.6), (2.6, 1.9, 3.0), (0.0, 0.42, 0.16), 0.15)
    lift = m.pull((0.0, -5.6, 8.8), (3.2, 2.4, 3.0), (0.0, 0.26, 0.05), 0.2)
    shrug_low = (
        chin
        + lift
        + m.rings({4: (0.02, 0.16), 5: (0.02, 0.18), 6: (0.0, 0.16), 7: (0.0, 0.10), 8: (0.0, 0.03)}, -1, 0.6)
    )
    shrug_up = m.pull((0.0, -4.3, 9.0), (3.0, 2.0, 3.0), (0.0, 0.26, 0.10), 0.2)
    shrug_up += m.rings({4: (-0.05, 0.08), 5: (-0.03, 0.12), 6: (0.0, 0.12), 7: (0.0, 0.08), 8: (0.0, 0.03)}, 1, 0.6)
    press = m.rings(PRESS, 0, 0.8) * side + m.pull(CORNER, (1.5, 1.4, 2.2), (0.08, 0.0, -0.14))
    press += m.pull((0.8, -7.0, 8.2), (1.8, 1.3, 2.4), (0.0, 0.08, 0.07)) * side
    down = m.pull((1.15, -5.7, 8.7), (2.6, 2.2, 2.6), (0.10, -0.66, -0.02), 0.2) * m.low
    down += m.rings({7: (0.0, 0.04), 8: (0.0, 0.08), 9: (0.0, 0.06)}, -1, 0.8) * side
    raise_ = m.pull((1.15, -4.4, 8.8), (2.6, 2.0, 2.8), (0.06, 0.58, 0.0), 0.2) * m.up
    raise_ += m.pull((1.8, -2.6, 8.3), (1.4, 1.3, 1.9), (0.08, 0.16, 0.04))
    raise_ += m.rings({7: (0.0, 0.03), 8: (0.0, 0.06), 9: (0.0, 0.05)}, 1, 0.8) * side
    return {
        "mouthLeft!": aside + turn + other,
        "mouthRollLower!": sealed(m.body, m.rings(ROLL, -1, 0.9)),
        "mouthRollUpper!": sealed(m.body, m.rings(ROLL, 1, 0.9)),
        "mouthShrugLower!": sealed(m.body, shrug_low),
        "mouthShrugUpper!": sealed(m.body, shrug_up),
        "mouthPress": sealed(m.body, press),
        "mouthLowerDown": down,
        "mouthUpperUp": raise_,
    }


def units(body: Body) -> dict[str, Array]:
    """Left units by ARKit's names without the side; names that end with ! are whole as they stand."""
    m = Mouth(body)
    rounded = {name + "!": field for name, field in _round(m).items()}
    made = {**_corners(m), **rounded, **_lips(m)}
    return {name: inside_follows(body, field) for name, field in made.items()}

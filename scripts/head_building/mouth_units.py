"""Lips: pulled, rounded, pressed, rolled and shrugged."""

from __future__ import annotations

import numpy as np

from . import lips
from .body import Body
from .contact import inside_follows, lining_fade, sealed
from .curves import Array, smoothstep, through
from .eye_units import lids_moved
from .fields import near, pull
from .skinning import lower_share
from .topology import MOUTH

CORNER = (2.55, -5.05, 7.7)
MIDDLE = (0.0, -5.0, 8.8)

# Lip ring → (towards the contact, as a share of the lip's height; outward, in cm) of a lip whose red is rolled in over
# the teeth, of the other lip, which closes over it, and of pressed lips.
ROLL_LOWER = {
    1: (0.22, 0.0),
    2: (0.48, 0.01),
    3: (0.71, -0.03),
    4: (0.74, -0.12),
    5: (0.60, -0.16),
    6: (0.36, -0.22),
    7: (0.12, -0.24),
    8: (0.0, -0.115),
    9: (0.0, -0.117),
    10: (0.0, -0.115),
}
ROLL_UPPER = {
    1: (0.16, 0.0),
    2: (0.42, -0.02),
    3: (0.68, -0.03),
    4: (0.76, -0.02),
    5: (0.62, -0.11),
    6: (0.39, -0.21),
    7: (0.12, -0.20),
    8: (0.0, -0.115),
    9: (0.0, -0.117),
    10: (0.0, -0.115),
}
BESIDE_ROLLED = {5: (0.0, 0.03), 6: (0.0, 0.03), 7: (0.0, -0.02), 8: (0.0, -0.115), 9: (0.0, -0.117), 10: (0.0, -0.115)}
PRESS = {
    1: (0.06, 0.0),
    2: (0.17, -0.01),
    3: (0.32, -0.02),
    4: (0.40, -0.03),
    5: (0.32, -0.07),
    6: (0.20, -0.10),
    7: (0.07, -0.09),
    8: (0.0, -0.08),
    9: (0.0, -0.07),
    10: (0.0, -0.05),
}

# Lip ring → (towards the contact, outward) in cm of a lower lip that is pushed up.
POUT = {3: (0.0, 0.08), 4: (0.02, 0.22), 5: (0.02, 0.27), 6: (0.0, 0.26), 7: (0.0, 0.18), 8: (0.0, 0.06)}

# Ring behind the contact → (away from it, outward) in cm: where the rolled-in red goes, over the teeth.
TUCKED = {11: (1.0, 0.0), 12: (0.62, 0.0), 13: (0.24, 0.0)}
PRESSED = 0.5  # … and how much of it pressed lips go there

# Lips drawn in over an open jaw turn with it and would pass through each other: they part by this much first.
SLACK = {7: (-0.008, 0.0), 8: (-0.008, 0.0), 9: (-0.008, 0.0), 10: (-0.008, 0.0)}

# a lip that is drawn wide gets thinner
THIN = {4: (0.10, -0.05), 5: (0.10, -0.09), 6: (0.07, -0.10), 7: (0.03, -0.06), 8: (0.0, -0.02)}

# Lip ring → how far rounded lips bring it to an ellipse, across and up; then how far its corner stays behind the
# contact's, in cm. Across, the inner rings go only half of the way, or other faces' pucker no longer says the same.
RINGED = {
    1: (0.12, 0.15),
    2: (0.28, 0.35),
    3: (0.40, 0.50),
    4: (0.51, 0.64),
    5: (0.51, 0.64),
    6: (0.51, 0.64),
    7: (0.34, 0.68),
    8: (0.37, 0.74),
    9: (0.37, 0.74),
    10: (0.37, 0.74),
}
CORNER_RED = {2: 0.03, 3: 0.07, 4: 0.10, 5: 0.07, 6: 0.04, 7: 0.02}

# Lip ring → how far, in cm, a corner that is drawn across the teeth comes forward on its inner side.
ROUND_THE_TEETH = {10: 0.05, 11: 0.14, 12: 0.22, 13: 0.22, 14: 0.12}


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

    def rings(self, table: dict[int, tuple[float, float]], lip: int, fade: float, along: Array | float = 1.0) -> Array:
        """Lip rings moved towards the contact line and outward, on both halves.

        Args:
            table: Ring → (towards the contact, outward).
            lip: +1 upper, -1 lower, 0 both.
            fade: The power of the fall towards the corner.
            along: A factor for every point of half a ring.
        """
        field = np.zeros_like(self.p)
        side, u = lips.is_upper(), lips.along()
        _, out = lips.contact()
        chosen = (np.ones_like(side) if lip == 0 else (side == lip).astype(float)) * (1.0 - u**2) ** fade * along
        for number, (inward, stand) in table.items():
            left = self.body.skin.ring(MOUTH, number)
            move = out * stand + np.array([0.0, -1.0, 0.0]) * (inward * side)[:, None]
            move = move * chosen[:, None]
            field[left] += move
            right = self.body.skin.mirror[left]
            aside = right != left
            field[right[aside]] += (move * np.array([-1.0, 1.0, 1.0]))[aside]
        return field

    def rolled(self, table: dict[int, tuple[float, float]], lip: int) -> Array:
        """Lip rings turned in: like ``rings``, but towards the contact by shares of the lip's height there."""
        u = lips.along()
        tall = np.where(
            lips.is_upper() > 0, through(lips.ALONG, lips.UPPER_HEIGHT, u), through(lips.ALONG, lips.LOWER_HEIGHT, u)
        )
        shares = self.rings({n: (inward, 0.0) for n, (inward, _) in table.items()}, lip, 0.0, tall)
        return shares + self.rings({n: (0.0, out) for n, (_, out) in table.items()}, lip, 0.7)

    def side(self) -> Array:
        """A soft left-half mask (V, 1): half at the midline, so that both sides make the whole."""
        return smoothstep(-1.3, 1.3, self.p[:, 0])[:, None]


def _corners(m: Mouth) -> dict[str, Array]:
    # the lips stretch over their whole width; only their outer quarter is lifted, and the cheek goes with it
    smile = m.pull(CORNER, (3.4, 2.6, 3.8), (0.66, 0.10, -0.50), 0.1)
    smile += m.pull(CORNER, (2.2, 2.2, 3.0), (0.10, 0.56, -0.16), 0.25)
    smile += m.pull((4.4, -4.2, 6.2), (2.4, 2.8, 3.2), (0.20, 0.50, -0.20))
    smile += m.pull((4.2, -2.1, 6.3), (2.6, 2.5, 3.2), (0.16, 0.46, 0.46), 0.1)
    smile += m.pull((1.7, -1.9, 8.6), (1.3, 1.4, 1.8), (0.14, 0.10, -0.03))
    smile += m.pull((2.0, -7.8, 7.0), (2.8, 2.2, 3.2), (0.05, 0.20, -0.03))
    smile += m.rings(THIN, 0, 0.9) * m.side()
    frown = m.pull(CORNER, (2.2, 2.2, 3.0), (0.06, -0.58, -0.12), 0.12)
    frown += m.pull((4.3, -4.0, 6.2), (2.2, 2.4, 2.8), (0.04, -0.26, -0.08))
    frown += m.pull((3.4, -6.4, 6.8), (1.8, 1.8, 2.4), (0.06, -0.12, 0.14))
    frown += m.pull((0.9, -7.4, 8.2), (1.9, 1.5, 2.4), (0.0, 0.18, 0.12))
    # the corner is drawn in and back, and the flesh around it stands up about the pit
    dimple = m.pull(CORNER, (1.9, 1.7, 2.6), (0.30, 0.14, -0.54), 0.1)
    dimple += m.pull((3.5, -4.7, 6.8), (1.5, 1.9, 2.2), (0.02, 0.10, 0.20))
    dimple += m.pull((2.7, -6.6, 7.5), (2.0, 1.7, 2.6), (0.10, 0.34, -0.08))
    dimple += m.pull((2.0, -8.0, 6.8), (2.6, 1.8, 3.0), (0.06, 0.20, 0.0))
    stretch = m.pull(CORNER, (3.3, 2.5, 3.8), (0.74, -0.19, -0.53), 0.15)
    stretch += m.pull((4.9, -5.0, 5.4), (2.4, 3.0, 3.2), (0.24, -0.06, -0.12))
    stretch += m.rings(THIN, 0, 0.9) * m.side()
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
    pucker = -0.50 * x * g + z * (0.34 * g + 0.42 * core + 0.30 * flat * core)
    pucker += y * core * (0.10 * m.up - 0.12 * m.low)
    roll_out = {4: (-0.05, 0.02), 5: (-0.05, 0.04), 6: (-0.06, 0.06), 7: (0.0, 0.07), 8: (0.0, 0.06)}
    pucker += m.rings(roll_out, 0, 0.4)
    pucker += _cheeks_in(m, 1.0)
    funnel = -0.42 * x * g + z * (0.26 * g + 0.44 * core + 0.28 * flat * core)
    # an arch over each lip's width, not a gable: the opening becomes an O
    funnel += y * core * (0.46 * m.up**0.4 - 0.56 * m.low**0.4)
    funnel += m.rings(
        {4: (-0.06, 0.06), 5: (-0.06, 0.14), 6: (-0.03, 0.20), 7: (0.0, 0.22), 8: (0.0, 0.18), 9: (0.0, 0.08)}, 0, 0.6
    )
    funnel += _cheeks_in(m, 0.75)
    return {"mouthPucker": sealed(m.body, _ringed(m, pucker)), "mouthFunnel": _ringed(m, funnel)}


def _cheeks_in(m: Mouth, share: float) -> Array:
    """What a rounded mouth takes along: its corners come forward, and the cheeks beside them are drawn in."""
    one = m.pull(CORNER, (2.3, 2.2, 3.0), (0.0, 0.0, 0.34), 0.1)
    one += m.pull((4.4, -4.9, 6.0), (2.4, 3.2, 3.2), (-0.22, 0.12, 0.16))
    one += m.pull((1.6, -7.8, 7.6), (2.6, 2.0, 3.0), (-0.03, 0.10, 0.06))
    return share * (one + m.body.mirrored(one))


def _ringed(m: Mouth, field: Array) -> Array:
    """The field with every lip ring drawn towards an ellipse through its own middle and corner, which stay.

    A muscle rings the mouth: drawn together, it makes an O, and the red goes round the corner.
    """
    out = field.copy()
    u = lips.along()
    for number, share in RINGED.items():
        ring = m.body.skin.ring(MOUTH, number)
        posed = m.p[ring] + field[ring]
        corner = posed[lips.CORNER]
        across = 0.5 * (u + np.sin(np.pi / 2 * u))
        arch = np.sqrt(1.0 - across**2)
        for half in (slice(0, lips.CORNER + 1), slice(lips.CORNER, None)):
            rise = posed[half, 1] - corner[1]
            tallest = rise[np.argmax(np.abs(rise))]
            change = np.stack([corner[0] * across[half] - posed[half, 0], tallest * arch[half] - rise], axis=-1)
            # the lips' middles stay where they are, with the bow of the upper one
            out[ring[half], :2] = field[ring[half], :2] + smoothstep(0.0, 0.35, u[half])[:, None] * change * share
        out[ring, 0] += CORNER_RED.get(number, 0.0) * u**3
        other = m.body.mirror[ring]
        out[other] = out[ring] * np.array([-1.0, 1.0, 1.0])
    return out


def _lips(m: Mouth) -> dict[str, Array]:
    side = m.side()
    aside = m.pull(MIDDLE, (4.2, 2.9, 4.6), (0.78, 0.0, 0.0), 0.3)
    turn = m.pull(CORNER, (2.4, 2.2, 3.2), (0.02, 0.20, -0.34))
    turn += m.pull((4.2, -4.2, 6.2), (2.8, 3.0, 3.6), (0.24, 0.34, -0.14))
    other = m.pull((-2.55, -5.05, 7.7), (2.4, 2.2, 3.2), (0.10, 0.02, 0.24))
    other += m.pull((-4.4, -4.6, 6.0), (2.4, 3.0, 3.2), (0.20, 0.0, 0.04))
    # nose and chin are drawn along
    along = m.pull((0.0, -1.7, 9.3), (2.6, 2.0, 3.0), (0.14, 0.04, 0.0))
    along += m.pull((0.0, -8.0, 7.8), (3.2, 2.4, 3.4), (0.26, 0.05, 0.0))
    chin = m.pull((0.0, -7.9, 7.6), (3.2, 2.1, 3.4), (0.0, 0.82, 0.26), 0.15)
    lift = m.pull((0.0, -5.7, 8.8), (3.2, 2.4, 3.0), (0.0, 0.52, 0.16), 0.2)
    shrug_low = chin + lift + m.rings(POUT, -1, 0.6)
    shrug_up = m.pull((0.0, -4.3, 9.0), (3.2, 2.2, 3.2), (0.0, 0.49, 0.20), 0.2)
    # the lower lip is taken along by the upper one, as they touch
    shrug_up += m.pull((0.0, -5.9, 8.6), (3.0, 1.7, 3.0), (0.0, 0.20, 0.05)) * m.low
    shrug_up += m.rings({4: (0.0, 0.03), 5: (0.0, 0.05), 6: (0.0, 0.07), 7: (0.0, 0.05), 8: (0.0, 0.02)}, 1, 0.6)
    press = m.rolled(PRESS, 0) * side + m.pull(CORNER, (1.5, 1.4, 2.2), (0.06, 0.03, -0.10))
    press += m.pull((0.8, -7.4, 8.1), (2.4, 1.8, 3.0), (0.0, 0.20, 0.08)) * side
    press += m.pull((2.6, -6.2, 7.5), (1.8, 1.5, 2.4), (0.0, 0.16, 0.12))
    slack = m.rings(SLACK, 0, 0.5)
    roll_low = m.rolled(ROLL_LOWER, -1) + m.rolled(BESIDE_ROLLED, 1)
    roll_low += m.pull((0.0, -7.3, 8.2), (3.4, 1.7, 3.0), (0.0, 0.34, 0.08))
    roll_up = m.rolled(ROLL_UPPER, 1) + m.rolled(BESIDE_ROLLED, -1)
    roll_up += m.pull((0.0, -3.3, 8.5), (2.6, 1.1, 2.0), (0.0, -0.20, 0.0))
    # both sides together lower the middle as far as themselves: a bow, not a point
    down = m.pull((1.0, -5.7, 8.7), (2.8, 2.2, 2.6), (0.0, -0.66, -0.02), 0.35) * m.low * (0.15 + 0.85 * side)
    down += m.pull((1.15, -5.7, 8.7), (2.2, 2.2, 2.6), (0.10, 0.0, 0.0), 0.2) * m.low
    down += m.pull((1.4, -7.9, 7.8), (2.6, 1.5, 2.8), (0.03, -0.14, -0.04))
    down += m.rings({7: (0.0, 0.04), 8: (0.0, 0.08), 9: (0.0, 0.06)}, -1, 0.8) * side
    raise_ = m.pull((0.0, -4.4, 8.8), (3.0, 2.0, 3.0), (0.0, 0.70, 0.0), 0.25) * m.up * side
    raise_ += m.pull((1.15, -4.4, 8.8), (2.2, 2.0, 2.6), (0.06, 0.0, 0.0), 0.2) * m.up
    raise_ += m.pull((1.8, -2.2, 8.3), (1.5, 1.5, 2.0), (0.09, 0.34, 0.03))
    raise_ += m.pull((3.0, -2.7, 7.4), (2.1, 2.3, 2.6), (0.10, 0.50, 0.06))
    raise_ += m.pull((4.0, -1.9, 6.5), (2.4, 2.4, 3.0), (0.04, 0.34, 0.22))
    raise_ += m.pull((2.7, -0.6, 7.3), (2.2, 2.0, 2.6), (0.0, 0.14, 0.08))
    raise_ += m.rings({7: (0.0, 0.03), 8: (0.0, 0.06), 9: (0.0, 0.05)}, 1, 0.8) * side
    return {
        "mouthLeft!": aside + turn + other + along,
        "mouthRollLower!": sealed(m.body, roll_low) + slack,
        "mouthRollUpper!": sealed(m.body, roll_up) + slack,
        "mouthShrugLower!": sealed(m.body, shrug_low),
        "mouthShrugUpper!": sealed(m.body, shrug_up),
        "mouthPress": sealed(m.body, press) + slack * side,
        "mouthLowerDown": down,
        "mouthUpperUp": raise_,
    }


def _round_the_teeth(m: Mouth) -> Array:
    """Forward on the lips' inner side at the right corner (V, 3): drawn across, it slides round the canine."""
    field = np.zeros_like(m.p)
    beside = smoothstep(0.25, 0.7, lips.along())
    for number, forward in ROUND_THE_TEETH.items():
        field[m.body.skin.ring(MOUTH, number, right=True), 2] = forward * beside
    return field


def units(body: Body) -> dict[str, Array]:
    """Left units by ARKit's names without the side; names that end with ! are whole as they stand."""
    m = Mouth(body)
    rounded = {name + "!": field for name, field in _round(m).items()}
    made = {**_corners(m), **rounded, **_lips(m)}
    fields = {name: inside_follows(body, field) for name, field in made.items()}
    tucked = {lip: m.rings({n: (-away, out) for n, (away, out) in TUCKED.items()}, lip, 0.9) for lip in (-1, 0, 1)}
    fields["mouthRollLower!"] += tucked[-1]
    fields["mouthRollUpper!"] += tucked[1]
    fields["mouthPress"] += PRESSED * tucked[0] * m.side()
    fields["mouthLeft!"] += _round_the_teeth(m)
    return fields

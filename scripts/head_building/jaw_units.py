"""The jaw's slides, lips that close over an open jaw, and what the jaw's bone alone gets wrong."""

from __future__ import annotations

import numpy as np

from . import sealing
from .body import Body
from .contact import lining_fade, sealed
from .curves import Array, smoothstep
from .fields import near
from .proportions import CONDYLE, MOUTH_HALF_WIDTH

JAW_SIN = 9 + 7  # pose feature (R - I)[2, 1] of joint 2: sin of the opening
TONGUE_LIFT = 4.0  # cm per radian: how the tip starts to rise behind the teeth as the jaw opens
TONGUE_DOWN = 0.3
JAW_COS = 9 + 4  # pose feature (R - I)[1, 1] of joint 2: cos of the opening, less one


def _reach(body: Body) -> Array:
    """From the condyle to every point, in the plane that the jaw turns in (V, 3)."""
    r = body.points - CONDYLE
    r[:, 0] = 0.0
    return np.asarray(r)


def _slid(body: Body, jaw: Array) -> Array:
    """How much every point goes with a sliding jaw (V,): softer over the cheeks, and the lips hold each other."""
    p = body.points
    skin = np.zeros(len(p))
    skin[: len(body.skin.points)] = 1.0
    share = jaw * (1.0 - skin * (1.0 - smoothstep(-0.5, 5.0, p[:, 2])))
    lipward = near(p, (0.0, -5.0, 8.6), (3.4, 1.8, 3.6), 0.3) * skin
    return np.asarray(share + (0.5 + (share - 0.5) * 0.7 - share) * lipward)


def units(body: Body, jaw: Array) -> dict[str, Array]:
    """jawForward, jawLeft (whole) and mouthClose."""
    share = _slid(body, jaw)[:, None]
    return {
        "jawForward!": sealed(body, share * np.array([0.0, -0.06, 0.62])),
        "jawLeft!": sealed(body, share * np.array([0.5, 0.0, 0.0])),
        "mouthClose!": sealing.fields(body, jaw, jaw * (1.0 - jaw))[0],
    }


def correctives(body: Body, jaw: Array) -> Array:
    """Pose directions (V, 3, 36) over the entries of R - I of joints 1 to 4.

    The opening's cosine restores what blending two turns loses (the share w (1 - w) of the distance to the condyle);
    its sine draws the corners in a little and lifts the tongue.
    """
    out = np.zeros((*body.points.shape, 36))
    loss = jaw * (1.0 - jaw)
    out[:, :, JAW_COS] = -_reach(body) * loss[:, None]
    out[:, :, JAW_COS] -= sealing.fields(body, jaw, loss)[1]
    sine = np.zeros_like(body.points)
    x = np.abs(body.points[:, 0])
    corner = near(
        np.stack([x, body.points[:, 1], body.points[:, 2]], axis=-1), (MOUTH_HALF_WIDTH, -5.05, 7.7), (2.4, 2.4, 3.2)
    )
    skin = lining_fade(body)
    sine[:, 0] -= np.sign(body.points[:, 0]) * corner * skin * 0.75 * smoothstep(0.0, 1.2, x)
    sine[:, 2] += corner * skin * 0.25
    tongue = body.both("tongue")
    front = smoothstep(1.5, 6.0, body.points[tongue, 2])
    sine[tongue, 1] += TONGUE_LIFT * front
    # … and lies down again: a parabola over the angle, back at rest where the jaw reaches TONGUE_DOWN
    out[tongue, 1, JAW_COS] += 2.0 * TONGUE_LIFT / TONGUE_DOWN * front
    out[:, :, JAW_SIN] = sine
    return out

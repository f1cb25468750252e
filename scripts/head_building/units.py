"""All fifty expression directions in ARKit's order, both sides from the left."""

from __future__ import annotations

import numpy as np

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

from . import brow_units, eye_units, jaw_units, mouth_units
from .body import Body
from .curves import Array


def expression_directions(body: Body, jaw: Array) -> Array:
    """Displacements at 1 (V, 3, 50), in centimetres."""
    half = {**eye_units.units(body), **mouth_units.units(body)}
    brows = brow_units.units(body)
    whole = {name: brows.pop(name) for name in ("browInnerUp", "cheekPuff")}
    half.update(brows)
    half.update(jaw_units.units(body, jaw))
    for name in [n for n in half if n.endswith("!")]:
        field = half.pop(name)
        plain = name[:-1]
        if plain.endswith("Left"):
            whole[plain] = field
            whole[plain[:-4] + "Right"] = body.mirrored(field)
        else:
            whole[plain] = 0.5 * (field + body.mirrored(field))
    for name, field in half.items():
        whole[name + "Left"] = field
        whole[name + "Right"] = body.mirrored(field)
    return np.stack([whole[name] for name in ARKIT_EXPRESSIONS], axis=-1)

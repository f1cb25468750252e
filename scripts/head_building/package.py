"""The finished head as the product reads it: metres, FLAME's structure, our own names."""

from __future__ import annotations

import numpy as np

from lsf_blender_addon.head.model import FloatArray, Head, Landmark
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

from . import identity, jaw_units, skinning
from .body import MATERIALS, Body, build_body
from .curves import Array
from .landmarks import landmarks
from .units import expression_directions
from .uv import uv_map

METRES = 0.01
TINY = 2e-6  # metres; smaller displacements are none
LICENCE = "CC0-1.0"
NAME = "LSF head"


def _sparse(directions: Array) -> FloatArray:
    """Displacements in metres as float32, rounded through float16 (what the file keeps), the smallest set to zero."""
    metres = directions * METRES
    metres[np.abs(metres) < TINY] = 0.0
    return metres.astype(np.float16).astype(np.float32)


def build_head() -> Head:
    """Make the head from nothing."""
    return head_of(build_body())


def head_of(body: Body) -> Head:
    """The head of a finished body."""
    jaw = skinning.jaw_share(body)
    who = identity.directions(body)
    points = {
        name: Landmark(numbers.astype(np.int32), weights.astype(np.float32))
        for name, (numbers, weights) in landmarks(body).items()
    }
    return Head(
        name=NAME,
        space="arkit",
        template=(body.points * METRES).astype(np.float32),
        faces=body.quads.astype(np.int32),
        shape_directions=_sparse(np.stack(list(who.values()), axis=-1)),
        expression_directions=_sparse(expression_directions(body, jaw)),
        expression_names=tuple(ARKIT_EXPRESSIONS),
        pose_directions=_sparse(jaw_units.correctives(body, jaw)),
        joint_regressor=skinning.regressor(body).astype(np.float32),
        parents=skinning.PARENTS.astype(np.int32),
        weights=skinning.weights(body, jaw).astype(np.float32),
        landmarks=points,
        uv=uv_map(body).astype(np.float32),
        material_index=body.material.astype(np.int32),
        material_names=MATERIALS,
        licence=LICENCE,
    )

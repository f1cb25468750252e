"""Where the landmarks lie on meshes that many characters share: FLAME's and ICT-FaceKit's.

FLAME's triangles are the same in every release. The vertices were chosen by looking at the mesh's shape: rims of the
lids and lips, the silhouettes of the two lips at the seam, extremes of nose and chin. FLAME's left is its own, at +x.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .model import Landmark

FLAME_VERTICES = 5023
FLAME_TRIANGLES = 9976
FACEKIT_SIZES = {(26719, 26384), (9409, 9230), (6706, 6560)}
"""Vertices and polygons of ICT-FaceKit's whole model, its face, and its narrow face, which begin alike."""

FACEKIT_POINTS: Mapping[str, tuple[int, ...]] = {
    "lip_upper_inner": (5533,),
    "lip_lower_inner": (5517,),
    "lip_upper_outer": (0,),
    "lip_lower_outer": (5518,),
    "lip_corner_left": (6207,),
    "lip_corner_right": (5702,),
    "eye_left_inner": (3742,),
    "eye_left_outer": (3721,),
    "eye_left_upper": (3751, 3756),
    "eye_left_lower": (3725, 3732),
    "eye_right_inner": (1528,),
    "eye_right_outer": (1507,),
    "eye_right_upper": (1542, 1537),
    "eye_right_lower": (1518, 1511),
    "brow_left_inner": (3615,),
    "brow_left_middle": (4114,),
    "brow_left_outer": (2509,),
    "brow_right_inner": (1401,),
    "brow_right_middle": (1914,),
    "brow_right_outer": (268,),
    "nose_tip": (4857,),
    "nose_wing_left": (5222,),
    "nose_wing_right": (4757,),
    "chin": (964,),
}
"""ICT-FaceKit's own numbers for the 68 points of Multi-PIE (its README, MIT), with wings of the nose and chin besides;
the lines of the lips follow from them (``picking.py``)."""

LEFT_EYEBALL = range(3931, 4477)
RIGHT_EYEBALL = range(4477, 5023)

_UPPER_LINE = (2845, 2853, 2784, 2785, 3533, 1668, 1667, 1738, 1730)
_LOWER_LINE = (2845, 2884, 2885, 2937, 3509, 1848, 1778, 1777, 1730)

_POINTS: Mapping[str, tuple[int, ...]] = {
    "lip_upper_inner": (3533,),
    "lip_lower_inner": (3509,),
    "lip_upper_outer": (3543,),
    "lip_lower_outer": (3503,),
    "lip_corner_left": (1730,),
    "lip_corner_right": (2845,),
    "eye_left_inner": (3833,),
    "eye_left_outer": (1175,),
    "eye_left_upper": (1344, 3855),
    "eye_left_lower": (878,),
    "eye_right_inner": (3632,),
    "eye_right_outer": (2437,),
    "eye_right_upper": (2495, 3689),
    "eye_right_lower": (2290,),
    "brow_left_inner": (3868,),
    "brow_left_middle": (16, 27),
    "brow_left_outer": (3892,),
    "brow_right_inner": (3712,),
    "brow_right_middle": (335, 338),
    "brow_right_outer": (3763,),
    "nose_tip": (3564,),
    "nose_wing_left": (1608,),
    "nose_wing_right": (2744,),
    "chin": (3401,),
    **{f"lip_upper_inner_{index}": (vertex,) for index, vertex in enumerate(_UPPER_LINE)},
    **{f"lip_lower_inner_{index}": (vertex,) for index, vertex in enumerate(_LOWER_LINE)},
}


def landmarks_of(vertices: int, faces: int) -> dict[str, Landmark]:
    """The named points of a mesh with so many vertices and faces; none where it is not FLAME's."""
    if (vertices, faces) != (FLAME_VERTICES, FLAME_TRIANGLES):
        return {}
    return {
        name: Landmark(np.array(rows, np.int32), np.full(len(rows), 1 / len(rows), np.float32))
        for name, rows in _POINTS.items()
    }

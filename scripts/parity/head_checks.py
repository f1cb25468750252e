"""Checks of FLAME's skinning and landmarks on a made-up head."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsf_blender_addon.head.contour import Embedding, landmark_layer
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.head.skinning import vertices
from parity.comparing import Comparison

SKINNED = 1e-5
SHAPES = 300


def check_head(file: Comparison, _match: re.Match[str]) -> None:
    """Vertices and landmarks, with the head and jaw moved alone, and with neck, eyes and translation too."""
    head = _head(file)
    shape, expression, pose = (_float(file, name) for name in ("shape", "exp", "pose"))
    root, jaw = pose[:, :3], pose[:, 3:]
    fixed = Embedding(file.array("static_face_idx"), file.array("static_bary"))
    contour = Embedding(file.array("dyn_face_idx"), file.array("dyn_bary"))
    neck, eyes, moved = (_float(file, name) for name in ("neck", "eye", "transl"))
    for suffix, more in (("", {}), ("_full", {"neck": neck, "eyes": eyes, "translation": moved})):
        posed = vertices(head, expression, jaw, shape, root=root, **more)
        file.near(f"vertices{suffix}", posed, SKINNED)
        points = landmark_layer(posed, head.triangles, fixed, contour, root=root, neck=more.get("neck"))
        file.near(f"landmarks{suffix}", points, SKINNED)


def _head(file: Comparison) -> Head:
    directions = _float(file, "shapedirs")
    faces = file.array("faces").astype(np.int32)
    return Head(
        name="synthetic",
        space="flame",
        template=_float(file, "v_template"),
        faces=np.concatenate([faces, np.full((len(faces), 1), -1, np.int32)], axis=1),
        shape_directions=directions[..., :SHAPES],
        expression_directions=directions[..., SHAPES:],
        expression_names=tuple(f"Exp{number + 1}" for number in range(directions.shape[2] - SHAPES)),
        pose_directions=_float(file, "posedirs"),
        joint_regressor=_float(file, "J_regressor"),
        parents=file.array("parents").astype(np.int32),
        weights=_float(file, "lbs_weights"),
    )


def _float(file: Comparison, name: str) -> NDArray[np.float32]:
    array: NDArray[Any] = file.array(name)
    return array.astype(np.float32)

"""Characters to speak through: a third-party one, and ones made from the bundled head under other names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.head.character import Character, JawBone, character_of
from lsf_blender_addon.head.model import JAW
from lsf_blender_addon.head.skinning import vertices
from tests.head.bundled import head

WIDE = 0.35
"""Radians of the jaw that the made characters' ``jawOpen`` stands for."""

FACEKIT = "ict_facekit_head.npz"


@cache
def facekit(shared: Path) -> Character:
    """ICT-FaceKit's head with its 57 expressions; no jaw bone."""
    if not (shared / FACEKIT).is_file():
        pytest.skip(f"no {FACEKIT} in {shared}")
    with np.load(shared / FACEKIT) as file:
        shapes = {
            str(name): moved.astype(np.float32) for name, moved in zip(file["names"], file["expressions"], strict=True)
        }
        return character_of("ICT", file["neutral"], file["faces"], shapes, reference=head())


def shapes_of(names: Callable[[str], str] = str, *, opening: bool) -> dict[str, np.ndarray]:
    """The bundled head's displacements in metres under other names, with its open jaw as one of them if asked for."""
    on = head()
    found = {names(name): on.expression_directions[:, :, row] for row, name in enumerate(on.expression_names)}
    if opening:
        found[names("jawOpen")] = vertices(on, None, np.array([[WIDE, 0.0, 0.0]]))[0] - on.template
    return found


def made(
    names: Callable[[str], str] = str,
    *,
    bone: bool,
    unit: float = 1.0,
    shapes: Mapping[str, np.ndarray] | None = None,
    whole: bool = True,
) -> Character:
    """The bundled head as somebody's character.

    Args:
        names: what its blendshapes are called, from ARKit's names.
        bone: whether its jaw is a bone or a blendshape.
        unit: its own units per metre.
        shapes: its blendshapes; the bundled head's where None.
        whole: whether its mesh can be known by its size.
    """
    on = head()
    given = shapes_of(names, opening=not bone) if shapes is None else shapes
    pivot = on.joint_regressor[JAW].astype(np.float64) @ on.template
    return character_of(
        "made",
        on.template * unit,
        on.faces if whole else on.faces[:-1],
        {name: moved * unit for name, moved in given.items()},
        reference=on,
        jaw=JawBone("Jaw", pivot * unit, on.weights[:, JAW]) if bone else None,
    )

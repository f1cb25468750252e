"""Plain materials for a head's parts, chosen by words in their names: for the viewport, Workbench and Principled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy


@dataclass(frozen=True)
class Look:
    """A colour, sRGB 0 to 1, and how rough its surface is."""

    red: float
    green: float
    blue: float
    roughness: float = 0.5


LOOKS: tuple[tuple[str, Look], ...] = (
    ("lip", Look(0.72, 0.38, 0.36, 0.4)),
    ("gum", Look(0.66, 0.30, 0.31, 0.35)),
    ("tongue", Look(0.70, 0.33, 0.34, 0.4)),
    ("teeth", Look(0.95, 0.93, 0.87, 0.25)),
    ("tooth", Look(0.95, 0.93, 0.87, 0.25)),
    ("mouth", Look(0.26, 0.09, 0.09, 0.6)),
    ("cavity", Look(0.26, 0.09, 0.09, 0.6)),
    ("pupil", Look(0.02, 0.02, 0.025, 0.1)),
    ("iris", Look(0.25, 0.42, 0.52, 0.2)),
    ("sclera", Look(0.95, 0.94, 0.93, 0.15)),
    ("cornea", Look(0.95, 0.94, 0.93, 0.05)),
    ("brow", Look(0.25, 0.16, 0.11, 0.8)),
    ("lash", Look(0.10, 0.07, 0.06, 0.8)),
    ("hair", Look(0.20, 0.13, 0.10, 0.7)),
    ("eye", Look(0.95, 0.94, 0.93, 0.15)),
)
"""First word found in a material's name decides; the rest is skin."""

SKIN = Look(0.87, 0.66, 0.56, 0.5)
KNEE = 0.04045


def look_of(name: str) -> Look:
    """The look for a part of that name."""
    low = name.lower()
    return next((look for word, look in LOOKS if word in low), SKIN)


def material(name: str) -> Any:
    """A new material for a head's part, with the same colour in the viewport as in a render."""
    look = look_of(name)
    made = bpy.data.materials.new(name)
    colour = (*(_linear(part) for part in (look.red, look.green, look.blue)), 1.0)
    made.diffuse_color = colour
    made.roughness = look.roughness
    if made.node_tree is None:
        made.use_nodes = True
    shader = next((node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is not None:
        shader.inputs["Base Color"].default_value = colour
        shader.inputs["Roughness"].default_value = look.roughness
    return made


def _linear(value: float) -> float:
    """One sRGB channel → linear light."""
    return value / 12.92 if value <= KNEE else ((value + 0.055) / 1.055) ** 2.4

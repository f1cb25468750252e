"""Plain materials for a head's parts, chosen by words in their names: for the viewport, Workbench and Principled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy


@dataclass(frozen=True)
class Look:
    """A colour, sRGB 0 to 1, how rough its surface is, and whether light gets under it as under skin."""

    red: float
    green: float
    blue: float
    roughness: float = 0.5
    flesh: bool = False


LOOKS: tuple[tuple[str, Look], ...] = (
    ("teeth_back", Look(0.74, 0.69, 0.61, 0.25)),
    ("teeth_deep", Look(0.45, 0.36, 0.32, 0.35)),
    ("gums_middle", Look(0.56, 0.265, 0.265, 0.4, flesh=True)),
    ("gums_back", Look(0.47, 0.215, 0.215, 0.45, flesh=True)),
    ("tongue_middle", Look(0.65, 0.32, 0.32, 0.4, flesh=True)),
    ("tongue_back", Look(0.59, 0.28, 0.28, 0.4, flesh=True)),
    ("tongue_deep", Look(0.52, 0.24, 0.24, 0.4, flesh=True)),
    ("mouth_middle", Look(0.44, 0.18, 0.175, 0.5, flesh=True)),
    ("mouth_back", Look(0.37, 0.14, 0.14, 0.5, flesh=True)),
    ("mouth_deep", Look(0.30, 0.11, 0.11, 0.55, flesh=True)),
    ("lip", Look(0.74, 0.43, 0.39, 0.38, flesh=True)),
    ("gum", Look(0.66, 0.32, 0.32, 0.35, flesh=True)),
    ("tongue", Look(0.70, 0.35, 0.35, 0.4, flesh=True)),
    ("teeth", Look(0.93, 0.90, 0.83, 0.22)),
    ("tooth", Look(0.93, 0.90, 0.83, 0.22)),
    ("lining", Look(0.50, 0.22, 0.21, 0.45, flesh=True)),
    ("mouth", Look(0.24, 0.08, 0.08, 0.6)),
    ("cavity", Look(0.24, 0.08, 0.08, 0.6)),
    ("pupil", Look(0.02, 0.02, 0.025, 0.06)),
    ("limbus", Look(0.13, 0.21, 0.25, 0.08)),
    ("iris", Look(0.27, 0.45, 0.50, 0.06)),
    ("sclera", Look(0.91, 0.89, 0.87, 0.1)),
    ("cornea", Look(0.91, 0.89, 0.87, 0.05)),
    ("brow", Look(0.25, 0.17, 0.12, 0.8)),
    ("lash", Look(0.10, 0.07, 0.06, 0.8)),
    ("hair", Look(0.20, 0.13, 0.10, 0.7)),
    ("eye_rim", Look(0.78, 0.50, 0.45, 0.25, flesh=True)),
    ("eye", Look(0.91, 0.89, 0.87, 0.1)),
)
"""First word found in a material's name decides; the rest is skin.

What lies farther back in a mouth is darker, as if the lips kept the light from it: renderers without such shadows, and
those of games, would show molars as bright as incisors.
"""

SKIN = Look(0.86, 0.66, 0.56, 0.48, flesh=True)
FLESH_SHARE, FLESH_SCALE = 0.15, 0.006
"""How much of the light goes under skin, and how far, in metres."""
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
        if look.flesh:
            shader.inputs["Subsurface Weight"].default_value = FLESH_SHARE
            shader.inputs["Subsurface Scale"].default_value = FLESH_SCALE
    return made


def _linear(value: float) -> float:
    """One sRGB channel → linear light."""
    return value / 12.92 if value <= KNEE else ((value + 0.055) / 1.055) ** 2.4

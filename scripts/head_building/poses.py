"""Faces to look at: ten visemes and six feelings as sums of units, to judge the units by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS


@dataclass(frozen=True)
class Pose:
    """A named face: unit strengths (a name without a side means both) and the jaw's opening in radians."""

    name: str
    units: dict[str, float] = field(default_factory=dict)
    jaw: float = 0.0

    def expression(self) -> npt.NDArray[np.float32]:
        """The fifty strengths (50,).

        Raises:
            KeyError: a unit is not among the fifty.
        """
        values = dict.fromkeys(ARKIT_EXPRESSIONS, 0.0)
        for name, value in self.units.items():
            for full in [name] if name in values else [name + "Left", name + "Right"]:
                values[full] += value
        return np.array([values[n] for n in ARKIT_EXPRESSIONS], dtype=np.float32)


def _with_close(units: dict[str, float], jaw: float) -> dict[str, float]:
    return {**units, "mouthClose": jaw / 0.35}


VISEMES = (
    Pose("P B M", _with_close({"mouthPress": 0.35, "mouthRollLower": 0.2}, 0.06), 0.06),
    Pose("F V", {"mouthRollLower": 0.65, "mouthUpperUp": 0.3, "mouthClose": 0.12, "mouthShrugLower": 0.25}, 0.07),
    Pose("TH", {"mouthLowerDown": 0.2, "mouthUpperUp": 0.15, "mouthStretch": 0.1}, 0.09),
    Pose("S Z", {"mouthStretch": 0.3, "mouthLowerDown": 0.45, "mouthUpperUp": 0.3, "mouthSmile": 0.15}, 0.02),
    Pose("SH CH", {"mouthFunnel": 0.75, "mouthPucker": 0.2}, 0.03),
    Pose("L N D", {"mouthUpperUp": 0.2, "mouthLowerDown": 0.25}, 0.10),
    Pose("AA", {"mouthLowerDown": 0.25, "mouthUpperUp": 0.2}, 0.24),
    Pose("EE", {"mouthSmile": 0.35, "mouthStretch": 0.35, "mouthLowerDown": 0.4, "mouthUpperUp": 0.25}, 0.06),
    Pose("OH", {"mouthFunnel": 0.55, "mouthPucker": 0.35}, 0.18),
    Pose("OO", {"mouthPucker": 0.85, "mouthFunnel": 0.35}, 0.05),
)

FEELINGS = (
    Pose(
        "joy",
        {"mouthSmile": 0.85, "cheekSquint": 0.6, "eyeSquint": 0.3, "mouthUpperUp": 0.25, "browOuterUp": 0.15},
        0.06,
    ),
    Pose(
        "sadness",
        {
            "browInnerUp": 0.9,
            "mouthFrown": 0.7,
            "eyeSquint": 0.2,
            "mouthShrugLower": 0.4,
            "eyeLookDown": 0.3,
            "browDown": 0.15,
        },
    ),
    Pose(
        "anger",
        {
            "browDown": 1.0,
            "noseSneer": 0.3,
            "mouthPress": 0.8,
            "mouthClose": 0.04,
            "eyeWide": 0.25,
            "eyeSquint": 0.3,
            "mouthFrown": 0.3,
        },
    ),
    Pose(
        "fear",
        {"browInnerUp": 0.9, "browOuterUp": 0.4, "eyeWide": 0.9, "mouthStretch": 0.7, "mouthLowerDown": 0.3},
        0.08,
    ),
    Pose(
        "disgust",
        {
            "noseSneer": 0.95,
            "mouthUpperUp": 0.5,
            "browDown": 0.5,
            "eyeSquint": 0.5,
            "mouthFrown": 0.4,
            "cheekSquint": 0.3,
        },
    ),
    Pose("surprise", {"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.8, "mouthFunnel": 0.15}, 0.22),
)

JAWS = (
    Pose("neutral"),
    Pose("jaw 0.15", jaw=0.15),
    Pose("jaw 0.35", jaw=0.35),
    Pose("jaw 0.35 + mouthClose", {"mouthClose": 1.0}, 0.35),
)
UNITS = tuple(Pose(name, {name: 1.0}) for name in ARKIT_EXPRESSIONS if name != "mouthClose")
ALL = (*JAWS, *UNITS, *VISEMES, *FEELINGS)

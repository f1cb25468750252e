"""Twenty seconds of a face that speaks: every viseme beside every kind of neighbour, blinks, brows and smiles on top.

The motion is the tests' own, so that the head's surfaces are judged without a network: targets three frames apart,
joined by half cosines, closures by the rule that ``mouthClose = angle / 0.35`` shuts the lips.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

FRAMES = 500
STEP = 3
Floats = npt.NDArray[np.float32]

# what the face does for a sound: the jaw's angle in radians, then units (a name without a side means both)
SOUNDS: dict[str, tuple[float, dict[str, float]]] = {
    "_": (0.0, {}),
    "p": (0.03, {"mouthClose": 0.03 / 0.35, "mouthPress": 0.25, "mouthRollLower": 0.12, "mouthRollUpper": 0.12}),
    "a": (0.15, {"mouthLowerDown": 0.1}),
    "A": (0.22, {"mouthLowerDown": 0.2, "mouthUpperUp": 0.15}),
    "e": (0.08, {"mouthSmile": 0.25, "mouthStretch": 0.2, "mouthUpperUp": 0.1}),
    "i": (0.03, {"mouthSmile": 0.35, "mouthStretch": 0.3, "mouthDimple": 0.15, "mouthUpperUp": 0.12}),
    "o": (0.10, {"mouthPucker": 0.4, "mouthFunnel": 0.35}),
    "u": (0.04, {"mouthPucker": 0.85, "mouthFunnel": 0.2}),
    "f": (0.03, {"mouthRollLower": 0.6, "mouthUpperUp": 0.3, "mouthClose": 0.02}),
    "s": (0.01, {"mouthStretch": 0.2, "mouthUpperUp": 0.16, "mouthLowerDown": 0.2}),
    "S": (0.02, {"mouthFunnel": 0.4, "mouthPucker": 0.3, "jawForward": 0.2}),
    "t": (0.03, {"mouthLowerDown": 0.12, "mouthUpperUp": 0.06}),
    "l": (0.06, {"mouthLowerDown": 0.1}),
}
TEXT = "_pa_laip_otApi_sutSeopfaiu_pAlepofituS_Apopi_flisAtu_epaSoipulAfe_otipaspA_"
# a stronger sneer parts the lips by itself
FEELINGS: tuple[dict[str, float], ...] = (
    {},
    {"mouthSmile": 0.5, "cheekSquint": 0.4},
    {"mouthFrown": 0.5, "browDown": 0.6},
    {"noseSneer": 0.3},
)


def _vector(units: dict[str, float]) -> npt.NDArray[np.float64]:
    values = np.zeros(len(ARKIT_EXPRESSIONS))
    for name, value in units.items():
        for full in (name, name + "Left", name + "Right"):
            if full in ARKIT_EXPRESSIONS:
                values[ARKIT_EXPRESSIONS.index(full)] += value
    return values


@cache
def motion() -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Expressions (500, 50), jaw (500, 3) in radians, and in which frames the lips are meant to be shut (500,)."""
    count = FRAMES // STEP + 2
    spoken = (TEXT * (count // len(TEXT) + 1))[:count]
    jaw = np.array([SOUNDS[s][0] for s in spoken])
    targets = np.stack([_vector(SOUNDS[s][1]) for s in spoken])
    at = np.arange(FRAMES) / STEP
    first = at.astype(int)
    share = (0.5 - 0.5 * np.cos(np.pi * (at - first)))[:, None]
    expression = targets[first] * (1 - share) + targets[first + 1] * share
    angle = jaw[first] * (1 - share[:, 0]) + jaw[first + 1] * share[:, 0]
    # a feeling for five seconds each, a blink every two seconds, brows and looks that wander
    seconds = np.arange(FRAMES) / 25
    for number, units in enumerate(FEELINGS):
        strength = np.clip(1.5 - np.abs(seconds - 5 * number - 2.5) / 2.5, 0.0, 1.0)
        expression += 0.7 * strength[:, None] * _vector(units)
    blink = np.maximum(0.0, 1.0 - np.abs((seconds + 1.0) % 2.0 - 1.0) / 0.12)
    expression += blink[:, None] * _vector({"eyeBlink": 1.0})
    for name, period in (("browInnerUp", 3.1), ("browOuterUp", 4.3), ("eyeLookDown", 5.3), ("eyeLookOutLeft", 3.7)):
        wave = 0.25 - 0.25 * np.cos(2 * np.pi * seconds / period)
        expression += wave[:, None] * _vector({name: 1.0})
    shut = (share[:, 0] == 0) & np.isin(np.array(list(spoken))[first], ["p", "_"])
    turns = np.zeros((FRAMES, 3), dtype=np.float32)
    turns[:, 0] = angle
    return np.clip(expression, 0.0, 1.0).astype(np.float32), turns, shut

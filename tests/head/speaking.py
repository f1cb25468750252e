"""A talking face of smooth curves, for tests that ask where lips were meant to close."""

from __future__ import annotations

import numpy as np

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion

FPS = 50.0


def spoken(frames: int) -> tuple[FaceMotion, np.ndarray]:
    """A talking face of smooth curves, and how far its lips are meant to be sealed (frames,)."""
    t = np.arange(frames) / FPS
    expression, jaw = np.zeros((frames, 50)), np.zeros((frames, 3))
    opened = np.clip(0.7 * np.sin(13.2 * t) + 0.3 * np.sin(4.4 * t + 1), 0, 1)
    jaw[:, 0] = 0.22 * opened + 0.03
    sealed = np.clip(1 - opened / 0.15, 0, 1)
    sealed = sealed**2 * (3 - 2 * sealed)

    def bumps(rate: float, shift: float) -> np.ndarray:
        return np.asarray(np.clip(np.sin(rate * t + shift), 0, 1) ** 2)

    def give(values: np.ndarray, *names: str) -> None:
        for name in names:
            expression[:, ARKIT_EXPRESSIONS.index(name)] = values

    give(sealed * jaw[:, 0] / 0.35, "mouthClose")
    give(0.7 * bumps(3.8, 0), "mouthPucker")
    give(0.5 * bumps(1.9, 4), "mouthSmileLeft", "mouthSmileRight")
    give(0.8 * bumps(3.1, 0.3), "browInnerUp", "browOuterUpLeft", "browOuterUpRight")
    give(np.exp(-0.5 * ((t % 3.1 - 1) / 0.06) ** 2), "eyeBlinkLeft", "eyeBlinkRight")
    give(0.3 * bumps(8.2, 0) * (1 - sealed), "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft")
    give(0.3 * bumps(8.2, 0) * (1 - sealed), "mouthUpperUpRight")
    return FaceMotion(expression, jaw, FPS, "arkit"), sealed

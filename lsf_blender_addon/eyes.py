"""Blinks and small looks by chance, for motions whose model makes none (numpy).

Blinks come every few seconds and take about a quarter of one, closing faster than opening; between two quick jumps the
eyes rest for half a second to two and a half (Bentivoglio et al. 1997; Lee, Badler & Badler 2002, "Eyes alive").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import MotionError
from .motion import ARKIT_EXPRESSIONS, FaceMotion

Floats = NDArray[np.float64]

OWN_BLINK, OWN_LOOK = 0.5, 0.1
"""From this value on a motion has blinks or looks of its own."""

CLOSING, SHUT, OPENING = 0.08, 0.04, 0.15
"""Seconds."""

LEAST_BETWEEN, MEAN_BETWEEN = 1.2, 3.0
"""Seconds between two blinks: the least, and what is added to it on average."""

RESTING = (0.5, 2.5)
JUMP = 0.04
SIDEWAYS, UPWARDS = 0.14, 0.09
"""How far looks go, in parts of the blendshapes' own 28 and 25 degrees: about four degrees and two."""


def has_blinks(motion: FaceMotion) -> bool:
    """Whether the eyes close somewhere in an ``arkit`` motion."""
    return bool(_columns(motion, "eyeBlink").max() >= OWN_BLINK)


def has_looks(motion: FaceMotion) -> bool:
    """Whether the eyes move somewhere in an ``arkit`` motion."""
    return bool(_columns(motion, "eyeLook").max() >= OWN_LOOK)


def with_blinks(motion: FaceMotion, seed: int) -> FaceMotion:
    """The same motion with blinks; a seed gives the same ones every time.

    Raises:
        MotionError: the motion is not in ``arkit``; FLAME's components cannot close the eyes.
    """
    _check(motion)
    lids = np.zeros(motion.frames)
    seconds = motion.times
    for middle in _blinks(float(seconds[0]), float(seconds[-1]), np.random.default_rng([seed, 1])):
        before = (middle - SHUT / 2 - seconds) / CLOSING
        after = (seconds - middle - SHUT / 2) / OPENING
        lids = np.maximum(lids, _smooth(1 - np.maximum(np.maximum(before, after), 0)))
    expression = motion.expression.copy()
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        column = ARKIT_EXPRESSIONS.index(name)
        expression[:, column] = np.maximum(expression[:, column], lids)
    return dataclasses.replace(motion, expression=expression)


def with_looks(motion: FaceMotion, seed: int) -> FaceMotion:
    """The same motion with small looks about; a seed gives the same ones every time.

    Raises:
        MotionError: the motion is not in ``arkit``.
    """
    _check(motion)
    chance = np.random.default_rng([seed, 2])
    seconds = motion.times
    farthest = np.array([SIDEWAYS, UPWARDS])
    times, places = [float(seconds[0])], [np.zeros(2)]
    while times[-1] < seconds[-1]:
        times.append(times[-1] + chance.uniform(*RESTING))
        places.append(np.clip(chance.normal(0, farthest / 2), -farthest, farthest))
    look = np.zeros((motion.frames, 2))
    for begin, was, goal in zip(times[1:], places, places[1:], strict=False):
        part = _smooth((seconds - begin) / JUMP)[:, None]
        look = np.where(seconds[:, None] >= begin, was + part * (goal - was), look)
    left, up = look.T
    wanted = {
        "eyeLookOutLeft": left,
        "eyeLookInRight": left,
        "eyeLookInLeft": -left,
        "eyeLookOutRight": -left,
        **{f"eyeLookUp{side}": up for side in ("Left", "Right")},
        **{f"eyeLookDown{side}": -up for side in ("Left", "Right")},
    }
    expression = motion.expression.copy()
    for name, values in wanted.items():
        expression[:, ARKIT_EXPRESSIONS.index(name)] += np.maximum(values, 0).astype(np.float32)
    return dataclasses.replace(motion, expression=expression)


def _blinks(first: float, last: float, chance: np.random.Generator) -> Iterator[float]:
    moment = first + chance.uniform(0.3, 2.0)
    while moment < last - SHUT / 2 - OPENING:
        yield moment
        moment += LEAST_BETWEEN + chance.exponential(MEAN_BETWEEN)


def _columns(motion: FaceMotion, start: str) -> NDArray[Any]:
    _check(motion)
    return motion.expression[:, [number for number, name in enumerate(ARKIT_EXPRESSIONS) if name.startswith(start)]]


def _smooth(part: NDArray[Any]) -> Floats:
    held = np.clip(part, 0.0, 1.0)
    return np.asarray(held**2 * (3 - 2 * held), np.float64)


def _check(motion: FaceMotion) -> None:
    if motion.space != "arkit":
        raise MotionError("Blinks and looks need ARKit's blendshapes: FLAME's components cannot close the eyes.")

"""How much of the voice's feeling reaches the face: the same sentences calm and agitated, in millimetres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsf_blender_addon.head.landmarks import BROW_NAMES, EYE_NAMES, MILLIMETRES, poses
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.motion import FaceMotion

from .evaluation import Evaluator
from .manners import CONDITIONS, Pair
from .scoring import Tally, tally

Array = npt.NDArray[np.float64]
CORNER_NAMES = ("lip_corner_left", "lip_corner_right")
REGIONS = ("brows", "eyes", "corners")
LOUD_SHARE = 0.1
"""Frames count in which the voice is at least this share of its loudest: pauses would dilute what speech does."""


@dataclass(frozen=True)
class RegionFeeling:
    """How one part of the face tells agitated from calm.

    Attributes:
        millimetres: how far apart it stands, on average over the pairs.
        within: how far it strays within one condition, over sentences and voices (standard deviation, millimetres).
        agreeing: share of pairs that differ in the same direction as the average does.
    """

    millimetres: float
    within: float
    agreeing: float

    @property
    def ratio(self) -> float:
        """Between conditions over within them."""
        return self.millimetres / max(self.within, 1e-9)


@dataclass(frozen=True)
class Feeling:
    """What a model does with feeling: each region, and the share of /p b m/ that close in each condition (or NaN)."""

    regions: dict[str, RegionFeeling]
    closure: dict[str, float]
    pairs: int


def measure(evaluator: Evaluator, pairs: Sequence[Pair]) -> Feeling:
    """Measure a model on pairs.

    Brows: their height, inner, middle and outer. Eyes: how far they are open, between blinks. Corners of the mouth:
    height and distance from the middle. Each averaged over the frames in which the voice sounds.
    """
    seen: dict[str, list[Mapping[str, Array]]] = {condition: [] for condition in CONDITIONS}
    tallies = {condition: Tally() for condition in CONDITIONS}
    for pair in pairs:
        for condition in CONDITIONS:
            spoken = pair[condition]
            motion = evaluator.motion(spoken.clip)
            sounding = _sounding(motion, spoken.clip.samples)
            seen[condition].append(
                {region: _usual(region, track[sounding]) for region, track in tracks(evaluator.head, motion).items()}
            )
            if spoken.phones:
                tallies[condition].add(tally(evaluator.track_of(motion), spoken.phones))
    regions = {
        region: _compared(*(np.array([clip[region] for clip in seen[condition]]) for condition in CONDITIONS))
        for region in REGIONS
    }
    closure: dict[str, float] = {condition: tallies[condition].summary()["closure"] for condition in CONDITIONS}
    return Feeling(regions, closure, len(pairs))


def tracks(head: Head, motion: FaceMotion) -> dict[str, Array]:
    """(T, values) millimetres from rest of each region."""
    still = FaceMotion.still(1, motion.fps, motion.space)
    moved: dict[str, Array] = {}
    for region, names in (("brows", BROW_NAMES), ("eyes", EYE_NAMES), ("corners", CORNER_NAMES)):
        points = (poses(head, motion, names) - poses(head, still, names)).astype(np.float64) * MILLIMETRES
        at = {name: points[:, number] for number, name in enumerate(names)}
        if region == "brows":
            parts = ("inner", "middle", "outer")
            values = [0.5 * (at[f"brow_left_{part}"][:, 1] + at[f"brow_right_{part}"][:, 1]) for part in parts]
        elif region == "eyes":
            left, right = (at[f"eye_{side}_upper"] - at[f"eye_{side}_lower"] for side in ("left", "right"))
            values = [0.5 * (left[:, 1] + right[:, 1])]
        else:
            left, right = at["lip_corner_left"], at["lip_corner_right"]
            values = [0.5 * (left[:, 1] + right[:, 1]), 0.5 * (left[:, 0] - right[:, 0])]
        moved[region] = np.stack(values, axis=1)
    return moved


def _usual(region: str, track: Array) -> Array:
    """Where a region stands in a clip; eyes by the median, so that blinks do not count."""
    usual: Array = np.median(track, axis=0) if region == "eyes" else track.mean(axis=0)
    return usual


def _sounding(motion: FaceMotion, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Frames in which the voice is loud enough to be speech."""
    edges = np.linspace(0, len(samples), motion.frames + 1).astype(np.int64)
    squares = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64))))
    loud = np.sqrt((squares[edges[1:]] - squares[edges[:-1]]) / np.maximum(np.diff(edges), 1))
    sounding: npt.NDArray[np.bool_] = loud >= LOUD_SHARE * np.percentile(loud, 95)
    return sounding if sounding.any() else np.ones(motion.frames, bool)


def _compared(calm: Array, agitated: Array) -> RegionFeeling:
    """From (pairs, values) of both conditions."""
    differences = agitated - calm
    mean = differences.mean(axis=0)
    apart = float(np.linalg.norm(mean))
    strays = [np.square(values - values.mean(axis=0)).sum(axis=1) for values in (calm, agitated)]
    within = float(np.sqrt(np.mean(np.concatenate(strays))))
    agreeing = float(np.mean(differences @ mean > 0)) if apart > 1e-9 else 0.0
    return RegionFeeling(apart, within, agreeing)

"""What the mouth does when nobody speaks: mean gap on noise, hum, tones and beats, as a share of the wide gap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsf_blender_addon.audio import SpeechClip

from .evaluation import RATE, Evaluator

Array = npt.NDArray[np.float64]
SECONDS = 4.0
LEVEL = 0.08
"""Root mean square of every sound, as of speech at a usual distance."""

WIDE_PERCENTILE = 95


@dataclass(frozen=True)
class Restlessness:
    """How far the lips part on one sound: the mean and the widest gap as shares of the wide gap of speech."""

    name: str
    mean: float
    most: float


def sounds_without_speech(seed: int = 0) -> list[SpeechClip]:
    """Synthetic sounds that no mouth makes, four seconds each."""
    dice = np.random.default_rng(seed)
    t = np.arange(int(SECONDS * RATE)) / RATE
    white = dice.standard_normal(len(t))
    frequency = np.maximum(np.fft.rfftfreq(len(t), 1.0 / RATE), 30.0)
    pink = np.fft.irfft(np.fft.rfft(white) / np.sqrt(frequency), len(t))
    hum = sum(np.sin(2 * np.pi * 50 * n * t + n) / n for n in range(1, 12))
    glide = np.sin(2 * np.pi * np.cumsum(500 * 2 ** np.sin(2 * np.pi * 0.5 * t)) / RATE)
    chords = sum(
        np.sin(2 * np.pi * pitch * 2 ** (np.floor(t / 0.5) % 4 / 6) * n * t) / n**1.5
        for pitch in (220.0, 277.2, 329.6)
        for n in (1, 2, 3)
    ) * np.exp(-4 * (t % 0.5))
    knocks = white * np.exp(-60 * (t % 0.4))
    made = {
        "white noise": white,
        "pink noise": pink,
        "hum": hum,
        "steady tone": np.sin(2 * np.pi * 440 * t),
        "gliding tone": glide,
        "chords": chords,
        "knocks": knocks,
    }
    return [
        SpeechClip((LEVEL * sound / np.sqrt(np.mean(sound**2))).astype(np.float32), name)
        for name, sound in made.items()
    ]


def wide_gap(evaluator: Evaluator, speech: Iterable[SpeechClip]) -> float:
    """Millimetres that the lips part when the model speaks widely: the 95th percentile beyond rest."""
    gaps = []
    for clip in speech:
        track = evaluator.track(clip)
        gaps.append(np.asarray(track["aperture"]) - float(track["aperture_rest"]))
    return float(np.percentile(np.concatenate(gaps), WIDE_PERCENTILE))


def measure(evaluator: Evaluator, sounds: Iterable[SpeechClip], wide: float) -> list[Restlessness]:
    """How restless the lips are on each sound; ``wide`` is the model's own ``wide_gap``."""
    rows = []
    for clip in sounds:
        track = evaluator.track(clip)
        gap = (np.asarray(track["aperture"]) - float(track["aperture_rest"])) / max(wide, 1e-9)
        rows.append(Restlessness(clip.source, float(gap.mean()), float(gap.max())))
    return rows

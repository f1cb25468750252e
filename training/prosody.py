"""What can be heard beside the words: how much each vowel stands out, from loudness, length and pitch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .phones import VOWELS, Phone

Array = npt.NDArray[np.float64]
RATE = 16_000
_WINDOW = 640


def prominence(samples: npt.NDArray[np.float32], phones: Sequence[Phone]) -> Array:
    """How much each phone stands out in its utterance: 0 to 1, 0.5 in the middle; 0 for all but vowels.

    Loudness counts most, then length, then pitch, each by its rank-like place among the utterance's vowels.
    """
    out = np.zeros(len(phones))
    vowels = [number for number, phone in enumerate(phones) if phone.name in VOWELS]
    if not vowels:
        return out
    features = np.array([_vowel(samples, phones[number]) for number in vowels])
    spread = np.maximum(features.std(0), (2.0, 0.02, 0.05))
    placed = (features - features.mean(0)) / spread
    out[vowels] = 1.0 / (1.0 + np.exp(-(placed @ np.array((0.9, 0.5, 0.6)))))
    return out


def _vowel(samples: npt.NDArray[np.float32], phone: Phone) -> tuple[float, float, float]:
    """Loudness in decibels, length in seconds, log2 of the pitch (0 where there is none)."""
    begin, end = int(phone.begin * RATE), int(phone.end * RATE)
    piece = samples[begin:end].astype(np.float64)
    level = 10.0 * np.log10(float(np.mean(piece**2)) + 1e-7) if len(piece) else -70.0
    middle = (begin + end) // 2
    frame = samples[max(0, middle - _WINDOW) : middle + _WINDOW].astype(np.float64)
    return level, min(phone.end - phone.begin, 0.25), _pitch(frame)


def _pitch(frame: Array) -> float:
    """log2 of the fundamental relative to 100 Hz by autocorrelation between 60 and 400 Hz; 0 where unvoiced."""
    if len(frame) < _WINDOW:
        return 0.0
    frame = (frame - frame.mean()) * np.hanning(len(frame))
    power = np.abs(np.fft.rfft(frame, 4096)) ** 2
    correlation = np.fft.irfft(power)
    low, high = RATE // 400, RATE // 60
    best = low + int(np.argmax(correlation[low:high]))
    voiced = correlation[best] > 0.3 * correlation[0]
    return float(np.log2(RATE / best / 100.0)) if voiced else 0.0

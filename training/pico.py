"""SVOX Pico, a small engine with voices made from recordings (Apache-2.0): what it says, with phone times found after.

Pico reports no times, so its English is aligned as a recording would be (``forced_alignment``). Installed by the
``starter`` extra.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lsf_blender_addon.audio import SpeechClip

from .forced_alignment import align, new_decoder, words_in
from .phones import Phone, without_empty
from .scoring import AlignmentError, phones_of
from .voices import RATE, EngineError, Manner, Samples, Voice

_TEMPI, _PITCHES = (40, 250), (60, 170)
"""Percent that are still speech: Pico itself allows more."""


@cache
def _engine(language: str) -> Any:
    try:
        from ttspico import TtsEngine  # noqa: PLC0415 - an extra that only the starter's corpus needs
    except ImportError as reason:
        raise EngineError(
            f"Pico's voices are missing ({reason}): `pip install lsf-blender-addon[starter]`, which needs a C compiler."
        ) from reason
    return TtsEngine(language)


@cache
def _decoder() -> Any:
    try:
        return new_decoder("What Pico said")
    except AlignmentError as reason:
        raise EngineError(str(reason)) from reason


def pico_says(voice: Voice, text: str, manner: Manner) -> tuple[Samples, list[Phone]]:
    """Speak ``text`` with one of Pico's English voices; the span of its pitch cannot be set.

    Raises:
        EngineError: Pico or pocketsphinx is missing.
        AlignmentError: the words are not found in what Pico said.
    """
    engine = _engine(voice.name)
    engine.rate = int(np.clip(100 / manner.stretch, *_TEMPI))
    engine.pitch = int(np.clip(100 * manner.pitch, *_PITCHES))
    samples = np.frombuffer(engine.speak(text), np.int16).astype(np.float32) / 32768.0
    clip = SpeechClip(samples, f"Pico's {voice.name}", 0.0)
    found = phones_of(align(clip, words_in(text), "what Pico said", _decoder()))
    return samples, without_empty(_covering(found, len(samples) / RATE))


def _covering(phones: tuple[Phone, ...], seconds: float) -> list[Phone]:
    """The same phones with silence wherever none of them is."""
    covered: list[Phone] = []
    end = 0.0
    for phone in phones:
        if phone.begin > end:
            covered.append(Phone("sil", end, phone.begin))
        covered.append(Phone("sil" if phone.name in ("spn", "nsn") else phone.name, phone.begin, phone.end))
        end = phone.end
    if seconds > end:
        covered.append(Phone("sil", end, seconds))
    return covered

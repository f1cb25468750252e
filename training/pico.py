"""SVOX Pico, a small engine with voices made from recordings (Apache-2.0). Installed by the ``starter`` extra."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .aligned_speech import phones_said
from .phones import Phone
from .voices import EngineError, Manner, Samples, Voice

_TEMPI, _PITCHES = (40, 250), (60, 170)
"""Percent that are still speech: Pico itself allows more."""


@cache
def _engine(name: str) -> Any:
    try:
        from ttspico import TtsEngine  # noqa: PLC0415 - an extra that only the starter's corpus needs
    except ImportError as reason:
        raise EngineError(
            f"Pico's voices are missing ({reason}): `pip install lsf-blender-addon[starter]`, which needs a C compiler."
        ) from reason
    return TtsEngine(name)


def pico_says(voice: Voice, text: str, manner: Manner) -> tuple[Samples, list[Phone]]:
    """Speak ``text`` with one of Pico's voices; the span of its pitch cannot be set.

    Raises:
        EngineError: Pico, pocketsphinx or (for other languages than English) espeak-ng is missing.
        AlignmentError: the words are not found in what Pico said.
    """
    engine = _engine(voice.name)
    engine.rate = int(np.clip(100 / manner.stretch, *_TEMPI))
    engine.pitch = int(np.clip(100 * manner.pitch, *_PITCHES))
    samples = np.frombuffer(engine.speak(text), np.int16).astype(np.float32) / 32768.0
    return samples, phones_said(samples, text, voice.language, f"Pico's {voice.name}")

"""Kokoro-82M, a network that speaks nearly as people do (hexgrad, Apache-2.0), run by onnxruntime.

It reads phones, which espeak-ng finds, and a voice's style; styles can be mixed, so that there are more speakers than
voices. When it says what is found by alignment. Installed by the ``starter`` extra.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import soxr

from . import kokoro_files
from .aligned_speech import phones_said
from .phones import Phone
from .voices import RATE, RECORDED, EngineError, Espeak, Manner, Samples, Voice

_ITS_RATE = 24_000
_TEMPI = (0.55, 1.7)
"""Of its own tempo: beyond these it swallows phones or drags them."""

_RAISED = 0.5
"""How much of a change of pitch is done by playing faster, formants and all: it has no pitch that could be set."""

MIXED = 0.45
"""How often an English text is said by a mixture of two voices."""

_READING = {"en": "en-us", "pt": "pt-br"}
"""How espeak-ng reads for voices of a language, where it is not by the language's name; British voices by "en"."""

_ANY_LANGUAGE = (
    ("eɪ", "A"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("oʊ", "O"), ("əʊ", "Q"), ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("g", "ɡ"),
)  # fmt: skip
_AMERICAN = (("ɜː", "ɜɹ"), ("ɚ", "əɹ"), ("ɐ", "ə"), ("ɾ", "T"), ("r", "ɹ"), ("ː", ""))
_BRITISH = (("ɐ", "ə"), ("r", "ɹ"))
_PAUSES = re.compile(r"([,.!?;:])")
_SWITCHES = re.compile(r"\([a-z-]+\)")
"""How espeak-ng says that a word is read in another language."""


def kokoro_says(voice: Voice, text: str, manner: Manner, dice: random.Random) -> tuple[Samples, list[Phone]]:
    """Speak ``text`` with one of Kokoro's voices, or now and then with a mixture of it and another.

    Raises:
        EngineError: Kokoro, its voices, pocketsphinx or espeak-ng is missing.
        AlignmentError: the words are not found in what was said.
    """
    raised = manner.pitch**_RAISED
    tempo = float(np.clip(1.0 / (manner.stretch * raised), *_TEMPI))
    known = _signs()
    numbers = [known[sign] for sign in _read(voice, text) if sign in known]
    styles = _style(voice.name)
    if voice.language == "en" and dice.random() < MIXED:
        other = dice.choice([one.name for one in RECORDED if one.engine == "kokoro"])
        share = dice.uniform(0.25, 0.75)
        styles = share * styles + (1.0 - share) * _style(other)
    feed = {
        "tokens": np.array([[0, *numbers, 0]], np.int64),
        "style": styles[[min(len(numbers), len(styles) - 1)]].astype(np.float32),
        "speed": np.array([tempo], np.float32),
    }
    sound = np.asarray(_session().run(None, feed)[0], np.float32).ravel()
    samples: Samples = soxr.resample(sound, _ITS_RATE * raised, RATE).astype(np.float32)
    # One aligner for the voices of one accent and sex, since each takes forty megabytes.
    return samples, phones_said(samples, text, voice.language, f"Kokoro's {voice.name[:2]}")


def _read(voice: Voice, text: str) -> str:
    """The signs of a text: IPA with one sign for each diphthong and affricate, pauses kept."""
    british = voice.name.startswith("b")
    language = "en" if british else _READING.get(voice.language, voice.language)
    pieces = _PAUSES.split(text)
    said = " ".join(
        piece if _PAUSES.fullmatch(piece) else Espeak.shared().ipa(language, piece) for piece in pieces if piece.strip()
    )
    said = unicodedata.normalize("NFC", _SWITCHES.sub("", re.sub(r" ([,.!?;:])", r"\1", said)))
    own = () if voice.language != "en" else (_BRITISH if british else _AMERICAN)
    for ours, its in (*_ANY_LANGUAGE, *own):
        said = said.replace(ours, its)
    return said


@cache
def _session() -> Any:
    try:
        import onnxruntime  # noqa: PLC0415 - an extra that only the starter's corpus needs
    except ImportError as reason:
        raise EngineError(f"Kokoro is missing ({reason}): `pip install lsf-blender-addon[starter]`.") from reason
    options = onnxruntime.SessionOptions()
    # The corpus is spoken by several processes at once.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(kokoro_files.network(), options, providers=["CPUExecutionProvider"])


@cache
def _signs() -> Mapping[str, int]:
    return kokoro_files.signs()


@cache
def _style(voice: str) -> Any:
    return kokoro_files.style(voice)

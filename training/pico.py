"""SVOX Pico, a small engine with voices made from recordings (Apache-2.0): what it says, with phone times found after.

Pico reports no times, so it is aligned as a recording would be (``forced_alignment``). The aligner knows English only:
words of other languages are given to it as the nearest English phones, and the phones it finds are named as what they
stood for. Installed by the ``starter`` extra.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from lsf_blender_addon.audio import SpeechClip

from .forced_alignment import BESIDE_ARPABET, align, new_decoder, words_in
from .phones import Phone, without_empty
from .scoring import AlignmentError, phones_of
from .voices import RATE, EngineError, Espeak, Manner, Samples, Voice, espeak_voice

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


@cache
def _decoder(name: str) -> Any:
    """One for each voice, which it gets used to."""
    try:
        return new_decoder(f"What Pico's {name} said")
    except AlignmentError as reason:
        raise EngineError(str(reason)) from reason


def pico_says(voice: Voice, text: str, manner: Manner) -> tuple[Samples, list[Phone]]:
    """Speak ``text`` with one of Pico's voices; the span of its pitch cannot be set.

    Raises:
        EngineError: Pico, pocketsphinx or (for other languages than English) espeak-ng is missing.
        AlignmentError: the words are not found in what Pico said.
    """
    engine, decoder = _engine(voice.name), _decoder(voice.name)
    engine.rate = int(np.clip(100 / manner.stretch, *_TEMPI))
    engine.pitch = int(np.clip(100 * manner.pitch, *_PITCHES))
    samples = np.frombuffer(engine.speak(text), np.int16).astype(np.float32) / 32768.0
    clip, words = SpeechClip(samples, f"Pico's {voice.name}", 0.0), words_in(text)
    if voice.language == "en":
        found = phones_of(align(clip, words, "what Pico said", decoder))
    else:
        found = tuple(_foreign(clip, words, voice.language, decoder))
    return samples, without_empty(_covering(found, len(samples) / RATE))


def _foreign(clip: SpeechClip, words: Sequence[str], language: str, decoder: Any) -> Iterator[Phone]:
    """The phones of words in another language, where the aligner finds the English ones nearest to them."""
    spelled: dict[str, tuple[str, ...]] = {}
    for word in words:
        # The dictionary holds English words that are spelled alike.
        name = f"{word}_{language}"
        spelled[name] = _pronounced(word, language)
        if decoder.lookup_word(name) is None:
            nearest = [BESIDE_ARPABET.get(phone, phone.upper()) for phone in spelled[name]]
            decoder.add_word(name, " ".join(nearest), update=True)
    for row in align(clip, [f"{word}_{language}" for word in words], f"what Pico said in {language}", decoder):
        yield from _renamed(row, spelled.get(row["w"]))


def _renamed(row: Mapping[str, Any], spelled: Sequence[str] | None) -> Iterator[Phone]:
    names = ["sil"] * len(row["phones"]) if spelled is None else spelled
    for name, phone in zip(names, row["phones"], strict=True):
        yield Phone(name, phone["b"], phone["b"] + phone["d"])


@cache
def _pronounced(word: str, language: str) -> tuple[str, ...]:
    """A word's phones as espeak-ng says it.

    Raises:
        AlignmentError: it says nothing.
    """
    try:
        _, phones = Espeak().say(espeak_voice(language, "m3"), word, Manner())
    except EngineError as reason:
        raise AlignmentError(f"Nobody knows how to say {word!r} in {language} ({reason}).") from reason
    names = tuple(phone.name for phone in phones if phone.name != "sil")
    if not names:
        raise AlignmentError(f"Nobody knows how to say {word!r} in {language}.")
    return names


def _covering(phones: Sequence[Phone], seconds: float) -> list[Phone]:
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

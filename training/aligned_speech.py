"""Phone times in what an engine said that reports none: it is aligned as a recording would be (``forced_alignment``).

The aligner knows English only: words of other languages are given to it as the nearest English phones, and the phones
it finds are named as what they stood for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from lsf_blender_addon.audio import SpeechClip

from .forced_alignment import BESIDE_ARPABET, align, new_decoder, words_in
from .phones import Phone, without_empty
from .scoring import AlignmentError, phones_of
from .voices import RATE, EngineError, Espeak, Manner, Samples, espeak_voice


@cache
def _decoder(speaker: str) -> Any:
    """One for each voice, which it gets used to."""
    try:
        return new_decoder(f"What {speaker} said")
    except AlignmentError as reason:
        raise EngineError(str(reason)) from reason


def phones_said(samples: Samples, text: str, language: str, speaker: str) -> list[Phone]:
    """The phones of ``text`` in sound at 16 kHz, silence wherever none of them is.

    Args:
        samples: what was said.
        text: in ``language``, as the engine was given it.
        language: as espeak-ng names it.
        speaker: who said it: each has an aligner of its own.

    Raises:
        EngineError: pocketsphinx or (for other languages than English) espeak-ng is missing.
        AlignmentError: the words are not found in the sound.
    """
    decoder = _decoder(speaker)
    clip, words = SpeechClip(samples, speaker, 0.0), words_in(text)
    if language == "en":
        found = phones_of(align(clip, words, f"what {speaker} said", decoder))
    else:
        found = tuple(_foreign(clip, words, language, decoder))
    return without_empty(_covering(found, len(samples) / RATE))


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
    for row in align(clip, [f"{word}_{language}" for word in words], f"what was said in {language}", decoder):
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
        _, phones = Espeak.shared().say(espeak_voice(language, "m3"), word, Manner())
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

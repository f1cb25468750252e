"""espeak-ng's voices: each language and accent that the corpus names is really spoken."""

from __future__ import annotations

import ctypes.util

import pytest

from training.texts import LANGUAGES, words
from training.voices import ENGLISHES, VARIANTS, Espeak, Manner, espeak_voice

pytestmark = pytest.mark.skipif(ctypes.util.find_library("espeak-ng") is None, reason="espeak-ng is not installed")


@pytest.mark.parametrize("language", [*LANGUAGES, *ENGLISHES])
def test_every_language_of_the_corpus_speaks_its_own_words(language: str) -> None:
    text = " ".join(words(language if language in LANGUAGES else "en")[:4])
    samples, phones = Espeak().say(espeak_voice(language, VARIANTS[0]), text, Manner())
    assert len(samples) > 8000
    assert len(phones) > 5

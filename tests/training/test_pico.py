"""Pico's voices: what they say, and when, found by alignment."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

pytest.importorskip("ttspico", reason="Pico's voices are an extra: pip install lsf-blender-addon[starter]")
pytest.importorskip("pocketsphinx", reason="pocketsphinx, which finds the times, is not installed")

from training import corpus
from training.forced_alignment import words_in
from training.pico import pico_says
from training.scoring import AlignmentError
from training.texts import ENGLISH_PROSE, FUNCTION_WORDS, english, known_english, lines, words
from training.voices import RATE, RECORDED, Manner, Voice

VOICES = [voice for voice in RECORDED if voice.engine == "pico"]
SAID = {
    "en": ("The pepper pot is on top of the map.", 5),
    "de": ("Papa packt die Suppe in Papier.", 6),
    "es": ("papá compra ropa y papel", 6),
    "fr": ("papa pousse la porte du port", 5),
    "it": ("papà porta pane e pepe", 6),
}
"""What each language says, and how many /p/ are in it."""


def level(samples: np.ndarray, begin: float, end: float) -> float:
    return float(np.sqrt(np.mean(np.square(samples[int(begin * RATE) : int(end * RATE)]))))


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: str(voice.name))
def test_phones_cover_the_sound_and_bilabials_are_quieter_than_vowels(voice: Voice) -> None:
    text, count = SAID[voice.language]
    samples, phones = pico_says(voice, text, Manner())
    assert phones[0].begin == 0.0
    assert phones[-1].end == pytest.approx(len(samples) / RATE, abs=0.02)
    assert all(before.end == pytest.approx(after.begin) for before, after in itertools.pairwise(phones))
    assert [phone.name for phone in phones].count("p") == count
    stops = [level(samples, p.begin, p.begin + 0.6 * (p.end - p.begin)) for p in phones if p.name == "p"]
    vowels = [level(samples, p.begin, p.end) for p in phones if p.name in {"aa", "ae", "eh", "ow", "ao"}]
    assert np.median(stops) < 0.4 * np.median(vowels)


def test_a_slower_manner_takes_longer() -> None:
    short, _ = pico_says(VOICES[0], "Please open the window.", Manner(stretch=0.8))
    long, _ = pico_says(VOICES[0], "Please open the window.", Manner(stretch=1.4))
    assert len(long) > 1.3 * len(short)


def test_words_that_are_not_said_are_an_error_of_its_own_kind() -> None:
    with pytest.raises(AlignmentError):
        pico_says(VOICES[0], "...", Manner())


def test_words_of_other_languages_keep_their_own_phones() -> None:
    german = next(voice for voice in VOICES if voice.language == "de")
    _, phones = pico_says(german, "bücher", Manner())
    assert "y2" in {phone.name for phone in phones}


def test_a_shard_speaks_with_every_voice() -> None:
    speech = corpus.speak(corpus.Shard("pico", 3, 30.0))
    said = [next(speech) for _ in range(40)]
    assert {utterance.voice for utterance in said} == {voice.name for voice in VOICES}
    assert {utterance.made for utterance in said} == {"recordings"}


def test_texts_for_voices_that_are_aligned_hold_no_invented_words() -> None:
    dice = random.Random(2)
    parts = ("subjects", "verbs", "objects", "endings", "asides")
    lists = [line for part in parts for line in lines(f"sentence_{part}")] + list(lines("minimal_pairs"))
    lists += [line for name in ENGLISH_PROSE for line in lines(name)]
    known = {word for text in (*lists, *words("en"), *FUNCTION_WORDS) for word in words_in(text)}
    said = {word for _ in range(300) for word in words_in(known_english(dice))}
    assert said <= known
    assert not {word for _ in range(300) for word in words_in(english(dice))} <= known

"""What the synthetic voices are given to say."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from training.forced_alignment import words_in
from training.texts import ENGLISH_PROSE, LANGUAGES, english, lines

PROSE = (*ENGLISH_PROSE, *(f"prose_{language}" for language in LANGUAGES))


@pytest.mark.parametrize("name", PROSE)
def test_prose_is_whole_sentences_each_said_once(name: str) -> None:
    sentences = lines(name)
    assert len(sentences) >= 30
    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert sentence[-1] in ".!?", sentence
        assert not any(sign.isdigit() or sign in '"()[]' for sign in sentence), sentence


def test_the_same_dice_say_the_same() -> None:
    assert [english(random.Random(5)) for _ in range(3)] == [english(random.Random(5))] * 3


def test_no_sentence_is_borrowed_from_the_recordings_that_models_are_measured_on(shared: Path) -> None:
    said = {four for name in ENGLISH_PROSE for sentence in lines(name) for four in _fours(words_in(sentence))}
    alignments = sorted((shared / "wav").glob("*.align.json"))
    assert alignments
    for path in alignments:
        words = [word["w"].lower() for word in json.loads(path.read_text(encoding="utf-8"))["words"]]
        assert not said & _fours(words), path.name


def _fours(words: list[str]) -> set[tuple[str, ...]]:
    return {(a, b, c, d) for (a, b), (c, d) in zip(pairwise(words), pairwise(words[2:]), strict=False)}

"""What the synthetic voices say: sentences, word lists, minimal pairs and invented words.

All lie in ``words/`` and are our own. ``prose_*.txt`` hold one natural sentence a line, of the widest vocabulary, since
what is likely to follow what helps to hear it; none comes from a recording that models are measured on. ``en.txt`` and
one file for each other language, named as espeak-ng names it, hold words; ``minimal_pairs.txt`` has one set a line,
``sentence_*.txt`` the parts that sentences are put together from.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "words"
ENGLISH_PROSE = ("prose_en_talk", "prose_en_books")
LANGUAGES = (
    *("cs", "de", "es", "fi", "fr", "hi", "hu", "id", "it"),
    *("ja", "nl", "pl", "pt", "ro", "ru", "sv", "sw", "tr"),
)
FUNCTION_WORDS = (
    *("the", "a", "of", "to", "and", "in", "is", "it", "that", "was", "for", "on", "are", "as", "with"),
    *("his", "they", "at", "be", "this", "from", "or", "had", "by", "but", "not"),
)
_ONSETS = (
    *("p", "b", "m", "t", "d", "n", "k", "g", "f", "v", "th", "s", "z", "sh", "h", "l", "r", "w", "y"),
    *("pl", "br", "st", "sm", "sp", "bl", "fl", "tr", "kw"),
)
_NUCLEI = ("a", "e", "i", "o", "u", "ee", "oo", "ai", "ay", "oh", "ow", "ar", "or", "er")
_CODAS = (
    *("", "", "", "p", "b", "m", "t", "d", "n", "k", "ng", "f", "v", "s", "z", "sh", "l"),
    *("mp", "nd", "nk", "lm", "st"),
)


@cache
def words(language: str) -> tuple[str, ...]:
    """Common words of a language, ``en`` or one of ``LANGUAGES``."""
    return tuple((FOLDER / f"{language}.txt").read_text(encoding="utf-8").split())


@cache
def lines(name: str) -> tuple[str, ...]:
    """The lines of one of the other lists."""
    return tuple((FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def invented_word(dice: random.Random) -> str:
    """A word that no lexicon holds, of one to three syllables."""
    syllables = dice.choice((1, 2, 2, 3))
    return "".join(dice.choice(_ONSETS) + dice.choice(_NUCLEI) + dice.choice(_CODAS) for _ in range(syllables))


PROSE = 0.55
"""How often a natural sentence is said."""

PAUSED = 0.2
"""How often a text is broken into pieces of one to three words, as in solemn or halting speech."""


def paused(text: str, dice: random.Random) -> str:
    """The same words with a pause after every one to three of them."""
    pieces, left = [], text.split()
    while left:
        count = dice.choice((1, 1, 2, 3))
        pieces.append(" ".join(left[:count]).rstrip(",.!?"))
        left = left[count:]
    return "".join(piece + dice.choice((", ", ", ", ". ")) for piece in pieces).strip()


def english(dice: random.Random) -> str:
    """Something to say in English: a sentence, a list, minimal pairs or invented words, 1 to about 8 seconds long."""
    said = _english(dice)
    return paused(said, dice) if dice.random() < PAUSED else said


def known_english(dice: random.Random) -> str:
    """As ``english`` without invented words, whose pronunciation only the engine that reads them knows."""
    said = _english(dice, invented=False)
    return paused(said, dice) if dice.random() < PAUSED else said


def _english(dice: random.Random, *, invented: bool = True) -> str:
    if dice.random() < PROSE:
        return dice.choice([sentence for name in ENGLISH_PROSE for sentence in lines(name)])
    kind = dice.random()
    if kind < 0.3:
        return _sentence(dice)
    if kind < 0.55:
        chosen = [
            dice.choice(words("en") if dice.random() < 0.7 else FUNCTION_WORDS) for _ in range(dice.randint(4, 12))
        ]
        return " ".join(word + ("," if dice.random() < 0.15 else "") for word in chosen) + "."
    if kind < 0.75:
        pairs = dice.choice(lines("minimal_pairs")).split()
        return " ".join(dice.choice(pairs) for _ in range(dice.randint(4, 9)))
    if invented and kind < 0.92:
        return " ".join(invented_word(dice) for _ in range(dice.randint(3, 7)))
    return " ".join(dice.choice(words("en")) for _ in range(dice.randint(1, 3)))


def _sentence(dice: random.Random) -> str:
    said = [dice.choice(lines(f"sentence_{part}")) for part in ("subjects", "verbs", "objects")]
    if dice.random() < 0.6:
        said[-1] += dice.choice((",", ""))
        said.append(dice.choice(lines("sentence_endings")))
    if dice.random() < 0.2:
        said.insert(0, dice.choice(lines("sentence_asides")))
    return " ".join(said) + dice.choice("..!?")


def foreign(language: str, dice: random.Random) -> str:
    """A sentence of another language, or words of it in any order, with a pause now and then."""
    if dice.random() < PROSE:
        return dice.choice(lines(f"prose_{language}"))
    known = words(language)
    return " ".join(dice.choice(known) + ("," if dice.random() < 0.15 else "") for _ in range(dice.randint(4, 10)))

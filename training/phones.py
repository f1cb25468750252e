# ruff: noqa: RUF001 - phonetic signs look like letters, and are meant
"""One set of phones for every engine and language, and the engines' own names mapped to it.

The set is the English one in lower-case ARPAbet with a few more: ``y2`` and ``oe`` (front rounded vowels), ``x``
(back fricatives), ``j`` (the sound of *yes*), ``sil`` (no speech).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

VOWELS = ("aa", "ae", "ah", "ao", "aw", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw", "ax", "y2", "oe")
CONSONANTS = (
    *("p", "b", "m", "f", "v", "w", "th", "dh", "s", "z", "sh", "zh", "ch", "jh"),
    *("t", "d", "n", "l", "r", "k", "g", "ng", "hh", "x", "j"),
)
PHONES = ("sil", *VOWELS, *CONSONANTS)
INDEX = {name: number for number, name in enumerate(PHONES)}
BILABIALS = frozenset("pbm")
VOICELESS_STOPS = frozenset({"p", "t", "k", "ch"})
VOICED_STOPS = frozenset({"b", "d", "g", "jh"})


@dataclass(frozen=True)
class Phone:
    """One phone of ``PHONES`` from ``begin`` to ``end`` seconds."""

    name: str
    begin: float
    end: float


_ARPABET = {
    "pau": "sil", "brth": "sil", "h#": "sil", "axr": "er", "el": "l", "em": "m", "en": "n", "nx": "n",
    "dx": "d", "y": "j", "ix": "ih", "ux": "uw", "hv": "hh", "q": "sil", "": "sil", "#": "sil", "_": "sil",
    "ssil": "sil", "h": "hh",
}  # fmt: skip


def from_arpabet(name: str) -> str:
    """Our phone for one of flite's or festival's American names.

    Raises:
        KeyError: the name belongs to no phone that we know.
    """
    plain = name.lower().rstrip("0123456789")
    plain = _ARPABET.get(plain, plain)
    return PHONES[INDEX[plain]]


_RUSSIAN = {
    "a": "ah", "e": "eh", "i": "iy", "o": "ao", "u": "uw", "y": "ih", "c": "s", "ch": "ch", "sch": "sh",
    "sh": "sh", "zh": "zh", "ae": "ax", "ay": "ax", "ur": "uh", "h": "x", "hh": "x", "r": "r", "rr": "r",
    "pau": "sil", "j": "j",
}  # fmt: skip


def from_russian(name: str) -> str:
    """Our phone for one of the Russian festival voice's names: doubled consonants are the soft ones.

    Raises:
        KeyError: the name belongs to no phone that we know.
    """
    plain = name.lower()
    if plain in _RUSSIAN:
        return _RUSSIAN[plain]
    stressed = plain[0] if len(plain) == 2 and plain[0] in "aeiouy" and plain[0] == plain[1] else ""
    if stressed:
        return "aa" if stressed == "a" else _RUSSIAN[stressed]
    if len(plain) >= 2 and plain[0] == plain[1]:
        plain = plain[0]
    plain = _RUSSIAN.get(plain, plain)
    return PHONES[INDEX[plain]]


_TWO_SIGNS = {
    "aɪ": "ay", "ai": "ay", "eɪ": "ey", "ei": "ey", "oʊ": "ow", "əʊ": "ow", "ou": "ow", "aʊ": "aw", "au": "aw",
    "ɔɪ": "oy", "ɔø": "oy", "ɔy": "oy", "tʃ": "ch", "dʒ": "jh", "ts": "s", "dz": "z", "tɕ": "ch", "dʑ": "jh",
    "tʂ": "ch", "dʐ": "jh", "pf": "p", "kp": "p", "gb": "b", "mb": "m", "nd": "n", "ɪə": "ih", "eə": "eh",
    "ʊə": "uh", "iə": "iy", "aə": "aa", "oɪ": "oy", "ɔː": "ao", "oː": "ow", "ɔɹ": "ao", "oɹ": "ao", "ɑɹ": "aa",
    "ɛɹ": "eh", "ɪɹ": "ih", "ʊɹ": "uh", "əl": "l", "ən": "n", "əm": "m",
}  # fmt: skip
_ONE_SIGN = {
    "a": "aa", "ɑ": "aa", "ɒ": "aa", "æ": "ae", "ɐ": "ah", "ʌ": "ah", "ä": "aa", "ɔ": "ao", "o": "ow",
    "ɤ": "ah", "e": "eh", "ɛ": "eh", "ə": "ax", "ɘ": "ax", "ɜ": "er", "ɚ": "er", "ɝ": "er", "ɵ": "oe",
    "ø": "oe", "œ": "oe", "ɞ": "oe", "i": "iy", "ɪ": "ih", "ɨ": "ih", "ᵻ": "ih", "y": "y2", "ʏ": "y2",
    "u": "uw", "ʊ": "uh", "ʉ": "uw", "ɯ": "ih", "p": "p", "b": "b", "ɓ": "b", "m": "m", "ɱ": "m", "f": "f",
    "v": "v", "ʋ": "v", "ⱱ": "v", "w": "w", "ʍ": "w", "ɥ": "w", "ɸ": "f", "β": "v", "θ": "th", "ð": "dh",
    "s": "s", "z": "z", "ʃ": "sh", "ʒ": "zh", "ɕ": "sh", "ʑ": "zh", "ʂ": "sh", "ʐ": "zh", "t": "t", "ʈ": "t",
    "d": "d", "ɖ": "d", "ɗ": "d", "ɾ": "d", "ɽ": "d", "n": "n", "ɳ": "n", "ɲ": "n", "l": "l", "ɭ": "l",
    "ʎ": "l", "ɫ": "l", "ɬ": "l", "r": "r", "ɹ": "r", "ɻ": "r", "ʀ": "x", "ʁ": "x", "k": "k", "c": "k",
    "q": "k", "g": "g", "ɡ": "g", "ɟ": "g", "ɠ": "g", "ŋ": "ng", "ɴ": "ng", "h": "hh", "ɦ": "hh", "x": "x",
    "ɣ": "x", "χ": "x", "ç": "hh", "ʝ": "j", "j": "j", "ɰ": "j", "ħ": "hh", "ʕ": "hh", "ʔ": "k", "ʧ": "ch",
    "ʤ": "jh", "ɧ": "sh", "ʲ": "j",
}  # fmt: skip


def from_ipa(text: str) -> str | None:
    """Our phone for one IPA segment as espeak-ng writes it; None where the sign stands for no segment of its own."""
    signs = "".join(
        sign
        for sign in unicodedata.normalize("NFD", text)
        if not unicodedata.combining(sign) and (sign.isalpha() or sign == "ː") and sign not in "ʰʷˠˤᵝʱˑⁿˡˀ"
    )
    # A lone palatalisation mark belongs to the consonant before it.
    if signs.strip("ʲː") == "":
        return None
    signs = signs.replace("ʲ", "")
    two = _TWO_SIGNS.get(signs[:2])
    return two if two is not None else _ONE_SIGN.get(signs[0], _ONE_SIGN.get(unicodedata.normalize("NFC", signs)[0]))


CLOSURE_BEFORE_BURST = {**dict.fromkeys(VOICELESS_STOPS, 0.055), **dict.fromkeys(VOICED_STOPS, 0.038)}
"""Seconds: espeak-ng reports a stop at its burst; the articulators have been shut for so long by then."""


def with_closures(phones: list[Phone]) -> list[Phone]:
    """Move the beginnings of stops that were reported at their bursts back to where the closure begins."""
    moved = list(phones)
    for number, phone in enumerate(moved):
        shift = CLOSURE_BEFORE_BURST.get(phone.name)
        if shift is None:
            continue
        before = moved[number - 1] if number else None
        floor = 0.0 if before is None else before.begin + min(0.02, 0.5 * (before.end - before.begin))
        begin = max(phone.begin - shift, floor)
        moved[number] = Phone(phone.name, begin, phone.end)
        if before is not None:
            moved[number - 1] = Phone(before.name, before.begin, begin)
    return moved


def without_empty(phones: list[Phone], least: float = 0.008) -> list[Phone]:
    """Join neighbouring silences and drop phones shorter than ``least`` seconds into the one before."""
    kept: list[Phone] = []
    for phone in phones:
        if kept and (phone.end - phone.begin < least or (phone.name == "sil" and kept[-1].name == "sil")):
            kept[-1] = Phone(kept[-1].name, kept[-1].begin, phone.end)
        elif phone.end > phone.begin:
            kept.append(phone)
    return kept

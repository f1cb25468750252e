"""The rules' faces: lips that close, round, spread and rest when the phones say so."""

from __future__ import annotations

import numpy as np
import pytest

from training.coarticulation import COLUMN, JAW, Face, curves, lip_gap
from training.face_rules import WIDE_MILLIMETRES
from training.phones import Phone

FPS = 50.0


def face_of(
    *names: str, agitation: float = 0.0, length: float = 0.14, silence: float = 0.14
) -> tuple[Face, list[Phone]]:
    """A pause, the phones one after another (``silence`` is how long "sil" lasts), a pause of 0.6 s."""
    phones = [Phone("sil", 0.0, 0.4)]
    for name in names:
        lasts = silence if name == "sil" else length
        phones.append(Phone(name, phones[-1].end, phones[-1].end + lasts))
    phones.append(Phone("sil", phones[-1].end, phones[-1].end + 0.6))
    frames = int(phones[-1].end * FPS)
    t = np.arange(int(phones[-1].end * 16000)) / 16000
    return curves(np.sin(880 * t).astype(np.float32) * 0.1, phones, FPS, frames, agitation), phones


def at(phone: Phone) -> int:
    return round(0.5 * (phone.begin + phone.end) * FPS)


@pytest.mark.parametrize("bilabial", ["p", "b", "m"])
def test_bilabials_shut_the_lips_between_open_vowels(bilabial: str) -> None:
    face, phones = face_of("aa", bilabial, "aa")
    millimetres = lip_gap(face.motion.astype(float))
    assert millimetres[at(phones[2])] <= 0.0
    assert millimetres[at(phones[1])] > 0.6 * WIDE_MILLIMETRES
    assert face.motion[at(phones[2]), COLUMN["mouthClose"]] > 0.0


def test_the_curves_give_the_gap_that_was_asked_for() -> None:
    face, _ = face_of("s", "aa", "l", "iy", "f", "ow", "sh")
    wrong = lip_gap(face.motion.astype(float)) - face.gap * WIDE_MILLIMETRES
    assert np.abs(wrong).max() < 0.05


def test_the_lower_lip_goes_to_the_teeth_for_f() -> None:
    face, phones = face_of("aa", "f", "aa")
    middle = at(phones[2])
    assert face.motion[middle, COLUMN["mouthRollLower"]] > 0.35
    assert 0.02 < face.gap[middle] < 0.3


def test_rounding_begins_before_its_vowel() -> None:
    face, phones = face_of("aa", "t", "uw", "t", "iy")
    pucker = face.motion[:, COLUMN["mouthPucker"]]
    assert pucker[at(phones[3])] > 0.5
    assert pucker[at(phones[2])] > 0.3
    assert pucker[at(phones[1])] < 0.2


def test_pauses_bring_the_mouth_to_rest() -> None:
    face, phones = face_of("aa", "iy")
    rest = face.motion[round((phones[-1].begin + 0.3) * FPS) :, JAW]
    assert np.abs(rest).max() < 1e-6
    assert face.gap[:10].max() < 0.01


def test_a_brief_silence_leaves_the_mouth_ajar_and_a_long_one_shuts_it() -> None:
    brief, phones = face_of("aa", "n", "sil", "aa", silence=0.15)
    assert 0.15 < brief.gap[at(phones[3])] < 0.5
    long, phones = face_of("aa", "n", "sil", "aa", silence=0.4)
    assert long.gap[at(phones[3])] < 0.01


def test_the_lips_are_shut_already_in_a_brief_silence_before_a_bilabial() -> None:
    face, phones = face_of("aa", "n", "sil", "p", "aa", silence=0.15)
    assert face.gap[at(phones[3])] < 0.1


def test_a_blink_comes_after_a_phrase_and_not_within_it() -> None:
    face, phones = face_of(*(("aa", "l") * 4))
    blink = face.motion[:, COLUMN["eyeBlinkLeft"]]
    end = round(phones[-1].begin * FPS)
    assert blink[end:].max() > 0.8
    assert blink[: end - 5].max() < 0.1


def test_agitation_shows_in_brows_and_leaves_closures_alone() -> None:
    excited, phones = face_of("aa", "m", "aa", agitation=0.9)
    calm, _ = face_of("aa", "m", "aa", agitation=-0.9)
    middle = at(phones[1])
    assert excited.motion[middle, COLUMN["browInnerUp"]] > calm.motion[middle, COLUMN["browInnerUp"]] + 0.1
    shut = at(phones[2])
    assert excited.gap[shut] == pytest.approx(calm.gap[shut], abs=0.01)


def test_left_and_right_do_the_same() -> None:
    face, _ = face_of("s", "aa", "f", "iy", agitation=0.5)
    for name, column in COLUMN.items():
        if name.endswith("Left") and name not in {"mouthLeft", "jawLeft"}:
            other = COLUMN[name.removesuffix("Left") + "Right"]
            assert np.array_equal(face.motion[:, column], face.motion[:, other])

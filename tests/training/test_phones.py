# ruff: noqa: RUF001 - phonetic signs look like letters, and are meant
"""Every engine's names become one set of phones, with stops' closures where they belong."""

from __future__ import annotations

import pytest

from training import face_rules, scoring
from training.phones import PHONES, Phone, from_arpabet, from_ipa, from_russian, with_closures, without_empty


@pytest.mark.parametrize(
    ("ipa", "phone"),
    [
        *(("p", "p"), ("bʰ", "b"), ("iː", "iy"), ("tʃ", "ch"), ("aɪ", "ay")),
        *(("ɑ̃", "aa"), ("øː", "oe"), ("ʁ", "x"), ("dʲ", "d"), ("o̞", "ow")),
    ],
)
def test_ipa_signs_keep_their_lips(ipa: str, phone: str) -> None:
    assert from_ipa(ipa) == phone


def test_a_lone_palatalisation_mark_is_no_phone() -> None:
    assert from_ipa("ʲ") is None


def test_american_and_russian_names_are_understood() -> None:
    assert [from_arpabet(name) for name in ("AA1", "pau", "axr", "hv")] == ["aa", "sil", "er", "hh"]
    assert [from_russian(name) for name in ("mm", "aa", "a", "ur", "pau")] == ["m", "aa", "ah", "uh", "sil"]


def test_a_stop_reported_at_its_burst_begins_with_its_closure() -> None:
    heard = [Phone("aa", 0.0, 0.30), Phone("p", 0.30, 0.36), Phone("iy", 0.36, 0.5)]
    vowel, stop, after = with_closures(heard)
    assert stop.begin == pytest.approx(0.245)
    assert vowel.end == stop.begin
    assert after == heard[2]


def test_silences_join_and_slivers_vanish() -> None:
    pieces = [Phone("sil", 0.0, 0.1), Phone("sil", 0.1, 0.2), Phone("m", 0.2, 0.3), Phone("k", 0.3, 0.302)]
    joined = without_empty(pieces)
    assert joined == [Phone("sil", 0.0, 0.2), Phone("m", 0.2, 0.302)]


def test_every_phone_has_a_face_and_a_gap_that_it_calls_for() -> None:
    assert set(face_rules.VISEMES) == set(PHONES) == set(scoring.CALLED_FOR) - {"spn", "nsn"}

"""Scores agree with the project's reference scorer to the last digit, and say what a mouth does in each class."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.phones import Phone
from training.scoring import AlignmentError, Tally, class_table, read_alignment, tally, wanted_gap


def mouth(seconds: float, seed: int, *, rate: float = 100.0) -> dict[str, Any]:
    """A track that moves as mouths do: smooth, now and then shut, never the same."""
    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    knots = np.arange(0, seconds + 0.2, 0.11)
    aperture = np.interp(t, knots, np.maximum(random.normal(3.0, 4.0, len(knots)), 0.2))
    width = np.interp(t, knots, random.normal(48.0, 2.0, len(knots)))
    return {"t": t, "aperture": aperture, "aperture_rest": np.asarray(0.2), "width": width}


def informed(seconds: float, phones: tuple[Phone, ...], seed: int) -> dict[str, Any]:
    """A track that does what the phones call for, late and noisy."""
    track = mouth(seconds, seed)
    wanted = wanted_gap(track["t"], phones)
    noise = np.random.default_rng(seed).normal(0.0, 0.4, len(wanted))
    return {**track, "aperture": np.maximum(0.2 + 9.0 * np.roll(wanted, 3) + noise, 0.2)}


@pytest.mark.parametrize("kind", ["any mouth", "one that speaks", "a hundred a second and less"])
def test_scores_are_those_of_the_reference_scorer(shared: Path, kind: str) -> None:
    scorer = runpy.run_path(str(shared / "tools" / "lipsync_score.py"))
    pooled, theirs = Tally(), []
    alignments = sorted((shared / "wav").glob("*.align.json"))
    assert len(alignments) >= 6
    for number, path in enumerate(alignments):
        align = json.loads(path.read_text())
        phones = read_alignment(path)
        if kind == "one that speaks":
            track = informed(phones[-1].end + 0.3, phones, number)
        else:
            track = mouth(phones[-1].end + 0.3, number, rate=100.0 if kind == "any mouth" else 61.0)
        ours = tally(track, phones)
        pooled.add(ours)
        theirs.append(scorer["score"](track, align))
        assert_same(ours.summary(), scorer["summary"](theirs[-1]), path.name)
    assert_same(pooled.summary(), scorer["pool"](theirs), "pooled")


def assert_same(ours: dict[str, float], theirs: dict[str, float], name: str) -> None:
    assert set(ours) == set(theirs)
    for column, value in theirs.items():
        assert ours[column] == pytest.approx(value, abs=1e-12, nan_ok=True), f"{name}: {column}"


def test_voices_and_noises_without_words_are_no_pauses(shared: Path, tmp_path: Path) -> None:
    scorer = runpy.run_path(str(shared / "tools" / "lipsync_score.py"))
    names = ("SIL", "P", "AA1", "SPN", "+NSN+", "NSN", "M", "IY0", "<sil>", "W", "UW")
    phones = [{"p": name, "b": 0.3 * number, "d": 0.3} for number, name in enumerate(names)]
    path = tmp_path / "a.align.json"
    path.write_text(json.dumps({"words": [{"w": "x", "phones": phones}]}))
    track = mouth(4.0, 5)
    theirs = scorer["summary"](scorer["score"](track, json.loads(path.read_text())))
    assert_same(tally(track, read_alignment(path)).summary(), theirs, "wordless")


@pytest.mark.parametrize("text", ["", "[]", '{"words": 3}', '{"words": [{"phones": [{"p": "QX", "b": 0, "d": 1}]}]}'])
def test_what_holds_no_phone_times_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.align.json").write_text(text)
    with pytest.raises(AlignmentError, match=r"a\.align\.json"):
        read_alignment(tmp_path / "a.align.json")


def test_the_table_by_class_counts_what_was_seen() -> None:
    phones = tuple(Phone(name, 0.2 * i, 0.2 * i + 0.2) for i, name in enumerate(("sil", "p", "aa", "b", "uw", "s")))
    track = mouth(1.4, 0)
    track["aperture"] = 0.2 + 10.0 * wanted_gap(track["t"], phones)
    track["width"] = np.where((track["t"] > 0.8) & (track["t"] < 1.0), 44.0, 48.0)
    rows = {row.name: row for row in class_table(tally(track, phones))}
    assert {name: row.seen for name, row in rows.items()} == {
        "lips shut: p b m": 2,
        "open vowels": 1,
        "rounded vowels": 1,
        "hissing": 1,
        "pauses": 1,
    }
    assert rows["lips shut: p b m"].shut == 1.0
    assert rows["open vowels"].gap > 0.9
    assert rows["rounded vowels"].width == pytest.approx(-4.0)
    assert rows["hissing"].called == pytest.approx(0.15)

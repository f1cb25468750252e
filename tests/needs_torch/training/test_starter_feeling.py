"""The model that ships lets the voice's feeling reach brows, eyes and mouth corners, and still closes its lips."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from training import feeling_measure, manners
from training.evaluation import Evaluator
from training.feeling_measure import Feeling

LEAST_MILLIMETRES = {"brows": 0.5, "eyes": 0.3, "corners": 0.3}
"""About an eighth of what the rules that it learnt from do between fully calm and fully agitated."""

LEAST_CLOSURE, MOST_LOST = 0.6, 0.15
"""Of /p b m/ in the middle of the phone, and how many fewer of them where the same voice is agitated. The voices of the
pairs are made by rules; said fast, a closure lasts three frames."""


@pytest.fixture(scope="module")
def pairs(repository: Path) -> list[manners.Pair]:
    return manners.pairs_at_hand(repository / "samples" / "hello.wav")


@pytest.fixture(scope="module")
def felt(repository: Path, pairs: list[manners.Pair]) -> Feeling:
    return feeling_measure.measure(Evaluator(repository / "vendor_models" / "starter"), pairs)


def test_agitated_speech_looks_unlike_calm_speech(felt: Feeling) -> None:
    for region, least in LEAST_MILLIMETRES.items():
        assert felt.regions[region].millimetres >= least, region
        assert felt.regions[region].ratio >= 1.0, region
        assert felt.regions[region].agreeing >= 0.75, region


def test_lips_close_in_either_condition(felt: Feeling) -> None:
    known = {name: closure for name, closure in felt.closure.items() if not math.isnan(closure)}
    assert all(closure >= LEAST_CLOSURE for closure in known.values())
    if len(known) == len(felt.closure):  # else no engine is here, or none that tells phone times
        assert known["agitated"] >= known["calm"] - MOST_LOST


def test_strength_zero_takes_the_feeling_away(repository: Path, pairs: list[manners.Pair], felt: Feeling) -> None:
    calmed = Evaluator(repository / "vendor_models" / "starter", strength=0.0)
    rest = feeling_measure.measure(calmed, pairs)
    for region in ("brows", "eyes"):
        assert felt.regions[region].millimetres >= LEAST_MILLIMETRES[region]
        assert rest.regions[region].millimetres <= 0.5 * felt.regions[region].millimetres

"""How often which item is learnt from."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from training.batches import SHARES, Drawer
from training.coarticulation import Face
from training.hearing import log_mel
from training.material import Item
from training.recipe import TOY, card_of
from training.voices import Made


def item(made: Made, seconds: float) -> Item:
    frames = int(50 * seconds)
    curve = np.zeros(frames, np.float32)
    face = Face(np.zeros((frames, 53), np.float32), curve, curve, curve, np.zeros(frames, np.uint8))
    return Item(np.zeros((2 * frames, 83), np.float16), face, made, 0.0)


def drawn(items: list[Item], count: int = 20_000) -> Counter[int]:
    noises = np.zeros((1, 10, 83), np.float16)
    return Counter(Drawer(items, log_mel(card_of(TOY)), noises, seed=1)._chosen(count))


def test_crops_are_divided_by_what_makes_a_voice_and_not_by_how_much_it_said() -> None:
    seen = drawn([item("rules", 8.0), item("recordings", 4.0), item("network", 1.0)])
    for number, maker in enumerate(("rules", "recordings", "network")):
        assert seen[number] / 20_000 == pytest.approx(SHARES[maker], abs=0.02)


def test_where_a_kind_of_voice_is_missing_the_others_fill_its_share() -> None:
    seen = drawn([item("rules", 2.0), item("recordings", 2.0)])
    assert seen[0] / 20_000 == pytest.approx(SHARES["rules"] / (SHARES["rules"] + SHARES["recordings"]), abs=0.02)


def test_longer_items_of_one_kind_are_drawn_more_often() -> None:
    seen = drawn([item("network", 3.0), item("network", 1.0)])
    assert seen[0] / seen[1] == pytest.approx(3.0, rel=0.1)

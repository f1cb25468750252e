"""A model card comes back as it was written; anything else that calls itself one is refused with the field's name."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.models import card as cards
from lsf_blender_addon.models.card import CARD_NAME, card_of, read_card

CARD = cards.ModelCard(
    name="mine",
    title="Mine",
    space="arkit",
    fps=50.0,
    pairing=1,
    licence=cards.LicenceCard("CC0-1.0", commercial_use=True),
    provenance="test",
    audio=cards.EncoderCard("log_mel", {"width": 8, "dilations": [1, 2]}),
    emotion=cards.EncoderCard("emotion2vec"),
    identity=cards.IdentityCard(kind="raw", hidden=(4, 4)),
    predictor=cards.PredictorCard(mixing="convolution"),
    prior=cards.PriorCard(normalisation="frame"),
    codebook=cards.CodebookCard(kind="scalar", levels=(8, 8)),
    window=cards.WindowCard(8.0, 1.0),
    ranges=cards.RangesCard((0.0, 1.0), (0.0, 0.3)),
    sampling=cards.SamplingCard(sample=False),
    scores={"closure": 0.8},
)


def fields() -> dict[str, Any]:
    """The card as JSON gives it."""
    content: dict[str, Any] = json.loads(CARD.to_json())
    return content


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / CARD_NAME).write_text(CARD.to_json(), encoding="utf-8")
    assert read_card(tmp_path) == CARD


def test_a_card_may_leave_out_what_has_a_default() -> None:
    short = {name: value for name, value in fields().items() if name not in {"ranges", "sampling", "scores"}}
    assert card_of(short, "short").ranges == cards.RangesCard()


@pytest.mark.parametrize("field", [item.name for item in dataclasses.fields(CARD) if item.name[0] in "nfpacw"])
def test_a_field_that_is_missing_is_named(field: str) -> None:
    content = fields()
    del content[field]
    with pytest.raises(ModelError, match=field):
        card_of(content, "a card")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("fps",), "fast"),
        (("fps",), True),
        (("fps",), 10**400),
        (("pairing",), 1.5),
        (("pairing",), True),
        (("space",), "blendshapes"),
        (("space",), ["arkit"]),
        (("title",), None),
        (("licence", "commercial_use"), "yes"),
        (("licence",), "CC0-1.0"),
        (("predictor", "mixing"), "magic"),
        (("identity", "hidden"), 4),
        (("identity", "hidden"), [4, "four"]),
        (("ranges", "jaw"), [0.0, 1.0, 2.0]),
        (("audio", "settings"), []),
        (("window",), {"seconds": 8.0}),
        (("surprise",), 1),
        (("prior", "surprise"), 1),
        (("format",), 2),
    ],
)
def test_a_field_that_makes_no_sense_is_named(path: tuple[str, ...], value: object) -> None:
    content = fields()
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ModelError, match=path[-1]):
        card_of(content, "a card")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, '{"format": 1}', " " * (cards.MAXIMUM_CARD_BYTES + 1)]
)
def test_a_file_that_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / CARD_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=CARD_NAME):
        read_card(tmp_path)


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a model folder"):
        read_card(tmp_path)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(fields())), ANYTHING)
def test_any_value_in_any_field_is_a_card_or_a_model_error(field: str, value: object) -> None:
    try:
        card = card_of({**fields(), field: value}, "a card")
    except ModelError:
        return
    assert isinstance(card, cards.ModelCard)

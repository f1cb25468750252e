"""What a person writes beside a blendshape is understood in any spelling, or refused with what is near."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsf_blender_addon.errors import HeadError
from lsf_blender_addon.head.by_names import promised_values
from lsf_blender_addon.head.naming import CHANNEL_NAMES, Row, recognised
from lsf_blender_addon.head.tables import from_words, in_words, overlaid
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS


@pytest.mark.parametrize(
    ("words", "follows"),
    [
        ("jawOpen", {"jawOpen": 1.0}),
        ("JAWOPEN", {"jawOpen": 1.0}),
        ("mouthSmile_L 0.5", {"mouthSmileLeft": 0.5}),
        ("0.5 mouthSmile_L", {"mouthSmileLeft": 0.5}),
        ("mouthSmile", {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}),
        ("mouthSmileLeft, mouthSmileRight 0.3 + jawOpen", {"mouthSmileLeft": 1, "mouthSmileRight": 0.3, "jawOpen": 1}),
        ("viseme_O", {"mouthFunnel": 0.8}),
        ("", {}),
        (" + ", {}),
    ],
)
def test_words_are_understood(words: str, follows: dict[str, float]) -> None:
    assert from_words(words) == follows


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("jawOpne", "nearest are .*jawOpen"),
        ("xyzzy", "nothing called 'xyzzy'"),
        ("jawOpen 50", "a share up to 10"),
        ("jawOpen mouthClose", "is not understood"),
        ("0.5", "is not understood"),
        ("jawOpen nan", "is not understood"),
    ],
)
def test_words_that_make_no_sense_are_refused(words: str, sentence: str) -> None:
    with pytest.raises(HeadError, match=sentence):
        from_words(words)


@given(st.dictionaries(st.sampled_from(CHANNEL_NAMES), st.floats(-10, 10).map(lambda x: round(x, 3)), max_size=4))
def test_what_is_written_is_read_again(follows: dict[str, float]) -> None:
    assert from_words(in_words(follows)) == follows


@given(st.text(max_size=30))
def test_no_words_are_too_strange(words: str) -> None:
    with contextlib.suppress(HeadError):
        assert set(from_words(words)) <= set(CHANNEL_NAMES)


def test_what_a_person_said_goes_before_names_and_does_not_invent_shapes() -> None:
    table = overlaid(recognised(("jawOpen", "Grin")), {"Grin": Row("", {"mouthClose": 1.0}), "gone": Row()})
    assert dict(table.rows["Grin"].follows) == {"mouthClose": 1.0}
    assert set(table.rows) == {"jawOpen", "Grin"}


def test_names_alone_give_arkits_own_shapes_arkits_own_values() -> None:
    motion = np.random.default_rng(0).random((4, 53)).astype(np.float32)
    names = (*ARKIT_EXPRESSIONS, "jawOpen", "tongueOut")
    expression, jaw = motion[:, :50], motion[:, 50:] * np.float32(0.2)
    got = promised_values(expression, jaw, names, recognised(names), turns=False)
    np.testing.assert_allclose(got[:, :50], expression, atol=1e-6)
    np.testing.assert_allclose(got[:, 50], jaw[:, 0] / 0.35, atol=1e-6)
    assert not got[:, 51].any()
    turned = promised_values(expression, jaw, names, recognised(names), turns=True)
    assert not turned[:, 50].any()
    np.testing.assert_array_equal(turned[:, :50], got[:, :50])


def test_names_alone_share_out_what_a_viseme_follows() -> None:
    expression = np.zeros((1, 50), np.float32)
    expression[0, ARKIT_EXPRESSIONS.index("mouthPucker")] = 0.5
    names = ("viseme_U", "viseme_aa")
    got = promised_values(expression, np.array([[0.07, 0, 0]]), names, recognised(names), turns=False)
    np.testing.assert_allclose(got, [[0.4, 0.2]], atol=1e-6)

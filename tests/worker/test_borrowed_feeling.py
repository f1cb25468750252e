"""How another recording's feeling is laid along this one: stretched, repeated or cut, and never jumping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsf_blender_addon.audio import SAMPLE_RATE, SpeechClip
from lsf_blender_addon.errors import AudioError
from lsf_blender_addon.worker.borrowed_feeling import BorrowedFeeling, places, taken

GRID = 640


def recording(seconds: float) -> SpeechClip:
    """Every sample is its own time, so that it can be seen where a passage was cut."""
    samples = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return SpeechClip(samples.astype(np.float32), "other")


def test_equal_lengths_go_frame_by_frame() -> None:
    assert np.array_equal(places(124, 124), np.arange(124))


@pytest.mark.parametrize("other", [50, 70, 140, 200])
def test_up_to_twice_as_long_or_short_is_stretched_from_end_to_end(other: int) -> None:
    at = places(100, other)
    assert at[0] == 0
    assert at[-1] == pytest.approx(other - 1)
    assert np.allclose(np.diff(at), (other - 1) / 99)


def test_a_much_shorter_one_goes_back_and_forth_at_its_own_pace() -> None:
    assert places(12, 5).tolist() == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3]


def test_of_a_much_longer_one_the_beginning_counts() -> None:
    assert np.array_equal(places(100, 1000), np.arange(100))


@given(frames=st.integers(1, 3000), other=st.integers(2, 3000))
def test_places_lie_inside_and_never_jump(frames: int, other: int) -> None:
    at = places(frames, other)
    assert len(at) == frames
    assert at.min() >= 0
    assert at.max() <= other - 1 + 1e-9
    assert np.abs(np.diff(at)).max(initial=0.0) <= 2.1


@settings(deadline=None)
@given(seconds=st.floats(0.2, 30.0), frames=st.integers(2, 2000), first=st.integers(0, 1999), count=st.integers(1, 250))
def test_a_passage_holds_what_its_frames_need_and_little_more(
    seconds: float, frames: int, first: int, count: int
) -> None:
    other = recording(seconds)
    feeling = BorrowedFeeling(other, frames, GRID)
    first = min(first, frames - 1)
    passage = feeling.passage(first, count)
    assert len(passage.samples) >= 1360
    assert len(passage.samples) <= (2 * count + 6) * GRID
    assert passage.places.min() >= 0
    assert passage.places.max() * GRID <= len(passage.samples)
    begins = passage.samples[0] * SAMPLE_RATE / GRID
    assert begins + passage.places[0] == pytest.approx(feeling.places[first], abs=1e-3)


def test_frames_are_taken_between_their_neighbours_and_exactly_on_them() -> None:
    heard = np.array([[0.0, 1.0], [2.0, 3.0], [6.0, 7.0]], np.float32)
    heard *= np.float32(0.1)
    assert np.array_equal(taken(heard, np.array([0.0, 1.0, 2.0])), heard)
    assert taken(heard, np.array([0.5, 1.25, 9.0]))[:, 0] == pytest.approx([0.1, 0.3, 0.6])


def test_silence_has_no_feeling_to_give() -> None:
    with pytest.raises(AudioError, match="no feeling"):
        BorrowedFeeling(SpeechClip(np.zeros(16_000, np.float32), "pause.wav"), 50, GRID)

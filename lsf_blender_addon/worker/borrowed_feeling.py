"""Which moments of another recording give their feeling to which frames of this one (numpy alone)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..audio import SpeechClip
from ..errors import AudioError
from .stitching import MARGIN, Floats, frame_count

MOST_STRETCH = 2.0
"""Recordings this much longer or shorter are stretched to fit: the same line, said another way. Beyond it, a stretched
feeling would change too slowly or too fast for any voice."""


LEAST = 3
"""Frames to hear at once at least: the last of a recording may be half a frame short, and two are needed."""


@dataclass(frozen=True, eq=False)
class Passage:
    """A stretch of the other recording and what to take from it.

    Attributes:
        samples: (N,) what to hear.
        places: (T,) for each frame wanted, where it lies among the frames heard; halves lie between two.
    """

    samples: Floats
    places: NDArray[np.float64]


class BorrowedFeeling:
    """Another recording's feeling, laid out along this one.

    A recording of half to twice the length is stretched evenly, so that the feeling rises and falls where it does
    there. A shorter one runs at its own pace, to its end, back, and on again, so that it never jumps. A longer one runs
    at its own pace, and what lies beyond the end is not used.

    Args:
        other: the recording to take the feeling from.
        frames: motion frames of the recording that is spoken.
        grid: samples of a motion frame.

    Raises:
        AudioError: the other recording is silent.
    """

    def __init__(self, other: SpeechClip, frames: int, grid: int) -> None:
        if other.silent:
            raise AudioError(f"{other.source} is silent: there is no feeling in it to take over.")
        self.other = other
        self.grid = grid
        self.places = places(frames, frame_count(other, grid))

    def passage(self, first: int, count: int) -> Passage:
        """What frames ``first`` to before ``first + count`` take; no more of the other recording than they need."""
        wanted = self.places[np.minimum(np.arange(first, first + count), len(self.places) - 1)]
        total = frame_count(self.other, self.grid)
        begin = max(min(int(wanted.min()), total - LEAST), 0)
        end = max(int(np.ceil(wanted.max())) + 1, begin + LEAST)
        if end >= total - 1:  # the encoders' geometry loses up to two frames at the very end
            heard = self.other.samples[begin * self.grid :]
        else:
            heard = self.other.samples[begin * self.grid : end * self.grid + MARGIN]
        return Passage(heard, wanted - begin)


def places(frames: int, other_frames: int) -> NDArray[np.float64]:
    """Where (in frames) each of ``frames`` frames takes its feeling from in a recording of ``other_frames``."""
    own = np.arange(frames, dtype=np.float64)
    last = max(other_frames - 1, 1)
    if frames / MOST_STRETCH <= other_frames <= frames * MOST_STRETCH:
        return own * (last / max(frames - 1, 1))
    turned: NDArray[np.float64] = last - np.abs(own % (2 * last) - last)
    return turned


def taken(heard: Floats, at: NDArray[np.float64]) -> Floats:
    """Frames (T, F) at places between the frames heard (N, F): straight lines, the ends held."""
    at = np.clip(at, 0.0, len(heard) - 1)
    before = at.astype(np.int64)
    share = (at - before).astype(np.float32)[:, None]
    after = np.minimum(before + 1, len(heard) - 1)
    between: Floats = heard[before] + share * (heard[after] - heard[before])
    return between

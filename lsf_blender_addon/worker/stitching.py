"""Windows of sound out of a clip, and motion of windows joined to one (numpy alone)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..audio import SAMPLE_RATE, SpeechClip, Window, windows

Floats = NDArray[np.float32]

HOP = 320
"""Samples from one frame of the speech encoders to the next."""

LEAST_SAY = 0.02
MARGIN = 80
"""Samples beyond a window's end that its last encoder frame still sees."""


def cut(clip: SpeechClip, seconds: float, overlap: float, grid: int) -> tuple[Window, ...]:
    """Windows of one length, so that they can share a batch: the shorter ones hear a little more on both sides.

    Args:
        clip: the recording.
        seconds: the longest window.
        overlap: what neighbours share.
        grid: samples of a motion frame.
    """
    found = windows(clip, seconds, overlap, grid)
    if len(found) == 1:
        return found
    longest = math.ceil(max(window.end - window.begin for window in found) / grid) * grid
    last = (len(clip.samples) - longest) // grid * grid
    widened = []
    for window in found:
        spare = longest - (window.end - window.begin)
        begin = min(max(window.begin - spare // (2 * grid) * grid, 0), max(last, 0))
        if window.end > begin + longest:
            begin += grid
        widened.append(dataclasses.replace(window, begin=begin, end=begin + longest))
    return tuple(widened)


def heard(clip: SpeechClip, window: Window) -> Floats:
    """What a window hears: its samples and the margin that its last frame needs, as far as the clip goes."""
    return clip.samples[window.begin : window.end + MARGIN]


def frame_count(clip: SpeechClip, grid: int) -> int:
    """Motion frames of a whole clip: fps · seconds, rounded."""
    return max(1, round(len(clip.samples) / grid))


def joined(parts: Iterable[tuple[Window, Floats]], frames: int, grid: int) -> Floats:
    """Motion of a clip's windows, (T_i, C) each, as one (frames, C): cross-faded where they overlap.

    The encoders' geometry loses up to two frames at the very end; there the last one is held.
    """
    total: NDArray[np.float64] | None = None
    weight = np.zeros(frames)
    for window, motion in parts:
        if total is None:
            total = np.zeros((frames, motion.shape[1]))
        first = window.begin // grid
        count = min(len(motion), frames - first)
        say = window.weights(np.arange(first, first + count) * grid)
        total[first : first + count] += say[:, None] * motion[:count]
        weight[first : first + count] += say
    covered = np.flatnonzero(weight > 0)
    if total is None or len(covered) == 0:
        raise ValueError("no window has a frame")
    total[covered] /= weight[covered, None]
    total[covered[-1] + 1 :] = total[covered[-1]]
    return total.astype(np.float32)


def join_frames(cut_windows: Sequence[Window], frames: int, grid: int) -> NDArray[np.int64]:
    """The motion frames, of ``frames``, in which two windows have a say worth counting (2 %): for measuring joins."""
    says = np.array([window.weights(np.arange(frames) * grid) for window in cut_windows])
    return np.flatnonzero((says > LEAST_SAY).sum(0) > 1)


def grid_of(pairing: int) -> int:
    """Samples of one motion frame."""
    return HOP * pairing


def seconds_of(grid: int) -> float:
    """Seconds of one motion frame."""
    return grid / SAMPLE_RATE

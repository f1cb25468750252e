"""What a strip lets hear, as samples: decoded by Blender, piece after piece, so that the window stays alive."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio import SAMPLE_RATE, SpeechClip
from ..errors import AudioError
from . import compat, strips
from .strips import Recording

PIECE = 20
"""Whole seconds that are worked on between two breaths; at whole seconds every rate has a whole sample."""

AT_ONCE = 120.0
"""Seconds up to which a file is decoded from its beginning: Blender finds a place inside an ogg only nearly."""

CONTEXT = 1
"""Seconds that a piece hears before and after itself while its rate is changed."""

Samples = NDArray[np.float32]


def heard(recording: Recording) -> Generator[float, None, SpeechClip | Path]:
    """Read what a recording lets hear, mono, 16 kHz.

    Yields:
        The share that is done, after every piece.

    Returns:
        The clip; its ``start`` is where the recording begins on its file. Where Blender cannot decode for scripts, the
        file itself: the worker can read the commonest formats.

    Raises:
        SceneError: the file is gone, or Blender finds no sound in it.
        AudioError: nothing is heard, or too little.
    """
    if not compat.can_decode() and recording.packed is None:
        return recording.path
    total = strips.length(recording.path, recording.packed)
    begin, end = recording.begin, min(recording.end, total)
    name = recording.name or str(recording.path)
    if end <= begin:
        raise AudioError(f"{name!r} plays a part that lies beyond the end of its sound: nothing is heard.")
    sound = strips.opened(recording.path, recording.packed)
    rate = int(sound.specs[0])
    whole = _mono(sound.limit(0.0, end)) if end <= AT_ONCE else None
    yield 0.1
    first, last = int(begin), int(np.ceil(end))
    # All of it in one place from the beginning: put together at the end, ten minutes would hold the window up.
    samples = np.empty((last - first) * SAMPLE_RATE, np.float32)
    filled = 0
    for second in range(first, last, PIECE):
        after = min(second + PIECE, last)
        low, high = max(second - CONTEXT, 0), min(after + CONTEXT, int(np.ceil(end)) + CONTEXT)
        if whole is None:
            heard_here = _mono(sound.limit(float(low), min(float(high), end)))
        else:
            heard_here = whole[low * rate : high * rate]
        made = _resampled(heard_here, rate)[(second - low) * SAMPLE_RATE : (after - low) * SAMPLE_RATE]
        samples[filled : filled + len(made)] = made
        filled += len(made)
        yield 0.1 + 0.9 * (after - first) / (last - first)
    cut = samples[:filled][round((begin - first) * SAMPLE_RATE) : round((end - first) * SAMPLE_RATE)]
    return SpeechClip(cut, name, begin)


def _mono(sound: Any) -> Samples:
    data = np.asarray(sound.data(), np.float32)
    return data.mean(axis=1, dtype=np.float32) if data.ndim > 1 else data


def _resampled(samples: Samples, rate: int) -> Samples:
    import aud  # noqa: PLC0415 - not every build has it

    if rate == SAMPLE_RATE or len(samples) == 0:
        return samples
    changed = aud.Sound.buffer(np.ascontiguousarray(samples[:, None]), float(rate)).resample(float(SAMPLE_RATE), True)
    return _mono(changed)

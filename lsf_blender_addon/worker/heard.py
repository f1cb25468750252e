"""What was heard of the last recordings: whatever is derived from one needs no second hearing of it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Hashable

from torch import Tensor

from ..audio import SpeechClip
from .protocol import PredictRequest

AFTERWARDS = frozenset({"audio", "shape", "takes", "seed", "temperature", "draws", "emotion_strength", "emotion_from"})
"""Fields of a request that change what is made of the features, not the features; the recordings are known by their
samples."""

MOST_BYTES = 1 << 28
"""What is kept at most, of all recordings together; what does not fit is heard again every time."""

MOST_KEPT = 16
"""How many words and feelings are kept at most: memory at a batch's last line is what it was at its twentieth."""


class Heard:
    """Features of recordings, stretch by stretch; those that were asked for longest ago make room for others."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, dict[int, Tensor]] = {}

    @property
    def bytes(self) -> int:
        """How much is kept."""
        return sum(_size(part) for parts in self._kept.values() for part in parts.values())

    def get(self, key: Hashable, first: int) -> Tensor | None:
        """What is kept of a recording's stretch that begins with window ``first``; None where nothing is."""
        if key not in self._kept:
            return None
        self._kept[key] = self._kept.pop(key)
        return self._kept[key].get(first)

    def keep(self, key: Hashable, first: int, part: Tensor) -> None:
        """Keep a stretch, in memory of the processor, where there is room for it beside the rest of its recording.

        Args:
            key: of the recording and all that its hearing depends on.
            first: the stretch's first window.
            part: what was heard.
        """
        parts = self._kept.pop(key, {})
        room = MOST_BYTES - _size(part) - sum(map(_size, parts.values()))
        if room >= 0:
            while self.bytes > room:
                del self._kept[next(iter(self._kept))]
            parts[first] = part.cpu()
        if parts:
            self._kept[key] = parts
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def forget(self) -> None:
        """Give the memory back."""
        self._kept.clear()


def hearing_key(request: PredictRequest, clip: SpeechClip) -> tuple[Hashable, ...]:
    """Changes with everything in a request that the features of a recording depend on, and with the recording."""
    fields = (field.name for field in dataclasses.fields(request) if field.name not in AFTERWARDS)
    return (_stamp(clip), *(getattr(request, name) for name in fields))


def feeling_key(words: tuple[Hashable, ...], other: SpeechClip | None) -> tuple[Hashable, ...]:
    """The same of the feeling that goes with those words, which may be another recording's."""
    return ("feeling", words, None if other is None else _stamp(other))


def _size(part: Tensor) -> int:
    return part.nelement() * part.element_size()


def _stamp(clip: SpeechClip) -> str:
    return hashlib.sha256(clip.samples.tobytes()).hexdigest()

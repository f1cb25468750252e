"""What was heard of the last recording: other seeds, takes, shapes and strengths of it need no second hearing."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..audio import SpeechClip
from ..network.lsf import SpeechFeatures
from .protocol import PredictRequest

AFTERWARDS = frozenset({"audio", "shape", "takes", "seed", "temperature", "draws", "emotion_strength"})
"""Fields of a request that change what is made of the features, not the features; ``audio`` is known by its samples."""

MOST_BYTES = 1 << 28
"""What is kept at most; a longer recording is heard again every time."""


class Heard:
    """The features of one recording, batch of windows by batch of windows."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._kept: dict[int, SpeechFeatures] = {}
        self._bytes = 0

    def of(self, key: tuple[Any, ...], first: int, hear: Callable[[], SpeechFeatures]) -> SpeechFeatures:
        """The features of the batch that begins with window ``first``: those kept, or heard now.

        Args:
            key: of the recording and all that its hearing depends on; another one lets go of what was kept.
            first: the batch's first window.
            hear: computes them.
        """
        if key != self._key:
            self.forget()
            self._key = key
        if first not in self._kept:
            features = hear()
            size = sum(part.nelement() * part.element_size() for part in (features.audio, features.emotion))
            if self._bytes + size > MOST_BYTES:
                return features
            self._kept[first] = features
            self._bytes += size
        return self._kept[first]

    def forget(self) -> None:
        """Give the memory back."""
        self._key, self._kept, self._bytes = (), {}, 0


def hearing_key(request: PredictRequest, clip: SpeechClip) -> tuple[Any, ...]:
    """Changes with everything in a request that its features depend on."""
    fields = (field.name for field in dataclasses.fields(request) if field.name not in AFTERWARDS)
    return (_stamp(clip), *(_stamp(getattr(request, name)) for name in fields))


def _stamp(value: Any) -> Any:
    if isinstance(value, SpeechClip):
        return hashlib.sha256(value.samples.tobytes()).hexdigest()
    if isinstance(value, Path) and value.is_file():
        told = value.stat()
        return value, told.st_size, told.st_mtime_ns
    return value

"""A model's scores, measured the way a user gets its motion: worker's runtime, bundled head, mouth track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsf_blender_addon.audio import SpeechClip, read_clip
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.head.landmarks import mouth_track
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.motion import FaceMotion
from lsf_blender_addon.worker.protocol import PredictRequest
from lsf_blender_addon.worker.runtime import Runtime

from .corpus import read_shard
from .phones import Phone
from .scoring import Tally, read_alignment, tally

BUNDLED_HEAD = Path(__file__).resolve().parents[1] / "vendor_models" / "head" / "head.npz"
SOUNDS = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True, eq=False)
class Spoken:
    """A recording with the times of its phones."""

    name: str
    clip: SpeechClip
    phones: tuple[Phone, ...]


def aligned_recordings(folder: Path) -> Iterator[Spoken]:
    """Every sound in a folder that has ``NAME.align.json`` beside it."""
    for path in sorted(folder.iterdir()):
        alignment = path.with_name(path.stem + ".align.json")
        if path.suffix.lower() in SOUNDS and alignment.is_file():
            yield Spoken(path.stem, read_clip(path), read_alignment(alignment))


def synthetic_recordings(shard: Path, most: int = 24) -> Iterator[Spoken]:
    """Utterances of a corpus shard, half a second of silence around each."""
    for number, utterance in enumerate(read_shard(shard)[:most]):
        silence = np.zeros(8000, np.float32)
        samples = np.concatenate((silence, utterance.samples, silence))
        phones = tuple(Phone(p.name, p.begin + 0.5, p.end + 0.5) for p in utterance.phones)
        yield Spoken(f"{shard.stem}_{number}", SpeechClip(samples, f"{shard.stem}_{number}", 0.0), phones)


def with_noise(spoken: Spoken, decibels: float, seed: int = 0) -> Spoken:
    """The same with white noise so far below the speech."""
    noise = np.random.default_rng(seed).standard_normal(len(spoken.clip.samples))
    level = float(np.sqrt(np.mean(spoken.clip.samples.astype(np.float64) ** 2)))
    samples = spoken.clip.samples + (noise * level * 10 ** (-decibels / 20)).astype(np.float32)
    return Spoken(spoken.name, SpeechClip(samples.astype(np.float32), spoken.clip.source, 0.0), spoken.phones)


class Evaluator:
    """A model and the bundled head, ready to be scored on recordings."""

    def __init__(self, model: Path, head: Path = BUNDLED_HEAD) -> None:
        self.model = model
        self.head: Head = read_head(head)
        self.runtime = Runtime()

    def motion(self, clip: SpeechClip) -> FaceMotion:
        """What the model makes of a recording."""
        request = PredictRequest(audio=clip, model=self.model, device="cpu", precision="float32")
        return self.runtime.predict(request, _quiet)[0]

    def track(self, clip: SpeechClip) -> dict[str, Any]:
        """The mouth's track on the bundled head, 100 samples a second."""
        return dict(mouth_track(self.head, self.motion(clip)))

    def tallies(self, recordings: Iterator[Spoken]) -> dict[str, Tally]:
        """Each recording's tally, by name."""
        return {spoken.name: tally(self.track(spoken.clip), spoken.phones) for spoken in recordings}


def pooled(tallies: dict[str, Tally]) -> Tally:
    """All clips together."""
    whole = Tally()
    for one in tallies.values():
        whole.add(one)
    return whole


def _quiet(_stage: str, _share: float, _note: str) -> None:
    pass

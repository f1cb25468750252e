"""A model's scores, measured the way a user gets its motion: worker's runtime, bundled head, mouth track."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsf_blender_addon.audio import SpeechClip, read_clip
from lsf_blender_addon.errors import LsfError
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.head.landmarks import mouth_track
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.motion import FaceMotion
from lsf_blender_addon.worker.protocol import PredictRequest
from lsf_blender_addon.worker.runtime import Runtime

from .corpus import read_shard
from .kept import kept
from .phones import Phone
from .scoring import Tally, read_alignment, tally

BUNDLED_HEAD = Path(__file__).resolve().parents[1] / "vendor_models" / "head" / "head.npz"
SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
RATE = 16_000


@dataclass(frozen=True, eq=False)
class Spoken:
    """A recording with the times of its phones."""

    name: str
    clip: SpeechClip
    phones: tuple[Phone, ...]


def aligned_recordings(
    folder: Path, alignments: Path | None = None, passed_over: Callable[[str], None] | None = None
) -> Iterator[Spoken]:
    """Every sound in a folder whose phone times are known or can be found.

    Args:
        folder: sounds with ``NAME.align.json`` beside them, or with the words in ``NAME.txt``.
        alignments: where times found by forced alignment are kept; the platform's cache where None.
        passed_over: told, in a sentence, of every sound that has neither or cannot be aligned.

    Raises:
        LsfError: the folder cannot be read, or one of its files is damaged.
    """
    tell = passed_over or _ignore
    for path in sounds_in(folder):
        beside, transcript = path.with_name(path.stem + ".align.json"), path.with_suffix(".txt")
        if beside.is_file():
            yield Spoken(path.stem, read_clip(path), read_alignment(beside))
        elif transcript.is_file():
            from . import forced_alignment  # noqa: PLC0415 - only where words must be found

            clip = read_clip(path)
            folder = alignments or kept("alignments")
            try:
                found = forced_alignment.alignment(clip, transcript, folder)
            except LsfError as reason:
                tell(str(reason))
                continue
            yield Spoken(path.stem, clip, read_alignment(found))
        else:
            tell(f"{path.name} has neither {beside.name} nor {transcript.name} beside it and is not scored.")


def sounds_in(folder: Path) -> list[Path]:
    """The sound files of a folder, by name.

    Raises:
        LsfError: it cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS)
    except OSError as reason:
        raise LsfError(f"The folder {folder} cannot be read ({reason.strerror}).") from reason


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
    return _sounding(spoken, samples)


def with_room(spoken: Spoken, decay: float, seed: int = 0) -> Spoken:
    """The same in a room: noise that falls by 60 dB in ``decay`` seconds, as strong as the direct sound.

    The direct sound keeps its time, so phone times stay true.
    """
    count = max(int(decay * RATE), 1)
    tail = np.random.default_rng(seed).standard_normal(count) * 10.0 ** (-3.0 * np.arange(count) / count)
    tail[0] = 0.0
    response = tail / max(float(np.sqrt(np.sum(tail**2))), 1e-12)
    response[0] = 1.0
    size = 1 << int(np.ceil(np.log2(len(spoken.clip.samples) + count)))
    product = np.fft.rfft(spoken.clip.samples.astype(np.float64), size) * np.fft.rfft(response, size)
    heard = np.fft.irfft(product, size)[: len(spoken.clip.samples)]
    return _sounding(spoken, heard / max(float(np.abs(heard).max()), 1.0))


def _sounding(spoken: Spoken, samples: Any) -> Spoken:
    clip = dataclasses.replace(spoken.clip, samples=np.asarray(samples, np.float32))
    return dataclasses.replace(spoken, clip=clip)


class Evaluator:
    """A model and a head, ready to be scored on recordings.

    Args:
        model: a model folder.
        head: a head file of the model's space.
        strength: of the feeling, 0 to 2.
    """

    def __init__(self, model: Path, head: Path = BUNDLED_HEAD, strength: float = 1.0) -> None:
        self.model = model
        self.head: Head = read_head(head)
        self.strength = strength
        self.runtime = Runtime()

    def motion(self, clip: SpeechClip) -> FaceMotion:
        """What the model makes of a recording."""
        request = PredictRequest(
            audio=clip, model=self.model, device="cpu", precision="float32", emotion_strength=self.strength
        )
        return self.runtime.predict(request, _quiet)[0]

    def track(self, clip: SpeechClip) -> dict[str, Any]:
        """The mouth's track on the head, 100 samples a second."""
        return self.track_of(self.motion(clip))

    def track_of(self, motion: FaceMotion) -> dict[str, Any]:
        """The mouth's track of a motion on the head, 100 samples a second."""
        return dict(mouth_track(self.head, motion))

    def tallies(self, recordings: Iterable[Spoken]) -> dict[str, Tally]:
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


def _ignore(_sentence: str) -> None:
    pass

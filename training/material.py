"""What the networks learn from: spectra of altered sound beside the face curves that belong to it, kept in files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lsf_blender_addon.speech.frontend import frame_count
from lsf_blender_addon.speech.mel import LogMelEncoder

from .augment import NON_SPEECH, RATE, Dice, Samples, breath, non_speech, recorded, resampled
from .coarticulation import Face, curves
from .corpus import Utterance, read_shard
from .phones import Phone
from .voices import Made

FPS = 50.0
NOISE_SECONDS = 6
NOISES = "noises.npy"
"""The file of spectra that are mixed into others."""


@dataclass(frozen=True, eq=False)
class Item:
    """One sound and its face, without feeling: ``spectrum`` (T100, columns), everything of ``face`` at T50 frames."""

    spectrum: npt.NDArray[np.float16]
    face: Face
    made: Made
    agitation: float


@dataclass(frozen=True)
class Batch:
    """One file: a shard of the corpus in one variant. Variant 0 is nearly clean, higher ones are worse."""

    shard: Path
    variant: int
    severity: float

    @property
    def file(self) -> str:
        """Its name."""
        return f"{self.shard.stem}_v{self.variant}.npz"


def make(batches: Sequence[Batch], folder: Path, settings: dict[str, Any], processes: int = 2) -> list[Path]:
    """Write every file that is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [batch for batch in batches if not (folder / batch.file).is_file()]
    if missing:
        with ProcessPoolExecutor(max_workers=processes) as pool:
            jobs = [pool.submit(write, batch, folder, settings) for batch in missing]
            for number, job in enumerate(as_completed(jobs), 1):
                print(f"material: {job.result()} ({number}/{len(jobs)})", flush=True)
    return [folder / batch.file for batch in batches]


def write(batch: Batch, folder: Path, settings: dict[str, Any]) -> str:
    """Alter, hear and animate one shard; returns a line that says what is in it."""
    torch.set_num_threads(1)
    encoder = LogMelEncoder(settings)
    dice = np.random.default_rng([sum(batch.shard.stem.encode()), batch.variant])
    items = [_item(sound, encoder) for sound in _sounds(read_shard(batch.shard), dice, batch.severity)]
    columns = {
        "spectrum": np.concatenate([item.spectrum for item in items]),
        "motion": np.concatenate([item.face.motion for item in items]).astype(np.float16),
        "gap": np.concatenate([item.face.gap for item in items]).astype(np.float16),
        "spoken": np.concatenate([item.face.spoken for item in items]).astype(np.float16),
        "shut": np.concatenate([item.face.shut for item in items]).astype(np.float16),
        "phone": np.concatenate([item.face.phone for item in items]).astype(np.uint8),
        "sizes": np.array([(len(item.spectrum), len(item.face.gap)) for item in items]),
        "table": np.array(json.dumps([(item.made, item.agitation) for item in items])),
    }
    path = folder / batch.file
    beside = path.with_suffix(".part")
    with beside.open("wb") as stream:
        np.savez(stream, **columns)
    beside.replace(path)
    return f"{batch.file}: {len(items)} items, {len(columns['gap']) / FPS / 60:.1f} minutes"


def read(path: Path) -> list[Item]:
    """Everything in one file."""
    with np.load(path) as data:
        arrays = {name: data[name] for name in data.files}
    items, at100, at50 = [], 0, 0
    for (spectra, frames), (made, agitation) in zip(arrays["sizes"], json.loads(str(arrays["table"])), strict=True):
        heard, seen = slice(at100, at100 + spectra), slice(at50, at50 + frames)
        face = Face(*(arrays[name][seen] for name in ("motion", "gap", "shut", "spoken", "phone")))
        items.append(Item(arrays["spectrum"][heard], face, made, agitation))
        at100, at50 = at100 + spectra, at50 + frames
    return items


@dataclass(frozen=True, eq=False)
class _Sound:
    samples: Samples
    clean: Samples
    phones: tuple[Phone, ...]
    made: Made
    agitation: float


def _sounds(utterances: list[Utterance], dice: Dice, severity: float) -> Iterator[_Sound]:
    """Each utterance at another speed with pauses around it, in some place; and one non-speech sound in twelve."""
    for number in dice.permutation(len(utterances)):
        utterance = utterances[number]
        speed = 2.0 ** dice.uniform(-0.2, 0.2)
        before, after = (float(dice.choice((0.05, 0.3, 1.2))) * dice.uniform(0.5, 1.5) for _ in range(2))
        clean = resampled(utterance.samples, speed)
        length = len(clean) / RATE
        clean = np.pad(clean, (int(before * RATE), int(after * RATE)))
        spoken = [Phone(p.name, before + p.begin / speed, before + p.end / speed) for p in utterance.phones]
        end = before + length
        phones = _joined([Phone("sil", 0.0, before), *spoken, Phone("sil", min(spoken[-1].end, end), end + after)])
        _breathe(clean, before, after, dice)
        babble = _babble(utterances, len(clean), dice)
        heard = recorded(clean, dice, babble, severity)
        yield _Sound(heard, clean, phones, utterance.made, utterance.agitation)
        if dice.random() < 0.085:
            count = int(dice.uniform(1.5, 5.0) * RATE)
            silence = (Phone("sil", 0.0, count / RATE),)
            yield _Sound(non_speech(count, dice), np.zeros(count, np.float32), silence, "rules", 0.0)


def _joined(phones: list[Phone]) -> tuple[Phone, ...]:
    joined: list[Phone] = []
    for phone in phones:
        if joined and joined[-1].name == phone.name == "sil":
            joined[-1] = Phone("sil", joined[-1].begin, phone.end)
        elif phone.end > phone.begin:
            joined.append(phone)
    return tuple(joined)


def _babble(utterances: list[Utterance], count: int, dice: Dice) -> Samples:
    """Four other utterances at once, each repeated until it fills the time."""
    total = np.zeros(count, np.float32)
    for number in dice.integers(len(utterances), size=4):
        total += np.resize(utterances[number].samples, count)
    return total


def _breathe(samples: Samples, before: float, after: float, dice: Dice) -> None:
    """Breaths in the pauses around an utterance, now and then, in place."""
    level = float(np.sqrt(np.mean(np.square(samples)))) or 0.05
    for first, last in ((0, int(before * RATE)), (len(samples) - int(after * RATE), len(samples))):
        if last - first > RATE // 5 and dice.random() < 0.25:
            air = breath(last - first, dice) * level * 10.0 ** dice.uniform(-1.6, -0.5)
            samples[first:last] += air.astype(np.float32)


def make_noises(shards: Sequence[Path], folder: Path, settings: dict[str, Any], count: int) -> Path:
    """Write the spectra that are mixed into others while learning: sounds without speech, and babble of many voices."""
    path = folder / NOISES
    if path.is_file():
        return path
    encoder, dice = LogMelEncoder(settings), np.random.default_rng(5)
    length = NOISE_SECONDS * RATE
    spectra = []
    for number in range(count):
        if number % 4:
            sound = NON_SPEECH[int(dice.integers(len(NON_SPEECH)))](length, dice)
        else:
            said = read_shard(shards[int(dice.integers(len(shards)))])
            sound = np.sum([_babble(said, length, dice) for _ in range(int(dice.integers(1, 4)))], axis=0)
        sound = np.asarray(0.1 * sound / max(float(np.sqrt(np.mean(np.square(sound)))), 1e-6), np.float32)
        with torch.inference_mode():
            spectra.append(encoder.spectrum(torch.from_numpy(sound)[None])[0].numpy().astype(np.float16))
    beside = path.with_suffix(".part")
    with beside.open("wb") as stream:
        np.save(stream, np.stack(spectra))
    beside.replace(path)
    return path


def _item(sound: _Sound, encoder: LogMelEncoder) -> Item:
    with torch.inference_mode():
        spectrum = encoder.spectrum(torch.from_numpy(sound.samples)[None])[0]
    frames = frame_count(len(sound.samples))
    face = curves(sound.clean, sound.phones, FPS, frames)
    return Item(spectrum.numpy().astype(np.float16), face, sound.made, sound.agitation)

"""The corpus: who says what and how, kept in shards of sound and phone times; written once, read by every stage."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from .kokoro import kokoro_says
from .phones import Phone
from .pico import pico_says
from .scoring import AlignmentError
from .texts import LANGUAGES, english, foreign, known_english
from .voices import (
    ENGLISHES,
    HELD_OUT,
    RATE,
    RECORDED,
    VARIANTS,
    EngineError,
    Espeak,
    Made,
    Manner,
    Samples,
    Voice,
    espeak_voice,
    festival_says,
    flite_says,
)


@dataclass(frozen=True, eq=False)
class Utterance:
    """Speech at 16 kHz with its phones; ``agitation`` from -1 (calm, low, slow) to 1 (loud, high, fast)."""

    samples: Samples
    phones: tuple[Phone, ...]
    voice: str
    made: Made
    agitation: float

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return len(self.samples) / RATE


@dataclass(frozen=True)
class Shard:
    """One file of the corpus: about ``seconds`` of speech by the voices of one kind, from one seed."""

    kind: str
    seed: int
    seconds: float

    @property
    def file(self) -> str:
        """Its name."""
        return f"{self.kind}_{self.seed:03d}.npz"


SOLEMN = 0.15
"""How often speech is much slower than usual, whatever its agitation."""

KINDS = ("espeak_english", "espeak_world", "flite", "festival", "held_out", "pico", "kokoro")


def plan(minutes: Mapping[str, float], shard_seconds: float = 360.0) -> tuple[Shard, ...]:
    """Cut the wanted minutes of each kind into shards."""
    shards = []
    for number, kind in enumerate(KINDS):
        count = max(1, round(minutes.get(kind, 0.0) * 60.0 / shard_seconds)) if minutes.get(kind) else 0
        shards += [Shard(kind, 100 * number + i, minutes[kind] * 60.0 / count) for i in range(count)]
    return tuple(shards)


def make(shards: tuple[Shard, ...], folder: Path, processes: int = 2) -> list[Path]:
    """Write every shard that is not there yet; interrupted work goes on where it stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [shard for shard in shards if not (folder / shard.file).is_file()]
    if missing:
        with ProcessPoolExecutor(max_workers=processes) as pool:
            jobs = [pool.submit(write_shard, shard, folder) for shard in missing]
            for number, job in enumerate(as_completed(jobs), 1):
                print(f"corpus: {job.result()} ({number}/{len(jobs)})", flush=True)
    return [folder / shard.file for shard in shards]


def write_shard(shard: Shard, folder: Path) -> str:
    """Speak one shard and write it whole; returns a line that says what is in it."""
    utterances: list[Utterance] = []
    total = 0.0
    for utterance in speak(shard):
        utterances.append(utterance)
        total += utterance.seconds
        if total >= shard.seconds:
            break
    sound = [np.round(np.clip(item.samples, -1, 1) * 32767).astype(np.int16) for item in utterances]
    table = [
        {
            "voice": item.voice,
            "made": item.made,
            "agitation": item.agitation,
            "samples": len(data),
            "phones": [(phone.name, round(phone.begin, 5), round(phone.end, 5)) for phone in item.phones],
        }
        for item, data in zip(utterances, sound, strict=True)
    ]
    path = folder / shard.file
    beside = path.with_suffix(".part")
    with beside.open("wb") as stream:
        np.savez(stream, sound=np.concatenate(sound), table=np.array(json.dumps(table)))
    beside.replace(path)
    return f"{shard.file}: {len(utterances)} utterances, {total / 60:.1f} minutes"


def read_shard(path: Path) -> list[Utterance]:
    """Everything in one shard."""
    with np.load(path) as data:
        sound: npt.NDArray[np.int16] = data["sound"]
        table = json.loads(str(data["table"]))
    utterances, begin = [], 0
    for row in table:
        samples = sound[begin : begin + row["samples"]].astype(np.float32) / 32767.0
        begin += row["samples"]
        phones = tuple(Phone(*item) for item in row["phones"])
        utterances.append(Utterance(samples, phones, row["voice"], row["made"], row["agitation"]))
    return utterances


def speak(shard: Shard) -> Iterator[Utterance]:
    """Utterances of one kind without end; the same shard always gives the same ones."""
    dice = random.Random(shard.seed)
    if shard.kind.startswith("espeak"):
        yield from _espeak(shard, dice)
    while shard.kind == "flite":
        voice = dice.choice([voice for voice in RECORDED if voice.engine == "flite"])
        said = _Said(dice)
        yield from said.finished([flite_says(voice, english(dice), said.manner)], voice)
    if shard.kind in ("pico", "kokoro"):
        yield from _aligned(shard, dice)
    while shard.kind in ("festival", "held_out"):
        voice = HELD_OUT
        if shard.kind == "festival":
            voice = dice.choice([voice for voice in RECORDED if voice.engine == "festival"])
        said = _Said(dice)
        texts = [english(dice) if voice.language == "en" else foreign(voice.language, dice) for _ in range(12)]
        yield from said.finished(festival_says(voice, texts, said.manner), voice)


def _espeak(shard: Shard, dice: random.Random) -> Iterator[Utterance]:
    engine = Espeak()
    while True:
        english_speech = shard.kind == "espeak_english"
        language = dice.choice(ENGLISHES if english_speech else LANGUAGES)
        voice = espeak_voice(language, dice.choice(VARIANTS))
        text = english(dice) if english_speech else foreign(language, dice)
        said = _Said(dice)
        try:
            spoken = engine.say(voice, text, said.manner)
        except EngineError:
            # A voice file that this version of espeak-ng lacks: the next draw speaks instead.
            continue
        yield from said.finished([spoken], voice)


def _aligned(shard: Shard, dice: random.Random) -> Iterator[Utterance]:
    while True:
        voice = dice.choice([voice for voice in RECORDED if voice.engine == shard.kind])
        said = _Said(dice)
        text = known_english(dice) if voice.language == "en" else foreign(voice.language, dice)
        try:
            if shard.kind == "pico":
                spoken = pico_says(voice, text, said.manner)
            else:
                spoken = kokoro_says(voice, text, said.manner, dice)
        except AlignmentError:
            # The aligner loses its way in one utterance of thirty: the next draw speaks instead.
            continue
        yield from said.finished([spoken], voice)


class _Said:
    """How one utterance is said: drawn before it is spoken, applied to the sound after."""

    def __init__(self, dice: random.Random) -> None:
        calm_or_not = dice.uniform(-1.0, 1.0) if dice.random() < 0.75 else dice.gauss(0.0, 0.12)
        self.agitation = round(calm_or_not, 3)
        # Playing a stretched voice faster moves its formants as another throat would, at the same tempo.
        self.throat = 2.0 ** dice.uniform(-0.34, 0.34)
        solemn = dice.uniform(0.2, 0.8) if dice.random() < SOLEMN else 0.0
        tempo = 2.0 ** (dice.uniform(-0.28, 0.28) + 0.34 * self.agitation - solemn)
        pitch = 2.0 ** (dice.gauss(0.0, 0.1) + 0.5 * self.agitation) * self.throat**-0.5
        span = dice.uniform(0.85, 1.2) * 2.0 ** (0.95 * self.agitation)
        self.manner = Manner(stretch=self.throat / tempo, pitch=pitch, span=span)

    def finished(self, spoken: list[tuple[Samples, list[Phone]]], voice: Voice) -> Iterator[Utterance]:
        for samples, phones in spoken:
            if len(samples) < RATE // 4 or len(samples) > 20 * RATE:
                continue
            resampled = soxr.resample(samples, RATE * self.throat, RATE).astype(np.float32)
            effort = _effort(resampled, self.agitation)
            moved = tuple(Phone(p.name, p.begin / self.throat, p.end / self.throat) for p in phones)
            yield Utterance(effort, moved, voice.name, voice.made, self.agitation)


def _effort(samples: Samples, agitation: float) -> Samples:
    """Vocal effort raises the high frequencies (up to 10 dB above 1.5 kHz) and the level (6 dB around 0.08)."""
    spectrum = np.fft.rfft(samples)
    frequency = np.fft.rfftfreq(len(samples), 1.0 / RATE)
    spectrum *= 10.0 ** (10.0 * agitation / 20.0 / (1.0 + (1500.0 / np.maximum(frequency, 1.0)) ** 2))
    shaped = np.fft.irfft(spectrum, len(samples))
    level = float(np.sqrt(np.mean(shaped**2))) or 1.0
    louder: Samples = (shaped * (0.08 * 10.0 ** (6.0 * agitation / 20.0) / level)).astype(np.float32)
    return louder

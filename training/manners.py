"""The same sentence calm and agitated: from the free engines, from any recording, or from a folder of pairs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import soxr

from lsf_blender_addon.audio import SpeechClip, pauses, read_clip
from lsf_blender_addon.errors import LsfError

from .evaluation import RATE, Spoken, sounds_in
from .phones import Phone
from .voices import RECORDED, EngineError, Espeak, Manner, espeak_voice, flite_says

Condition = Literal["calm", "agitated"]
CONDITIONS: tuple[Condition, ...] = ("calm", "agitated")
Samples = npt.NDArray[np.float32]

SENTENCES = (
    "My brother promised to be back before midnight.",
    "Nobody opened the box when the parcel came.",
    "We will meet them at the bridge by the mill.",
    "Please bring both of my maps up to the room.",
)
"""Without feeling in their words, with /p b m/ in every one."""

MANNERS: dict[Condition, Manner] = {
    "calm": Manner(stretch=1.15, pitch=0.85, span=0.4),
    "agitated": Manner(stretch=0.87, pitch=1.2, span=1.7),
}
"""Tempo, pitch and its movement."""

LOUDNESS: dict[Condition, float] = {"calm": -5.0, "agitated": 5.0}
"""Decibels; vocal effort tilts the spectrum by as much above 1.5 kHz."""

FLITE_VOICES = ("slt", "rms", "awb")
ESPEAK_VOICES = ("m3", "f2", "m7")
SILENCE_SECONDS = 0.4
PAUSE_SECONDS, LEAST_PHRASE_SECONDS = 0.1, 0.8


@dataclass(frozen=True, eq=False)
class Pair:
    """One sentence of one voice in both conditions."""

    name: str
    calm: Spoken
    agitated: Spoken

    def __getitem__(self, condition: Condition) -> Spoken:
        return self.calm if condition == "calm" else self.agitated


def spoken_pairs() -> list[Pair]:
    """Every sentence of a few voices of flite, or where it is missing of espeak-ng, in both conditions.

    Raises:
        EngineError: neither is installed.
    """
    if shutil.which("flite"):
        voices = [voice for voice in RECORDED if voice.engine == "flite" and voice.name in FLITE_VOICES]
        says = flite_says
    else:
        voices = [espeak_voice("en-us", variant) for variant in ESPEAK_VOICES]
        says = Espeak.shared().say
    pairs = []
    for voice in voices:
        for number, text in enumerate(SENTENCES, 1):
            name = f"{voice.name}_{number}"
            said = {
                condition: _framed(f"{name}_{condition}", *says(voice, text, MANNERS[condition]), LOUDNESS[condition])
                for condition in CONDITIONS
            }
            pairs.append(Pair(name, said["calm"], said["agitated"]))
    return pairs


def altered_pairs(clip: SpeechClip) -> list[Pair]:
    """Every phrase of any recording made calm and agitated by signal processing: tempo, pitch, loudness, tilt.

    The pitch carries the formants with it, and its movement stays as it is; the engines do better.
    """
    pairs = []
    for number, (begin, end) in enumerate(phrases(clip), 1):
        name = f"{Path(clip.source).stem}_{number}"
        said = {}
        for condition in CONDITIONS:
            manner = MANNERS[condition]
            longer = stretched(clip.samples[begin:end], manner.stretch * manner.pitch)
            said[condition] = _framed(f"{name}_{condition}", at_pitch(longer, manner.pitch), [], LOUDNESS[condition])
        pairs.append(Pair(name, said["calm"], said["agitated"]))
    return pairs


def phrases(clip: SpeechClip) -> list[tuple[int, int]]:
    """From pause to pause: (begin, end) samples of every phrase long enough to judge."""
    gaps = pauses(clip, PAUSE_SECONDS)
    begins = [0, *(end for _, end in gaps)]
    ends = [*(begin for begin, _ in gaps), len(clip.samples)]
    least = LEAST_PHRASE_SECONDS * RATE
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if end - begin >= least]


def recorded_pairs(folder: Path) -> Iterator[Pair]:
    """``NAME_calm`` and ``NAME_agitated`` of a folder, in any format; without phone times.

    Raises:
        LsfError: the folder cannot be read, or holds no pair.
    """
    named = {path.stem: path for path in sounds_in(folder)}
    names = sorted(stem.removesuffix("_calm") for stem in named if stem.endswith("_calm"))
    whole = [name for name in names if f"{name}_agitated" in named]
    if not whole:
        raise LsfError(f"{folder} holds no pair: NAME_calm.wav and NAME_agitated.wav are what is looked for.")
    for name in whole:
        calm, agitated = (Spoken(name, read_clip(named[f"{name}_{condition}"]), ()) for condition in CONDITIONS)
        yield Pair(name, calm, agitated)


def pairs_at_hand(sample: Path) -> list[Pair]:
    """Pairs of the engines that are installed; where none is, one made from a recording."""
    try:
        return spoken_pairs()
    except EngineError:
        return altered_pairs(read_clip(sample))


def stretched(samples: Samples, factor: float) -> Samples:
    """``factor`` times as long at the same pitch: pieces laid where they fit what came before (WSOLA)."""
    size, seek = 640, 160
    step = size // 2
    window = np.hanning(size + 1)[:size]
    padded = np.pad(samples.astype(np.float64), (seek, size + 2 * seek))
    count = int(len(samples) * factor) // step
    out, weight = np.zeros(count * step + size), np.full(count * step + size, 1e-9)
    place = seek
    for number in range(count):
        wanted = seek + int(number * step / factor)
        if number:
            following = padded[place + step : place + step + size]
            around = np.lib.stride_tricks.sliding_window_view(padded[wanted - seek : wanted + seek + size], size)
            place = wanted - seek + int(np.argmax(around @ following))
        out[number * step : number * step + size] += window * padded[place : place + size]
        weight[number * step : number * step + size] += window
    longer: Samples = (out / weight)[: int(len(samples) * factor)].astype(np.float32)
    return longer


def at_pitch(samples: Samples, ratio: float) -> Samples:
    """Played ``ratio`` times faster, pitch and formants with it."""
    played: Samples = soxr.resample(samples, RATE * ratio, RATE).astype(np.float32)
    return played


def _framed(name: str, samples: Samples, phones: list[Phone], decibels: float) -> Spoken:
    """With vocal effort, and a pause on both sides."""
    spectrum = np.fft.rfft(samples)
    frequency = np.maximum(np.fft.rfftfreq(len(samples), 1.0 / RATE), 1.0)
    spectrum *= 10.0 ** (decibels / 20.0 / (1.0 + (1500.0 / frequency) ** 2))
    shaped = np.fft.irfft(spectrum, len(samples))
    shaped *= 0.08 * 10.0 ** (decibels / 20.0) / max(float(np.sqrt(np.mean(shaped**2))), 1e-9)
    quiet = np.zeros(int(SILENCE_SECONDS * RATE))
    sound = np.clip(np.concatenate((quiet, shaped, quiet)), -1.0, 1.0).astype(np.float32)
    moved = tuple(Phone(p.name, p.begin + SILENCE_SECONDS, p.end + SILENCE_SECONDS) for p in phones)
    return Spoken(name, SpeechClip(sound, name), moved)

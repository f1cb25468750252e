"""Any sound file → SpeechClip; where it pauses; how a long one is cut into windows (numpy; decoders imported late)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import AudioError

Floats = NDArray[np.float32]

SAMPLE_RATE = 16_000
FEWEST_SAMPLES = 1_360
"""Two motion frames at 25 a second: what the network needs at least (docs/network.md)."""

LONGEST_SECONDS = 4 * 3600
SILENT_REACH = 2e-4
"""A clip whose samples differ by less (about -80 dB of full scale) is silent."""

LOUDEST = 1e6
MOST_CHANNELS = 64
BLOCK = 1 << 18
FORMATS = "wav, flac, ogg or mp3"
MP3_SLACK = 4 * 1152
"""Samples that an mp3's own count may be off by: encoder delay and padding."""

DAMAGED = ("lost sync", "malformed", "psf_fseek")
"""What libsndfile says of a file that began as sound and does not go on as such."""

UNKNOWN_LENGTH = 0x7FFFFFFF
"""From here on a wave file from a pipe says that it could not know its length."""

STEP = SAMPLE_RATE // 100
"""Samples between two measurements of loudness."""

FIELD = SAMPLE_RATE // 40
DECIBELS_BELOW = 60.0
LEAST_CONTRAST = 6.0
SHORTEST_PAUSE = 0.12
LEEWAY = 0.125
"""Share of a window's length by which its end may move to meet a pause."""


@dataclass(frozen=True, eq=False)
class SpeechClip:
    """A recording as everything downstream expects it.

    Attributes:
        samples: (N,) float32, mono, 16 kHz, finite.
        source: what to call it in errors: a path or a strip's name.
        start: seconds of sample 0 on the clip that the person knows (0 unless it was trimmed).

    Raises:
        AudioError: too short, too long, not finite, or louder than sound can be.
    """

    samples: Floats
    source: str
    start: float = 0.0

    def __post_init__(self) -> None:
        samples = np.ascontiguousarray(self.samples, dtype=np.float32)
        if samples.ndim != 1:
            raise AudioError(f"{self.source} is not one channel of samples.")
        if len(samples) == 0:
            raise AudioError(f"{self.source} is empty: it holds no sound at all.")
        if not np.isfinite(samples).all():
            raise AudioError(f"{self.source} holds samples that are not numbers (NaN or infinite); export it again.")
        if len(samples) < FEWEST_SAMPLES:
            least = f"{FEWEST_SAMPLES} samples at 16 kHz ({FEWEST_SAMPLES / SAMPLE_RATE:g} s)"
            raise AudioError(f"{self.source} is too short: {len(samples)} of at least {least}.")
        if len(samples) > LONGEST_SECONDS * SAMPLE_RATE:
            raise AudioError(f"{self.source} is longer than {LONGEST_SECONDS // 3600} hours; cut it into parts.")
        if max(samples.max(), -samples.min()) > LOUDEST:
            raise AudioError(f"{self.source} holds values far beyond what sound can be; export it again.")
        if not math.isfinite(self.start):
            raise AudioError(f"{self.source} starts at a time that is not finite.")
        object.__setattr__(self, "samples", samples)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def silent(self) -> bool:
        """Whether nothing can be heard: all samples alike to about -80 dB of full scale."""
        return bool(self.samples.max() - self.samples.min() < SILENT_REACH)


def read_clip(path: Path) -> SpeechClip:
    """Read a sound file: wav, flac, ogg, mp3 (and what else libsndfile knows), any rate, channels and depth.

    Channels are averaged; the rate becomes 16 kHz by soxr's high quality. Read in blocks, so that memory follows the
    result's length.

    Raises:
        AudioError: the file is missing, empty, cut short, not audio, too short or too long, or not finite.
    """
    path = Path(path)
    require_file(path)
    try:
        with path.open("rb", buffering=0) as stream:  # libsndfile shares its place
            if not stream.read(1):
                raise AudioError(f"{path} is empty: it has no bytes.")
            stream.seek(0)
            return SpeechClip(_decoded(stream, path), str(path))
    except OSError as reason:
        raise AudioError(f"{path} cannot be read ({reason.strerror or reason}).") from reason


def require_file(path: Path) -> None:
    """Refuse what is no file, before anything slow is begun.

    Raises:
        AudioError: nothing is there, or a folder.
    """
    if not path.exists():
        raise AudioError(f"{path} does not exist.")
    if not path.is_file():
        raise AudioError(f"{path} is not a file.")


def _decoded(stream: FileIO, path: Path) -> Floats:
    """All samples of an open file, mono at 16 kHz."""
    import soundfile  # noqa: PLC0415 - Blender has neither decoder, and hands over samples instead
    import soxr  # noqa: PLC0415

    try:
        # By number, not by name: a name ending in .raw would switch recognition off.
        with soundfile.SoundFile(stream.fileno(), closefd=False) as sound:
            channels, rate, promised, kind = sound.channels, sound.samplerate, sound.frames, sound.format
            if not (1 <= channels <= MOST_CHANNELS and 1000 <= rate <= 1_000_000):  # noqa: PLR2004
                raise AudioError(f"{path} claims {channels} channels at {rate} Hz, which no recording has.")
            change = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
            pieces, read, made = [], 0, 0
            while len(block := sound.read(max(BLOCK // channels, 1), dtype="float32", always_2d=True)):
                if not np.isfinite(block).all():
                    raise AudioError(f"{path} holds samples that are not numbers (NaN or infinite); export it again.")
                pieces.append(change.resample_chunk(block.mean(axis=1)))
                read, made = read + len(block), made + len(pieces[-1])
                if made > LONGEST_SECONDS * SAMPLE_RATE:
                    raise AudioError(f"{path} is longer than {LONGEST_SECONDS // 3600} hours; cut it into parts.")
            pieces.append(change.resample_chunk(np.zeros(0, np.float32), last=True))
    except soundfile.LibsndfileError as reason:
        raise AudioError(_unreadable(path, str(reason))) from reason
    if _cut_short(stream, kind, read, promised):
        raise AudioError(f"{path} is cut short: it promises more sound than it holds. Export or copy it again.")
    if read == 0:
        raise AudioError(f"{path} is empty: it holds no sound at all.")
    samples: Floats = np.concatenate(pieces)
    return samples


def _unreadable(path: Path, reason: str) -> str:
    words = reason.rsplit(": ", 1)[-1].strip().rstrip(".")
    if any(sign in words for sign in DAMAGED):
        return f"{path} is damaged or cut short ({words}). Export or copy it again."
    if "does not exist" in words:  # what the decoder of mp3 says of noise
        words = "Format not recognised"
    return f"{path} is not a sound file that can be read ({words}); use {FORMATS}."


def _cut_short(stream: FileIO, kind: str, read: int, promised: int) -> bool:
    """Whether a file ends before it said it would; libsndfile passes over that without a word."""
    if kind in {"WAV", "WAVEX", "RF64"}:
        return _wav_cut_short(stream)
    if kind == "OGG":
        return read < promised or _ogg_cut_short(stream)
    return read < promised - (MP3_SLACK if kind == "MP3" else 0)


def _wav_cut_short(stream: FileIO) -> bool:
    """Whether the data chunk goes past the file's end; a writer that could not know its length left the most.

    Files beyond 4 GB (RF64) say the data's length in a chunk ``ds64`` before it.
    """
    size = stream.seek(0, 2)
    place, long = 12, None
    while place + 8 <= size:
        stream.seek(place)
        name, length = struct.unpack("<4sI", stream.read(8))
        if name == b"ds64":
            long = int.from_bytes(stream.read(16)[8:], "little")
        if name == b"data":
            if length >= UNKNOWN_LENGTH and not long:
                return False
            return place + 8 + (long if long and length >= UNKNOWN_LENGTH else length) > size
        place += 8 + length + length % 2
    return True


def _ogg_cut_short(stream: FileIO) -> bool:
    """Whether the last page is not marked as the last, or not whole."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 2 * 65_307))
    end = stream.read()
    last = end.rfind(b"OggS")
    page = end[last:]
    if last < 0 or len(page) < 27 or len(page) < 27 + page[26]:  # noqa: PLR2004 - a page's fixed header
        return True
    return not page[5] & 4 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])


def pauses(clip: SpeechClip, shortest: float = SHORTEST_PAUSE) -> tuple[tuple[int, int], ...]:
    """Where nobody speaks: (begin, end) samples of every stretch of at least ``shortest`` seconds.

    Quiet is what lies near the clip's own quietest tenth rather than near its loudest twentieth, so that level and
    steady noise do not matter; a clip without contrast has no pauses, a silent one is a single pause.
    """
    if clip.silent:
        return ((0, len(clip.samples)),)
    loudness = _loudness(clip)
    quiet, loud = np.percentile(loudness, (10, 95))
    if loud - quiet < LEAST_CONTRAST:
        return ()
    below = np.concatenate(([False], loudness < quiet + 0.3 * (loud - quiet), [False]))
    edges = np.flatnonzero(below[1:] != below[:-1]).reshape(-1, 2)
    total = len(clip.samples)
    found = []
    for first, after in edges.tolist():
        begin = 0 if first == 0 else first * STEP
        end = total if after == len(loudness) else after * STEP
        if end - begin >= shortest * SAMPLE_RATE:
            found.append((begin, end))
    return tuple(found)


def _loudness(clip: SpeechClip) -> NDArray[np.float64]:
    """Decibels of 25 ms around every 10 ms, at least 60 below the loudest."""
    squares = np.concatenate(([0.0], np.cumsum(np.square(clip.samples, dtype=np.float64))))
    centres = np.arange(0, len(clip.samples), STEP) + STEP // 2
    begin = np.clip(centres - FIELD // 2, 0, len(clip.samples))
    end = np.clip(centres + FIELD // 2, 0, len(clip.samples))
    power = np.maximum(squares[end] - squares[begin], 0.0) / np.maximum(end - begin, 1)
    decibels = 10.0 * np.log10(power + 1e-20)
    floored: NDArray[np.float64] = np.maximum(decibels, decibels.max() - DECIBELS_BELOW)
    return floored


@dataclass(frozen=True)
class Window:
    """A stretch of a clip that the network hears at once; all numbers are samples on the clip.

    Attributes:
        begin: first sample.
        end: one past the last sample.
        fade_in: from where to where it takes over from the window before; empty for the first.
        fade_out: from where to where it hands over to the window after; empty for the last.
    """

    begin: int
    end: int
    fade_in: tuple[int, int]
    fade_out: tuple[int, int]

    def weights(self, at: NDArray[Any]) -> NDArray[np.float64]:
        """This window's say (0 to 1) at samples ``at``; the windows of a clip sum to 1 everywhere."""
        return _rise(at, *self.fade_in) - _rise(at, *self.fade_out)


def _rise(at: NDArray[Any], begin: int, end: int) -> NDArray[np.float64]:
    """0 before ``begin``, 1 from ``end`` on, half a cosine between."""
    if begin == end:
        return (np.asarray(at) >= begin).astype(np.float64)
    share = np.clip((np.asarray(at, np.float64) - begin) / (end - begin), 0.0, 1.0)
    rise: NDArray[np.float64] = (1.0 - np.cos(np.pi * share)) / 2.0
    return rise


def windows(clip: SpeechClip, seconds: float, overlap: float, grid: int = 1) -> tuple[Window, ...]:
    """Cut a clip into overlapping windows that hand over at pauses, none longer than ``seconds``.

    A clip of up to ``seconds`` is one window. Otherwise windows are about alike in length, and neighbours share
    ``overlap`` seconds, laid around the longest pause nearby or, without one, the quietest moment. They fade over the
    middle half of it: what lies at a window's very edge, half unheard, has no say.

    Args:
        clip: the recording.
        seconds: the longest window, at least 1.
        overlap: what neighbours share, at most a quarter of ``seconds``.
        grid: windows and fades begin at multiples of so many samples (a motion frame).

    Raises:
        AudioError: the lengths make no sense.
    """
    if not (math.isfinite(seconds) and seconds >= 1.0):
        raise AudioError(f"A window of {seconds:g} s is too short; use at least 1 s.")
    if not 0.0 <= overlap <= seconds / 4:
        raise AudioError(f"An overlap of {overlap:g} s does not suit windows of {seconds:g} s; use up to a quarter.")
    total = len(clip.samples)
    longest = int(seconds * SAMPLE_RATE)
    if total <= longest:
        return (Window(0, total, (0, 0), (total, total)),)
    most, shared, whole = longest // grid, round(overlap * SAMPLE_RATE / grid), math.ceil(total / grid)
    loudness, quiet = _loudness(clip), pauses(clip)
    begins = [0]
    while whole - begins[-1] > most:
        left = whole - begins[-1] - shared
        ideal = left / math.ceil(left / (most - shared))
        earliest = begins[-1] + max(math.ceil(ideal * (1 - LEEWAY)), shared, 1)
        latest = begins[-1] + min(math.floor(ideal * (1 + LEEWAY)), most - shared)
        middle = shared * grid / 2
        best = _handover(earliest * grid + middle, max(latest, earliest) * grid + middle, quiet, loudness)
        begins.append(min(max(round((best - middle) / grid), earliest), max(latest, earliest)))
    edge = shared // 4
    inner = ((begin + edge, begin + shared - edge) for begin in begins[1:])
    fades = [(0, 0), *((first * grid, last * grid) for first, last in inner), (total, total)]
    ends = [*(min((begin + shared) * grid, total) for begin in begins[1:]), total]
    return tuple(
        Window(begin * grid, end, fades[index], fades[index + 1])
        for index, (begin, end) in enumerate(zip(begins, ends, strict=True))
    )


def _handover(
    earliest: float, latest: float, quiet: tuple[tuple[int, int], ...], loudness: NDArray[np.float64]
) -> float:
    """The best sample between two to hand over at: the middle of the longest pause, else the quietest moment."""
    inside = [(max(begin, earliest), min(end, latest)) for begin, end in quiet]
    longest = max(inside, key=lambda pause: pause[1] - pause[0], default=(0.0, 0.0))
    if longest[1] - longest[0] > SHORTEST_PAUSE * SAMPLE_RATE:
        return (longest[0] + longest[1]) / 2
    first, last = int(earliest // STEP), int(latest // STEP) + 1
    near = np.pad(loudness[first:last], 5, mode="edge")
    smooth = np.convolve(near, np.full(11, 1 / 11), mode="valid")
    return (first + int(smooth.argmin()) + 0.5) * STEP

"""What happens to sound before its file reaches us: rooms, noises, telephones, whispers; and sounds without speech."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
Dice = np.random.Generator
RATE = 16_000


def coloured_noise(count: int, slope: float, dice: Dice) -> Array:
    """Noise whose power falls with frequency^-slope (0 white, 1 pink, 2 brown), root mean square 1."""
    spectrum = np.fft.rfft(dice.standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1.0 / RATE), 30.0)
    return _level(np.fft.irfft(spectrum * frequency ** (-slope / 2.0), count))


def hum(count: int, dice: Dice) -> Array:
    """Mains hum or a motor: a low fundamental with falling harmonics, slowly wavering."""
    t = np.arange(count) / RATE
    base = dice.choice((50.0, 60.0, dice.uniform(40.0, 240.0)))
    phase = 2 * np.pi * base * t + dice.uniform(0, 2) * np.sin(2 * np.pi * dice.uniform(0.1, 2.0) * t)
    harmonics = range(1, dice.integers(3, 20))
    parts = [np.sin(n * phase + dice.uniform(0, 6)) / n ** dice.uniform(0.7, 2.0) for n in harmonics]
    return _level(np.sum(parts, axis=0) + 0.02 * dice.standard_normal(count))


def music(count: int, dice: Dice) -> Array:
    """Chords and melodies of plucked and held tones, with a beat now and then."""
    out = np.zeros(count)
    beat = int(RATE * dice.uniform(0.15, 0.7))
    root = 110.0 * 2.0 ** dice.uniform(0, 2)
    scale = np.array((0, 2, 4, 5, 7, 9, 11, 12, 14, 16)) / 12.0
    drum = dice.random() < 0.5
    for begin in range(0, count, beat):
        length = min(count - begin, int(beat * dice.uniform(0.8, 3.0)))
        t = np.arange(length) / RATE
        fade = np.exp(-t * dice.uniform(0.5, 8.0)) * np.minimum(t / 0.01, 1.0)
        fade *= np.minimum((length / RATE - t) / 0.02, 1.0)
        for _ in range(dice.integers(1, 4)):
            pitch = root * 2.0 ** float(dice.choice(scale))
            partials = range(1, int(dice.integers(2, 9)))
            tone = np.sum([np.sin(2 * np.pi * n * pitch * t) / n**1.3 for n in partials], axis=0)
            out[begin : begin + length] += tone * fade
        if drum:
            hit = min(length, 1600)
            out[begin : begin + hit] += 2.0 * dice.standard_normal(hit) * np.exp(-np.arange(hit) / 300.0)
    return _level(out)


def bursts(count: int, dice: Dice) -> Array:
    """Knocks, claps, keys and breath: noise in bursts, without words."""
    envelope = np.full(count, 0.01)
    at = int(dice.uniform(0, 0.5) * RATE)
    even = dice.random() < 0.4
    period = dice.uniform(0.08, 0.5)
    while at < count:
        length = min(count - at, int(dice.choice((0.015, 0.06, 0.4)) * RATE * dice.uniform(0.6, 1.6)))
        envelope[at : at + length] += dice.uniform(0.3, 1.0) * np.hanning(length + 2)[1:-1]
        at += int(RATE * (period if even else dice.uniform(0.06, 1.0)))
    return _level(coloured_noise(count, dice.uniform(-0.5, 2.0), dice) * envelope)


def siren(count: int, dice: Dice) -> Array:
    """Tones that glide, whistle or beep."""
    t = np.arange(count) / RATE
    middle, reach = 2.0 ** dice.uniform(7.5, 11.5), dice.uniform(0.0, 0.8)
    glide = middle * 2.0 ** (reach * np.sin(2 * np.pi * dice.uniform(0.1, 4.0) * t))
    tone = np.sin(2 * np.pi * np.cumsum(glide) / RATE)
    if dice.random() < 0.5:
        tone = tone * (np.sin(2 * np.pi * dice.uniform(0.5, 6.0) * t) > 0)
    return _level(tone + 0.01 * dice.standard_normal(count))


def breath(count: int, dice: Dice) -> Array:
    """Air drawn in or let out: hissing noise that swells and fades; root mean square 1."""
    length = min(count, int(dice.uniform(0.15, 0.55) * RATE))
    air = band(coloured_noise(count, dice.uniform(0.0, 1.5), dice), dice.uniform(200, 900), dice.uniform(2500, 7500))
    swell = np.zeros(count)
    begin = int(dice.uniform(0, count - length)) if count > length else 0
    swell[begin : begin + length] = np.hanning(length + 2)[1:-1] ** dice.uniform(0.5, 1.5)
    return _level(air * swell)


def steady(count: int, dice: Dice) -> Array:
    """Noise of a random colour, sometimes limited to a band."""
    noise = coloured_noise(count, dice.uniform(-0.3, 2.2), dice)
    if dice.random() < 0.3:
        low = 2.0 ** dice.uniform(6, 11)
        noise = _level(band(noise, low, low * 2.0 ** dice.uniform(0.5, 3)))
    return noise


NON_SPEECH: tuple[Callable[[int, Dice], Array], ...] = (steady, hum, music, bursts, siren)


def non_speech(count: int, dice: Dice) -> Samples:
    """A sound that no mouth makes; sometimes nothing at all."""
    if dice.random() < 0.1:
        return np.zeros(count, np.float32)
    sound = NON_SPEECH[dice.integers(len(NON_SPEECH))](count, dice)
    if dice.random() < 0.4:
        sound = _level(sound + NON_SPEECH[dice.integers(len(NON_SPEECH))](count, dice) * dice.uniform(0.05, 0.6))
    quiet: Samples = (sound * 10.0 ** dice.uniform(-3.5, -1.0)).astype(np.float32)
    return quiet


def room(samples: Array, dice: Dice) -> Array:
    """The same in a room: T60 of 0.12 to 0.8 s, the direct sound 12 to -3 dB above what comes back."""
    decay = 2.0 ** dice.uniform(-3.0, -0.3)
    count = int(decay * RATE)
    t = np.arange(count) / RATE
    tail = dice.standard_normal(count) * 10.0 ** (-3.0 * t / decay)
    tail[: int(RATE * dice.uniform(0.001, 0.012))] = 0.0
    # Walls take the treble first.
    dull = 1.0 + (np.fft.rfftfreq(count, 1 / RATE) / dice.uniform(1500, 8000)) ** 2
    tail = np.fft.irfft(np.fft.rfft(tail) / dull, count)
    tail *= 10.0 ** (-dice.uniform(-3.0, 12.0) / 20.0) / max(float(np.sqrt(np.sum(tail**2))), 1e-9)
    tail[0] += 1.0
    return convolved(samples, tail)


def convolved(samples: Array, response: Array) -> Array:
    """Linear convolution cut to the length of ``samples``."""
    size = 1 << int(np.ceil(np.log2(len(samples) + len(response))))
    product = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    heard: Array = np.fft.irfft(product, size)[: len(samples)]
    return heard


def band(samples: Array, low: float, high: float) -> Array:
    """Only what lies between two frequencies, with soft edges."""
    frequency = np.maximum(np.fft.rfftfreq(len(samples), 1.0 / RATE), 1.0)
    gain = 1.0 / np.sqrt((1.0 + (low / frequency) ** 8) * (1.0 + (frequency / high) ** 12))
    passed: Array = np.fft.irfft(np.fft.rfft(samples) * gain, len(samples))
    return passed


def tilted(samples: Array, dice: Dice) -> Array:
    """Another microphone: gains that wander by up to some decibels along the frequency axis."""
    frequency = np.fft.rfftfreq(len(samples), 1.0 / RATE)
    gains = np.interp(np.log2(np.maximum(frequency, 60.0)), np.linspace(6, 13, 8), dice.normal(0, 4.0, 8))
    heard: Array = np.fft.irfft(np.fft.rfft(samples) * 10.0 ** (gains / 20.0), len(samples))
    return heard


def whispered(samples: Array, dice: Dice) -> Array:
    """The same words without a voice: the spectrum's envelope kept, its phases thrown away."""
    size, step = 512, 128
    padded = np.pad(samples, (size, size))
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::step] * window
    magnitude = np.log(np.abs(np.fft.rfft(frames)) + 1e-6)
    cepstrum = np.fft.irfft(magnitude)
    cepstrum[:, 26:-25] = 0.0
    envelope = np.exp(np.fft.rfft(cepstrum).real)
    envelope *= (np.fft.rfftfreq(size, 1 / RATE) / 1000.0 + 0.15) ** 0.5
    breath = np.fft.rfft(dice.standard_normal(frames.shape) * window)
    pieces = np.fft.irfft(envelope * breath / (np.abs(breath).mean() + 1e-9)) * window
    out = np.zeros(len(padded))
    for number, piece in enumerate(pieces):
        out[number * step : number * step + size] += piece
    return _level(out[size : size + len(samples)]) * max(float(np.sqrt(np.mean(samples**2))), 1e-6)


def resampled(samples: Samples, ratio: float) -> Samples:
    """Played ``ratio`` times faster, pitch and formants with it."""
    played: Samples = soxr.resample(samples, RATE * ratio, RATE).astype(np.float32)
    return played


def recorded(samples: Samples, dice: Dice, babble: Samples, severity: float) -> Samples:
    """A clean utterance as some microphone in some place would give it.

    Args:
        samples: clean sound.
        dice: where chance comes from.
        babble: other people's speech of at least the same length.
        severity: 0 (a good studio) to 1 (a bad line).
    """
    sound = samples.astype(np.float64)
    if dice.random() < 0.05:
        sound = whispered(sound, dice)
    if dice.random() < 0.6:
        sound = tilted(sound, dice)
    if dice.random() < 0.15 + 0.45 * severity:
        sound = room(sound, dice)
    power = float(np.sqrt(np.mean(sound**2))) or 1e-4
    ratio = dice.uniform(34.0, 65.0) - severity * dice.uniform(8.0, 36.0)
    kind = dice.random()
    if kind < 0.6:
        noise = steady(len(sound), dice)
    elif kind < 0.75 and len(babble) >= len(sound):
        noise = _level(babble[: len(sound)].astype(np.float64))
        ratio = max(ratio, 12.0)
    else:
        noise = NON_SPEECH[dice.integers(1, len(NON_SPEECH))](len(sound), dice)
        ratio = max(ratio, 8.0)
    sound = sound + noise * power * 10.0 ** (-ratio / 20.0)
    if dice.random() < 0.06 + 0.14 * severity:
        sound = band(sound, dice.uniform(60, 320), 2.0 ** dice.uniform(11.6, 12.9))
    if dice.random() < 0.08:
        peak = float(np.abs(sound).max()) or 1.0
        sound = np.tanh(sound / peak * dice.uniform(1.5, 6.0)) * peak
    taken: Samples = (sound * 10.0 ** dice.uniform(-0.8, 0.4)).astype(np.float32)
    return taken


def _level(sound: Array) -> Array:
    leveled: Array = sound / max(float(np.sqrt(np.mean(np.square(sound)))), 1e-9)
    return leveled

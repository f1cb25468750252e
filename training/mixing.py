"""Sound altered as spectra, anew each time it is learnt from: throats, microphones, rooms, noise, telephones, levels.

A spectrum is (T100, columns) of natural logarithms of power as ``LogMelEncoder.spectrum`` makes it. Powers of sounds
that know nothing of each other add up; a room smears power over time; a microphone adds to logarithms. That is not
exact, and a hundred times cheaper than altering samples, so that nothing is heard twice in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Dice = np.random.Generator
WARPS = 25
WIDEST_WARP = 0.26
"""log2 of the strongest warp of the mel axis, on top of the throats that the corpus already varies."""

LONG_ECHO = 0.4
"""Seconds in which an echo falls by 60 dB that fills the closures of stops."""

WAVERING = (1.0, 0.6)
"""How far an echo in a random phase makes the lowest band and the highest waver: 4.5 and 2.2 dB, as in rooms made of
noise that falls off (``evaluation.with_room``)."""

LINGERS = 0.8
"""How much of a frame's phase is left in the next one, whose window overlaps with it."""

_NATS = float(np.log(10.0) / 10.0)
"""Nats of power in a decibel."""


@dataclass(frozen=True)
class Chances:
    """How often each alteration happens."""

    warp: float = 0.7
    dynamics: float = 0.6
    microphone: float = 0.6
    dull: float = 0.35
    room: float = 0.8
    noise: float = 0.65
    telephone: float = 0.1
    hiss: float = 0.4
    rumble: float = 0.4
    shallow: float = 0.5


@dataclass(frozen=True)
class Altered:
    """(T, columns) as it sounds elsewhere, and how much it echoes there: 0 not at all, 1 as loud as the voice."""

    spectrum: Tensor
    echo: float


class Mixer:
    """Alters spectra.

    Args:
        noises: (N, T, columns) spectra that are mixed in, at least as long as what they are mixed into or repeated.
        bands: how many of the columns are mel bands; loudness, pitch and voicing follow.
        dice: where chance comes from.
    """

    def __init__(self, noises: npt.NDArray[np.float16], bands: int, dice: Dice, chances: Chances | None = None) -> None:
        self.noises = torch.from_numpy(noises)
        self.bands = bands
        self.dice = dice
        self.chances = Chances() if chances is None else chances
        self.warps = _warps(bands)
        centres = np.linspace(77.8, 2840.0, bands + 2)[1:-1]
        self.hertz = torch.from_numpy(700 * (10 ** (centres / 2595) - 1)).float()

    def altered(self, spectrum: Tensor) -> Altered:
        """(T, columns) → the same sound elsewhere."""
        dice, chances, echo = self.dice, self.chances, 0.0
        bands, prosody = spectrum[:, : self.bands], spectrum[:, self.bands :]
        if dice.random() < chances.warp:
            bands = bands @ self.warps[int(dice.integers(WARPS))]
        if dice.random() < chances.dynamics:
            gain = self._dynamics(len(bands))
            bands, prosody = bands + gain, torch.cat((prosody[:, :1] + gain.mean(1, keepdim=True), prosody[:, 1:]), 1)
        if dice.random() < chances.microphone:
            bands = bands + self._microphone()
        if dice.random() < chances.dull:
            bands = bands + self._dull()
        if dice.random() < chances.room:
            bands, prosody, echo = self._in_a_room(bands, prosody)
        if dice.random() < chances.noise:
            bands, prosody = self._noisy(bands, prosody)
        if dice.random() < chances.telephone:
            bands = bands + self._telephone()
        if dice.random() < chances.hiss:
            bands = torch.logaddexp(bands, self._hiss(bands))
        if dice.random() < chances.rumble:
            bands = torch.logaddexp(bands, self._rumble(bands))
        if dice.random() < chances.shallow:
            # Real closures and pauses are never as silent as an engine's: what lies deep is not to be relied on.
            bands = torch.maximum(bands, bands.amax(0) - float(dice.uniform(5.5, 8.0)))
        level = float(dice.normal(0.0, 4.0)) * _NATS
        loudness = prosody[:, :1] + level
        return Altered(torch.cat((bands + level, loudness, prosody[:, 1:]), dim=1), echo)

    def _dynamics(self, frames: int) -> Tensor:
        """(frames, bands) gains: words that are shouted beside words that are mumbled, brighter where they are loud."""
        knots = max(2, int(frames / self.dice.uniform(25.0, 90.0)))
        strength = self.dice.uniform(1.0, 7.0) * _NATS
        curve = np.interp(np.linspace(0, knots - 1, frames), np.arange(knots), self.dice.normal(0.0, strength, knots))
        tilt = 1.0 + self.dice.uniform(0.0, 0.7) * np.linspace(-1, 1, self.bands)
        return torch.from_numpy(curve[:, None] * tilt).float()

    def _microphone(self) -> Tensor:
        places = np.linspace(0, self.bands - 1, int(self.dice.integers(4, 11)))
        gains = self.dice.normal(0.0, self.dice.uniform(1.0, 6.0) * _NATS, len(places))
        tilt = self.dice.normal(0.0, 3.0 * _NATS) * np.linspace(-1, 1, self.bands)
        return torch.from_numpy(np.interp(np.arange(self.bands), places, gains) + tilt).float()

    def _dull(self) -> Tensor:
        """Old recordings, far microphones, loudspeakers: less of the treble, in which /t k f/ differ from /p/."""
        corner, slope = 2.0 ** self.dice.uniform(9.5, 12.3), self.dice.uniform(3.0, 24.0)
        return -functional.relu(torch.log2(self.hertz / corner)) * slope * _NATS

    def _hiss(self, bands: Tensor) -> Tensor:
        """Steady noise of the line itself, 25 to 50 dB below the loudest band."""
        level = float(bands.max()) - self.dice.uniform(25.0, 50.0) * _NATS
        tilt = self.dice.normal(0.0, 8.0 * _NATS) * np.linspace(-1, 1, self.bands)
        steady = torch.from_numpy(level + tilt).float()
        return steady + 0.6 * torch.randn(bands.shape)

    def _rumble(self, bands: Tensor) -> Tensor:
        """Wind, traffic, hum below a corner: a voice's own low notes drown, as they are missing in thin recordings."""
        corner, slope = 2.0 ** self.dice.uniform(6.8, 9.0), self.dice.uniform(9.0, 30.0)
        shape = -functional.relu(torch.log2(self.hertz / corner)) * slope * _NATS
        level = float(bands[:, :8].max()) + self.dice.uniform(-15.0, 6.0) * _NATS
        wavering = torch.randn(len(bands), 1) * 0.4 + torch.randn(bands.shape) * 0.7
        return level + shape + wavering

    def _telephone(self) -> Tensor:
        low, high = self.dice.uniform(150, 400), self.dice.uniform(3000, 5500)
        below = functional.relu(torch.log2(low / self.hertz)) * 3.0
        above = functional.relu(torch.log2(self.hertz / high)) * 12.0
        return -(below + above)

    def _in_a_room(self, bands: Tensor, prosody: Tensor) -> tuple[Tensor, Tensor, float]:
        decay = 2.0 ** float(self.dice.uniform(-2.6, 0.0))
        frames = min(int(decay * 80) + 2, len(bands))
        tail = 10.0 ** (-6.0 * torch.arange(frames) / 100.0 / decay)
        dull = 1.0 + (self.hertz / float(self.dice.uniform(2000, 9000))) ** 2
        tail = tail[:, None] * torch.exp(-torch.arange(frames)[:, None] * 0.02 * (dull - 1.0).clamp(max=4.0))
        beside_voice = 10.0 ** (-float(self.dice.uniform(-5.0, 12.0)) / 10.0)
        tail = tail * beside_voice / tail[:, self.bands // 3].sum()
        power = bands.exp()
        wet = self._interfering(power, _smeared(power, tail))
        share = (power.sum(1) / wet.sum(1).clamp(min=1e-12)).clamp(max=1.0)[:, None]
        heard = torch.log(wet + 1e-10)
        loudness = prosody[:, :1] - torch.log(share + 1e-6)
        voiced = prosody[:, 1:] * (0.5 + 0.5 * share)
        # What dies away within a phone hides no closure.
        echo = min(beside_voice, 1.0) * min(decay / LONG_ECHO, 1.0)
        return heard, torch.cat((loudness, voiced), dim=1), echo

    def _interfering(self, power: Tensor, echo: Tensor) -> Tensor:
        """(T, bands) of the direct sound and of its echo → of both together.

        An echo comes in any phase: it strengthens the sound at one moment and quenches it at the next, narrow bands
        more than wide ones, in which many frequencies even that out.
        """
        phases = torch.randn(2, len(power) + 1, self.bands) * float(np.sqrt(0.5))
        phases = (phases[:, 1:] + LINGERS * phases[:, :-1]) / float(np.hypot(1.0, LINGERS))
        amplitude = echo.sqrt()
        together = (power.sqrt() + amplitude * phases[0]).square() + (amplitude * phases[1]).square()
        return torch.lerp(power + echo, together, torch.linspace(*WAVERING, self.bands))

    def _noisy(self, bands: Tensor, prosody: Tensor) -> tuple[Tensor, Tensor]:
        number = int(self.dice.integers(len(self.noises)))
        noise = self.noises[number].float()
        begin = int(self.dice.integers(len(noise)))
        repeats = -(-(begin + len(bands)) // len(noise))
        noise = noise.repeat(repeats, 1)[begin : begin + len(bands)]
        ratio = float(self.dice.triangular(3.0, 16.0, 42.0))
        power, other = bands.exp().sum(1), noise[:, : self.bands].exp().sum(1)
        gain = torch.log(power.mean() / other.mean().clamp(min=1e-12) + 1e-12) - ratio * _NATS
        heard = torch.logaddexp(bands, noise[:, : self.bands] + gain)
        share = (power / (power + other * gain.exp()).clamp(min=1e-12))[:, None]
        loudness = prosody[:, :1] - torch.log(share + 1e-6).clamp(min=-12.0)
        return heard, torch.cat((loudness, prosody[:, 1:] * share), dim=1)


def _smeared(power: Tensor, tail: Tensor) -> Tensor:
    """(T, bands) convolved over time with (frames, bands): what comes after the direct sound."""
    frames, bands = tail.shape
    padded = functional.pad(power.T[None], (frames, 0))[..., :-1]
    return functional.conv1d(padded, tail.flip(0).T[:, None], groups=bands)[0].T


def masked(spectrum: Tensor, bands: int, dice: Dice) -> Tensor:
    """Holes in frequency and short ones in time, at the mean (0), in place."""
    for _ in range(int(dice.integers(0, 3))):
        width = int(dice.integers(1, 14))
        low = int(dice.integers(0, bands - width))
        spectrum[:, low : low + width] = 0.0
    if dice.random() < 0.2:
        spectrum[:, : int(dice.integers(3, 16))] = 0.0
    if dice.random() < 0.3:
        at = int(dice.integers(0, max(1, len(spectrum) - 8)))
        spectrum[at : at + int(dice.integers(1, 8))] = 0.0
    return spectrum


def _warps(bands: int) -> Sequence[Tensor]:
    """(bands, bands) each: mel bands of the same sound from a longer or shorter throat."""
    mel = np.linspace(77.8, 2840.0, bands + 2)[1:-1]
    hertz = 700 * (10 ** (mel / 2595) - 1)
    warps = []
    for power in np.linspace(-WIDEST_WARP, WIDEST_WARP, WARPS):
        source = 2595 * np.log10(1 + hertz * 2.0**power / 700)
        place = np.clip((source - mel[0]) / (mel[1] - mel[0]), 0, bands - 1.001)
        matrix: npt.NDArray[np.float32] = np.zeros((bands, bands), np.float32)
        low = place.astype(int)
        matrix[low, np.arange(bands)] = 1.0 - (place - low)
        matrix[low + 1, np.arange(bands)] += (place - low).astype(np.float32)
        warps.append(torch.from_numpy(matrix))
    return warps

"""Crops of the material, drawn at random: other throats by warping the mel axis, holes by masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lsf_blender_addon.speech.mel import LogMelEncoder, SpectrumLevel

from .material import Item

WARPS = 17
WIDEST_WARP = 0.22
"""log2 of the strongest warp of the mel axis, on top of the throats that the corpus already varies."""


@dataclass(frozen=True, eq=False)
class Crops:
    """A batch.

    Attributes:
        spectrum: (B, 2·T, columns), already measured against its whole recording.
        motion: (B, T, 53) in real units. ``gap``, ``shut``: (B, T). ``phone``: (B, T) int64.
        real: (B, T) 1 where there is sound, 0 where a short item was filled up.
    """

    spectrum: Tensor
    motion: Tensor
    gap: Tensor
    shut: Tensor
    phone: Tensor
    real: Tensor


def unmeasured(columns: int) -> SpectrumLevel:
    """A level that changes nothing: the crops' spectra are measured already."""
    return SpectrumLevel(torch.zeros(1, 1, columns), torch.ones(1, 1, columns), torch.full((1, 1, 1), -1e9))


class Drawer:
    """Draws crops; recorded voices and espeak-ng's by the weights given, items by their length."""

    def __init__(self, items: Sequence[Item], encoder: LogMelEncoder, seed: int, recorded_share: float = 0.62) -> None:
        self.items = items
        self.encoder = encoder
        self.bands = encoder.sizes.bands
        self.dice = np.random.default_rng(seed)
        length = np.array([len(item.face.gap) for item in items], float)
        recorded = np.array([item.recorded for item in items])
        chance = length * np.where(recorded, recorded_share / max(length[recorded].sum(), 1.0), 0.0)
        chance += length * np.where(recorded, 0.0, (1 - recorded_share) / max(length[~recorded].sum(), 1.0))
        self.chance = chance / chance.sum()
        self.warps = _warps(self.bands)

    def draw(self, count: int, frames: int) -> Crops:
        """A batch of ``count`` crops of ``frames`` motion frames."""
        crops = [self._crop(self.items[number], frames) for number in self._chosen(count)]
        spectrum, motion, gap, shut, phone, real = (torch.stack(list(column)) for column in zip(*crops, strict=True))
        return Crops(spectrum, motion, gap, shut, phone, real)

    def draw_motion(self, count: int, frames: int) -> Crops:
        """As ``draw`` without the sound: ``spectrum`` is empty."""
        crops = [self._face(self.items[number], frames)[0] for number in self._chosen(count)]
        motion, gap, shut, phone, real = (torch.stack(list(column)) for column in zip(*crops, strict=True))
        return Crops(torch.empty(0), motion, gap, shut, phone, real)

    def _chosen(self, count: int) -> list[int]:
        return [int(number) for number in self.dice.choice(len(self.items), count, p=self.chance)]

    def _face(self, item: Item, frames: int) -> tuple[tuple[Tensor, ...], int]:
        have = len(item.face.gap)
        begin = int(self.dice.integers(max(1, have - frames + 1)))
        cut = slice(begin, begin + frames)
        real = torch.zeros(frames)
        real[: min(frames, have)] = 1.0
        face = item.face
        columns = (
            torch.from_numpy(face.motion[cut]).float(),
            torch.from_numpy(face.gap[cut]).float(),
            torch.from_numpy(face.shut[cut]).float(),
            torch.from_numpy(face.phone[cut].astype(np.int64)),
        )
        return (*(_filled(column, frames) for column in columns), real), begin

    def _crop(self, item: Item, frames: int) -> tuple[Tensor, ...]:
        spectrum = torch.from_numpy(item.spectrum).float()
        if self.dice.random() < 0.6:
            warp = self.warps[self.dice.integers(WARPS)]
            spectrum = torch.cat((spectrum[:, : self.bands] @ warp, spectrum[:, self.bands :]), dim=1)
        level = self.encoder.measure_spectrum(spectrum[None])
        heard = torch.maximum(spectrum[:, : self.bands + 1], level.floor[0])
        spectrum = (torch.cat((heard, spectrum[:, self.bands + 1 :]), 1) - level.mean[0]) / level.deviation[0]
        face, begin = self._face(item, frames)
        spectrum = self._masked(_filled(spectrum[2 * begin : 2 * (begin + frames)], 2 * frames))
        return spectrum, *face

    def _masked(self, spectrum: Tensor) -> Tensor:
        """Holes in frequency and short ones in time, at the mean."""
        if self.dice.random() < 0.5:
            width = int(self.dice.integers(1, 14))
            low = int(self.dice.integers(0, self.bands - width))
            spectrum[:, low : low + width] = 0.0
        if self.dice.random() < 0.3:
            at = int(self.dice.integers(0, len(spectrum) - 8))
            spectrum[at : at + int(self.dice.integers(1, 8))] = 0.0
        return spectrum


def _filled(values: Tensor, frames: int) -> Tensor:
    """The last value held up to ``frames``."""
    lack = frames - len(values)
    return values.clone() if lack <= 0 else torch.cat((values, values[-1:].expand(lack, *values.shape[1:])))


def _warps(bands: int) -> list[Tensor]:
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

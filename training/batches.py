"""Crops of the material, drawn at random and altered anew each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lsf_blender_addon.speech.mel import LogMelEncoder

from .coarticulation import JAW, Face, feeling_weights
from .face_rules import AGITATED_GAP, JAW_LEVER_MILLIMETRES, WIDE_MILLIMETRES
from .material import Item
from .mixing import Mixer, masked
from .voices import Made

CURVES = ("gap", "shut", "spoken")
SHARES: Mapping[Made, float] = {"rules": 0.12, "recordings": 0.22, "network": 0.66}
"""How crops are divided by what makes a voice's sound: the more it sounds like people, the more it teaches."""

HURRIED = 0.5
TEMPI = (-0.45, 0.5)
"""How often a crop is said faster or slower than its voice said it, and how much so in octaves of tempo."""


@dataclass(frozen=True)
class Crops:
    """A batch.

    Attributes:
        words: (B, 2·T, bands) and
        feeling: (B, 2·T, columns), each measured as its encoder does, against the whole recording.
        motion: (B, T, 53) in real units, without feeling. ``gap``, ``shut``, ``spoken``: (B, T).
            ``phone``: (B, T) int64.
        agitation: (B,) of what ``feeling`` holds.
        echo: (B,) how much the place echoes (``mixing.Altered``).
        real: (B, T) 1 where there is sound, 0 where a short item was filled up.
    """

    words: Tensor
    feeling: Tensor
    motion: Tensor
    gap: Tensor
    shut: Tensor
    spoken: Tensor
    phone: Tensor
    agitation: Tensor
    echo: Tensor
    real: Tensor

    def felt(self, agitation: Tensor) -> Tensor:
        """(B, T, 53): the motion with another feeling, (B,) of agitation (``coarticulation.felt``)."""
        excited, subdued = (torch.from_numpy(weights).float() for weights in feeling_weights())
        a = agitation[:, None, None]
        motion = self.motion + self.spoken[..., None] * (a.clamp(min=0) * excited + (-a).clamp(min=0) * subdued)
        expression, jaw = motion[..., :JAW].clamp(0, 1), motion[..., JAW:].clone()
        jaw[..., 0] += AGITATED_GAP * agitation[:, None] * self.gap * WIDE_MILLIMETRES / JAW_LEVER_MILLIMETRES
        return torch.cat((expression, jaw), dim=-1)


class Drawer:
    """Draws crops.

    Args:
        items: the material.
        encoders: the two that will hear: words, feeling.
        noises: spectra that are mixed in (``material.make_noises``).
        seed: of everything that is drawn.
        shares: of the crops, by what made their sound; within each, long items are drawn as much more often.
    """

    def __init__(
        self,
        items: Sequence[Item],
        encoders: tuple[LogMelEncoder, LogMelEncoder],
        noises: npt.NDArray[np.float16],
        seed: int,
        shares: Mapping[Made, float] = SHARES,
    ) -> None:
        self.items = items
        self.words, self.feeling = encoders
        self.bands = self.words.sizes.bands
        self.dice = np.random.default_rng(seed)
        self.mixer = Mixer(noises, self.bands, self.dice)
        length = np.array([len(item.face.gap) for item in items], float)
        made = np.array([item.made for item in items])
        chance = np.zeros(len(items))
        for maker, share in shares.items():
            ours = made == maker
            chance[ours] = length[ours] * share / max(length[ours].sum(), 1.0)
        self.chance = np.cumsum(chance / chance.sum())

    def draw(self, count: int, frames: int) -> Crops:
        """A batch of ``count`` crops of ``frames`` motion frames."""
        return _stacked([self._crop(self.items[number], frames) for number in self._chosen(count)])

    def draw_motion(self, count: int, frames: int) -> Crops:
        """As ``draw`` without the sound: ``words`` and ``feeling`` are empty."""
        return _stacked([self._face(self.items[number], frames)[0] for number in self._chosen(count)])

    def _chosen(self, count: int) -> list[int]:
        found = np.searchsorted(self.chance, self.dice.random(count))
        return [int(number) for number in np.minimum(found, len(self.items) - 1)]

    def _face(self, item: Item, frames: int) -> tuple[dict[str, Tensor], int]:
        have = len(item.face.gap)
        begin = int(self.dice.integers(max(1, have - frames + 1)))
        cut = slice(begin, begin + frames)
        face = item.face
        arrays = {"motion": face.motion, "gap": face.gap, "shut": face.shut, "spoken": face.spoken}
        columns = {name: _filled(torch.from_numpy(array[cut]).float(), frames) for name, array in arrays.items()}
        columns["phone"] = _filled(torch.from_numpy(face.phone[cut].astype(np.int64)), frames)
        columns["real"] = (torch.arange(frames) < have).float()
        columns["agitation"] = torch.tensor(float(item.agitation))
        columns["echo"] = torch.tensor(0.0)
        columns["words"] = columns["feeling"] = torch.empty(0)
        return columns, begin

    def _crop(self, item: Item, frames: int) -> dict[str, Tensor]:
        if self.dice.random() < HURRIED:
            item = at_tempo(item, float(2.0 ** self.dice.uniform(*TEMPI)))
        altered = self.mixer.altered(torch.from_numpy(item.spectrum).float())
        spectrum = altered.spectrum
        columns, begin = self._face(item, frames)
        columns["echo"] = torch.tensor(altered.echo)
        cut = slice(2 * begin, 2 * (begin + frames))
        words = _filled(self.words.levelled(spectrum[None, :, : self.bands])[0, cut], 2 * frames)
        columns["words"] = masked(words, self.bands, self.dice)
        columns["feeling"] = _filled(self.feeling.levelled(spectrum[None])[0, cut], 2 * frames)
        return columns


def at_tempo(item: Item, tempo: float) -> Item:
    """The same item said ``tempo`` times faster by the same throat; half as far again as that more agitated."""
    face = item.face
    places = np.arange(int(len(face.gap) / tempo)) * tempo
    low = places.astype(int)
    high, share = np.minimum(low + 1, len(face.gap) - 1), (places - low).astype(np.float32)
    whole, part = (1.0 - share)[:, None], share[:, None]
    motion = face.motion[low] * whole + face.motion[high] * part
    curves = {name: getattr(face, name)[low] * (1.0 - share) + getattr(face, name)[high] * share for name in CURVES}
    moments = np.minimum(np.arange(2 * len(places) - 1) * tempo, len(item.spectrum) - 1.0)
    before = moments.astype(int)
    after, left = np.minimum(before + 1, len(item.spectrum) - 1), (moments - before).astype(np.float32)[:, None]
    spectrum = item.spectrum[before] * (1.0 - left) + item.spectrum[after] * left
    agitation = float(np.clip(item.agitation + 0.5 * np.log2(tempo), -1.0, 1.0)) if item.agitation else 0.0
    hurried = Face(motion=motion, phone=face.phone[low], **curves)
    return Item(spectrum.astype(np.float16), hurried, item.made, agitation)


def _stacked(crops: list[dict[str, Tensor]]) -> Crops:
    return Crops(**{name: torch.stack([crop[name] for crop in crops]) for name in crops[0]})


def _filled(values: Tensor, frames: int) -> Tensor:
    """The last value held up to ``frames``."""
    lack = frames - len(values)
    return values.clone() if lack <= 0 else torch.cat((values, values[-1:].expand(lack, *values.shape[1:])))

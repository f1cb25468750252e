"""Stages 3 and 4: all parts learn which codes a voice calls for; the codebook is fixed, encoders and decoder go slowly.

Stage 4 begins three times where stage 3 ended, and weights between stage 3 and the mean of the three ship.

Feeling is taught to come by the emotion stream alone: half of the time a clip is heard with the emotion stream of
another clip, or with a mixture of both, and its face must then show that feeling. So the words' stream cannot tell it,
and moving along the emotion stream's features moves the feeling and nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.lsf import LsfNetwork

from .batches import Crops, Drawer
from .hearing import Heads, HearingLoss, Listeners, log_mel
from .learning import left_by
from .losses import MotionLoss
from .precision import bfloat16_pays
from .prior_training import STRONGEST_FEELING
from .recipe import Recipe, Schedule

WEIGHTS = (1.0, 0.3, 0.5, 0.5)
"""Of motion, codes, words and feeling in what is learnt from."""

MIXED = 0.6
"""How often the emotion stream is another's, wholly or in part."""

BEYOND = 0.4
"""How far beyond either of two clips a mixture of their emotion streams may go."""

BLENDED = 0.4
"""How often the words of two clips are heard as one blend, which asks for the blend of both faces (manifold mixup,
Verma 2019): voices that nobody taught leave features in doubt, and a face must lie between what is likely there."""

DECODER_RATE = 0.2
"""The decoder's share of the learning rate: it may get used to what the predictor sends it."""

ENCODER_RATE = 0.8
"""The encoders' share."""

FINISHES: Mapping[str, Mapping[str, float]] = {
    "finish_light": {"echoing": 4.0, "resting": 0.7, "rounding": 1.0},
    "finish_middle": {"echoing": 4.0, "resting": 1.2, "rounding": 2.5},
    "finish_strong": {"echoing": 4.0, "resting": 2.0, "rounding": 4.0},
}
"""What counts more in each of the last stage's three (``losses.MotionLoss``). Closures where it echoes, as they are in
doubt there; the gap in pauses, since brief ones, in which the mouth stays ajar, would open long ones too; rounding."""

FIRMNESS = 0.5
"""How far from stage 3's weights to the mean of stage 4's those lie that ship."""


class Trainee(nn.Module):
    """The network, with the heads that taught its encoders; they go on teaching and are not shipped."""

    def __init__(self, card: ModelCard, *, half: bool) -> None:
        super().__init__()
        self.narrow = half
        self.network = LsfNetwork(card)
        self.network.feature_extractor, self.network.audio_model = words, feeling = log_mel(card)
        self.listeners = Listeners(words, feeling, half=half)
        self.heads = Heads(card.predictor.audio_features, card.predictor.emotion_features)

    def latents(self, words: Tensor, feeling: Tensor) -> Tensor:
        """Features of both streams → latents of a motion."""
        network = self.network
        # Whoever speaks, the lips do the same: the shape is drawn at random in training.
        shape = torch.randn(len(words), network.card.identity.inputs)
        shape = shape * (torch.rand(len(words), 1) < 0.4)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.narrow):
            latent: Tensor = network.feature_predictor(words, feeling, network.style(shape))
        return latent.float()


def mixed(feeling: Tensor, agitation: Tensor) -> tuple[Tensor, Tensor]:
    """Emotion features (B, T, F) and agitation (B,), some of them mixed with those of the next item."""
    share = torch.where(
        torch.rand(len(feeling)) < MIXED, torch.rand(len(feeling)) * (1 + 2 * BEYOND) - BEYOND, torch.ones(len(feeling))
    )
    other, others = feeling.roll(1, 0), agitation.roll(1, 0)
    told = share * agitation + (1 - share) * others
    within = told.clamp(-STRONGEST_FEELING, STRONGEST_FEELING)
    return share[:, None, None] * feeling + (1 - share[:, None, None]) * other, within


def blended(words: Tensor, crops: Crops) -> tuple[Tensor, Crops]:
    """Some clips' words (B, T, F) and faces blended with those of the next clip, in any share."""
    share = torch.where(torch.rand(len(words)) < BLENDED, torch.rand(len(words)), torch.ones(len(words)))

    def with_next(values: Tensor) -> Tensor:
        part = share.reshape(-1, *[1] * (values.ndim - 1))
        return part * values + (1 - part) * values.roll(1, 0)

    faces = {name: with_next(getattr(crops, name)) for name in ("motion", "gap", "shut", "spoken", "echo")}
    # A phone has no halves: the larger part says it.
    phone = torch.where(share[:, None] < 0.5, crops.phone.roll(1, 0), crops.phone)
    return with_next(words), dataclasses.replace(crops, **faces, phone=phone, real=crops.real * crops.real.roll(1, 0))


class Moving:
    """All parts together (``learning.Pupil``).

    Args:
        trainee: with what the stages before have left.
        schedule: steps and crops.
        moves: what counts as wrong in a motion.
    """

    parts = ("motion", "codes", "words", "feeling")

    def __init__(self, trainee: Trainee, schedule: Schedule, moves: MotionLoss) -> None:
        self.whole, self.schedule, self.moves = trainee, schedule, moves
        self.says = HearingLoss(self.whole.heads)
        prior = trainee.network.motion_prior
        for fixed in (prior.motion_encoder, prior.quantize):
            fixed.requires_grad_(False)

    def groups(self) -> list[dict[str, Any]]:
        """The decoder goes slowly, the encoders less so."""
        trainee = self.whole
        decoder = list(trainee.network.motion_prior.motion_decoder.parameters())
        encoders = [*trainee.listeners.parameters(), *trainee.heads.parameters()]
        known = {id(value) for value in (*decoder, *encoders)}
        rest = [value for value in trainee.parameters() if value.requires_grad and id(value) not in known]
        return [
            {"params": rest, "share": 1.0},
            {"params": decoder, "share": DECODER_RATE},
            {"params": encoders, "share": ENCODER_RATE},
        ]

    def begin(self, drawer: Drawer) -> None:
        """With what the trainee has."""

    def wrong(self, drawer: Drawer) -> Tensor:
        """(4,) of motion, codes, words, feeling."""
        crops = drawer.draw(self.schedule.crops, self.schedule.frames)
        network = self.whole.network
        prior = network.motion_prior
        self.whole.listeners.refresh()
        words, feeling = self.whole.listeners(crops)
        said, felt = self.says(words, crops), self.says.of_feeling(feeling, crops)
        words, crops = blended(words, crops)
        feeling, agitation = mixed(feeling, crops.agitation)
        wanted = crops.felt(agitation)
        told = prior.quantize(self.whole.latents(words, feeling)).latent
        motion = network.in_units(prior.motion_decoder(told))
        with torch.no_grad():
            codes = prior.quantize(prior.motion_encoder(network.scaled(wanted))).latent
        real = crops.real[..., None]
        missed = ((told - codes).square() * real).sum() / (real.sum() * told.shape[-1])
        losses = torch.stack((self.moves(motion, wanted, crops), missed, said, felt))
        return losses * losses.new_tensor(WEIGHTS)

    def collect(self) -> None:
        """From the copies that computed."""
        self.whole.listeners.collect()


def whole_face(recipe: Recipe, card: ModelCard, folder: Path) -> Moving:
    """Stage 3, after the stages that left their files in ``folder``."""
    trainee = Trainee(card, half=bfloat16_pays())
    trainee.network.motion_prior.load_state_dict(left_by(folder, "prior"))
    both = nn.ModuleDict({"listeners": trainee.listeners, "heads": trainee.heads})
    both.load_state_dict(left_by(folder, "hearing"))
    return Moving(trainee, recipe.predictor, MotionLoss())


def finish(recipe: Recipe, card: ModelCard, folder: Path, *, name: str) -> Moving:
    """Stage 4, after stage 3: one of ``FINISHES``."""
    trainee = Trainee(card, half=bfloat16_pays())
    trainee.load_state_dict(left_by(folder, "predictor"))
    return Moving(trainee, recipe.finish, MotionLoss(**FINISHES[name]))


def shipped(folder: Path) -> dict[str, Tensor]:
    """The network's tensors that ship: between what stages 3 and 4 have left, without the heads that taught them.

    Stage 4 closes lips that stage 3 leaves open where it echoes, and shuts consonants too; between the two (Wortsman
    2022, WiSE-FT) nearly all of the closures are there and few of the wrong ones. The mean of three finishes that count
    things differently (Wortsman 2022, model soups) does better than each, and hangs less on chance.
    """
    before, finishes = left_by(folder, "predictor"), [left_by(folder, name) for name in FINISHES]
    start = "network."

    def between(name: str, value: Tensor) -> Tensor:
        if not value.is_floating_point():
            return value
        return torch.lerp(value, torch.stack([after[name] for after in finishes]).mean(0), FIRMNESS)

    return {name.removeprefix(start): between(name, value) for name, value in before.items() if name.startswith(start)}

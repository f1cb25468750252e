"""Stage 2: encoders and predictor learn which codes a voice calls for; codebook fixed, the decoder follows slowly."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.lsf import LsfNetwork, SpeechFeatures
from lsf_blender_addon.speech.mel import LogMelEncoder

from . import checkpoints, crews
from .batches import Crops, Drawer, unmeasured
from .losses import MotionLoss
from .phones import BILABIALS, INDEX, PHONES
from .recipe import Recipe

LATENT_WEIGHT = 0.3
PHONE_WEIGHT = 0.6
MEET_EVERY = 8
"""Steps between two meetings of the processes that learn together."""

DECODER_RATE = 0.2
"""The decoder's share of the learning rate: it may get used to what the predictor sends it."""


class Trainee(nn.Module):
    """The network with a head that names phones; the head helps while learning and is not shipped."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.network = LsfNetwork(card)
        self.phones = nn.Linear(card.predictor.audio_features, len(PHONES))

    def hear(self, spectrum: Tensor) -> SpeechFeatures:
        """(B, 2·T, columns), measured already → features of both streams."""
        network = self.network
        words, feeling = network.feature_extractor, network.audio_model
        if not isinstance(words, LogMelEncoder) or not isinstance(feeling, LogMelEncoder):
            raise ModelError("Only models with log-mel encoders can be trained from spectra.")
        bands = words.columns
        audio = words.forward_spectrum(spectrum[..., :bands], unmeasured(bands))
        emotion = feeling.forward_spectrum(spectrum, unmeasured(spectrum.shape[-1]))
        return SpeechFeatures(audio, emotion, (audio.shape[1],) * len(audio))

    def forward(self, crops: Crops) -> tuple[Tensor, Tensor, Tensor]:
        """A batch → latents, decoded motion in real units, phone scores."""
        network = self.network
        features = self.hear(crops.spectrum)
        # Whoever speaks, the lips do the same: the shape is drawn at random in training.
        shape = torch.randn(len(crops.spectrum), network.card.identity.inputs)
        shape = shape * (torch.rand(len(shape), 1) < 0.4)
        latent = network.feature_predictor(features.audio, features.emotion, network.style(shape))
        quantised = network.motion_prior.quantize(latent)
        motion = network.motion_prior.motion_decoder(quantised.latent)
        return latent, network.in_units(motion), self.phones(features.audio)


def train(recipe: Recipe, card: ModelCard, drawer: Drawer, prior: Path, folder: Path, *, rank: int = 0) -> Path:
    """Train until the recipe's last step, from the last checkpoint on; returns the file of the averaged weights."""
    path, finished = folder / "predictor.pt", folder / "predictor_finished.pt"
    if finished.is_file():
        return finished
    torch.manual_seed(2)
    trainee, loss_of, schedule = Trainee(card), MotionLoss(), recipe.predictor
    stored = checkpoints.load(prior)
    if stored is not None:
        trainee.network.motion_prior.load_state_dict(stored["weights"])
    teacher = trainee.network.motion_prior.motion_encoder.requires_grad_(False).eval()
    trainee.network.motion_prior.quantize.requires_grad_(False)
    optimiser = _optimiser(trainee, schedule.rate)
    state = checkpoints.load(path)
    begin = 0
    averaged = {name: value.clone() for name, value in trainee.network.state_dict().items()}
    if state is not None:
        trainee.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        averaged, begin = state["averaged"], state["step"]
    weight = torch.ones(len(PHONES))
    weight[[INDEX[name] for name in BILABIALS]] = 2.0
    torch.manual_seed(100 * begin + rank)
    began = time.monotonic()
    trainee.train()
    teacher.eval()
    for step in range(begin, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.rate_at(step, schedule) * group["share"]
        crops = drawer.draw(schedule.crops, schedule.frames)
        latent, motion, named = trainee(crops)
        with torch.no_grad():
            wanted = trainee.network.motion_prior.quantize(teacher(trainee.network.scaled(crops.motion))).latent
        real = crops.real[..., None]
        told = trainee.network.motion_prior.quantize(latent).latent
        codes = ((told - wanted).abs() * real).sum() / (real.sum() * latent.shape[-1])
        phones = functional.cross_entropy(named.transpose(1, 2), crops.phone, weight=weight, reduction="none")
        phones = (phones * crops.real).sum() / crops.real.sum()
        moved = loss_of(motion, crops)
        loss = moved + LATENT_WEIGHT * codes + PHONE_WEIGHT * phones
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trainee.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % MEET_EVERY == 0:
            crews.average(trainee.parameters())
        _follow(averaged, trainee.network, min(recipe.average, (1 + step) / (10 + step)))
        last = step + 1 == schedule.steps
        if rank == 0 and ((step + 1) % schedule.keep_every == 0 or last):
            print(
                f"predictor: step {step + 1} of {schedule.steps}, motion {moved.item():.4f}, codes {codes.item():.4f}, "
                f"phones {phones.item():.3f}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
            checkpoints.save(
                path,
                {
                    "weights": trainee.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "averaged": averaged,
                    "step": step + 1,
                },
            )
    if rank == 0:
        checkpoints.save(finished, {"averaged": averaged})
    return finished


def _optimiser(trainee: Trainee, rate: float) -> torch.optim.AdamW:
    decoder = list(trainee.network.motion_prior.motion_decoder.parameters())
    own = {id(value) for value in decoder}
    rest = [value for value in trainee.parameters() if value.requires_grad and id(value) not in own]
    groups = [{"params": rest, "share": 1.0}, {"params": decoder, "share": DECODER_RATE}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.02)


@torch.no_grad()
def _follow(averaged: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point:
            averaged[name].lerp_(value, 1.0 - decay)
        else:
            averaged[name].copy_(value)

"""Stages 3 and 4: all parts learn which codes a voice calls for; the codebook is fixed, encoders and decoder go slowly.

Feeling is taught to come by the emotion stream alone: half of the time a clip is heard with the emotion stream of
another clip, or with a mixture of both, and its face must then show that feeling. So the words' stream cannot tell it,
and moving along the emotion stream's features moves the feeling and nothing else.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.lsf import LsfNetwork

from . import checkpoints, crews
from .batches import Crops, Drawer
from .hearing import Heads, HearingLoss, Listeners, log_mel
from .hearing_training import MEET_EVERY
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

ECHOING = 2.5
"""How many times closures count in the last stage where an echo is as loud as the voice."""


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


@dataclass(frozen=True)
class Course:
    """One of the stages in which all learns together.

    Attributes:
        name: of the stage and its files.
        schedule: its steps.
        begin: gives a new trainee what the stages before have left.
        echoing: how many times closures count where it echoes (``losses.MotionLoss``).
    """

    name: str
    schedule: Schedule
    begin: Callable[[Trainee], None]
    echoing: float


def courses(recipe: Recipe, folder: Path) -> tuple[Course, Course]:
    """First the whole face; then closures count more where they are hard to hear.

    ``folder`` is where the stages leave their files.
    """
    hearing, prior = folder / "hearing_finished.pt", folder / "prior_finished.pt"
    whole = Course("predictor", recipe.predictor, after_hearing(hearing, prior), echoing=1.0)
    return whole, Course("closures", recipe.closures, after(whole, folder), echoing=ECHOING)


class Lesson:
    """One step's worth of learning: what a batch is heard and shown as, and how wrong that is."""

    def __init__(self, trainee: Trainee, course: Course) -> None:
        self.trainee = trainee
        self.moves = MotionLoss(echoing=course.echoing)
        self.says = HearingLoss(trainee.heads)

    def wrong(self, crops: Crops) -> Tensor:
        """(4,) of motion, codes, words, feeling."""
        network = self.trainee.network
        prior = network.motion_prior
        words, feeling = self.trainee.listeners(crops)
        said, felt = self.says(words, crops), self.says.of_feeling(feeling, crops)
        words, crops = blended(words, crops)
        feeling, agitation = mixed(feeling, crops.agitation)
        wanted = crops.felt(agitation)
        told = prior.quantize(self.trainee.latents(words, feeling)).latent
        motion = network.in_units(prior.motion_decoder(told))
        with torch.no_grad():
            codes = prior.quantize(prior.motion_encoder(network.scaled(wanted))).latent
        real = crops.real[..., None]
        missed = ((told - codes).square() * real).sum() / (real.sum() * told.shape[-1])
        return torch.stack((self.moves(motion, wanted, crops), missed, said, felt))


def train(recipe: Recipe, card: ModelCard, drawer: Drawer, course: Course, folder: Path, *, rank: int = 0) -> Path:
    """Train until the course's last step, from the last checkpoint on; returns the file of the averaged weights.

    Args:
        recipe: seed and average.
        card: of the model.
        drawer: gives the material.
        course: what to learn.
        folder: where checkpoints lie.
        rank: of this process among those that learn together.
    """
    path, finished = folder / f"{course.name}.pt", folder / f"{course.name}_finished.pt"
    if finished.is_file():
        return finished
    torch.manual_seed(recipe.seed)
    trainee, schedule = Trainee(card, half=bfloat16_pays()), course.schedule
    course.begin(trainee)
    for fixed in (trainee.network.motion_prior.motion_encoder, trainee.network.motion_prior.quantize):
        fixed.requires_grad_(False)
    lesson, optimiser = Lesson(trainee, course), _optimiser(trainee, schedule.rate)
    averaged, begin = checkpoints.copied(trainee.network), 0
    state = checkpoints.load(path)
    if state is not None:
        trainee.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        averaged, begin = state["averaged"], state["step"]
    torch.manual_seed(1000 * recipe.seed + 100 * begin + rank)
    began, sums = time.monotonic(), torch.zeros(4)
    trainee.train()
    for step in range(begin, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.rate_at(step, schedule) * group["share"]
        optimiser.zero_grad()
        trainee.listeners.refresh()
        losses = lesson.wrong(drawer.draw(schedule.crops, schedule.frames))
        torch.dot(losses, losses.new_tensor(WEIGHTS)).backward()  # type: ignore[no-untyped-call]
        trainee.listeners.collect()
        nn.utils.clip_grad_norm_(trainee.parameters(), 1.0)
        optimiser.step()
        sums += losses.detach()
        if (step + 1) % MEET_EVERY == 0:
            crews.average(trainee.parameters())
        checkpoints.follow(averaged, trainee.network, min(recipe.average, (1 + step) / (10 + step)))
        last = step + 1 == schedule.steps
        if rank == 0 and ((step + 1) % schedule.keep_every == 0 or last):
            means = " ".join(f"{value / schedule.keep_every:.4f}" for value in sums)
            sums.zero_()
            print(
                f"{course.name}: step {step + 1} of {schedule.steps}, motion, codes, words, feeling {means}, "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )
            weights, moments = trainee.state_dict(), optimiser.state_dict()
            state = {"weights": weights, "optimiser": moments, "averaged": averaged, "step": step + 1}
            checkpoints.save(path, state)
    if rank == 0:
        checkpoints.save(finished, {"averaged": averaged})
    return finished


def after_hearing(hearing: Path, prior: Path) -> Callable[[Trainee], None]:
    """Begin with the encoders and the codes that files hold."""

    def begin(trainee: Trainee) -> None:
        heard, coded = checkpoints.load(hearing), checkpoints.load(prior)
        if coded is not None:
            trainee.network.motion_prior.load_state_dict(coded["weights"])
        if heard is not None:
            both = nn.ModuleDict({"listeners": trainee.listeners, "heads": trainee.heads})
            both.load_state_dict(heard["averaged"])

    return begin


def after(course: Course, folder: Path) -> Callable[[Trainee], None]:
    """Begin with what another course has left in a folder."""

    def begin(trainee: Trainee) -> None:
        state = checkpoints.load(folder / f"{course.name}.pt")
        if state is not None:
            trainee.load_state_dict(state["weights"])
            trainee.network.load_state_dict(state["averaged"])

    return begin


def _optimiser(trainee: Trainee, rate: float) -> torch.optim.AdamW:
    decoder = list(trainee.network.motion_prior.motion_decoder.parameters())
    encoders = [*trainee.listeners.parameters(), *trainee.heads.parameters()]
    known = {id(value) for value in (*decoder, *encoders)}
    rest = [value for value in trainee.parameters() if value.requires_grad and id(value) not in known]
    groups = [
        {"params": rest, "share": 1.0},
        {"params": decoder, "share": DECODER_RATE},
        {"params": encoders, "share": ENCODER_RATE},
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.02)

"""The recipe: every size and number that decides what the starter becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lsf_blender_addon.models.card import (
    CodebookCard,
    EncoderCard,
    IdentityCard,
    LicenceCard,
    ModelCard,
    PredictorCard,
    PriorCard,
    RangesCard,
    SamplingCard,
    WindowCard,
)

MINUTES = {
    "espeak_english": 65.0,
    "espeak_world": 46.0,
    "flite": 78.0,
    "festival": 48.0,
    "pico": 120.0,
    "kokoro": 180.0,
    "held_out": 14.0,
}
"""Of each kind of speech in the corpus; how often each is learnt from is another matter (``batches.SHARES``)."""

HEARD = {"floor": 16.0, "depth": 8.0}
"""How deep words are heard, in nats of power: 69 dB below the loudest band, and 35 dB below each band's own peaks."""

PROVENANCE = (
    "Trained by scripts/train.py --recipe starter from nothing but speech of free text-to-speech engines "
    "(espeak-ng, flite, festival, Pico, Kokoro) and face curves that rules made from its phones; no recorded speech, "
    "no face data."
)


@dataclass(frozen=True)
class Sizes:
    """Widths and depths of the network."""

    words: int = 256
    word_dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 1)
    word_dropout: float = 0.25
    feeling: int = 64
    feeling_dilations: tuple[int, ...] = (1, 2, 4, 8, 16)
    latent: int = 128
    heads: int = 4
    intermediate: int = 256
    layers: int = 2
    prior_layers: int = 2
    code_width: int = 32
    levels: tuple[int, ...] = (8, 8, 8, 8, 8, 8, 8, 8)


@dataclass(frozen=True)
class Schedule:
    """One stage of training: steps of so many crops, a learning rate that rises and then falls as a cosine."""

    steps: int
    crops: int
    rate: float
    frames: int = 160
    warm: int = 200
    keep_every: int = 100


@dataclass(frozen=True)
class Recipe:
    """From nothing to a model folder.

    Attributes:
        name: of the model.
        minutes: of each kind of speech in the corpus, before it is altered.
        severities: of each variant that the corpus is altered to (0 a studio, 1 a bad line).
        sizes: of the network.
        noises: how many spectra of noise and babble are mixed in while learning.
        hearing: stage 1, the encoders.
        prior: stage 2, the codes.
        predictor: stage 3, all together; ``finish``: stage 4, the same three times with firmer lips.
        seed: of all that is drawn.
        average: decay of the moving average of the weights that ships.
    """

    name: str = "starter"
    minutes: Mapping[str, float] = field(default_factory=lambda: MINUTES)
    severities: tuple[float, ...] = (0.1, 0.65)
    shard_seconds: float = 360.0
    sizes: Sizes = field(default_factory=Sizes)
    noises: int = 400
    hearing: Schedule = field(default_factory=lambda: Schedule(steps=5000, crops=16, rate=1.5e-3, frames=160))
    prior: Schedule = field(default_factory=lambda: Schedule(steps=3000, crops=16, rate=7e-4, frames=64))
    predictor: Schedule = field(default_factory=lambda: Schedule(steps=2200, crops=16, rate=1.3e-3, frames=160))
    finish: Schedule = field(default_factory=lambda: Schedule(steps=1000, crops=16, rate=8e-4, frames=160, warm=50))
    average: float = 0.998
    seed: int = 3

    @property
    def hours(self) -> float:
        """Of speech in all."""
        return sum(self.minutes.values()) / 60.0


STARTER = Recipe()
TOY = Recipe(
    name="toy",
    minutes={"espeak_english": 0.94, "espeak_world": 0.65, "flite": 1.22, "festival": 0.68, "held_out": 0.11},
    severities=(0.3,),
    shard_seconds=20.0,
    sizes=Sizes(
        words=32, word_dilations=(1, 2), feeling=16, feeling_dilations=(1,), latent=32, intermediate=32, layers=2,
        prior_layers=1, code_width=16, levels=(5, 5, 5),
    ),
    noises=4,
    hearing=Schedule(steps=12, crops=4, rate=2e-3, frames=60, warm=4, keep_every=5),
    prior=Schedule(steps=12, crops=4, rate=2e-3, frames=60, warm=4, keep_every=5),
    predictor=Schedule(steps=12, crops=4, rate=2e-3, frames=60, warm=4, keep_every=5),
    finish=Schedule(steps=6, crops=4, rate=1e-3, frames=60, warm=2, keep_every=5),
)  # fmt: skip
"""The same stages in seconds: for tests."""

RECIPES = {recipe.name: recipe for recipe in (STARTER, TOY)}


def card_of(recipe: Recipe) -> ModelCard:
    """The model card of what the recipe trains, without its scores."""
    sizes = recipe.sizes
    return ModelCard(
        name=recipe.name,
        title="Starter" if recipe.name == "starter" else recipe.name.title(),
        space="arkit",
        fps=50.0,
        pairing=1,
        licence=LicenceCard(
            name="CC0-1.0", commercial_use=True, url="https://creativecommons.org/publicdomain/zero/1.0/"
        ),
        provenance=PROVENANCE,
        audio=EncoderCard(
            "log_mel",
            {
                "width": sizes.words,
                "dilations": list(sizes.word_dilations),
                "prosody": False,
                "dropout": sizes.word_dropout,
                **HEARD,
            },
        ),
        emotion=EncoderCard(
            "log_mel",
            {"width": sizes.feeling, "dilations": list(sizes.feeling_dilations), "prosody": True, "levels": "shared"},
        ),
        identity=IdentityCard(kind="softmax", inputs=300, hidden=(32,), identities=8),
        predictor=PredictorCard(
            latent=sizes.latent,
            layers=sizes.layers,
            heads=sizes.heads,
            intermediate=sizes.intermediate,
            audio_features=sizes.words,
            emotion_features=sizes.feeling,
            fusion_tokens=4,
            normalisation="frame",
            mixing="convolution",
            kernel=3,
            positions=False,
        ),
        prior=PriorCard(
            latent=sizes.latent,
            layers=sizes.prior_layers,
            heads=sizes.heads,
            intermediate=sizes.intermediate,
            normalisation="frame",
            mixing="convolution",
            kernel=3,
            positions=False,
        ),
        codebook=CodebookCard(
            kind="scalar", grouping="frame", codes=max(sizes.levels), width=sizes.code_width, levels=sizes.levels
        ),
        window=WindowCard(seconds=30.0, overlap=2.0),
        ranges=RangesCard(expression=(0.0, 0.25), jaw=(0.0, 0.08)),
        sampling=SamplingCard(sample=False, temperature=0.05, draws=1),
    )

"""The recipe from nothing to a model folder, stage by stage; each stage skips what is done already."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from lsf_blender_addon.models.card import ModelCard

from . import (
    corpus,
    crews,
    evaluation,
    hearing_training,
    learning,
    lids,
    material,
    neutral,
    predictor_training,
    prior_training,
    shipping,
)
from .batches import Drawer
from .hearing import log_mel
from .precision import keep_memory
from .recipe import Recipe, card_of

Result = TypeVar("Result")
STAGES: Mapping[str, Callable[[Recipe, ModelCard, Path], learning.Pupil]] = {
    "hearing": lambda recipe, card, _: hearing_training.Hearing(card, recipe.hearing),
    "prior": lambda recipe, card, _: prior_training.Coding(card, recipe.prior),
    "predictor": predictor_training.whole_face,
    **{name: partial(predictor_training.finish, name=name) for name in predictor_training.FINISHES},
}
"""What is learnt, in order; each stage takes up what those before it left in the folder."""


def make(recipe: Recipe, work: Path, destination: Path, workers: int) -> Path:
    """Make the recipe's model.

    Args:
        recipe: what to make.
        work: where everything half-done lies; run again with the same folder to go on.
        destination: the model folder.
        workers: processes to speak, alter and learn with.

    Returns:
        ``destination``.
    """
    work.mkdir(parents=True, exist_ok=True)
    card = card_of(recipe)
    shards = corpus.plan(recipe.minutes, recipe.shard_seconds)
    spoken = _timed("corpus", lambda: corpus.make(shards, work / "corpus", workers))
    altered = _timed("material", lambda: _material(recipe, card, spoken, work / "material", workers))
    for stage in STAGES:
        if not learning.finished_file(work, stage).is_file():
            crew = 1 if stage == "prior" else workers
            learn = partial(_learn, stage=stage, recipe=recipe, files=altered, work=work)
            _timed(stage, partial(crews.run, learn, crew, crew))
    weights = predictor_training.shipped(work)
    even = neutral.even_voices([path for path in spoken if not path.stem.startswith("held_out")])
    weights = lids.with_deep_blinks(card, neutral.with_neutral(card, weights, even), even)
    shipping.write_model(destination, card, weights)
    held_out = [path for path in spoken if path.stem.startswith("held_out")]
    scores = _timed("scores", lambda: held_out_scores(destination, held_out))
    shipping.write_card(destination, shipping.with_scores(card, {"held_out": scores}))
    return destination


def held_out_scores(model: Path, shards: list[Path]) -> dict[str, float]:
    """The lip scores on the synthetic voice that never trained."""
    evaluator = evaluation.Evaluator(model)
    recordings = (spoken for shard in shards for spoken in evaluation.synthetic_recordings(shard))
    summary = evaluation.pooled(evaluator.tallies(recordings)).summary()
    return {name: round(value, 4) for name, value in summary.items() if value == value}  # noqa: PLR0124 - NaN


def drawer(recipe: Recipe, card: ModelCard, files: list[Path], rank: int, workers: int) -> Drawer:
    """Draws crops from every ``workers``-th file."""
    items = [item for path in files[rank::workers] for item in material.read(path)]
    noises = np.load(files[0].parent / material.NOISES)
    # The clock is part of the seed: whoever goes on after a stop must not draw what was drawn before.
    return Drawer(items, log_mel(card), noises, seed=1000 * recipe.seed + rank + int(time.time()))


def _material(recipe: Recipe, card: ModelCard, spoken: list[Path], folder: Path, workers: int) -> list[Path]:
    settings, shards = dict(card.emotion.settings), [path for path in spoken if not path.stem.startswith("held_out")]
    folder.mkdir(parents=True, exist_ok=True)
    material.make_noises(shards, folder, settings, recipe.noises)
    return material.make(list(_batches(recipe, shards)), folder, settings, workers)


def _batches(recipe: Recipe, shards: list[Path]) -> Iterator[material.Batch]:
    for variant, severity in enumerate(recipe.severities):
        for path in shards:
            yield material.Batch(path, variant, severity)


def _learn(rank: int, workers: int, *, stage: str, recipe: Recipe, files: list[Path], work: Path) -> None:
    """One process's part in a stage, on one thread: threads that wait for each other lose more than they gain."""
    torch.set_num_threads(1)
    keep_memory()
    torch.manual_seed(recipe.seed)
    card = card_of(recipe)
    pupil, given = STAGES[stage](recipe, card, work), drawer(recipe, card, files, rank, workers)
    learning.learn(stage, pupil, given, work, seed=recipe.seed, average=recipe.average, rank=rank)


def _timed(name: str, stage: Callable[[], Result]) -> Result:
    began = time.monotonic()
    result = stage()
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return result

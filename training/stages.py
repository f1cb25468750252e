"""The recipe from nothing to a model folder, stage by stage; each stage skips what is done already."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from lsf_blender_addon.models.card import ModelCard

from . import (
    checkpoints,
    corpus,
    crews,
    evaluation,
    hearing_training,
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
    for name, learn in (("hearing", _hear), ("prior", _code), ("predictor", _predict), ("closures", _firm)):
        if not (work / f"{name}_finished.pt").is_file():
            crew = 1 if name == "prior" else workers
            _timed(name, lambda learn=learn, crew=crew: crews.run(learn, crew, crew, recipe, altered, work))  # type: ignore[misc]
    weights = checkpoints.load(work / "closures_finished.pt")
    if weights is None:
        raise FileNotFoundError(work / "closures_finished.pt")
    even = neutral.even_voices([path for path in spoken if not path.stem.startswith("held_out")])
    shipping.write_model(destination, card, neutral.with_neutral(card, weights["averaged"], even))
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


def _hear(rank: int, workers: int, recipe: Recipe, files: list[Path], work: Path) -> None:
    card = _begin(recipe)
    hearing_training.train(recipe, card, drawer(recipe, card, files, rank, workers), work, rank=rank)


def _code(rank: int, workers: int, recipe: Recipe, files: list[Path], work: Path) -> None:
    card = _begin(recipe)
    prior_training.train(recipe, card, drawer(recipe, card, files, rank, workers), work)


def _predict(rank: int, workers: int, recipe: Recipe, files: list[Path], work: Path) -> None:
    card, course = _begin(recipe), predictor_training.courses(recipe, work)[0]
    predictor_training.train(recipe, card, drawer(recipe, card, files, rank, workers), course, work, rank=rank)


def _firm(rank: int, workers: int, recipe: Recipe, files: list[Path], work: Path) -> None:
    card, course = _begin(recipe), predictor_training.courses(recipe, work)[1]
    predictor_training.train(recipe, card, drawer(recipe, card, files, rank, workers), course, work, rank=rank)


def _begin(recipe: Recipe) -> ModelCard:
    """One thread for each process: threads that wait for each other lose more than they gain."""
    torch.set_num_threads(1)
    keep_memory()
    return card_of(recipe)


def _timed(name: str, stage: Callable[[], Result]) -> Result:
    began = time.monotonic()
    result = stage()
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return result

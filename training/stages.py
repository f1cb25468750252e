"""The recipe from nothing to a model folder, stage by stage; each stage skips what is done already."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import torch

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.speech.mel import LogMelEncoder

from . import checkpoints, corpus, crews, evaluation, material, predictor_training, prior_training, shipping
from .batches import Drawer
from .recipe import RECIPES, Recipe, card_of

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
    _timed("prior", lambda: prior_training.train(recipe, card, drawer(card, altered, 0, 1), work))
    _timed("predictor", lambda: crews.run(_learn, workers, workers, recipe.name, altered, work))
    weights = checkpoints.load(work / "predictor_finished.pt")
    if weights is None:
        raise FileNotFoundError(work / "predictor_finished.pt")
    shipping.write_model(destination, card, weights["averaged"])
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


def drawer(card: ModelCard, files: list[Path], rank: int, workers: int) -> Drawer:
    """Draws crops from every ``workers``-th file."""
    items = [item for path in files[rank::workers] for item in material.read(path)]
    return Drawer(items, LogMelEncoder(card.emotion.settings), seed=rank + int(time.time()))


def _material(recipe: Recipe, card: ModelCard, spoken: list[Path], folder: Path, workers: int) -> list[Path]:
    batches = list(_batches(recipe, spoken))
    return material.make(batches, folder, dict(card.emotion.settings), workers)


def _batches(recipe: Recipe, spoken: list[Path]) -> Iterator[material.Batch]:
    for variant, severity in enumerate(recipe.severities):
        for path in spoken:
            if not path.stem.startswith("held_out"):
                yield material.Batch(path, variant, severity)


def _learn(rank: int, workers: int, name: str, files: list[Path], work: Path) -> None:
    torch.set_num_threads(1)
    recipe = RECIPES[name]
    card = card_of(recipe)
    share = drawer(card, files, rank, workers)
    predictor_training.train(recipe, card, share, work / "prior_finished.pt", work, rank=rank)


def _timed(name: str, stage: Callable[[], Result]) -> Result:
    began = time.monotonic()
    result = stage()
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return result

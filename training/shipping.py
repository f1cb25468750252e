"""The model folder: card, weights in half precision, and a page that says what it is and how it was made."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from lsf_blender_addon.models.card import CARD_NAME, WEIGHTS_NAME, ModelCard

PAGE_NAME = "MODEL_CARD.md"


def write_model(folder: Path, card: ModelCard, weights: dict[str, Tensor]) -> None:
    """Write ``model.json`` and ``weights.safetensors`` (float16: half the size, no difference that can be measured)."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: _half(value) for name, value in weights.items()}
    beside = folder / (WEIGHTS_NAME + ".part")
    save_file(halves, beside, metadata={"licence": card.licence.name})
    beside.replace(folder / WEIGHTS_NAME)
    write_card(folder, card)


def _half(value: Tensor) -> Tensor:
    return (value.half() if value.dtype == torch.float32 else value).contiguous()


def write_card(folder: Path, card: ModelCard) -> None:
    """Write ``model.json``."""
    beside = folder / (CARD_NAME + ".part")
    beside.write_text(card.to_json(), encoding="utf-8")
    beside.replace(folder / CARD_NAME)


def with_scores(card: ModelCard, scores: dict[str, Any]) -> ModelCard:
    """The same card with scores."""
    return dataclasses.replace(card, scores=scores)

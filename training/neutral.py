"""The neutral feeling that ships with a model: the mean of what its emotion encoder hears in even voices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.lsf import NEUTRAL_NAME, LsfNetwork, assign

from .corpus import Utterance, read_shard

EVEN = 0.15
"""The most agitation, up or down, that counts as even."""

MOST = 200


def even_voices(shards: Sequence[Path], most: int = MOST) -> list[Utterance]:
    """Utterances of a corpus that are neither subdued nor excited, spread over its shards."""
    share = max(1, most // max(len(shards), 1))
    found: list[Utterance] = []
    for path in shards:
        found += [utterance for utterance in read_shard(path) if abs(utterance.agitation) <= EVEN][:share]
    return found[:most]


@torch.inference_mode()
def with_neutral(card: ModelCard, weights: dict[str, Tensor], voices: Iterable[Utterance]) -> dict[str, Tensor]:
    """The same weights and, as ``emotion_neutral`` (emotion_features,), the mean over all frames of ``voices``.

    Args:
        card: of the model.
        weights: all its tensors.
        voices: even ones; none leaves the weights as they are.

    Raises:
        ModelError: the weights are not the card's.
    """
    network = LsfNetwork(card).eval()
    assign(network, {name: tensor for name, tensor in weights.items() if name != NEUTRAL_NAME}, "the weights")
    total, frames = torch.zeros(card.predictor.emotion_features), 0
    for voice in voices:
        heard = network.hear_emotion(torch.from_numpy(voice.samples)[None])[0]
        total, frames = total + heard.sum(0), frames + len(heard)
    return {**weights, NEUTRAL_NAME: (total / frames).clone()} if frames else weights

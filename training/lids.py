"""Lids that shut: what a network learnt of blinks, scaled so that a usual one shuts the eye.

Nobody can tell from a voice to a frame when a blink comes, so that what is learnt is a blink not quite shut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS
from lsf_blender_addon.network.lsf import LsfNetwork, assign

from .coarticulation import curves
from .corpus import Utterance
from .phones import Phone
from .voices import RATE

LIDS = tuple(ARKIT_EXPRESSIONS.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight"))
ROWS = "motion_prior.motion_decoder.feature_mapping_reverse.weight"
"""The decoder's last, linear map: a row a channel."""

PAUSE = 0.8
"""Seconds of silence after a phrase, in which its blink comes."""

DEEP, CAME = 0.9, 0.4
"""A blink of the rules is at least so deep; one that came of the network at least so."""

AROUND = 0.2
"""Seconds beside a blink's deepest frame in which it may come."""

MOST = 1.5
"""The most by which lids are scaled."""


@torch.inference_mode()
def with_deep_blinks(card: ModelCard, weights: dict[str, Tensor], voices: Iterable[Utterance]) -> dict[str, Tensor]:
    """The same weights, the decoder's rows of both lids scaled so that the median blink shuts the eye.

    Args:
        card: of a model in ``arkit``.
        weights: all its tensors.
        voices: utterances; where no blink comes of them, the weights stay as they are.

    Raises:
        ModelError: the weights are not the card's.
    """
    network = LsfNetwork(card).eval()
    assign(network, weights, "the weights")
    came = [depth for voice in voices for depth in _blinks(network, voice) if depth >= CAME]
    if not came:
        return weights
    rows = weights[ROWS].clone()
    rows[list(LIDS)] *= float(np.clip(1.0 / np.median(came), 1.0, MOST))
    return {**weights, ROWS: rows}


def _blinks(network: LsfNetwork, voice: Utterance) -> Iterator[float]:
    """How far the network shuts the lids around each blink of the rules."""
    samples = np.pad(voice.samples, (0, int(PAUSE * RATE)))
    motion = network.decode(network.predict(network.features(torch.from_numpy(samples)[None])))[0, 0].numpy()
    fps, end = network.card.fps, voice.seconds
    phones = (*(phone for phone in voice.phones if phone.begin < end), Phone("sil", end, end + PAUSE))
    wanted = curves(samples, phones, fps, len(motion)).motion[:, LIDS[0]]
    reach = round(AROUND * fps)
    for frame in range(1, len(wanted) - 1):
        if wanted[frame] >= DEEP and wanted[frame - 1] < wanted[frame] >= wanted[frame + 1]:
            yield float(motion[max(0, frame - reach) : frame + reach + 1, LIDS[0]].max())

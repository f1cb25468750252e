"""What is measured: a model of the published size with made-up weights, the starter, and speech of any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lsf_blender_addon.audio import SpeechClip, read_clip
from lsf_blender_addon.models.card import (
    CARD_NAME,
    WEIGHTS_NAME,
    CodebookCard,
    EncoderCard,
    IdentityCard,
    LicenceCard,
    ModelCard,
    PredictorCard,
    PriorCard,
    RangesCard,
)
from lsf_blender_addon.models.checkpoint import PUBLISHED_WINDOW

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "samples" / "hello.wav"
SAMPLE_RATE = 16_000


def published_card() -> ModelCard:
    """The published sizes; the motion is read in the bundled head's space, so that its lips can be measured."""
    return ModelCard(
        name="benchmark",
        title="Published size, made-up weights",
        space="arkit",
        fps=25.0,
        pairing=2,
        licence=LicenceCard("CC0-1.0", commercial_use=True),
        provenance="scripts/benchmark.py",
        audio=EncoderCard("hubert"),
        emotion=EncoderCard("emotion2vec"),
        identity=IdentityCard(),
        predictor=PredictorCard(),
        prior=PriorCard(),
        codebook=CodebookCard(),
        window=PUBLISHED_WINDOW,
        ranges=RangesCard(expression=(0.0, 1.0), jaw=(0.0, 0.3)),
    )


def write_published(folder: Path) -> None:
    """Write a model folder of the published size, its weights from the reference vectors' formula."""
    from safetensors.torch import save_file  # noqa: PLC0415

    from lsf_blender_addon.network.lsf import random_network  # noqa: PLC0415
    from parity.filling import fill  # noqa: PLC0415 - torch only in the processes that need it

    network = random_network(published_card(), 0)
    fill(network, "", 0)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD_NAME).write_text(network.card.to_json(), encoding="utf-8")
    save_file(dict(network.state_dict()), folder / WEIGHTS_NAME)


def speech(seconds: float) -> SpeechClip:
    """The sample recording, said again and again until it is so long."""
    once = read_clip(SAMPLE).samples
    wanted = round(seconds * SAMPLE_RATE)
    return SpeechClip(np.resize(once, wanted).astype(np.float32), f"{SAMPLE.name}, repeated", 0.0)

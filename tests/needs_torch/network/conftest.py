"""Small models of both forms: scaled-down published ones, and local ones as the starter is."""

from __future__ import annotations

import dataclasses

import pytest

from lsf_blender_addon.models.card import (
    CodebookCard,
    EncoderCard,
    IdentityCard,
    LicenceCard,
    ModelCard,
    PredictorCard,
    PriorCard,
    WindowCard,
)

HUBERT = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
EMOTION2VEC = {
    "embed": 24,
    "heads": 4,
    "depth": 2,
    "prenet_depth": 1,
    "conv_width": 16,
    "position_width": 20,
    "position_depth": 4,
    "position_groups": 4,
}
LOG_MEL = {"width": 24, "bands": 20, "dilations": [1, 2], "dropout": 0.0}


@pytest.fixture
def published_form() -> ModelCard:
    """Everything as published, with small widths."""
    return ModelCard(
        name="published-small",
        title="",
        space="flame",
        fps=25.0,
        pairing=2,
        licence=LicenceCard("test", commercial_use=False),
        provenance="test",
        audio=EncoderCard("hubert", HUBERT),
        emotion=EncoderCard("emotion2vec", EMOTION2VEC),
        identity=IdentityCard(hidden=(16, 8), identities=5),
        predictor=PredictorCard(latent=32, layers=3, heads=4, intermediate=48, audio_features=48, emotion_features=48),
        prior=PriorCard(latent=32, layers=2, heads=4, intermediate=48),
        codebook=CodebookCard(codes=16, width=16),
        window=WindowCard(8.0, 1.0),
    )


@pytest.fixture
def local_form(published_form: ModelCard) -> ModelCard:
    """Everything local in time: log-mel encoders, convolutions, layer norm per frame, residual codes per frame."""
    local = {"normalisation": "frame", "mixing": "convolution", "positions": False}
    return dataclasses.replace(
        published_form,
        name="local-small",
        space="arkit",
        fps=50.0,
        pairing=1,
        audio=EncoderCard("log_mel", LOG_MEL),
        emotion=EncoderCard("log_mel", {**LOG_MEL, "prosody": True}),
        identity=IdentityCard(inputs=12, hidden=(8,), identities=3),
        predictor=dataclasses.replace(published_form.predictor, audio_features=24, emotion_features=24, **local),
        prior=dataclasses.replace(published_form.prior, **local),
        codebook=CodebookCard(kind="residual", grouping="frame", codes=16, width=32, stages=2),
    )

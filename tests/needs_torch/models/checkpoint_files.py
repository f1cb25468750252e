"""Checkpoints as PyTorch-Lightning writes them for the published code: its names, its settings, its sums."""

from __future__ import annotations

import typing
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import Tensor

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
from lsf_blender_addon.network.lsf import LsfNetwork, random_network

DECODER = "audio_model.modality_encoders.AUDIO.decoder."

SMALL = ModelCard(
    name="small",
    title="",
    space="flame",
    fps=25.0,
    pairing=2,
    licence=LicenceCard("test", commercial_use=False),
    provenance="test",
    audio=EncoderCard(
        "hubert",
        {
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 1,
            "intermediate_size": 96,
            "conv_dim": [16] * 7,
            "num_conv_pos_embeddings": 16,
            "num_conv_pos_embedding_groups": 4,
            "epsilon": 1e-5,
        },
    ),
    emotion=EncoderCard(
        "emotion2vec",
        {
            "embed": 24,
            "heads": 4,
            "depth": 2,
            "prenet_depth": 1,
            "mlp_ratio": 4.0,
            "extra_tokens": 10,
            "conv_width": 16,
            "position_width": 20,
            "position_depth": 4,
            "position_groups": 4,
        },
    ),
    identity=IdentityCard(hidden=(16, 8), identities=5),
    predictor=PredictorCard(latent=32, layers=3, heads=4, intermediate=48, audio_features=128, emotion_features=48),
    prior=PriorCard(latent=32, layers=2, heads=4, intermediate=48),
    codebook=CodebookCard(codes=16, width=16),
    window=WindowCard(10.0, 1.0),
)


FULL = replace(
    SMALL,
    audio=EncoderCard("hubert"),
    emotion=EncoderCard("emotion2vec"),
    identity=IdentityCard(),
    predictor=PredictorCard(),
    prior=PriorCard(),
    codebook=CodebookCard(),
)


def published_state(network: LsfNetwork) -> OrderedDict[str, Tensor]:
    """The network's tensors, and what a checkpoint holds beside them: a decoder and running sums."""
    state: OrderedDict[str, Tensor] = OrderedDict(network.state_dict())
    width = network.audio_model.width
    state[f"{DECODER}blocks.0.0.weight"] = torch.randn(8, width // 4, 7)
    state[f"{DECODER}blocks.0.0.bias"] = torch.zeros(8)
    state[f"{DECODER}proj.weight"] = torch.randn(width, 8)
    for prefix in ("", "motion_prior."):
        for split in ("train", "test", "val"):
            for kind in ("total", "count"):
                state[f"{prefix}_losses.losses_{split}.{kind}"] = torch.tensor(0.25)
    return state


def settings(card: ModelCard) -> dict[str, Any]:
    """Settings as the published code hands them to Lightning: omegaconf's objects, a numpy scalar, typing.Any."""
    return {
        "feature_predictor": OmegaConf.create(
            {
                "_target_": "framework.model.transformer_pred.TransformerPredictor",
                "latent_dim": card.predictor.latent,
                "num_layers": card.predictor.layers,
                "num_heads": card.predictor.heads,
                "quant_factor": 0,
                "betas": [0.9, 0.98, {"nested": None}],
            }
        ),
        "motion_prior": OmegaConf.create(
            {"motion_decoder": {"num_heads": card.prior.heads, "again": "${motion_decoder.num_heads}"}}
        ),
        "splits": OmegaConf.create(["train", "val"]),
        "std": np.float64(0.5),
        "kind": typing.Any,
        "single": OmegaConf.create({"a": 1})._get_node("a"),
        "folder": Path("results"),
        "device": torch.device("cpu"),
    }


def checkpoint(state: dict[str, Tensor], hyper_parameters: Any) -> dict[str, Any]:
    """Everything that Lightning keeps."""
    weight = next(iter(state.values()))
    return {
        "epoch": 57,
        "global_step": 123456,
        "pytorch-lightning_version": "2.1.4",
        "state_dict": state,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 58}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'total/val'}": {"best_model_score": torch.tensor(0.1)}},
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros_like(weight)}}}],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": hyper_parameters,
    }


def small_network(card: ModelCard = SMALL) -> LsfNetwork:
    """A network whose every tensor differs from what a fresh one would hold."""
    network = random_network(card, seed=11)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    return network

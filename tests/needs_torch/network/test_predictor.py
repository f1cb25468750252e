"""The two streams and their fusion."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from lsf_blender_addon.models.card import ModelCard, PredictorCard
from lsf_blender_addon.network.predictor import FeaturePredictor


def built(card: PredictorCard) -> FeaturePredictor:
    torch.manual_seed(3)
    predictor = FeaturePredictor(card, 5).eval()
    with torch.no_grad():
        for parameter in predictor.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return predictor


def heard(frames: int = 20, batch: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(4)
    return torch.randn(batch, frames, 48), torch.randn(batch, frames, 48), torch.rand(batch, 5).softmax(-1)


@pytest.fixture(params=["attention", "convolution"])
def card(published_form: ModelCard, request: pytest.FixtureRequest) -> PredictorCard:
    return dataclasses.replace(published_form.predictor, mixing=request.param)


@pytest.mark.parametrize("dead", ["out_norm", "emo_blocks.2", "fusion_blocks.2"])
def test_parts_that_cannot_reach_the_output_change_nothing(card: PredictorCard, dead: str) -> None:
    predictor = built(card)
    before = predictor(*heard())
    with torch.no_grad():
        for parameter in predictor.get_submodule(dead).parameters():
            parameter.fill_(torch.nan)
    torch.testing.assert_close(predictor(*heard()), before, rtol=0, atol=0)


@pytest.mark.parametrize("alive", ["emo_blocks.1", "fusion_blocks.1", "audio_blocks.2", "squash_e", "emo_feat"])
def test_parts_that_reach_the_output_change_it(card: PredictorCard, alive: str) -> None:
    predictor = built(card)
    before = predictor(*heard())
    with torch.no_grad():
        for parameter in predictor.get_submodule(alive).parameters():
            parameter.add_(torch.randn_like(parameter))
    assert (predictor(*heard()) - before).abs().max() > 1e-6


def test_a_batch_gives_what_its_items_give_alone(card: PredictorCard) -> None:
    predictor = built(card)
    audio, emotion, style = heard(batch=3)
    together = predictor(audio, emotion, style)
    for item in range(3):
        alone = predictor(audio[item : item + 1], emotion[item : item + 1], style[item : item + 1])
        torch.testing.assert_close(together[item : item + 1], alone, rtol=0, atol=1e-5)


def test_the_style_changes_what_is_predicted(card: PredictorCard) -> None:
    predictor = built(card)
    audio, emotion, style = heard()
    assert (predictor(audio, emotion, style) - predictor(audio, emotion, style.flip(-1))).abs().max() > 1e-3


def test_gradients_reach_every_part_that_is_computed(card: PredictorCard) -> None:
    predictor = built(card).train()
    predictor(*heard()).square().mean().backward()
    dead = ("out_norm", "emo_blocks.2", "fusion_blocks.2")
    without = [name for name, value in predictor.named_parameters() if value.grad is None]
    assert all(name.startswith(dead) for name in without)

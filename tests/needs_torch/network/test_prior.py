"""Motion to codes and back."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from lsf_blender_addon.models.card import ModelCard
from lsf_blender_addon.network.prior import MotionPrior


@pytest.fixture(params=["published_form", "local_form"])
def card(request: pytest.FixtureRequest) -> ModelCard:
    form: ModelCard = request.getfixturevalue(request.param)
    return form


def built(card: ModelCard) -> MotionPrior:
    torch.manual_seed(1)
    return MotionPrior(card.prior, card.codebook).eval()


@pytest.mark.parametrize("frames", [2, 3, 33])
def test_motion_comes_back_in_its_shape(card: ModelCard, frames: int) -> None:
    motion, quantised = built(card)(torch.rand(2, frames, 53))
    assert motion.shape == (2, frames, 53)
    assert quantised.latent.shape == (2, frames, 32)


def test_a_batch_gives_what_its_items_give_alone(card: ModelCard) -> None:
    prior = built(card)
    motion = torch.rand(3, 17, 53)
    together, _ = prior(motion)
    for item in range(3):
        torch.testing.assert_close(together[item : item + 1], prior(motion[item : item + 1])[0], rtol=0, atol=1e-5)


def test_gradients_reach_encoder_and_decoder(card: ModelCard) -> None:
    prior = built(card).train()
    motion, quantised = prior(torch.rand(2, 20, 53))
    (motion.square().mean() + quantised.loss).backward()
    assert [name for name, value in prior.named_parameters() if value.grad is None] == []


def test_a_local_prior_sees_only_around_itself(local_form: ModelCard) -> None:
    prior = built(dataclasses.replace(local_form))
    latent = torch.randn(1, 80, 32)
    whole = prior.motion_decoder(latent)
    part = prior.motion_decoder(latent[:, 20:60])
    torch.testing.assert_close(part[:, 10:-10], whole[:, 30:50], rtol=0, atol=1e-5)

"""Latents to codes and back, in all kinds and both groupings."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.models.card import CodebookCard, SamplingCard
from lsf_blender_addon.network.codebook import (
    MovingAverages,
    Quantiser,
    ScalarQuantiser,
    TableQuantiser,
    draw_indices,
    quantiser_of,
)

PLAIN = CodebookCard(kind="plain", grouping="frame", codes=16, width=8)
RUNS = CodebookCard(kind="plain", grouping="time_runs", codes=16, width=16)
RESIDUAL = CodebookCard(kind="residual", grouping="frame", codes=16, width=32, stages=3)
SCALAR = CodebookCard(kind="scalar", grouping="frame", width=16, levels=(8, 5, 5, 2))
KINDS = {"plain": PLAIN, "runs": RUNS, "residual": RESIDUAL, "scalar": SCALAR}


def latents(frames: int = 21, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, frames, 32, generator=torch.Generator().manual_seed(5))


def built(card: CodebookCard) -> Quantiser:
    torch.manual_seed(6)
    quantiser = quantiser_of(card, 32)
    if isinstance(quantiser, TableQuantiser):
        with torch.no_grad():
            for stage, embedding in enumerate(quantiser.embeddings):
                embedding.weight.normal_(0, 0.7**stage)
    return quantiser


@pytest.fixture(params=list(KINDS))
def quantiser(request: pytest.FixtureRequest) -> Quantiser:
    return built(KINDS[request.param])


def test_rows_come_back_as_frames(quantiser: Quantiser) -> None:
    torch.testing.assert_close(quantiser.frames(quantiser.rows(latents())), latents(), rtol=0, atol=0)


def test_time_runs_follow_one_channel_and_spill_into_the_next() -> None:
    latent = torch.arange(2 * 21 * 32.0).view(2, 21, 32)
    rows = built(RUNS).rows(latent)
    assert rows.shape == (2, 42, 16)
    assert rows[0, 0].tolist() == latent[0, :16, 0].tolist()
    assert rows[0, 1].tolist() == latent[0, 16:, 0].tolist() + latent[0, :11, 1].tolist()


def test_frame_rows_do_not_depend_on_the_length() -> None:
    quantiser = built(PLAIN)
    whole = quantiser(latents()).indices
    part = quantiser(latents()[:, :9]).indices
    assert torch.equal(part, whole[:, : part.shape[1]])


def test_the_nearest_code_is_the_nearest() -> None:
    quantiser = built(PLAIN)
    assert isinstance(quantiser, TableQuantiser)
    far = torch.cdist(quantiser.rows(latents()), quantiser.tables[0])
    assert torch.equal(quantiser(latents()).indices[..., 0], far.argmin(-1))


def test_codes_stand_for_the_latents_that_they_came_as(quantiser: Quantiser) -> None:
    made = quantiser(latents())
    torch.testing.assert_close(quantiser.vectors(made.indices), made.latent, rtol=0, atol=1e-5)


def test_quantising_what_is_quantised_changes_nothing() -> None:
    for card in (PLAIN, RUNS):
        once = built(card)(latents()).latent
        torch.testing.assert_close(built(card)(once).latent, once, rtol=0, atol=1e-5)


def test_every_residual_stage_comes_nearer() -> None:
    errors = []
    for stages in (1, 2, 3):
        quantiser = built(dataclasses.replace(RESIDUAL, width=2, stages=stages))
        errors.append((quantiser(latents()).latent - latents()).square().mean().item())
    assert errors[0] > errors[1] > errors[2]


def test_scalar_levels_are_all_reached_and_none_beyond() -> None:
    quantiser = built(SCALAR)
    wide = 30 * torch.randn(4, 2000, 32, generator=torch.Generator().manual_seed(0))
    for scale in (0.02, 1.0):
        indices = quantiser(scale * wide).indices
        for number, levels in enumerate(SCALAR.levels):
            assert indices[..., number].min() >= 0
            assert indices[..., number].max() <= levels - 1
    assert [int(quantiser(0.1 * wide).indices[..., n].unique().numel()) for n in range(4)] == list(SCALAR.levels)


def test_the_gradient_goes_straight_through_tables() -> None:
    latent = latents().requires_grad_()
    built(PLAIN)(latent).latent.sum().backward()
    torch.testing.assert_close(latent.grad, torch.ones_like(latent))


def test_the_gradient_passes_scalar_rounding() -> None:
    latent = latents().requires_grad_()
    quantiser = built(SCALAR)
    quantiser(latent).latent.square().sum().backward()
    assert latent.grad is not None
    assert latent.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in quantiser.parameters())


def test_the_loss_is_the_published_one() -> None:
    quantiser = built(PLAIN)
    made = quantiser(latents())
    error = (made.latent - latents()).square().mean()
    torch.testing.assert_close(made.loss, 1.25 * error)


def test_perplexity_counts_the_codes_in_use() -> None:
    quantiser = built(PLAIN)
    assert isinstance(quantiser, TableQuantiser)
    even = quantiser.tables[0].reshape(1, 4, 32)
    assert quantiser(even).perplexity.item() == pytest.approx(16, rel=1e-4)
    assert quantiser(even[:, :1].expand(1, 4, 32)).perplexity.item() == pytest.approx(4, rel=1e-4)


def test_a_seed_gives_the_same_draws_and_another_seed_others(quantiser: Quantiser) -> None:
    warm = SamplingCard(temperature=2.0)
    first, again, other = (quantiser.draw(latents(), warm, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_cold_draw_is_the_nearest_code(quantiser: Quantiser) -> None:
    cold = quantiser.draw(latents(), SamplingCard(temperature=1e-6), torch.Generator().manual_seed(1))
    torch.testing.assert_close(cold, quantiser.draw(latents(), SamplingCard(sample=False)))


def test_draws_are_those_of_torchs_multinomial() -> None:
    far = 3 * torch.rand(500, 16, generator=torch.Generator().manual_seed(2))
    for draws in (1, 3, 16):
        chances = (-far / 0.5).softmax(-1)
        expected = torch.multinomial(chances, draws, generator=torch.Generator().manual_seed(7))[:, -1]
        sampling = SamplingCard(temperature=0.5, draws=draws)
        assert torch.equal(draw_indices(far, sampling, torch.Generator().manual_seed(7)), expected)


def test_draws_follow_the_chances() -> None:
    far = torch.tensor([0.0, 0.2, 1.0]).expand(60_000, 3)
    drawn = draw_indices(far, SamplingCard(temperature=0.5), torch.Generator().manual_seed(0))
    share = torch.bincount(drawn, minlength=3) / len(drawn)
    torch.testing.assert_close(share, (-far[0] / 0.5).softmax(-1), rtol=0, atol=0.01)


def test_the_last_of_all_draws_is_a_code_that_is_left_even_where_chances_vanish() -> None:
    far = torch.tensor([0.0, 500.0, 1000.0]).expand(1000, 3)
    drawn = draw_indices(far, SamplingCard(temperature=0.2, draws=2), torch.Generator().manual_seed(0))
    assert drawn.unique().tolist() == [1]


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_above_zero_is_refused_in_a_sentence(
    quantiser: Quantiser, temperature: float
) -> None:
    with pytest.raises(ModelError, match="must be above 0"):
        quantiser.draw(latents(), SamplingCard(temperature=temperature))


@pytest.mark.parametrize("draws", [0, 17])
def test_more_draws_than_codes_are_refused_in_a_sentence(quantiser: Quantiser, draws: int) -> None:
    with pytest.raises(ModelError, match="draws were asked for"):
        quantiser.draw(latents(), SamplingCard(draws=draws))


@pytest.mark.parametrize(
    "card",
    [
        dataclasses.replace(PLAIN, width=7),
        dataclasses.replace(PLAIN, stages=2),
        dataclasses.replace(RESIDUAL, stages=0),
        dataclasses.replace(SCALAR, levels=()),
        dataclasses.replace(SCALAR, levels=(8, 1)),
    ],
)
def test_sizes_that_do_not_go_together_are_refused_in_a_sentence(card: CodebookCard) -> None:
    with pytest.raises(ModelError):
        quantiser_of(card, 32)


def test_moving_averages_find_clusters_and_restart_dead_codes() -> None:
    torch.manual_seed(0)
    quantiser = TableQuantiser(CodebookCard(grouping="frame", codes=16, width=32), 32)
    centres = 3 * torch.randn(16, 32)
    upkeep = MovingAverages(quantiser, decay=0.8)
    error = 0.0
    for _ in range(80):
        batch = (centres[torch.randint(16, (256,))] + 0.05 * torch.randn(256, 32))[None]
        error = quantiser(batch).commitment.item()
        upkeep.update(batch)
    assert error < 0.7
    assert quantiser(centres[None]).perplexity > 10


def test_scalar_quantisation_says_how_many_levels_its_sampling_allows() -> None:
    quantiser = built(SCALAR)
    assert isinstance(quantiser, ScalarQuantiser)
    assert quantiser.choices == 2

"""The names and shapes of the published tensors, from a card's sizes and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.models import published, sizes
from lsf_blender_addon.models.card import IdentityCard, PredictorCard, PriorCard

UNUSED = ("_losses.", "audio_model.modality_encoders.AUDIO.decoder.")


@pytest.fixture(scope="module")
def listed(shared: Path) -> dict[str, tuple[int, ...]]:
    text = (shared / "statedict" / "stage2_lsf_vqvae.json").read_text(encoding="utf-8")
    keys = json.loads(text)["keys"]
    return {name: tuple(shape) for name, (shape, _) in keys.items() if not any(part in name for part in UNUSED)}


def test_sizes_are_read_off_the_published_list(listed: dict[str, tuple[int, ...]]) -> None:
    shapes = sizes.Shapes(listed, "published.ckpt")
    hubert, emotion = sizes.hubert(shapes), sizes.emotion2vec(shapes)
    prior, codebook = sizes.prior(shapes, {})
    assert hubert.settings == {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "conv_dim": [512] * 7,
        "num_conv_pos_embeddings": 128,
        "num_conv_pos_embedding_groups": 16,
        "epsilon": 1e-5,
    }
    assert emotion.settings == {
        "embed": 768,
        "heads": 12,
        "depth": 8,
        "prenet_depth": 4,
        "mlp_ratio": 4.0,
        "extra_tokens": 10,
        "conv_width": 512,
        "position_width": 95,
        "position_depth": 5,
        "position_groups": 16,
    }
    assert prior == PriorCard()
    assert (codebook.kind, codebook.grouping, codebook.codes, codebook.width) == ("plain", "time_runs", 256, 128)
    assert sizes.predictor(shapes, {}) == PredictorCard()
    assert sizes.identity(shapes) == IdentityCard()
    assert sizes.pairing(1536, hubert) == 2


def test_the_tensors_of_those_sizes_are_the_published_list(listed: dict[str, tuple[int, ...]]) -> None:
    shapes = sizes.Shapes(listed, "published.ckpt")
    prior, codebook = sizes.prior(shapes, {})
    who = sizes.identity(shapes)
    made = {
        **dict(published.hubert(sizes.hubert(shapes))),
        **dict(published.emotion2vec(sizes.emotion2vec(shapes))),
        **dict(published.prior(prior, codebook)),
        **dict(published.predictor(sizes.predictor(shapes, {}), who)),
        **dict(published.identity(who)),
    }
    assert made == listed


@pytest.mark.parametrize(
    ("settings", "heads"),
    [
        ({}, 8),
        ({"feature_predictor": {"num_heads": 4}}, 4),
        ({"model": [{"feature_predictor": {"net": {"heads": 16}}}], "heads": 2}, 16),
        ({"motion_prior": {"num_heads": 4}}, 8),
    ],
)
def test_attention_heads_come_from_the_settings_of_their_part(settings: Any, heads: int) -> None:
    assert sizes.heads(settings, "feature_predictor", 256) == heads


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ModelError, match="7 attention heads"):
        sizes.heads({"motion_prior": {"heads": 7}}, "motion_prior", 256)


def test_a_style_as_wide_as_the_shape_is_the_raw_shape(listed: dict[str, tuple[int, ...]]) -> None:
    raw = {**listed, "feature_predictor.style_proj.weight": (256, 300)}
    assert sizes.identity(sizes.Shapes(raw, "raw.ckpt")) == IdentityCard("raw", 300, (256, 128), 32)
    bare = {name: shape for name, shape in raw.items() if not name.startswith("identity_extractor.")}
    assert sizes.identity(sizes.Shapes(bare, "raw.ckpt")) == IdentityCard("raw", 300, (), 0)


def test_a_style_of_another_width_is_refused(listed: dict[str, tuple[int, ...]]) -> None:
    odd = {**listed, "feature_predictor.style_proj.weight": (256, 43)}
    with pytest.raises(ModelError, match="43"):
        sizes.identity(sizes.Shapes(odd, "odd.ckpt"))


def test_a_layer_of_an_absurd_number_is_refused(listed: dict[str, tuple[int, ...]]) -> None:
    odd = {**listed, "audio_model.blocks.999999999.norm1.weight": (768,)}
    with pytest.raises(ModelError, match="999999999"):
        sizes.emotion2vec(sizes.Shapes(odd, "odd.ckpt"))

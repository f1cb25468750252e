"""HuBERT against the library's own model."""

from __future__ import annotations

import pytest
import torch
from transformers import HubertConfig, HubertModel

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.speech.hubert import HubertEncoder, published_name

SETTINGS = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


@torch.inference_mode()
def test_it_is_the_librarys_model_under_the_published_names() -> None:
    torch.manual_seed(0)
    stock = HubertModel(HubertConfig(**{**SETTINGS, "attn_implementation": "eager"})).eval()
    with torch.no_grad():
        for parameter in stock.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    ours = HubertEncoder(SETTINGS).eval()
    tensors = {published_name(f"audiomodel.{name}"): tensor for name, tensor in stock.state_dict().items()}
    assert "audiomodel.encoder.pos_conv_embed.conv.weight_g" in tensors
    ours.load_state_dict(tensors, strict=True)
    for samples in (400, 1361, 12_345):
        source = torch.randn(2, samples)
        expected = stock(source).last_hidden_state
        torch.testing.assert_close(ours.encode(source), expected, rtol=0, atol=2e-5)


@torch.inference_mode()
def test_the_epsilon_is_a_setting() -> None:
    waveform = torch.zeros(1, 4000)
    waveform[0, 2000] = 1
    waveform[0, 1000::7] = 1e-3
    torch.manual_seed(0)
    encoders = [HubertEncoder({**SETTINGS, "epsilon": epsilon}).eval() for epsilon in (1e-7, 0.1)]
    encoders[1].load_state_dict(encoders[0].state_dict())
    assert not torch.equal(encoders[0](waveform), encoders[1](waveform))


def test_settings_that_it_does_not_know_are_named() -> None:
    with pytest.raises(ModelError, match="hidden_sizes"):
        HubertEncoder({"hidden_sizes": 24})
    with pytest.raises(ModelError, match="hidden_size must be int"):
        HubertEncoder({"hidden_size": "24"})
    with pytest.raises(ModelError, match="7 convolutions"):
        HubertEncoder({**SETTINGS, "conv_dim": [16] * 3})

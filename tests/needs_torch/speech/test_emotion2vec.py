"""emotion2vec's own arithmetic; agreement with others is held by reference vectors and, where installed, funasr."""

from __future__ import annotations

import pytest
import torch

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.speech.emotion2vec import Emotion2vecEncoder, slopes

SETTINGS = {
    "embed": 24,
    "heads": 6,
    "depth": 2,
    "prenet_depth": 1,
    "conv_width": 16,
    "position_groups": 4,
    "extra_tokens": 3,
}


def encoder() -> Emotion2vecEncoder:
    torch.manual_seed(0)
    built = Emotion2vecEncoder(SETTINGS).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return built


def test_slopes_halve_for_powers_of_two_and_interleave_for_others() -> None:
    assert slopes(8) == [2.0**-n for n in range(1, 9)]
    assert slopes(12) == [2.0**-n for n in range(1, 9)] + [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]


def test_the_bias_falls_with_distance_and_leaves_the_extra_tokens_alone() -> None:
    modality = encoder().modality
    bias = modality.bias(5)
    assert bias.shape == (1, 6, 8, 8)
    assert (bias[:, :, :3] == 0).all()
    assert (bias[..., :3] == 0).all()
    steep = slopes(6)[1] * modality.alibi_scale[0, 0, 1, 0, 0]
    torch.testing.assert_close(bias[0, 1, 3, 3:], -steep * torch.arange(5.0))
    torch.testing.assert_close(bias, bias.transpose(-1, -2))


def test_a_negative_scale_counts_as_none() -> None:
    modality = encoder().modality
    with torch.no_grad():
        modality.alibi_scale.fill_(-1)
    assert (modality.bias(5) == 0).all()


@torch.inference_mode()
@pytest.mark.parametrize(("samples", "frames"), [(400, 1), (16_000, 49), (9_999, 30)])
def test_frames_lie_where_huberts_lie_and_the_extra_tokens_are_gone(samples: int, frames: int) -> None:
    assert encoder()(torch.randn(2, samples)).shape == (2, frames, 24)


@torch.inference_mode()
def test_a_batch_gives_what_its_items_give_alone() -> None:
    built = encoder()
    waveform = torch.randn(3, 8000)
    for item in range(3):
        torch.testing.assert_close(built(waveform)[item], built(waveform[item : item + 1])[0], rtol=0, atol=1e-5)


def test_heads_that_do_not_divide_the_width_are_refused_in_a_sentence() -> None:
    with pytest.raises(ModelError, match="do not divide"):
        Emotion2vecEncoder({**SETTINGS, "heads": 5})


@pytest.mark.oracle
@torch.inference_mode()
def test_it_agrees_with_funasr() -> None:
    model = pytest.importorskip("funasr.models.emotion2vec.model", reason="the oracles extra is not installed")
    pytest.importorskip("omegaconf")
    ours = Emotion2vecEncoder({}).eval()
    theirs = model.Emotion2vec(model_conf=funasr_configuration()).eval()
    tensors = {name: torch.randn_like(tensor) * 0.05 for name, tensor in ours.state_dict().items()}
    ours.load_state_dict(tensors)
    assert theirs.load_state_dict(tensors, strict=False).unexpected_keys == []
    source = torch.nn.functional.layer_norm(torch.randn(1, 16_000), (16_000,))
    expected = theirs.extract_features(source, padding_mask=None, mask=False)["x"]
    torch.testing.assert_close(ours.encode(source), expected, rtol=0, atol=1e-4)


def funasr_configuration() -> object:
    """emotion2vec-base's sizes in funasr's own nesting."""
    import omegaconf  # noqa: PLC0415 - only where the oracle is

    audio = {
        "type": "AUDIO",
        "extractor_mode": "layer_norm",
        "feature_encoder_spec": "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]",
        "conv_pos_width": 95,
        "conv_pos_groups": 16,
        "conv_pos_depth": 5,
        "conv_pos_pre_ln": False,
        "prenet_depth": 4,
        "prenet_layerdrop": 0.05,
        "prenet_dropout": 0.1,
        "start_drop_path_rate": 0.0,
        "end_drop_path_rate": 0.0,
        "num_extra_tokens": 10,
        "init_extra_token_zero": True,
        "use_alibi_encoder": True,
        "alibi_scale": 1.0,
        "learned_alibi": False,
        "alibi_max_pos": None,
        "learned_alibi_scale": True,
        "learned_alibi_scale_per_head": True,
        "learned_alibi_scale_per_layer": False,
        "num_alibi_heads": 12,
        "model_depth": 8,
        "decoder": None,
        "ema_local_encoder": False,
        "local_grad_mult": 1.0,
    }
    return omegaconf.OmegaConf.create(
        {
            "depth": 8,
            "start_drop_path_rate": 0.0,
            "end_drop_path_rate": 0.0,
            "num_heads": 12,
            "norm_eps": 1e-5,
            "norm_affine": True,
            "encoder_dropout": 0.1,
            "post_mlp_drop": 0.1,
            "attention_dropout": 0.1,
            "activation_dropout": 0.0,
            "dropout_input": 0.0,
            "layerdrop": 0.05,
            "embed_dim": 768,
            "mlp_ratio": 4.0,
            "layer_norm_first": False,
            "end_of_block_targets": False,
            "average_top_k_layers": 8,
            "supported_modality": "AUDIO",
            "modalities": {"audio": audio},
        }
    )

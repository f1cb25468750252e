"""The whole network: recording to motion, loading, and the published names."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lsf_blender_addon.errors import AudioError, ModelError
from lsf_blender_addon.models.card import (
    CARD_NAME,
    WEIGHTS_NAME,
    EncoderCard,
    IdentityCard,
    ModelCard,
    PredictorCard,
    PriorCard,
    SamplingCard,
)
from lsf_blender_addon.network.lsf import LsfNetwork, assign, flame_layout, load_network, random_network

NEAREST = SamplingCard(sample=False)


def speech(batch: int = 1, samples: int = 24_000, seed: int = 0) -> torch.Tensor:
    """Noise with the loudness of syllables."""
    generator = torch.Generator().manual_seed(seed)
    syllables = 0.1 + torch.sin(torch.arange(samples) / 16_000 * 12).square()
    return 0.1 * torch.randn(batch, samples, generator=generator) * syllables


def spoken(network: LsfNetwork, waveform: torch.Tensor, lengths: tuple[int, ...] | None = None) -> torch.Tensor:
    features = network.features(waveform, lengths)
    latent = network.predict(features)
    return network.decode(latent, sampling=NEAREST, lengths=features.lengths)[0]


@pytest.fixture(params=["published_form", "local_form"])
def card(request: pytest.FixtureRequest) -> ModelCard:
    form: ModelCard = request.getfixturevalue(request.param)
    return form


@pytest.fixture
def network(card: ModelCard) -> LsfNetwork:
    return random_network(card, 0)


def folder_of(network: LsfNetwork, folder: Path, tensors: dict[str, torch.Tensor] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / CARD_NAME).write_text(network.card.to_json())
    save_file(dict(network.state_dict()) if tensors is None else tensors, folder / WEIGHTS_NAME)
    return folder


@torch.inference_mode()
def test_a_recording_becomes_motion_at_the_models_rate(network: LsfNetwork) -> None:
    motion = spoken(network, speech(samples=32_000))
    assert motion.shape == (1, 99 // network.card.pairing, 53)
    assert motion.isfinite().all()


@torch.inference_mode()
def test_a_batch_gives_what_its_items_give_alone(network: LsfNetwork) -> None:
    waveform = speech(3)
    together = network.features(waveform)
    latent = network.predict(together)
    for item in range(3):
        alone = network.features(waveform[item : item + 1])
        torch.testing.assert_close(together.audio[item : item + 1], alone.audio, rtol=0, atol=2e-5)
        torch.testing.assert_close(together.emotion[item : item + 1], alone.emotion, rtol=0, atol=2e-5)
        torch.testing.assert_close(latent[item : item + 1], network.predict(alone), rtol=0, atol=1e-4)


@torch.inference_mode()
def test_items_of_unequal_length_do_not_hear_their_padding(network: LsfNetwork) -> None:
    waveform = speech(3)
    lengths = (24_000, 9_000, 24_000)
    waveform[1, 9_000:] = 5.0
    features = network.features(waveform, lengths)
    latent = network.predict(features)
    alone = network.features(waveform[1:2, :9_000])
    frames = alone.lengths[0]
    assert features.lengths[1] == frames < features.lengths[0]
    torch.testing.assert_close(features.audio[1:2, :frames], alone.audio, rtol=0, atol=2e-5)
    torch.testing.assert_close(latent[1:2, :frames], network.predict(alone), rtol=0, atol=1e-4)
    assert (latent[1, frames:] == 0).all()
    motion = network.decode(latent, sampling=NEAREST, lengths=features.lengths)
    assert motion.shape == (1, 3, features.lengths[0], 53)


@torch.inference_mode()
def test_a_window_measured_on_the_whole_is_heard_as_part_of_it(card: ModelCard) -> None:
    network = random_network(card, 0)
    whole = speech(samples=48_000)
    whole[:, :16_000] *= 0.01
    level = network.measure(whole)
    windows = torch.stack([whole[0, :16_000], whole[0, 16_000:32_000]])
    measured = network.features(windows, of=level)
    own = network.features(windows)
    assert measured.audio.shape == own.audio.shape
    assert torch.equal(network.features(whole, of=level).audio, network.features(whole).audio)


@torch.inference_mode()
def test_silence_gives_a_finite_face(network: LsfNetwork) -> None:
    for constant in (0.0, 0.25):
        features = network.features(torch.full((1, 16_000), constant))
        assert features.audio.isfinite().all()
        assert features.emotion.isfinite().all()
        assert spoken(network, torch.full((1, 16_000), constant)).isfinite().all()


@torch.inference_mode()
def test_the_shortest_recording_is_two_frames_and_a_shorter_one_is_refused(network: LsfNetwork) -> None:
    least = 1360 if network.card.pairing == 2 else 720
    assert spoken(network, speech(samples=least)).shape[1] == 2
    with pytest.raises(AudioError, match=f"at least {least}"):
        network.features(speech(samples=least - 1))


@torch.inference_mode()
def test_a_recording_beyond_the_position_table_works(published_form: ModelCard) -> None:
    network = random_network(published_form, 0)
    generator = torch.Generator().manual_seed(0)
    features = network.features(speech())
    frames = 5003
    audio = torch.randn(1, frames, features.audio.shape[-1], generator=generator)
    latent = network.predict(dataclasses.replace(features, audio=audio, emotion=audio, lengths=(frames,)))
    assert network.decode(latent, sampling=NEAREST).isfinite().all()


@torch.inference_mode()
def test_takes_differ_and_come_back_with_their_seed(network: LsfNetwork) -> None:
    latent = network.predict(network.features(speech()))
    warm = SamplingCard(temperature=5.0)
    first, again = (
        network.decode(latent, takes=3, sampling=warm, generator=torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert first.shape[0] == 3
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])


@torch.inference_mode()
def test_the_shape_of_the_face_changes_the_motion(network: LsfNetwork) -> None:
    features = network.features(speech())
    count = network.card.identity.inputs
    one, other = (network.predict(features, scale * torch.ones(1, count)) for scale in (0.5, -2.0))
    assert (one - other).abs().max() > 1e-5


@torch.inference_mode()
def test_a_model_that_multiplies_by_the_shape_itself_asks_for_one(local_form: ModelCard) -> None:
    identity = IdentityCard(kind="raw", inputs=12, hidden=(), identities=0)
    network = random_network(dataclasses.replace(local_form, identity=identity), 0)
    assert not any(name.startswith("identity_extractor") for name in network.state_dict())
    features = network.features(speech())
    assert network.predict(features, torch.ones(1, 12)).isfinite().all()
    with pytest.raises(ModelError, match="give the shape of a face"):
        network.predict(features)


def test_a_shape_of_another_length_is_refused_in_a_sentence(network: LsfNetwork) -> None:
    with pytest.raises(ModelError, match="face shape"):
        network.style(torch.zeros(1, 7))


def test_scaling_and_units_are_inverse_and_as_published(published_form: ModelCard) -> None:
    network = random_network(published_form, 0)
    low = network.in_units(torch.zeros(1, 1, 53)).flatten()
    high = network.in_units(torch.ones(1, 1, 53)).flatten()
    assert low[0] == -3
    assert high[49] == 3
    assert low[50].item() == pytest.approx(-0.1)
    assert high[52].item() == pytest.approx(0.5)
    motion = torch.randn(2, 5, 53)
    torch.testing.assert_close(network.scaled(network.in_units(motion)), motion, rtol=0, atol=1e-5)


def test_the_published_layout_has_403_numbers_a_frame() -> None:
    motion = torch.randn(1, 4, 53)
    wide = flame_layout(motion).numpy()
    assert wide.shape == (1, 4, 403)
    assert wide.dtype == np.float64
    assert (wide[..., :300] == 0).all()
    assert (wide[..., 350:400] == 0).all()
    np.testing.assert_array_equal(wide[..., 300:350], motion[..., :50].double())
    np.testing.assert_array_equal(wide[..., 400:], motion[..., 50:].double())


def test_gradients_flow_from_motion_to_the_recording(local_form: ModelCard) -> None:
    network = random_network(local_form, 0).train()
    waveform = speech().requires_grad_()
    latent = network.predict(network.features(waveform))
    quantised = network.motion_prior.quantize(latent)
    network.motion_prior.motion_decoder(quantised.latent).square().mean().backward()
    assert waveform.grad is not None
    assert waveform.grad.abs().sum() > 0


def test_hubert_and_emotion2vec_can_be_trained(published_form: ModelCard) -> None:
    network = random_network(published_form, 0)
    network.predict(network.features(speech())).square().mean().backward()
    dead = ("emo_blocks.2", "fusion_blocks.2", "out_norm", "motion_prior", "masked_spec_embed")
    without = [name for name, value in network.named_parameters() if value.grad is None]
    assert [name for name in without if not any(part in name for part in dead)] == []


@torch.inference_mode()
def test_a_loaded_model_speaks_as_the_saved_one(network: LsfNetwork, tmp_path: Path) -> None:
    loaded = load_network(folder_of(network, tmp_path / "model"))
    assert not loaded.training
    assert torch.equal(spoken(loaded, speech()), spoken(network, speech()))


@torch.inference_mode()
def test_position_tables_need_not_be_stored(published_form: ModelCard, tmp_path: Path) -> None:
    network = random_network(published_form, 0)
    tensors = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(".pe")}
    assert len(tensors) < len(network.state_dict())
    loaded = load_network(folder_of(network, tmp_path / "model", tensors))
    assert torch.equal(spoken(loaded, speech()), spoken(network, speech()))


@torch.inference_mode()
def test_weights_stored_in_half_precision_compute_in_float32(network: LsfNetwork, tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in network.state_dict().items()}
    loaded = load_network(folder_of(network, tmp_path / "model", halves))
    assert {tensor.dtype for tensor in loaded.state_dict().values()} == {torch.float32}


@torch.inference_mode()
def test_precision_is_that_of_the_heavy_encoders_alone(network: LsfNetwork, tmp_path: Path) -> None:
    folder = folder_of(network, tmp_path / "model")
    loaded = load_network(folder, dtype=torch.bfloat16)
    wanted = torch.float32 if network.card.audio.kind == "log_mel" else torch.bfloat16
    assert {p.dtype for p in loaded.feature_extractor.parameters()} == {wanted}
    assert {p.dtype for p in loaded.motion_prior.parameters()} == {torch.float32}
    motion, exact = spoken(loaded, speech()), spoken(network, speech())
    assert motion.dtype == torch.float32
    assert motion.isfinite().all()
    assert motion.shape == exact.shape


def test_what_only_training_needed_is_passed_over(published_form: ModelCard, tmp_path: Path) -> None:
    network = random_network(published_form, 0)
    extra = {
        "_losses.losses_train.total": torch.zeros(()),
        "motion_prior._losses.losses_val.count": torch.zeros(()),
        "audio_model.modality_encoders.AUDIO.decoder.proj.bias": torch.zeros(3),
    }
    load_network(folder_of(network, tmp_path / "model", {**network.state_dict(), **extra}))


def test_names_of_newer_torch_are_understood(published_form: ModelCard) -> None:
    network = random_network(published_form, 0)
    tensors = dict(network.state_dict())
    conv = "feature_extractor.audiomodel.encoder.pos_conv_embed.conv."
    for ours, theirs in (("weight_g", "original0"), ("weight_v", "original1")):
        tensors[f"{conv}parametrizations.weight.{theirs}"] = tensors.pop(conv + ours)
    assign(network, tensors, "test")


def test_tensors_that_do_not_fit_are_named(network: LsfNetwork, tmp_path: Path) -> None:
    tensors = dict(network.state_dict())
    name = "feature_predictor.audio_feat.weight"
    cases = {
        "lacks 1": {key: value for key, value in tensors.items() if key != name},
        "unknown 1": {**tensors, "feature_predictor.MHCA.0": torch.zeros(2)},
        "another shape 1": {**tensors, name: torch.zeros(2, 3)},
    }
    for problem, changed in cases.items():
        with pytest.raises(ModelError, match=problem):
            load_network(folder_of(network, tmp_path / "model", changed))


def test_a_missing_or_damaged_file_is_an_error_with_its_path(network: LsfNetwork, tmp_path: Path) -> None:
    folder = folder_of(network, tmp_path / "model")
    weights = folder / WEIGHTS_NAME
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"weights\.safetensors is damaged"):
        load_network(folder)
    weights.unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors cannot be read"):
        load_network(folder)


def test_a_card_whose_parts_do_not_fit_is_refused_in_a_sentence(published_form: ModelCard) -> None:
    for wrong in (
        dataclasses.replace(published_form, pairing=1),
        dataclasses.replace(published_form, prior=dataclasses.replace(published_form.prior, latent=64)),
        dataclasses.replace(published_form, audio=EncoderCard("hubert", {"hidden_sizes": 3})),
        dataclasses.replace(published_form, emotion=EncoderCard("log_mel", {"bands": "many"})),
    ):
        with pytest.raises(ModelError):
            LsfNetwork(wrong)


def published_card(form: ModelCard, identity: IdentityCard) -> ModelCard:
    return dataclasses.replace(
        form,
        audio=EncoderCard("hubert"),
        emotion=EncoderCard("emotion2vec"),
        identity=identity,
        predictor=PredictorCard(),
        prior=PriorCard(),
        codebook=dataclasses.replace(form.codebook, codes=256, width=128),
    )


def test_tensor_names_and_shapes_are_the_published_ones(published_form: ModelCard, shared: Path) -> None:
    with torch.device("meta"):
        network = LsfNetwork(published_card(published_form, IdentityCard()))
    listing = json.loads((shared / "statedict" / "stage2_lsf_vqvae.json").read_text())["keys"]
    published = {
        name: shape for name, (shape, _) in listing.items() if "_losses." not in name and ".AUDIO.decoder." not in name
    }
    assert {name: list(tensor.shape) for name, tensor in network.state_dict().items()} == published


def test_the_older_published_form_feeds_the_shape_itself(published_form: ModelCard) -> None:
    with torch.device("meta"):
        network = LsfNetwork(published_card(published_form, IdentityCard(kind="raw")))
    names = network.state_dict()
    assert names["feature_predictor.style_proj.weight"].shape == (256, 300)
    assert "identity_extractor.4.weight" in names  # stored there, though nothing uses it

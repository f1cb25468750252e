"""How much of the feeling is shown: strength moves the emotion stream alone, from neutral through heard and beyond."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.models.card import CARD_NAME, WEIGHTS_NAME, ModelCard
from lsf_blender_addon.network.lsf import NEUTRAL_NAME, LsfNetwork, SpeechFeatures, load_network, random_network


def tone(pitch: float, samples: int = 24_000) -> Tensor:
    """A voice-like sound whose loudness moves with its pitch."""
    time = torch.arange(samples) / 16_000
    return (0.2 * torch.sin(6.28 * pitch * time) * torch.sin(time * pitch / 20).square())[None]


@pytest.fixture(params=["published_form", "local_form"])
def network(request: pytest.FixtureRequest) -> LsfNetwork:
    """Both forms with random weights; what the tokens say is made louder, so that feeling can be seen at all."""
    network = random_network(request.getfixturevalue(request.param), 0)
    for name, tensor in network.named_parameters():
        if "fusion_blocks" in name and "weight" in name and "norm" not in name:
            tensor.data *= 4.0
    network.set_neutral(tone(150.0))
    return network


def heard(network: LsfNetwork) -> SpeechFeatures:
    return network.features(tone(110.0))


@torch.inference_mode()
def test_strength_one_is_what_was_heard_bit_for_bit(network: LsfNetwork) -> None:
    features = heard(network)
    assert torch.equal(network.predict(features, strength=1.0), network.predict(features))


@torch.inference_mode()
def test_strength_zero_is_finite_and_knows_nothing_of_the_feeling(network: LsfNetwork) -> None:
    features = heard(network)
    other = dataclasses.replace(features, emotion=torch.randn_like(features.emotion))
    assert not torch.equal(network.predict(features), network.predict(other))
    rest = network.predict(features, strength=0.0)
    assert rest.isfinite().all()
    assert rest.std() > 0.1
    assert torch.equal(rest, network.predict(other, strength=0.0))


@torch.inference_mode()
def test_every_step_of_strength_leads_further_from_neutral(network: LsfNetwork) -> None:
    """Also where instance norm would undo a scale, which is why the stream is moved after it."""
    features = heard(network)
    neutral = network.predict(features, strength=0.0)
    steps = [network.predict(features, strength=strength) for strength in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)]
    far = [float((step - neutral).norm()) for step in steps]
    assert all(step.isfinite().all() for step in steps)
    assert far == sorted(far)
    assert far[0] < 0.5 * far[3]
    assert far[3] < 0.9 * far[5]


@torch.inference_mode()
def test_strength_leaves_the_words_alone(network: LsfNetwork) -> None:
    """What reaches the audio stream before any token was read is the same at every strength."""
    features = heard(network)
    style = network.style(torch.zeros(1, network.card.identity.inputs))
    predictor = network.feature_predictor
    words: list[Tensor] = []
    predictor.audio_blocks[0].register_forward_pre_hook(lambda _module, given: words.append(given[0]))
    for strength in (0.0, 1.0, 2.0):
        network.predict(features, strength=strength)
    assert style.isfinite().all()
    assert torch.equal(words[0], words[1])
    assert torch.equal(words[0], words[2])


@torch.inference_mode()
def test_instance_norm_needs_no_neutral_and_a_stored_one_changes_nothing(published_form: ModelCard) -> None:
    network = random_network(published_form, 0)
    features = heard(network)
    without = network.predict(features, strength=0.3)
    network.set_neutral(tone(300.0))
    assert torch.equal(network.predict(features, strength=0.3), without)


@torch.inference_mode()
def test_a_local_model_without_a_neutral_says_so(local_form: ModelCard) -> None:
    network = random_network(local_form, 0)
    assert not network.knows_neutral
    with pytest.raises(ModelError, match="no neutral"):
        network.predict(heard(network), strength=0.5)


@torch.inference_mode()
def test_the_neutral_is_stored_with_the_weights(local_form: ModelCard, tmp_path: Path) -> None:
    network = random_network(local_form, 0)
    network.set_neutral(tone(150.0))
    (tmp_path / CARD_NAME).write_text(network.card.to_json())
    save_file(dict(network.state_dict()), tmp_path / WEIGHTS_NAME)
    loaded = load_network(tmp_path)
    assert loaded.knows_neutral
    assert NEUTRAL_NAME in loaded.state_dict()
    features = heard(network)
    # Where weights lie in memory may change the last bit on some processors.
    torch.testing.assert_close(loaded.predict(features, strength=0.5), network.predict(features, strength=0.5))


def test_a_neutral_of_another_width_is_refused(local_form: ModelCard, tmp_path: Path) -> None:
    network = random_network(local_form, 0)
    (tmp_path / CARD_NAME).write_text(network.card.to_json())
    save_file({**network.state_dict(), NEUTRAL_NAME: torch.zeros(7)}, tmp_path / WEIGHTS_NAME)
    with pytest.raises(ModelError, match=f"another shape 1 tensors, such as {NEUTRAL_NAME}"):
        load_network(tmp_path)


@torch.inference_mode()
def test_feeling_heard_elsewhere_takes_the_place_of_the_recordings_own(network: LsfNetwork) -> None:
    waveform, other = tone(110.0), tone(240.0)
    borrowed = network.features(waveform, emotion=network.hear_emotion(other))
    assert torch.equal(borrowed.audio, network.features(waveform).audio)
    assert torch.equal(borrowed.emotion, network.features(other).emotion)

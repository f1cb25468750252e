"""The neutral that ships: the mean over even voices, stored with the weights, and the measure of strength after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from lsf_blender_addon.audio import SpeechClip
from lsf_blender_addon.models.card import read_card
from lsf_blender_addon.network.lsf import NEUTRAL_NAME, load_network
from lsf_blender_addon.worker.protocol import PredictRequest
from lsf_blender_addon.worker.runtime import Runtime
from training import shipping
from training.corpus import Utterance
from training.neutral import with_neutral


def voice(seed: int, seconds: float = 1.0) -> Utterance:
    samples = np.random.default_rng(seed).normal(0, 0.1, int(16_000 * seconds)).astype(np.float32)
    return Utterance(samples, (), "voice", made="rules", agitation=0.0)


def test_the_neutral_is_the_mean_of_what_even_voices_sound_like(light_model: Path) -> None:
    network = load_network(light_model)
    weights = dict(network.state_dict())
    neutral = with_neutral(read_card(light_model), weights, [voice(0), voice(1, 3.0)])[NEUTRAL_NAME]
    with torch.inference_mode():
        one, other = (network.hear_emotion(torch.from_numpy(v.samples)[None])[0] for v in (voice(0), voice(1, 3.0)))
    torch.testing.assert_close(neutral, torch.cat((one, other)).mean(0), rtol=0, atol=1e-5)
    assert NEUTRAL_NAME not in weights


def test_a_shipped_neutral_is_what_strength_is_measured_from(light_model: Path, tmp_path: Path) -> None:
    card = read_card(light_model)
    weights = with_neutral(card, dict(load_network(light_model).state_dict()), [voice(0)])
    shipping.write_model(tmp_path / "own", card, weights)
    own = load_network(tmp_path / "own")
    assert own.knows_neutral
    assert own.emotion_neutral is not None
    torch.testing.assert_close(own.emotion_neutral, weights[NEUTRAL_NAME], rtol=0, atol=2e-3)
    request = PredictRequest(
        SpeechClip(voice(5, 2.0).samples, "a"), tmp_path / "own", device="cpu", emotion_strength=0.5
    )
    (motion,) = Runtime().predict(request, lambda _stage, _share, _note: None)
    assert np.isfinite(motion.expression).all()

"""The model that ships: it speaks, it rests in silence and noise, and it is what its card says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.audio import SpeechClip, read_clip
from lsf_blender_addon.models.card import read_card
from training.evaluation import Evaluator, aligned_recordings, pooled


@pytest.fixture(scope="module")
def starter(repository: Path) -> Evaluator:
    return Evaluator(repository / "vendor_models" / "starter")


def clip_of(samples: np.ndarray) -> SpeechClip:
    return SpeechClip(samples.astype(np.float32), "made here")


def test_speech_opens_and_shuts_the_mouth(starter: Evaluator, repository: Path) -> None:
    track = starter.track(read_clip(repository / "samples" / "hello.wav"))
    assert 5.0 < np.percentile(track["aperture"], 95) < 25.0
    assert track["aperture"].min() < 0.3


def test_silence_leaves_the_mouth_shut(starter: Evaluator) -> None:
    assert starter.track(clip_of(np.zeros(32000)))["aperture"].max() < 0.3


@pytest.mark.parametrize("kind", ["white noise", "a tone", "hum"])
def test_sounds_without_speech_leave_the_mouth_shut(starter: Evaluator, kind: str) -> None:
    t = np.arange(48000) / 16000
    sounds = {
        "white noise": np.random.default_rng(1).standard_normal(48000) * 0.05,
        "a tone": 0.1 * np.sin(2 * np.pi * 440 * t),
        "hum": 0.1 * sum(np.sin(2 * np.pi * 100 * n * t) / n for n in range(1, 8)),
    }
    assert starter.track(clip_of(sounds[kind]))["aperture"].mean() < 1.2


def test_a_long_clip_begins_as_its_copy_does(starter: Evaluator, repository: Path) -> None:
    clip = read_clip(repository / "samples" / "hello.wav")
    once = starter.motion(clip).expression
    twice = starter.motion(clip_of(np.tile(clip.samples, 2))).expression
    head = len(once) - 60
    assert np.abs(once[:head] - twice[:head]).mean() < 0.01


def test_the_weights_fit_their_bound_and_their_licence(repository: Path) -> None:
    folder = repository / "vendor_models" / "starter"
    card = read_card(folder)
    assert (folder / "weights.safetensors").stat().st_size < 25_000_000
    assert card.licence.name == "CC0-1.0"
    assert card.licence.commercial_use


def test_real_voices_score_what_the_card_says(starter: Evaluator, shared: Path) -> None:
    scores = pooled(starter.tallies(aligned_recordings(shared / "wav"))).summary()
    bars = {"closure": 0.80, "balanced": 0.88, "corr": 0.60, "auc_open": 0.95}
    assert all(scores[name] >= bar for name, bar in bars.items()), scores
    assert scores["silence"] <= 0.06
    assert scores["shut_cons"] <= 0.20
    assert abs(scores["lag_ms"]) <= 40
    told = read_card(starter.model).scores["real_voices"]
    assert scores["corr"] == pytest.approx(told["corr"], abs=0.03)

"""The model that ships: it speaks, it rests in silence and noise, and it is what its card says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr
import torch

from lsf_blender_addon.audio import SpeechClip, read_clip
from lsf_blender_addon.head.landmarks import mouth_track
from lsf_blender_addon.models.card import read_card
from lsf_blender_addon.network.lsf import SpeechFeatures, load_network
from training.coarticulation import COLUMN, gap_weights
from training.evaluation import Evaluator, aligned_recordings, pooled
from training.face_rules import WIDE_MILLIMETRES


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
    told = read_card(starter.model).scores["real_voices"]
    for name in ("closure", "balanced", "corr", "auc_open", "auc_round", "shut_cons", "shut_vowel", "silence"):
        assert scores[name] == pytest.approx(told[name], abs=0.03), name
    assert abs(scores["lag_ms"]) <= 20
    assert scores["jerk"] <= 0.02


def test_other_sounds_do_not_babble(starter: Evaluator, shared: Path) -> None:
    track = starter.track(read_clip(shared / "wav" / "alsa_Noise_nonspeech.wav"))
    assert track["aperture"].mean() <= 0.1 * WIDE_MILLIMETRES


def test_the_same_words_agitated_move_brows_eyes_and_corners_and_keep_their_closures(
    starter: Evaluator, repository: Path
) -> None:
    clip = read_clip(repository / "samples" / "hello.wav")
    calm = starter.motion(clip_of(soxr.resample(clip.samples * 0.6, 16000 * 0.85, 16000)))
    agitated = starter.motion(clip_of(soxr.resample(clip.samples * 1.8, 16000 * 1.25, 16000)))
    dice = np.random.default_rng(0)
    noisy = starter.motion(clip_of(clip.samples + dice.standard_normal(len(clip.samples)) * 0.002))
    same = starter.motion(clip)
    names = ("browInnerUp", "browOuterUpLeft", "eyeWideLeft", "mouthSmileLeft")
    columns = [COLUMN[name] for name in names]
    felt = (agitated.expression.mean(0) - calm.expression.mean(0))[columns]
    chance = np.abs(noisy.expression.mean(0) - same.expression.mean(0))[columns]
    assert (felt > 0.02).all(), dict(zip(names, felt, strict=True))
    assert felt.sum() > 3 * chance.sum()
    for motion in (calm, agitated):
        assert mouth_track(starter.head, motion)["aperture"].min() < 0.3


def test_words_alone_do_not_move_the_feeling(starter: Evaluator, repository: Path) -> None:
    """What one hears as feeling comes by the emotion stream: with another's, another's feeling shows."""
    network = load_network(starter.model)
    clip = read_clip(repository / "samples" / "hello.wav")
    with torch.inference_mode():
        slow, fast = (
            network.features(torch.from_numpy(soxr.resample(clip.samples * gain, 16000 * pace, 16000))[None])
            for gain, pace in ((0.6, 0.85), (1.8, 1.25))
        )
        own, lent = (
            network.decode(network.predict(SpeechFeatures(slow.audio, emotion, slow.lengths)))[0, 0].numpy()
            for emotion in (slow.emotion, fast.emotion.mean(1, keepdim=True).expand_as(slow.emotion))
        )
    brow = COLUMN["browInnerUp"]
    assert lent[:, brow].mean() > own[:, brow].mean() + 0.02
    assert np.abs((lent - own) @ gap_weights()).mean() < 0.06 * WIDE_MILLIMETRES

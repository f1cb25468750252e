"""Feeling through the whole request: its strength, another recording's, and what the motion says about both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from lsf_blender_addon.audio import SAMPLE_RATE, SpeechClip
from lsf_blender_addon.errors import AudioError
from lsf_blender_addon.motion import FaceMotion
from lsf_blender_addon.network.lsf import LsfNetwork
from lsf_blender_addon.worker.client import Worker
from lsf_blender_addon.worker.protocol import PredictRequest
from lsf_blender_addon.worker.runtime import Runtime


def voice(seconds: float, pitch: float = 120.0, seed: int = 0) -> SpeechClip:
    """Syllables of a gliding tone and noise."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    glide = np.sin(2 * np.pi * np.cumsum(pitch + 30 * np.sin(time * 3)) / SAMPLE_RATE)
    samples = (glide + random.normal(0, 0.3, len(time))) * np.sin(time * 9 + np.sin(time)) ** 2 * 0.2
    return SpeechClip(samples.astype(np.float32), f"voice_{pitch:g}")


def made(clip: SpeechClip | Path, model: Path, **more: Any) -> FaceMotion:
    request = PredictRequest(clip, model, device="cpu", precision="float32", temperature=0.0, **more)
    return Runtime().predict(request, lambda _stage, _share, _note: None)[0]


def same(one: FaceMotion, other: FaceMotion) -> bool:
    return np.array_equal(one.expression, other.expression) and np.array_equal(one.jaw, other.jaw)


@pytest.fixture(params=["tiny_model", "light_model"])
def model(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


def test_strength_one_and_no_other_recording_is_what_it_was(model: Path) -> None:
    clip = voice(9.0)
    assert same(made(clip, model, emotion_strength=1.0), made(clip, model))


@pytest.mark.parametrize("strength", [0.0, 0.5, 2.0])
def test_any_strength_moves_any_model(model: Path, strength: float) -> None:
    motion = made(voice(9.0), model, emotion_strength=strength)
    assert motion.frames == 225
    assert np.isfinite(motion.expression).all()
    assert motion.origin["emotion_strength"] == strength


@pytest.mark.parametrize("seconds", [4.0, 5.99, 20.0])
def test_the_feeling_of_the_same_recording_changes_nothing(model: Path, seconds: float) -> None:
    clip = voice(seconds)
    assert same(made(clip, model, emotion_from=clip), made(clip, model))


@pytest.mark.parametrize("seconds", [0.5, 6.0, 11.0, 14.0, 70.0])
def test_another_recording_may_have_any_length(model: Path, seconds: float) -> None:
    clip, other = voice(9.0), voice(seconds, 260.0, seed=1)
    motion = made(clip, model, emotion_from=other)
    assert motion.frames == 225
    assert motion.origin["emotion_from"] == "voice_260"
    assert np.isfinite(motion.expression).all()


@torch.inference_mode()
def test_another_recordings_feeling_reaches_the_latents(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emotions: list[torch.Tensor] = []
    predicted = LsfNetwork.predict

    def watched(self: LsfNetwork, features: Any, *arguments: Any) -> Any:
        emotions.append(features.emotion)
        return predicted(self, features, *arguments)

    monkeypatch.setattr(LsfNetwork, "predict", watched)
    clip, other = voice(5.0), voice(5.0, 260.0, seed=1)
    made(clip, tiny_model)
    made(clip, tiny_model, emotion_from=other)
    made(other, tiny_model)
    assert torch.equal(emotions[1], emotions[2])
    assert not torch.equal(emotions[0], emotions[1])


def test_a_long_other_recording_is_heard_in_parts(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of this model are 6 s; no more than twice that of the other recording is heard at once."""
    lengths: list[int] = []
    heard = LsfNetwork.hear_emotion

    def watched(self: LsfNetwork, waveform: torch.Tensor, *arguments: Any) -> Any:
        lengths.append(waveform.shape[-1])
        return heard(self, waveform, *arguments)

    monkeypatch.setattr(LsfNetwork, "hear_emotion", watched)
    made(voice(40.0), tiny_model, emotion_from=voice(75.0, 260.0))
    assert len(lengths) > 6
    assert max(lengths) <= 12.2 * SAMPLE_RATE
    assert sum(lengths) > 70 * SAMPLE_RATE


def test_both_together(model: Path) -> None:
    motion = made(voice(7.0), model, emotion_from=voice(9.0, 260.0), emotion_strength=1.7)
    assert np.isfinite(motion.expression).all()
    assert (motion.origin["emotion_strength"], motion.origin["emotion_from"]) == (1.7, "voice_260")


def test_without_feeling_the_other_recording_does_not_matter(model: Path) -> None:
    one = made(voice(5.0), model, emotion_from=voice(5.0, 260.0), emotion_strength=0.0)
    assert same(one, made(voice(5.0), model, emotion_strength=0.0))


def test_a_silent_other_recording_is_refused(tiny_model: Path) -> None:
    with pytest.raises(AudioError, match="no feeling"):
        made(voice(3.0), tiny_model, emotion_from=SpeechClip(np.zeros(16_000, np.float32), "pause.wav"))


def test_a_motion_remembers_its_feeling_in_its_file(light_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "angry.wav", voice(3.0, 260.0).samples, SAMPLE_RATE)
    made(voice(3.0), light_model, emotion_from=tmp_path / "angry.wav", emotion_strength=0.4).save(tmp_path / "m.npz")
    origin = FaceMotion.load(tmp_path / "m.npz").origin
    assert (origin["emotion_strength"], origin["emotion_from"]) == (0.4, "angry.wav")
    made(voice(3.0), light_model).save(tmp_path / "plain.npz")
    origin = FaceMotion.load(tmp_path / "plain.npz").origin
    assert (origin["emotion_strength"], origin["emotion_from"]) == (1.0, None)


def test_the_worker_takes_both_over_its_pipe(light_model: Path) -> None:
    request = PredictRequest(
        voice(3.0), light_model, device="cpu", emotion_strength=0.5, emotion_from=voice(2.0, 260.0)
    )
    expected = Runtime().predict(request, lambda _stage, _share, _note: None)[0]
    with Worker() as worker:
        (motion,) = worker.predict(request)
    assert motion.origin == expected.origin
    assert np.allclose(motion.expression, expected.expression, atol=1e-4)

"""What crosses the pipe arrives as it left, and nothing else gets through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsf_blender_addon import errors
from lsf_blender_addon.audio import SpeechClip
from lsf_blender_addon.worker import protocol
from lsf_blender_addon.worker.protocol import PredictRequest


def clip() -> SpeechClip:
    return SpeechClip(np.linspace(-0.5, 0.5, 4000, dtype=np.float32), "strip é", start=2.5)


def test_a_request_with_samples_arrives_as_it_left(tmp_path: Path) -> None:
    shape = tuple(np.linspace(-1, 1, 300).tolist())
    asked = PredictRequest(clip(), tmp_path / "model", shape, 3, 7, 0.5, 2, 12.0, 1.0, "cpu", "float32")
    message = protocol.request_to_message(asked, 5, tmp_path)
    arrived = protocol.message_of(protocol.line_of(message))
    got = protocol.request_of(arrived["request"], tmp_path)
    assert isinstance(got.audio, SpeechClip)
    assert isinstance(asked.audio, SpeechClip)
    assert np.array_equal(got.audio.samples, asked.audio.samples)
    assert (got.audio.source, got.audio.start) == ("strip é", 2.5)
    for name in ("model", "shape", "takes", "seed", "temperature", "draws", "window_seconds", "device", "precision"):
        assert getattr(got, name) == getattr(asked, name)
    assert list(tmp_path.iterdir()) == []


def test_a_request_for_a_file_names_it_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = PredictRequest(Path("a.wav"), Path("model"))
    assert asked.audio == tmp_path / "a.wav"
    assert asked.model == tmp_path / "model"


def test_a_feeling_from_other_samples_arrives_beside_the_recording(tmp_path: Path) -> None:
    other = SpeechClip(np.linspace(0.5, -0.5, 3000, dtype=np.float32), "angry take")
    asked = PredictRequest(clip(), tmp_path / "model", emotion_strength=1.5, emotion_from=other)
    arrived = protocol.message_of(protocol.line_of(protocol.request_to_message(asked, 6, tmp_path)))
    got = protocol.request_of(arrived["request"], tmp_path)
    assert isinstance(got.emotion_from, SpeechClip)
    assert isinstance(got.audio, SpeechClip)
    assert np.array_equal(got.emotion_from.samples, other.samples)
    assert (got.audio.source, got.emotion_from.source, got.emotion_strength) == ("strip é", "angry take", 1.5)
    assert list(tmp_path.iterdir()) == []


def test_a_feeling_from_a_file_names_it_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = PredictRequest(Path("a.wav"), Path("model"), emotion_from=Path("b.wav"))
    arrived = protocol.request_of(protocol.request_to_message(asked, 1, tmp_path)["request"], tmp_path)
    assert arrived.emotion_from == tmp_path / "b.wav"


@pytest.mark.parametrize("name", ["../a.npz", "/etc/passwd", "", ".", "..", "a/b.npz", 7, None])
def test_no_file_outside_the_folder_can_be_named(tmp_path: Path, name: object) -> None:
    with pytest.raises(errors.WorkerError):
        protocol.inside(tmp_path, name)


@pytest.mark.parametrize(
    "fields",
    [{}, {"audio": {"path": "a"}}, {"audio": 3, "model": "m"}, {"audio": {"path": "a"}, "model": "m", "more": 1}],
)
def test_a_request_that_makes_no_sense_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(errors.WorkerError, match="does not understand"):
        protocol.request_of(fields, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"takes": 0},
        {"takes": 65},
        {"seed": -1},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"shape": (0.0,) * 299},
        {"shape": (float("inf"),) * 300},
        {"precision": "int8"},
        {"emotion_strength": -0.1},
        {"emotion_strength": 2.1},
        {"emotion_strength": float("nan")},
    ],
)
def test_values_that_make_no_sense_are_refused_before_they_are_sent(change: dict[str, Any]) -> None:
    with pytest.raises(errors.WorkerError):
        PredictRequest(clip(), Path("model"), **change)


@given(st.binary(max_size=60))
def test_a_line_is_a_message_or_a_worker_error(line: bytes) -> None:
    try:
        message = protocol.message_of(line)
    except errors.WorkerError:
        return
    assert isinstance(message, dict)


@pytest.mark.parametrize(
    "error",
    [
        errors.AudioError,
        errors.ModelError,
        errors.DeviceError,
        errors.CancelledError,
        errors.WorkerError,
        errors.UntrustedFileError,
    ],
)
def test_an_error_comes_back_as_its_own_class(error: type[errors.LsfError]) -> None:
    assert type(protocol.error_of(error.kind, "words")) is error
    assert str(protocol.error_of(error.kind, "words")) == "words"


def test_an_error_of_an_unknown_kind_is_the_workers_own() -> None:
    assert type(protocol.error_of("hiccup", "words")) is errors.WorkerError

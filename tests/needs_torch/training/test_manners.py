"""Calm and agitated: what signal processing does to a voice, and how the face's feeling is measured."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lsf_blender_addon.audio import SpeechClip, read_clip
from lsf_blender_addon.errors import LsfError
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion
from training import feeling_measure, manners, voices
from training.evaluation import BUNDLED_HEAD, Evaluator, Spoken, with_noise, with_room
from training.voices import EngineError

RATE = 16_000


def buzz(pitch: float, seconds: float = 1.5) -> np.ndarray:
    """A voiced sound of steady pitch."""
    t = np.arange(int(seconds * RATE)) / RATE
    return (0.1 * np.sum([np.sin(2 * np.pi * n * pitch * t) / n for n in range(1, 9)], axis=0)).astype(np.float32)


def pitch_of(samples: np.ndarray) -> float:
    """The strongest period between 60 and 400 Hz, in hertz."""
    middle = samples[len(samples) // 2 :][:4096].astype(np.float64)
    alike = np.fft.irfft(np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 16384)) ** 2)
    return RATE / (40 + int(np.argmax(alike[40:267])))


@pytest.mark.parametrize("factor", [0.7, 0.87, 1.15, 1.6])
def test_stretching_changes_the_length_and_not_the_pitch(factor: float) -> None:
    longer = manners.stretched(buzz(130.0), factor)
    assert len(longer) == pytest.approx(1.5 * factor * RATE, abs=RATE * 0.03)
    assert pitch_of(longer) == pytest.approx(130.0, rel=0.02)
    inner = longer[2000:-2000].astype(np.float64)
    assert np.sqrt(np.mean(inner**2)) == pytest.approx(np.sqrt(np.mean(buzz(130.0).astype(np.float64) ** 2)), rel=0.1)


def test_an_altered_phrase_is_slower_and_lower_or_faster_and_higher(repository: Path) -> None:
    clip = read_clip(repository / "samples" / "hello.wav")
    pairs = manners.altered_pairs(clip)
    begins, ends = np.array(manners.phrases(clip)).T
    assert len(pairs) == len(begins) >= 4
    spoken = (ends - begins) / RATE
    for condition in manners.CONDITIONS:
        lengths = np.array([pair[condition].clip.seconds for pair in pairs]) - 2 * manners.SILENCE_SECONDS
        assert lengths == pytest.approx(spoken * manners.MANNERS[condition].stretch, rel=0.03)
    louder = [loudness(pair.agitated.clip) - loudness(pair.calm.clip) for pair in pairs]
    assert min(louder) > 8.0


def loudness(clip: SpeechClip) -> float:
    inner = clip.samples[7000:-7000].astype(np.float64)
    return float(10 * np.log10(np.mean(inner**2)))


def test_recorded_pairs_go_by_their_names(tmp_path: Path) -> None:
    for name in ("a_calm.wav", "a_agitated.flac", "b_calm.wav", "c_agitated.wav", "notes_calm.txt"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("nothing")
        else:
            soundfile.write(tmp_path / name, buzz(120.0), RATE)
    assert [pair.name for pair in manners.recorded_pairs(tmp_path)] == ["a"]
    (tmp_path / "a_calm.wav").unlink()
    with pytest.raises(LsfError, match="NAME_calm"):
        list(manners.recorded_pairs(tmp_path))


def test_where_no_engine_speaks_the_sample_is_altered(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> list[manners.Pair]:
        raise EngineError("no engine")

    monkeypatch.setattr(manners, "spoken_pairs", missing)
    pairs = manners.pairs_at_hand(repository / "samples" / "hello.wav")
    assert pairs[0].name == "hello_1"


def test_the_engines_speak_every_sentence_in_both_conditions() -> None:
    try:
        pairs = manners.spoken_pairs()
    except EngineError as reason:
        pytest.skip(str(reason))
    assert len(pairs) == 3 * len(manners.SENTENCES)
    for pair in pairs:
        assert pair.calm.clip.seconds > 1.1 * pair.agitated.clip.seconds
        for condition in manners.CONDITIONS:
            assert sum(phone.name in {"p", "b", "m"} for phone in pair[condition].phones) >= 3


def test_espeak_takes_flites_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manners.shutil, "which", lambda _name: None)
    try:
        voices.Espeak()
    except EngineError as reason:
        pytest.skip(str(reason))
    assert manners.spoken_pairs()[0].name.startswith("en-us+")


def moved(**values: float) -> FaceMotion:
    expression = np.zeros((5, 50), np.float32)
    for name, value in values.items():
        columns = [
            number for number, own in enumerate(ARKIT_EXPRESSIONS) if own in {name, name + "Left", name + "Right"}
        ]
        expression[:, columns] = value
    return FaceMotion(expression, np.zeros((5, 3), np.float32), 50.0, "arkit")


def test_regions_are_measured_in_millimetres_up_open_and_apart() -> None:
    head = read_head(BUNDLED_HEAD)
    assert all(not track.any() for track in feeling_measure.tracks(head, moved()).values())
    assert feeling_measure.tracks(head, moved(browInnerUp=0.5))["brows"][0, 0] > 1.5
    assert feeling_measure.tracks(head, moved(eyeWide=0.5))["eyes"][0, 0] > 1.0
    assert feeling_measure.tracks(head, moved(eyeSquint=0.5))["eyes"][0, 0] < -1.0
    smile = feeling_measure.tracks(head, moved(mouthSmile=0.5))["corners"][0]
    assert smile.min() > 1.5


def test_a_region_tells_conditions_apart_only_beyond_its_own_straying() -> None:
    random = np.random.default_rng(0)
    calm = random.normal(0.0, 1.0, (500, 2))
    apart = feeling_measure._compared(calm, calm + np.array([3.0, 4.0]))
    assert apart.millimetres == pytest.approx(5.0)
    assert apart.within == pytest.approx(np.sqrt(2), rel=0.1)
    assert apart.ratio == pytest.approx(5 / np.sqrt(2), rel=0.1)
    assert apart.agreeing == 1.0
    alike = feeling_measure._compared(calm, random.normal(0.0, 1.0, (500, 2)))
    assert alike.ratio < 0.15


class Puppet(Evaluator):
    """A model that raises its brows by loudness alone, for measuring the measure."""

    def __init__(self) -> None:
        self.head = read_head(BUNDLED_HEAD)

    def motion(self, clip: SpeechClip) -> FaceMotion:
        """The brows up by ten times the recording's loudness."""
        return moved(browInnerUp=float(np.sqrt(np.mean(clip.samples**2))) * 10.0)


def test_what_a_face_does_with_feeling_is_what_is_reported(repository: Path) -> None:
    pairs = manners.altered_pairs(read_clip(repository / "samples" / "hello.wav"))
    found = feeling_measure.measure(Puppet(), pairs)
    assert found.regions["brows"].millimetres > 1.0
    assert found.regions["brows"].ratio > 3.0
    assert found.regions["brows"].agreeing == 1.0
    assert found.regions["eyes"].millimetres == found.regions["corners"].millimetres == 0.0
    assert found.pairs == len(pairs)


def spoken(samples: np.ndarray) -> Spoken:
    return Spoken("a", SpeechClip(samples.astype(np.float32), "a", start=0.5), ())


def test_noise_lies_as_far_below_the_speech_as_asked() -> None:
    clean = spoken(buzz(120.0))
    noise = with_noise(clean, 20.0).clip.samples - clean.clip.samples
    assert 10 * np.log10(np.mean(clean.clip.samples**2) / np.mean(noise**2)) == pytest.approx(20.0, abs=0.2)


def test_a_room_decays_as_asked_and_keeps_the_time_of_what_is_direct() -> None:
    click = np.zeros(RATE)
    click[1000] = 0.5
    heard = with_room(spoken(click), 0.5).clip.samples.astype(np.float64)
    assert np.argmax(np.abs(heard)) == 1000
    energy = [10 * np.log10(np.sum(heard[1001 + at : 1001 + at + 800] ** 2)) for at in (0, 4000)]
    assert energy[0] - energy[1] == pytest.approx(30.0, abs=1.5)
    assert np.sum(heard[1001:] ** 2) == pytest.approx(0.25, rel=0.05)
    assert dataclasses.replace(spoken(click)).clip.start == 0.5

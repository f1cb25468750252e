"""Sound files of every kind in and out of shape, and long ones cut into windows."""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lsf_blender_addon.audio import SAMPLE_RATE, SpeechClip, pauses, read_clip, windows
from lsf_blender_addon.errors import AudioError


def tone(seconds: float = 1.0, rate: int = 16_000, hertz: float = 220.0) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def talk(seconds: float, seed: int = 0, noise: float = 0.001) -> SpeechClip:
    """Bursts of noise of 0.1 to 1.5 s with pauses of 0.05 to 0.6 s between."""
    random = np.random.default_rng(seed)
    samples = random.normal(0, noise, round(seconds * SAMPLE_RATE))
    place = 0
    while place < len(samples):
        burst = int(random.uniform(0.1, 1.5) * SAMPLE_RATE)
        samples[place : place + burst] += random.normal(0, 0.2, len(samples[place : place + burst]))
        place += burst + int(random.uniform(0.05, 0.6) * SAMPLE_RATE)
    return SpeechClip(samples.astype(np.float32), "talk")


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_U8"),
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "PCM_32"),
        ("a.wav", "FLOAT"),
        ("a.wav", "DOUBLE"),
        ("a.wav", "ULAW"),
        ("a.flac", "PCM_16"),
        ("a.flac", "PCM_24"),
        ("a.ogg", "VORBIS"),
        ("a.ogg", "OPUS"),
        ("a.mp3", "MPEG_LAYER_III"),
    ],
)
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2), (44_100, 1), (48_000, 6)])
def test_every_format_rate_and_depth_becomes_the_same_sound(
    tmp_path: Path, name: str, subtype: str, rate: int, channels: int
) -> None:
    if (name == "a.mp3" and channels > 2) or (subtype == "OPUS" and rate == 44_100):
        pytest.skip("the format itself has no such recordings")
    soundfile.write(tmp_path / name, np.repeat(tone(2.0, rate)[:, None], channels, 1), rate, subtype=subtype)
    clip = read_clip(tmp_path / name)
    assert clip.seconds == pytest.approx(2.0, abs=0.12 if name == "a.mp3" else 0.01)
    assert clip.samples.dtype == np.float32
    middle = clip.samples[SAMPLE_RATE // 2 : SAMPLE_RATE // 2 * 3].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() == 220
    assert np.sqrt((middle**2).mean()) == pytest.approx(
        0.5 / np.sqrt(2), rel=0.06
    )  # six channels of vorbis are 4 % off


def test_a_16_khz_mono_file_comes_back_bit_by_bit(tmp_path: Path) -> None:
    sound = tone(40.0)
    soundfile.write(tmp_path / "a.wav", sound, 16_000, subtype="FLOAT")
    assert np.array_equal(read_clip(tmp_path / "a.wav").samples, sound)


def test_reading_in_blocks_gives_what_one_piece_gives(tmp_path: Path) -> None:
    import soxr  # noqa: PLC0415

    sound = np.random.default_rng(0).normal(0, 0.1, 44_100 * 20).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", sound, 44_100, subtype="FLOAT")
    assert np.allclose(read_clip(tmp_path / "a.wav").samples, soxr.resample(sound, 44_100, 16_000, "HQ"), atol=1e-6)


def test_channels_are_averaged(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(), np.zeros(16_000)], 1), 16_000, subtype="FLOAT")
    assert np.allclose(read_clip(tmp_path / "a.wav").samples, tone() / 2, atol=1e-6)


def test_real_speech_is_read(shared: Path) -> None:
    for path in sorted((shared / "wav").glob("*.wav")):
        clip = read_clip(path)
        assert clip.seconds == pytest.approx(soundfile.info(path).duration, abs=1e-3)
        assert not clip.silent


def refused(path: Path, words: str) -> None:
    with pytest.raises(AudioError, match=words) as caught:
        read_clip(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.wav", "does not exist")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    refused(tmp_path, "not a file")


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    refused(tmp_path / "a.wav", "empty")


def test_a_file_without_samples_says_so(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 16_000)
    refused(tmp_path / "a.wav", "empty")


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.raw", "a", "a.txt"])
def test_what_is_not_audio_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"No sound, only words. " * 100)
    refused(tmp_path / name, "not a sound file|damaged")


def test_a_wave_file_under_any_name_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), 16_000)
    (tmp_path / "a.wav").rename(tmp_path / "voice.raw")
    assert read_clip(tmp_path / "voice.raw").seconds == 1.0


def test_a_long_form_wave_file_is_read_and_says_when_it_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), 16_000, format="RF64")
    assert path.read_bytes()[:4] == b"RF64"
    assert read_clip(path).seconds == 1.0
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "cut short")


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("share", [0.95, 0.5, 0.2])
def test_a_file_that_is_cut_short_says_so(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 16_000 * 12), 16_000)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refused(path, "cut short")


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wave_file_from_a_pipe_does_not_know_its_length_and_is_read(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), 16_000, subtype="PCM_16")
    data = path.read_bytes()
    path.write_bytes(data[:40] + struct.pack("<I", length) + data[44:])
    assert read_clip(path).seconds == 1.0


def test_1359_samples_are_too_few_and_1360_are_enough(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", tone()[:1359], 16_000)
    refused(tmp_path / "short.wav", "too short")
    soundfile.write(tmp_path / "enough.wav", tone()[:1360], 16_000)
    assert len(read_clip(tmp_path / "enough.wav").samples) == 1360


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers_say_so(tmp_path: Path, value: float) -> None:
    sound = tone()
    sound[7] = value
    soundfile.write(tmp_path / "a.wav", sound, 16_000, subtype="FLOAT")
    refused(tmp_path / "a.wav", "not numbers")


def test_values_beyond_sound_say_so(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone() * 1e9, 16_000, subtype="FLOAT")
    refused(tmp_path / "a.wav", "beyond")


def test_silence_is_a_clip_and_knows_it(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    assert read_clip(tmp_path / "a.wav").silent
    assert SpeechClip(np.full(16_000, 0.3, np.float32), "offset").silent
    assert not SpeechClip(tone() * 0.01, "quiet").silent


def encoded(folder: Path, name: str) -> bytes:
    path = folder / name
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 4_000), 16_000)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["f.wav", "f.flac", "f.ogg", "f.mp3"])
def test_damaged_bytes_are_an_audio_error_or_a_finite_clip(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    good = encoded(tmp_path, name)

    @given(
        cut=st.integers(0, len(good)),
        place=st.integers(0, min(len(good) - 1, 400)),
        new=st.binary(min_size=0, max_size=8),
    )
    @settings(max_examples=80, deadline=None)
    def damaged(cut: int, place: int, new: bytes) -> None:
        path = tmp_path / f"damaged_{name}"
        path.write_bytes((good[:place] + new + good[place + len(new) :])[: max(cut, place)])
        with suppress(AudioError):
            assert np.isfinite(read_clip(path).samples).all()

    damaged()
    capfd.readouterr()  # the mp3 decoder's own complaints


def test_pauses_are_found_where_they_are() -> None:
    random = np.random.default_rng(0)
    samples = random.normal(0, 0.2, 6 * SAMPLE_RATE)
    for begin, end in ((1.0, 1.4), (3.0, 3.2), (5.5, 6.0)):
        samples[int(begin * SAMPLE_RATE) : int(end * SAMPLE_RATE)] *= 0.01
    found = np.array(pauses(SpeechClip(samples.astype(np.float32), "talk"))) / SAMPLE_RATE
    assert np.allclose(found, [[1.0, 1.4], [3.0, 3.2], [5.5, 6.0]], atol=0.04)


@pytest.mark.parametrize("level", [1.0, 1e-2])
def test_pauses_do_not_depend_on_the_level(level: float) -> None:
    clip = talk(20)
    assert pauses(SpeechClip(clip.samples * np.float32(level), "quieter")) == pauses(clip)


def test_a_steady_sound_has_no_pauses_and_silence_is_one() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * SAMPLE_RATE).astype(np.float32)
    assert pauses(SpeechClip(noise, "noise")) == ()
    assert pauses(SpeechClip(np.zeros(1600, np.float32), "silence")) == ((0, 1600),)


def test_pauses_of_real_speech_hold_no_words(shared: Path) -> None:
    import json  # noqa: PLC0415

    words = json.loads((shared / "wav" / "jfk.align.json").read_text())["words"]
    clip = read_clip(shared / "wav" / "jfk.wav")
    found = pauses(clip, shortest=0.3)
    assert len(found) >= 4
    for word in (word for word in words if not word["w"].startswith("<")):
        middle = word["b"] + word["d"] / 2
        assert not any(begin <= middle * SAMPLE_RATE < end for begin, end in found), word["w"]


def test_a_clip_up_to_the_window_is_one_window() -> None:
    clip = talk(10.0)
    (window,) = windows(clip, 10.0, 1.0)
    assert (window.begin, window.end) == (0, 160_000)
    assert (window.weights(np.arange(160_000)) == 1).all()


@given(
    length=st.floats(0.1, 60.0),
    seconds=st.floats(1.0, 20.0),
    share=st.floats(0.0, 0.25),
    grid=st.sampled_from([1, 320, 640]),
    seed=st.integers(0, 3),
)
@settings(max_examples=80, deadline=None)
def test_windows_cover_every_sample_once_in_all_and_none_is_too_long(
    length: float, seconds: float, share: float, grid: int, seed: int
) -> None:
    clip = talk(length, seed)
    total = len(clip.samples)
    cut = windows(clip, seconds, seconds * share, grid)
    at = np.arange(0, total, 37)
    weights = np.array([window.weights(at) for window in cut])
    assert np.abs(weights.sum(0) - 1).max() < 1e-9
    assert weights.min() >= 0
    assert cut[0].begin == 0
    assert cut[-1].end == total
    for window, weight in zip(cut, weights, strict=True):
        assert window.end - window.begin <= seconds * SAMPLE_RATE
        assert window.begin % grid == 0
        assert not weight[(at < window.begin) | (at >= window.end)].any()
    for before, after in pairwise(cut):
        assert abs((before.end - after.begin) - seconds * share * SAMPLE_RATE) <= grid


def test_windows_hand_over_in_pauses() -> None:
    clip = talk(120.0, noise=0.0005)
    quiet = pauses(clip)
    cut = windows(clip, 10.0, 0.5, 640)
    joins = [sum(window.fade_in) / 2 for window in cut[1:]]
    assert len(joins) >= 12
    inside = [any(begin <= join <= end for begin, end in quiet) for join in joins]
    assert np.mean(inside) > 0.9


def test_windows_of_a_clip_are_about_alike() -> None:
    lengths = [window.end - window.begin for window in windows(talk(100.0), 20.0, 1.0, 640)]
    assert min(lengths) > 0.6 * max(lengths)


@pytest.mark.parametrize(("seconds", "overlap"), [(0.5, 0.0), (float("nan"), 0.0), (4.0, 1.5), (4.0, -1.0)])
def test_windows_that_make_no_sense_are_refused(seconds: float, overlap: float) -> None:
    with pytest.raises(AudioError, match="window"):
        windows(talk(3.0), seconds, overlap)

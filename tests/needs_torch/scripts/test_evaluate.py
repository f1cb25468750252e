"""``scripts/evaluate.py`` as a researcher types it: orders of words, tables, pictures, JSON, and plain complaints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import evaluate
from lsf_blender_addon.models.card import CARD_NAME, WEIGHTS_NAME

WORDS = [("sil", 0.0, 0.2), ("HH", 0.2, 0.1), ("AH0", 0.3, 0.1), ("L", 0.4, 0.1), ("OW1", 0.5, 0.3), ("sil", 0.8, 0.3)]
WORDS += [("AY1", 1.1, 0.1), ("AE1", 1.2, 0.1), ("M", 1.3, 0.1), ("AH0", 1.4, 0.1), ("F", 1.5, 0.1), ("EY1", 1.6, 0.2)]


@pytest.fixture
def speech(repository: Path, tmp_path: Path) -> Path:
    """A recording with phone times, roughly, and one without."""
    folder = tmp_path / "speech"
    folder.mkdir()
    for name in ("hello.wav", "mute.wav"):
        (folder / name).write_bytes((repository / "samples" / "hello.wav").read_bytes())
    phones = [{"p": name, "b": begin, "d": length} for name, begin, length in WORDS]
    (folder / "hello.align.json").write_text(json.dumps({"words": [{"w": "hello", "phones": phones}]}))
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *map(str, words)])
    return evaluate.main()


def last_line(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str, str]:
    said = capsys.readouterr()
    result: dict[str, Any] = json.loads(said.out.splitlines()[-1])
    return result, said.out, said.err


def test_the_model_may_stand_before_or_after_the_speech(
    speech: Path, light_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--speech", speech, light_model) == 0
    first, out, err = last_line(capsys)
    assert run(monkeypatch, light_model, "--speech", speech) == 0
    again, _, _ = last_line(capsys)
    assert first == again
    assert (first["model"], list(first["clips"])) == ("light", ["hello"])
    assert first["pooled"]["closure"] in {0.0, 1.0}
    assert "lips shut: p b m" in out
    assert "mute.wav has neither mute.align.json nor mute.txt" in err


def test_several_models_stand_in_one_table_and_the_json_file_holds_it_all(
    speech: Path,
    light_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in (CARD_NAME, WEIGHTS_NAME):
        (other / name).write_bytes((light_model / name).read_bytes())
    words = ("--speech", speech, light_model, other, "--json", tmp_path / "a.json", "--noise", "20", "--room", "0.5")
    assert run(monkeypatch, *words) == 0
    result, out, _ = last_line(capsys)
    assert [model["model"] for model in result["models"]] == ["light", "other"]
    table = out.splitlines()[-3:-1]
    assert [line.split()[0] for line in table] == ["light", "other"]
    assert json.loads((tmp_path / "a.json").read_text()) == result


def test_feeling_and_other_sounds_are_reported_without_any_speech(
    repository: Path,
    light_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    for name in ("line_calm.wav", "line_agitated.wav"):
        (pairs / name).write_bytes((repository / "samples" / "hello.wav").read_bytes())
    assert run(monkeypatch, light_model, "--pairs", pairs, "--non-speech", "--sounds", pairs) == 0
    result, out, _ = last_line(capsys)
    assert result["feeling"]["regions"]["brows"]["millimetres"] == 0.0
    assert {sound["name"] for sound in result["non_speech"]["sounds"]} >= {"white noise", "hum", "chords"}
    assert len(result["non_speech"]["sounds"]) == 9
    assert "feeling, 1 pairs" in out


def test_a_picture_of_each_clip_is_drawn(
    speech: Path,
    light_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("matplotlib")
    assert run(monkeypatch, "--speech", speech, light_model, "--pictures", tmp_path / "new" / "pictures") == 0
    last_line(capsys)
    (picture,) = (tmp_path / "new" / "pictures").iterdir()
    assert picture.name == "light_hello.png"
    header = picture.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")
    assert width > 1000
    assert height > 600


def test_a_picture_without_matplotlib_is_a_sentence(
    speech: Path,
    light_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run(monkeypatch, "--speech", speech, light_model, "--pictures", tmp_path / "pictures") == 1
    assert "Pictures need matplotlib" in capsys.readouterr().err


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--speech", "nowhere"], "nowhere cannot be read"),
        (["--speech", "."], "no recording with phone times"),
        (["--pairs", "."], "no pair"),
        (["--speech", ".", "--head", "nothing.npz"], "nothing.npz"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence_and_status_1(
    words: list[str],
    complaint: str,
    light_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, light_model, *words) == 1
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [[], ["--feeling"], ["light"], ["light", "--speech", ".", "--room", "0"], ["light", "--speed", "--loud"]]
)
def test_words_that_ask_for_nothing_are_status_2(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as leaving:
        run(monkeypatch, *words)
    assert leaving.value.code == 2

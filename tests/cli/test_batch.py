"""``lsf animate`` on many recordings: each line as if it were alone, whatever happens to the others."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lsf_blender_addon.batch.crew import Crew
from lsf_blender_addon.batch.lines import Line
from lsf_blender_addon.batch.results import Result
from lsf_blender_addon.cli import main
from lsf_blender_addon.formats.files import read_motion
from lsf_blender_addon.motion import FaceMotion

EMOTION_REFUSED = {
    6: "11 is not between 0 and",
    7: "sad.wav does not exist",
    8: "'emotion' (1) and 'emotion-strength' (2) say the same",
    9: "nan is not between 0 and",
}
"""A line's number → what its reason says."""


def speech(path: Path, seconds: float = 1.0, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, round(16_000 * seconds)), 16_000)
    return path


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def records(folder: Path, name: str = "results.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that the lines wrote."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".jsonl"
    }


def test_a_folder_is_made_line_by_line_and_a_bad_line_fails_alone(
    light_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voices, out = tmp_path / "voices", tmp_path / "out"
    for number, name in enumerate(("a.wav", "act 2/b.wav", "c.wav")):
        speech(voices / name, seed=number)
    (voices / "bad.wav").write_text("words, no sound")
    words = ["animate", voices, "-o", out, "--model", light_model, "--device", "cpu", "--npz", "--csv", "--json"]
    assert run(*words) == 1
    said = capsys.readouterr()
    assert "3 of 4 lines made" in said.out
    assert "bad.wav is not a sound file" in said.err
    assert said.err.splitlines()[-1].startswith("lsf: 1 of 4 lines failed")
    told = {record["name"]: record for record in records(out)}
    assert {name: record["status"] for name, record in told.items()} == {
        "a": "made",
        "b": "made",
        "bad": "failed",
        "c": "made",
    }
    assert told["bad"]["kind"] == "audio"
    assert told["a"]["facts"]["licence"] == "CC0-1.0"
    assert [file["path"] for file in told["b"]["files"]] == ["act 2/b.npz", "act 2/b.csv", "act 2/b.json"]
    assert sorted(contents(out)) == sorted(
        f"{name}.{kind}" for name in ("a", "act 2/b", "c") for kind in ("npz", "csv", "json")
    )

    # alone, a line comes out the same
    assert run("animate", voices / "c.wav", "-o", tmp_path / "alone", *words[4:]) == 0
    assert contents(tmp_path / "alone") == {name: value for name, value in contents(out).items() if name[0] == "c"}

    # resumed, only what is missing is made, and what was half written goes
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.npz")}
    (voices / "bad.wav").unlink()
    speech(voices / "bad.wav", seed=9)
    (out / "c.csv").unlink()
    (out / ".c.csv.1.part.csv").write_text("half")
    capsys.readouterr()
    assert run(*words, "--resume") == 0
    said = capsys.readouterr()
    assert "2 of 4 lines are there already" in said.err
    assert "2 of 2 lines made" in said.out
    changed = {path.name for path, when in before.items() if path.stat().st_mtime_ns != when}
    assert changed == {"c.npz"}
    assert len(contents(out)) == 12


def test_a_list_says_for_every_line_what_is_made_and_how(
    light_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speech(tmp_path / "a.wav")
    rows = [
        {"audio": "a.wav", "name": "one", "seed": "1", "outputs": "csv"},
        {"audio": "a.wav", "name": "two", "seed": "2", "takes": "2", "temperature": "9", "outputs": "json, npz"},
        {"audio": "a.wav", "folder": "deep", "fps": "50"},
        {"audio": "missing.wav"},
        {"audio": "a.wav", "seed": "many", "name": "x"},
        {"audio": "a.wav", "outputs": "bvh", "name": "y"},
        {"audio": ""},
    ]
    columns = sorted({column for row in rows for column in row})
    with (tmp_path / "list.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    out = tmp_path / "out"
    assert run("animate", tmp_path / "list.csv", "-o", out, "--model", light_model, "--device", "cpu", "--csv") == 1
    assert "3 of 7 lines made" in capsys.readouterr().out
    assert sorted(contents(out)) == sorted(
        [
            *("one.npz", "one.csv", "deep/a.npz", "deep/a.csv"),
            *("two_take1.npz", "two_take1.json", "two_take2.npz", "two_take2.json"),
        ]
    )
    one, two = FaceMotion.load(out / "one.npz"), FaceMotion.load(out / "two_take2.npz")
    assert (one.origin["seed"], two.origin["seed"], two.origin["take"]) == (1, 2, 2)
    assert read_motion(out / "deep" / "a.csv", 50.0).frames == 2 * one.frames
    reasons = {record["line"]: record.get("reason", "") for record in records(out)}
    assert "missing.wav does not exist" in reasons[4]
    assert "'many' is no whole number" in reasons[5]
    assert "'bvh' is no kind of file" in reasons[6]
    assert "names no recording" in reasons[7]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_list_says_the_feeling_of_every_line(light_model: Path, tmp_path: Path, kind: str) -> None:
    """In one column: a number is how strong, a recording lends it; or in the options' own columns. Else a reason."""
    speech(tmp_path / "a.wav")
    speech(tmp_path / "glad.wav", seed=4)
    rows: list[dict[str, Any]] = [
        {"audio": "a.wav", "name": "plain"},
        {"audio": "a.wav", "name": "strong", "emotion": 2},
        {"audio": "a.wav", "name": "lent", "emotion": "glad.wav"},
        {"audio": "a.wav", "name": "both", "emotion": "glad.wav", "emotion strength": 0.5},
        {"audio": "a.wav", "name": "longhand", "emotion_from": "glad.wav", "Emotion strength": "0.5"},
        {"audio": "a.wav", "name": "too strong", "emotion": 11},
        {"audio": "a.wav", "name": "gone", "emotion": "sad.wav"},
        {"audio": "a.wav", "name": "twice", "emotion": 1, "emotion strength": 2},
        {"audio": "a.wav", "name": "not a number", "emotion": "nan"},
    ]
    path = tmp_path / f"list.{kind}"
    if kind == "json":
        path.write_text(json.dumps(rows))
    else:
        columns = sorted({column for row in rows for column in row})
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(rows)
    out = tmp_path / "out"
    assert run("animate", path, "-o", out, "--model", light_model, "--device", "cpu", "--npz") == 1
    made = {path.stem: FaceMotion.load(path) for path in out.glob("*.npz")}
    said = {name: (motion.origin["emotion_strength"], motion.origin["emotion_from"]) for name, motion in made.items()}
    assert said == {
        "plain": (1.0, None),
        "strong": (2.0, None),
        "lent": (1.0, "glad.wav"),
        "both": (0.5, "glad.wav"),
        "longhand": (0.5, "glad.wav"),
    }
    assert len({motion.expression.tobytes() for motion in made.values()}) == 4
    np.testing.assert_array_equal(made["both"].expression, made["longhand"].expression)
    reasons = {record["line"]: record["reason"] for record in records(out) if record["status"] == "failed"}
    assert {line: words for line, words in EMOTION_REFUSED.items() if words not in reasons[line]} == {}
    assert len(reasons) == len(EMOTION_REFUSED)


def test_two_lines_of_the_same_files_are_refused_before_anything_is_made(
    light_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.json").write_text(json.dumps([{"audio": "a.wav"}, {"audio": "a.wav", "seed": 2}]))
    assert run("animate", tmp_path / "list.json", "-o", tmp_path / "out", "--model", light_model) == 1
    assert "would both write" in capsys.readouterr().err
    assert not (tmp_path / "out" / "results.jsonl").exists()


def test_what_no_line_can_be_made_with_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSF_MODELS", str(tmp_path / "models"))
    for name in ("a.wav", "b.wav"):
        speech(tmp_path / "voices" / name)
    for words, complaint in ((["--model", "huge"], "huge"), (["--shard", "1/2", "--model", "huge"], "huge")):
        assert run("animate", tmp_path / "voices", "-o", tmp_path / "out", *words) == 1
        (sentence,) = capsys.readouterr().err.splitlines()
        assert complaint in sentence
    assert run("animate", tmp_path / "voices" / "a.wav", "-o", tmp_path / "out", "--resume") == 1
    assert "goes with a folder or a list" in capsys.readouterr().err


def test_the_parts_of_a_farm_make_the_whole(light_model: Path, tmp_path: Path) -> None:
    for number in range(3):
        speech(tmp_path / "voices" / f"{number}.wav", seed=number)
    words = ["--model", light_model, "--device", "cpu", "--npz"]
    for part in ("1/2", "2/2"):
        assert run("animate", tmp_path / "voices", "-o", tmp_path / "out", *words, "--shard", part, "--jobs", "2") == 0
    assert sorted(contents(tmp_path / "out")) == ["0.npz", "1.npz", "2.npz"]
    assert [record["name"] for record in records(tmp_path / "out", "results-2-of-2.jsonl")] == ["1"]


@pytest.mark.skipif(os.name != "posix", reason="the process is killed with a signal")
def test_a_process_that_dies_takes_only_its_line_with_it(light_model: Path, tmp_path: Path) -> None:
    lines = [
        Line(
            number,
            "one recording",
            (
                str(speech(tmp_path / f"{number}.wav", 600.0 if number == 1 else 1.0)),
                f"--output={tmp_path}",
                f"--model={light_model}",
                "--npz",
                "--device=cpu",
            ),
        )
        for number in (1, 2)
    ]
    ended: list[Result] = []
    crew: Crew

    def shoot(shares: dict[int, float]) -> None:
        if shares and not ended:
            (hand,) = crew._tasks
            os.kill(hand.pid, signal.SIGKILL)

    crew = Crew(1, ended.append, shoot)
    crew.make(lines)
    assert [(result.line.number, result.made) for result in ended] == [(1, False), (2, True)]
    assert (ended[0].kind, "signal 9" in ended[0].reason) == ("crash", True)
    assert (tmp_path / "2.npz").exists()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_is_status_130_and_says_how_to_go_on(light_model: Path, tmp_path: Path) -> None:
    speech(tmp_path / "voices" / "long.wav", 1200.0)
    words = ["animate", tmp_path / "voices", "-o", tmp_path / "out", "--model", light_model, "--npz"]
    command = [sys.executable, "-m", "lsf_blender_addon.cli", *map(str, words)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            while "lines" not in (line := process.stderr.readline()):
                assert line, "ended before it began"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            said = process.stderr.read()
    finally:
        signal.signal(signal.SIGINT, before)
    assert "--resume goes on from here" in said
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["results.jsonl"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.name != "posix", reason="the batch is killed with a signal")
def test_killed_ten_times_and_resumed_the_files_are_those_of_an_undisturbed_run(
    light_model: Path, tmp_path: Path
) -> None:
    """Nothing that was noted as made is made again, and nothing half-written stays."""
    pytest.importorskip("bpy", reason=".glb needs bpy")
    dice = random.Random(5)
    for number in range(8):
        speech(tmp_path / "voices" / f"{number}.wav", 1.0, number)

    def command(out: Path, *more: str) -> list[str]:
        words = ["animate", tmp_path / "voices", "-o", out, "--model", light_model, "--device", "cpu", "--glb", "--csv"]
        return [sys.executable, "-m", "lsf_blender_addon.cli", *map(str, words), *more]

    begun = time.monotonic()
    subprocess.run(command(tmp_path / "calm"), check=True, capture_output=True)
    whole = time.monotonic() - begun
    out = tmp_path / "killed"
    seen: dict[Path, int] = {}
    unfinished = 0
    for _ in range(10):
        with subprocess.Popen(
            command(out, "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(dice.uniform(0.15, 0.45) * whole)
            unfinished += process.poll() is None
            process.kill()
        time.sleep(0.5)
        for record in records(out) if (out / "results.jsonl").exists() else []:
            for file in record["files"]:
                path = out / file["path"]
                assert seen.setdefault(path, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
    assert unfinished >= 5
    subprocess.run(command(out, "--resume"), check=True, capture_output=True)
    assert contents(out) == contents(tmp_path / "calm")
    assert len({record["mark"] for record in records(out)}) == len(records(out)) == 8

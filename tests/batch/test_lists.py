"""Folders and lists: which lines a batch has, in which order, and which part of them a machine makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsf_blender_addon.batch.lines import Line, by_recording, mark_of, shard
from lsf_blender_addon.batch.lists import Row, is_batch, rows_of
from lsf_blender_addon.errors import LsfError


def test_a_folder_is_searched_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.wav", "a/z.FLAC", "a/c.mp3", "notes.txt", ".hidden/d.wav", "a/.e.wav", "out/f.wav"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    rows = rows_of(tmp_path, tmp_path / "out")
    assert [(Path(row.audio).name, row.options["folder"]) for row in rows] == [
        ("c.mp3", "a"),
        ("z.FLAC", "a"),
        ("b.wav", "."),
    ]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LsfError, match="no recordings"):
        rows_of(tmp_path)


def test_a_csv_list_starts_paths_from_its_own_folder_and_skips_empty_cells(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "\ufeffAudio,Start Frame,emotion_strength,outputs\na.wav,,1.5,\n/far/b.wav,1001,,glb csv\n,,,\n",
        encoding="utf-8",
    )
    assert rows_of(tmp_path / "list.csv") == [
        Row(str(tmp_path / "a.wav"), {"emotion-strength": "1.5"}),
        Row("/far/b.wav", {"start-frame": "1001", "outputs": "glb csv"}),
        Row("", {}),
    ]


def test_a_json_list_says_the_same_with_numbers_and_truths(tmp_path: Path) -> None:
    entries = [{"audio": "a.wav", "seed": 7, "prune": True, "resume": False, "outputs": ["glb", "csv"], "fps": None}]
    (tmp_path / "list.json").write_text(json.dumps(entries))
    assert rows_of(tmp_path / "list.json") == [
        Row(str(tmp_path / "a.wav"), {"seed": "7", "prune": "yes", "outputs": "glb csv"})
    ]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", "first line must name"),
        ("a.csv", "seed\n1\n", "'audio'"),
        ("a.csv", "audio\n", "is empty"),
        ("a.csv", "audio,seed\na.wav,1,2\n", "line 2 has more cells"),
        ("a.csv", 'audio\n"a.wav\n', "cannot be understood"),
        ("a.json", "{", "cannot be understood"),
        ("a.json", '{"audio": "a.wav"}', "array of objects"),
        ("a.json", '["a.wav"]', "array of objects"),
        ("a.json", "[]", "is empty"),
        ("a.json", '[{"audio": "a.wav", "emotion": {"strength": 2}}]', "an object where a text"),
    ],
)
def test_a_list_that_is_none_is_refused_with_the_reason(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(LsfError, match=words):
        rows_of(tmp_path / name)


def test_a_list_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(LsfError, match=r"missing\.csv cannot be read"):
        rows_of(tmp_path / "missing.csv")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LsfError, match="UTF-8"):
        rows_of(tmp_path / "a.csv")


def test_a_recording_is_no_batch(tmp_path: Path) -> None:
    assert is_batch(tmp_path)
    assert is_batch(Path("lines.CSV"))
    assert is_batch(Path("lines.json"))
    assert not is_batch(Path("speech.wav"))


lists = st.lists(st.integers(0, 9), max_size=60).map(
    lambda audios: [Line(number, f"{audio}.wav") for number, audio in enumerate(audios, start=1)]
)


@given(lines=lists, parts=st.integers(1, 7))
def test_the_parts_of_a_farm_are_the_whole_and_no_recording_is_in_two(lines: list[Line], parts: int) -> None:
    dealt = [shard(lines, part, parts) for part in range(1, parts + 1)]
    assert sorted((line for part in dealt for line in part), key=lambda line: line.number) == lines
    heard = [{line.audio for line in part} for part in dealt]
    assert sum(map(len, heard)) == len(set().union(*heard))
    assert max(map(len, heard)) - min(map(len, heard)) <= 1


@given(lines=lists)
def test_lines_of_one_recording_follow_each_other(lines: list[Line]) -> None:
    groups = by_recording(lines)
    assert sorted((line for group in groups for line in group), key=lambda line: line.number) == lines
    assert all(len({line.audio for line in group}) == 1 for group in groups)
    assert len(groups) == len({line.audio for line in lines})


def test_a_mark_changes_with_words_version_and_files(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"one")
    mark = mark_of(["a"], [path], "1")
    assert mark_of(["a"], [path], "1") == mark
    assert mark_of(["a"], [path, tmp_path, tmp_path / "missing"], "1") == mark
    others = {mark_of(["b"], [path], "1"), mark_of(["a"], [path], "2"), mark_of(["a"], [], "1")}
    path.write_bytes(b"three")
    others.add(mark_of(["a"], [path], "1"))
    assert len(others | {mark}) == 5

"""The results file: what a resumed batch believes, and what it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lsf_blender_addon.batch.lines import Line
from lsf_blender_addon.batch.results import Result, ResultsFile, sweep
from lsf_blender_addon.errors import LsfError


def made(folder: Path, number: int) -> Result:
    path = folder / f"{number}.npz"
    path.write_bytes(b"motion")
    line = Line(number, f"{number}.wav", mark=f"mark {number}", folder=folder, name=str(number))
    return Result(line, 1.0, (path,), {"model": "starter"})


def failed(number: int) -> Result:
    return Result(Line(number, f"{number}.wav", mark=f"mark {number}"), 0.1, kind="audio", reason="It is empty.")


def test_only_what_was_made_is_done(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path)
    assert results.begin(resume=False) == set()
    results.add(made(tmp_path, 1))
    results.add(failed(2))
    assert ResultsFile(tmp_path).begin(resume=True) == {"mark 1"}
    records = [json.loads(line) for line in results.path.read_text().splitlines()]
    assert [(record["line"], record["status"]) for record in records] == [(1, "made"), (2, "failed")]
    assert records[0]["files"] == [{"path": "1.npz", "bytes": 6}]
    assert records[1]["reason"] == "It is empty."


def test_a_line_that_failed_again_later_is_not_done(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path)
    results.begin(resume=False)
    results.add(made(tmp_path, 1))
    results.add(failed(1))
    assert results.begin(resume=True) == set()


def test_files_that_went_or_changed_are_made_again(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path)
    results.begin(resume=False)
    for number in (1, 2, 3):
        results.add(made(tmp_path, number))
    (tmp_path / "1.npz").unlink()
    (tmp_path / "2.npz").write_bytes(b"half")
    assert results.begin(resume=True) == {"mark 3"}


def test_a_torn_last_line_is_passed_over_and_cut_off(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path)
    results.begin(resume=False)
    results.add(made(tmp_path, 1))
    whole = results.path.read_bytes()
    results.path.write_bytes(whole + b'{"line": 2, "stat')
    assert results.begin(resume=True) == {"mark 1"}
    results.add(made(tmp_path, 3))
    assert results.begin(resume=True) == {"mark 1", "mark 3"}
    assert len(results.path.read_text().splitlines()) == 2


def test_foreign_lines_do_no_harm(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path)
    results.path.write_text('[]\n{"mark": 1, "status": "made", "files": 3}\n{"status": "made", "files": [{}]}\nno\n')
    assert results.begin(resume=True) == set()


def test_without_resume_results_begin_anew(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path)
    results.begin(resume=False)
    results.add(made(tmp_path, 1))
    assert results.begin(resume=False) == set()
    assert results.path.read_bytes() == b""


def test_machines_of_a_farm_write_apart_and_resume_from_each_other(tmp_path: Path) -> None:
    parts = [ResultsFile(tmp_path, (part, 2)) for part in (1, 2)]
    for number, part in enumerate(parts, start=1):
        part.begin(resume=False)
        part.add(made(tmp_path, number))
    assert [part.path.name for part in parts] == ["results-1-of-2.jsonl", "results-2-of-2.jsonl"]
    assert ResultsFile(tmp_path).begin(resume=True) == {"mark 1", "mark 2"}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(LsfError, match="cannot be written"):
        ResultsFile(tmp_path / "taken").begin(resume=False)


def test_only_our_own_half_written_files_are_swept_away(tmp_path: Path) -> None:
    ours = [".a.npz.12.part.npz", ".a_take2.glb.12.part.glb", ".b[1].csv.7.part.csv"]
    others = ["a.npz", ".c.npz.12.part.npz", ".a.b.npz.12.part.npz", ".a.npz", ".a.npz.part.npz", "results.jsonl"]
    for name in (*ours, *others):
        (tmp_path / name).touch()
    sweep([Line(1, "", folder=tmp_path, name="a"), Line(2, "", folder=tmp_path, name="b[1]")])
    sweep([Line(3, "", folder=tmp_path / "missing", name="a")])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)

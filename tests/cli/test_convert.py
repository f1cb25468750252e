"""``lsf convert``: every kind of motion file into every other that can hold it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.cli import main
from lsf_blender_addon.formats.files import read_motion
from lsf_blender_addon.models.store import bundled_head
from lsf_blender_addon.motion import FaceMotion


def run(*words: str | Path) -> int:
    return main(["convert", *map(str, words)])


def moving(space: str, frames: int = 60) -> FaceMotion:
    random = np.random.default_rng(3)
    jaw = np.zeros((frames, 3))
    jaw[:, 0] = random.random(frames) * 0.3
    return FaceMotion(random.random((frames, 50)), jaw, 25.0, space, origin={"licence": "CC0-1.0"})


@pytest.mark.parametrize(
    ("space", "way"), [("arkit", ["csv", "json", "npz"]), ("flame", ["npy", "json", "npz", "npy", "json"])]
)
def test_a_motion_comes_back_from_a_way_through_all_kinds(
    tmp_path: Path, space: str, way: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    motion = moving(space)
    motion.save(tmp_path / "0.npz")
    path = tmp_path / "0.npz"
    for step, kind in enumerate(way, start=1):
        then = tmp_path / f"{step}.{kind}"
        assert run(path, "-o", then) == 0
        assert "60 frames at 25 a second" in capsys.readouterr().out
        path = then
    back = read_motion(path)
    assert np.array_equal(back.expression, motion.expression)
    assert np.array_equal(back.jaw, motion.jaw)


def test_the_rate_may_change_and_a_csv_may_be_told_its_own(tmp_path: Path) -> None:
    moving("arkit", 20).save(tmp_path / "a.npz")
    assert run(tmp_path / "a.npz", "-o", tmp_path / "a.csv", "--fps", "50") == 0
    assert run(tmp_path / "a.csv", "-o", tmp_path / "b.json", "--read-fps", "50") == 0
    assert (read_motion(tmp_path / "b.json").fps, read_motion(tmp_path / "b.json").frames) == (50.0, 40)


def test_a_face_shape_goes_into_the_published_layout(tmp_path: Path) -> None:
    moving("flame").save(tmp_path / "a.npz")
    np.save(tmp_path / "who.npy", [0.5, 2.0])
    assert run(tmp_path / "a.npz", "-o", tmp_path / "a.npy", "--shape", tmp_path / "who.npy") == 0
    assert np.load(tmp_path / "a.npy")[0, 0, :3].tolist() == [0.5, 2.0, 0.0]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["arkit", "-o", "b.npy"], "--head FILE"),
        (["flame", "-o", "b.csv"], "--made-for FILE"),
        (["arkit", "-o", "b.json", "--head", "x.pkl"], "cannot be read"),
        (["flame", "-o", "b.json", "--made-for", "BUNDLED"], "where it is to go"),
        (["arkit", "-o", "b.json", "--head", "BUNDLED", "--made-for", "BUNDLED"], "leave it out"),
        (["arkit", "-o", "b.json", "--read-fps", "30"], "its own frame rate"),
        (["arkit", "-o", "b.json", "--shape", "who.json"], "face shape"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_no_file(
    words: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "who.json").write_text("[1.0]")
    moving(words[0]).save(tmp_path / "a.npz")
    given = [str(bundled_head()) if word == "BUNDLED" else word for word in words]
    assert run("a.npz", *given[1:]) == 1
    assert complaint in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "who.json"]


def test_an_unknown_ending_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("a.npz", "-o", "a.bvh") == 2
    assert "must end in" in capsys.readouterr().err

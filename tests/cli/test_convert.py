"""``lsf convert``: every kind of motion file into every other that can hold it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.cli import main
from lsf_blender_addon.formats.files import read_motion
from lsf_blender_addon.formats.published import write_npy
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.models.store import bundled_head
from lsf_blender_addon.motion import FaceMotion
from tests.cli.conftest import Refused
from tests.cli.flame_pair import flame_pair


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
def test_what_cannot_be_is_one_sentence_and_no_file(words: list[str], complaint: str, refused: Refused) -> None:
    Path("who.json").write_text("[1.0]")
    moving(words[0]).save(Path("a.npz"))
    refused(["convert", "a.npz", *words[1:]], complaint)


def test_an_unknown_ending_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("a.npz", "-o", "a.bvh") == 2
    assert "must end in" in capsys.readouterr().err


def ours(name: str = "head") -> Head:
    return replace(read_head(bundled_head()), name=name)


def test_a_motion_becomes_the_points_of_its_head(tmp_path: Path) -> None:
    motion = moving("arkit", 5)
    motion.save(tmp_path / "a.npz")
    assert run(tmp_path / "a.npz", "-o", tmp_path / "p.npy", "--to", "vertices") == 0
    points = np.load(tmp_path / "p.npy")
    assert points.dtype == np.float32
    np.testing.assert_allclose(points, vertices(ours(), motion.expression, motion.jaw), atol=1e-6)


def test_a_published_result_keeps_its_shape_unless_told_otherwise(shared: Path, tmp_path: Path) -> None:
    flame = flame_pair(shared, tmp_path)[0]
    who, other = np.zeros(300), np.zeros(300)
    who[:2], other[:2] = (1.0, -1.0), (0.0, 2.0)
    np.save(tmp_path / "other.npy", other)
    motion = moving("flame", 4)
    write_npy(tmp_path / "r.npy", motion, who)
    for words, kept in ((), who), (("--shape", tmp_path / "other.npy"), other), (("--no-shape",), np.zeros(300)):
        assert run(tmp_path / "r.npy", "-o", tmp_path / "s.npy", *words) == 0
        np.testing.assert_array_equal(np.load(tmp_path / "s.npy")[0, 0, :300], kept)
        assert run(tmp_path / "r.npy", "-o", tmp_path / "v.npy", "--to", "vertices", "--head", flame, *words) == 0
        there = vertices(read_head(flame), motion.expression, motion.jaw, kept[: read_head(flame).shape_count])
        np.testing.assert_allclose(np.load(tmp_path / "v.npy"), there, atol=1e-6)


def test_points_move_to_another_face_and_back(tmp_path: Path) -> None:
    """What the published scripts for motion transfer and for removing a shape did."""
    rest = ours().template.astype(np.float64)
    face = rest * [1.1, 0.9, 1.0]
    np.save(tmp_path / "face.npy", face)
    turned = face @ [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    (tmp_path / "face.obj").write_text("".join(f"v {x:.9f} {y:.9f} {z:.9f}\n" for x, y, z in turned))
    move = np.random.default_rng(0).normal(0, 0.001, (3, *rest.shape))
    np.save(tmp_path / "p.npy", (rest + move).astype(np.float32))
    named = ("--head", bundled_head())
    assert run(tmp_path / "p.npy", "-o", tmp_path / "q.npy", "--shape", tmp_path / "face.npy", *named) == 0
    np.testing.assert_allclose(np.load(tmp_path / "q.npy"), face + move, atol=1e-6)
    assert run(tmp_path / "p.npy", "-o", tmp_path / "z.npy", "--shape", tmp_path / "face.obj", "--z-up", *named) == 0
    np.testing.assert_allclose(np.load(tmp_path / "z.npy"), face + move, atol=1e-6)
    words = ("--from-shape", tmp_path / "face.npy", "--no-shape", *named)
    assert run(tmp_path / "q.npy", "-o", tmp_path / "back.npy", *words) == 0
    np.testing.assert_allclose(np.load(tmp_path / "back.npy"), rest + move, atol=1e-6)
    assert run(tmp_path / "p.npy", "-o", tmp_path / "fast.npy", "--fps", "50") == 0
    assert len(np.load(tmp_path / "fast.npy")) == 6


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["p.npy", "-o", "b.json"], "nobody knows the expressions of"),
        (["p.npy", "-o", "b.npy", "--no-shape"], "as --head"),
        (["p.npy", "-o", "b.npy", "--no-shape", "--head", "BUNDLED"], "must be one mesh"),
        (["p.npy", "-o", "b.npy", "--head", "BUNDLED"], "whose face is to move"),
        (["a.npz", "-o", "b.csv", "--to", "vertices"], "Points go into a .npy"),
        (["a.npz", "-o", "b.npy", "--to", "vertices", "--from-shape", "p.npy"], "goes with a source of points"),
        (["f.npz", "-o", "b.npy", "--to", "vertices"], "as --head"),
        (["a.npz", "-o", "b.json", "--no-shape"], "no place for a face shape"),
    ],
)
def test_points_that_cannot_be_are_one_sentence_and_no_file(words: list[str], complaint: str, refused: Refused) -> None:
    np.save("p.npy", np.zeros((2, 5, 3)))
    moving("arkit").save(Path("a.npz"))
    moving("flame").save(Path("f.npz"))
    refused(["convert", *words], complaint)

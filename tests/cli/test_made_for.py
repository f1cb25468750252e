"""FLAME 2020's components never reach a FLAME 2023 head as they are: converted with --made-for, or refused."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lsf_blender_addon.cli import main
from lsf_blender_addon.formats.files import read_motion
from lsf_blender_addon.formats.published import write_npy
from lsf_blender_addon.head.basis import basis_of, same_basis
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.head.releases import to_release
from lsf_blender_addon.head.retarget import to_flame
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import FaceMotion
from tests.cli.flame_pair import flame_pair
from tests.head.bundled import head
from tests.head.test_retarget import spoken

REFUSED = "Give both FLAME files, the one it was made for with --made-for"
SKIN = np.arange(0, 3931, 7)


@pytest.fixture(scope="module")
def pair(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return flame_pair(shared, tmp_path_factory.mktemp("flame"))


@pytest.fixture(scope="module")
def published(pair: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the published code writes: FLAME 2020's components, and no word about it."""
    path = tmp_path_factory.mktemp("published") / "result.npy"
    write_npy(path, to_flame(spoken(100)[0], head(), read_head(pair[0])))
    return path


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    return path


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def points(motion: FaceMotion, path: Path) -> np.ndarray:
    return vertices(read_head(path), motion.expression, motion.jaw, only=SKIN)


def test_a_published_file_shows_the_same_face_on_another_release(
    pair: tuple[Path, Path], published: Path, tmp_path: Path
) -> None:
    old, new = pair
    assert run("convert", published, "-o", tmp_path / "m.npz", "--head", new, "--made-for", old) == 0
    got, given = read_motion(tmp_path / "m.npz"), read_motion(published)
    away = np.linalg.norm(points(got, new) - points(given, old), axis=2) * 1000
    copied = np.linalg.norm(points(given, new) - points(given, old), axis=2) * 1000
    assert away.max() < 1.0  # a few components meet their bound of 3
    assert copied.max() > 5
    assert same_basis(got.origin["basis"], read_head(new))
    # and from there no further without the file that it speaks now
    assert run("convert", tmp_path / "m.npz", "-o", tmp_path / "b.npz", "--head", old, "--made-for", old) == 1
    assert run("convert", tmp_path / "m.npz", "-o", tmp_path / "b.npz", "--head", old, "--made-for", new) == 0
    back = points(read_motion(tmp_path / "b.npz"), old)
    assert np.linalg.norm(back - points(given, old), axis=2).max() * 1000 < 1.0


def test_without_the_file_it_was_made_for_it_is_refused(
    pair: tuple[Path, Path], published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("convert", published, "-o", tmp_path / "m.npz", "--head", pair[1]) == 1
    assert REFUSED in capsys.readouterr().err
    given = read_motion(published)
    given.save(tmp_path / "given.npz")
    assert run("mouth", tmp_path / "given.npz", "-o", tmp_path / "t.npz", "--head", pair[1]) == 1
    assert REFUSED in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["given.npz"]


def test_a_published_file_becomes_arkit_when_its_flame_file_is_given(
    pair: tuple[Path, Path], published: Path, tmp_path: Path
) -> None:
    assert run("convert", published, "-o", tmp_path / "m.csv", "--made-for", pair[0]) == 0
    got = read_motion(tmp_path / "m.csv")
    assert (got.space, got.frames) == ("arkit", 50)
    assert got.jaw[:, 0].max() > 0.05


def test_on_the_release_that_it_was_made_for_nothing_changes(
    pair: tuple[Path, Path], published: Path, tmp_path: Path
) -> None:
    old = pair[0]
    assert run("convert", published, "-o", tmp_path / "m.npz", "--head", old, "--made-for", old) == 0
    got = read_motion(tmp_path / "m.npz")
    np.testing.assert_array_equal(got.expression, read_motion(published).expression)
    assert got.origin["basis"] == basis_of(read_head(old))


@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="animate needs bpy")
def test_a_models_components_reach_another_release_by_a_list_as_well(
    pair: tuple[Path, Path], tiny_model: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = pair
    rows = [{"audio": str(speech), "name": "refused"}, {"audio": str(speech), "name": "made", "made-for": str(old)}]
    (tmp_path / "list.json").write_text(json.dumps(rows))
    words = ("--model", tiny_model, "--device", "cpu", "--temperature", "0", "--head", new, "--npz")
    assert run("animate", tmp_path / "list.json", "-o", tmp_path / "out", *words) == 1
    told = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    by_name = {record["name"]: record for record in told}
    assert REFUSED in by_name["refused"]["reason"]
    assert by_name["made"]["status"] == "made"
    assert [path.name for path in (tmp_path / "out").glob("*.npz")] == ["made.npz"]
    own = tmp_path / "own"
    assert run("animate", speech, "-o", own, *words[:6], "--head", old, "--npz") == 0
    got, given = read_motion(tmp_path / "out" / "made.npz"), read_motion(own / "speech.npz")
    assert got.origin["retargeted"]["to"] == "FLAME2023"
    np.testing.assert_allclose(got.expression, to_release(given, read_head(old), read_head(new)).expression, atol=1e-4)
    capsys.readouterr()


def test_a_file_as_flame_2020_is_published_is_taken_at_its_word_and_said_so(
    pair: tuple[Path, Path], tiny_model: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = tmp_path / "generic_model.npz"
    published.write_bytes(pair[1].read_bytes())
    words = ("animate", speech, "-o", tmp_path / "out", "--model", tiny_model, "--device", "cpu", "--npz")
    assert run(*words, "--head", published) == 0
    assert "does not say which release of FLAME it is" in capsys.readouterr().err
    assert run(*words, "--head", published, "--made-for", pair[0]) == 0
    assert "does not say" not in capsys.readouterr().err
    assert read_motion(tmp_path / "out" / "speech.npz").origin["retargeted"]["from"] == "FLAME2020"


def test_a_head_whose_name_says_nothing_is_refused_until_a_person_says_it(
    pair: tuple[Path, Path], published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A FLAME 2023 file under another name, and a published result, which remembers nothing."""
    nameless = tmp_path / "head.npz"
    nameless.write_bytes(pair[1].read_bytes())
    words = ("convert", published, "-o", tmp_path / "m.npz", "--head", nameless)
    assert run(*words) == 1
    said = capsys.readouterr().err
    assert "Nothing says whether the motion's expression components are those of the head 'head'" in said
    assert "--made-for" in said
    assert "FLAME2020.pkl" in said
    assert not (tmp_path / "m.npz").exists()
    assert run(*words, "--made-for", pair[0]) == 0
    assert read_motion(tmp_path / "m.npz").origin["retargeted"]["to"] == "head"
    assert run(*words, "--made-for", nameless) == 0
    np.testing.assert_array_equal(read_motion(tmp_path / "m.npz").expression, read_motion(published).expression)
    assert run("convert", tmp_path / "m.npz", "-o", tmp_path / "n.npz", "--head", nameless) == 0

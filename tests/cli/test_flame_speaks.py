"""A FLAME file speaks what a model says in ``arkit``, or is refused with the reason before the work begins."""

from __future__ import annotations

import importlib.util
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lsf_blender_addon.cli import main
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.head.landmarks import mouth_track
from lsf_blender_addon.head.retarget import to_flame
from lsf_blender_addon.models.store import bundled_head
from lsf_blender_addon.motion import FaceMotion
from tests.cli.flame_pair import flame_file as write_flame_file
from tests.head.bundled import head
from tests.head.carried_flame import carried_flame


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 32_000), 16_000)
    return path


@pytest.fixture(scope="module")
def flame_file(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of FLAME's structure, with directions that are carried over from our own head."""
    path = tmp_path_factory.mktemp("flame") / "generic_model.npz"
    return write_flame_file(shared, path, carried_flame(shared, head()))


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def test_predict_writes_what_a_flame_rig_takes(
    speech: Path, light_model: Path, flame_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    making = ("--model", light_model, "--device", "cpu")
    assert run("predict", speech, "-o", tmp_path / "own.npz", *making) == 0
    assert run("predict", speech, "-o", tmp_path / "m.npz", *making, "--space", "flame", "--head", flame_file) == 0
    own, motion = FaceMotion.load(tmp_path / "own.npz"), FaceMotion.load(tmp_path / "m.npz")
    assert (motion.space, motion.frames, motion.fps) == ("flame", own.frames, own.fps)
    assert motion.origin["retargeted"]["to"] == "generic_model"
    assert motion.origin["licence"] == own.origin["licence"]
    assert "carried over to 'generic_model' within" in capsys.readouterr().out
    ours, theirs = mouth_track(read_head(bundled_head()), own), mouth_track(read_head(flame_file), motion)
    assert theirs["width"].std() == pytest.approx(0.97 * ours["width"].std(), rel=0.5, abs=0.2)


def test_a_face_shape_is_that_of_the_head_as_well(
    speech: Path, light_model: Path, flame_file: Path, tmp_path: Path
) -> None:
    who = np.array([2.0, -2.0, 1.0])
    np.save(tmp_path / "who.npy", who)
    words = ("--model", light_model, "--device", "cpu", "--shape", tmp_path / "who.npy")
    assert run("predict", speech, "-o", tmp_path / "own.npz", *words) == 0
    assert run("predict", speech, "-o", tmp_path / "m.npz", *words, "--space", "flame", "--head", flame_file) == 0
    got, own = FaceMotion.load(tmp_path / "m.npz"), FaceMotion.load(tmp_path / "own.npz")
    target = read_head(flame_file)
    shaped, plain = (to_flame(own, head(), target, identity).expression for identity in (who, None))
    np.testing.assert_allclose(got.expression, shaped, atol=1e-3)
    assert np.abs(shaped - plain).max() > 0.01


def test_animate_lets_a_flame_head_speak(speech: Path, light_model: Path, flame_file: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("animate needs bpy")
    words = (
        "animate",
        speech,
        "-o",
        tmp_path,
        "--model",
        light_model,
        "--device",
        "cpu",
        "--head",
        flame_file,
        "--glb",
    )
    assert run(*words) == 0
    assert FaceMotion.load(tmp_path / "speech.npz").space == "flame"
    assert (tmp_path / "speech.glb").stat().st_size > 100_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--space", "flame"], "give yours with --head FILE"),
        (["--head", "BUNDLED"], "add --space flame"),
        (["--space", "flame", "--head", "BUNDLED"], "needs a FLAME file"),
        (["--space", "flame", "--head", "BUNDLED", "--made-for", "BUNDLED"], "needs a FLAME file"),
        (["--made-for", "BUNDLED"], "say with --head or --space where it is to go"),
        (["--space", "flame", "--head", "nothing.pkl"], "nothing.pkl cannot be read"),
    ],
)
def test_what_lacks_a_flame_file_is_refused_before_it_begins(
    speech: Path,
    light_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    words: list[str],
    sentence: str,
) -> None:
    given = [str(bundled_head()) if word == "BUNDLED" else word for word in words]
    assert run("predict", speech, "-o", tmp_path / "m.npz", "--model", light_model, *given) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert "listening" not in said
    assert not (tmp_path / "m.npz").exists()


def test_a_file_of_another_mesh_is_refused_before_it_begins(
    speech: Path, light_model: Path, flame_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(flame_file) as file:
        arrays = dict(file)
    np.savez(tmp_path / "cut.npz", **{**arrays, "f": arrays["f"][:-1]})
    words = ("--model", light_model, "--space", "flame", "--head", tmp_path / "cut.npz")
    assert run("predict", speech, "-o", tmp_path / "m.npz", *words) == 1
    assert "no named points" in capsys.readouterr().err


@pytest.mark.slow
def test_the_starter_reads_as_well_on_a_flame_head_as_on_ours(shared: Path, flame_file: Path, tmp_path: Path) -> None:
    """Six recordings of real voices, scored on both heads by a scorer that is not ours."""
    scorer = runpy.run_path(str(shared / "tools" / "lipsync_score.py"))
    ours, theirs = [], []
    for aligned in sorted((shared / "wav").glob("*.align.json")):
        name = aligned.name.removesuffix(".align.json")
        assert run("predict", shared / "wav" / f"{name}.wav", "-o", tmp_path / f"{name}.npz", "--device", "cpu") == 0
        own, phones = FaceMotion.load(tmp_path / f"{name}.npz"), json.loads(aligned.read_text(encoding="utf-8"))
        target = read_head(flame_file)
        ours.append(scorer["score"](mouth_track(head(), own), phones))
        theirs.append(scorer["score"](mouth_track(target, to_flame(own, head(), target)), phones))
    assert len(ours) == 6
    before, after = scorer["pool"](ours), scorer["pool"](theirs)
    for measure in set(before) - {"lag_ms"}:
        assert after[measure] == pytest.approx(before[measure], abs=0.05), measure
    assert abs(after["lag_ms"] - before["lag_ms"]) <= 10

"""``lsf`` as a stranger types it: what is written, what is said, and the exit status."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lsf_blender_addon import __version__
from lsf_blender_addon.arrays import read_arrays
from lsf_blender_addon.cli import main
from lsf_blender_addon.commands.bar import Bar
from lsf_blender_addon.commands.speech import face_shape
from lsf_blender_addon.errors import LsfError
from lsf_blender_addon.models.card import CARD_NAME, WEIGHTS_NAME, read_card
from lsf_blender_addon.motion import FaceMotion
from tests.cli.conftest import Refused


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 48_000), 16_000)
    return path


@pytest.fixture
def flame_model(light_model: Path, tmp_path: Path) -> Path:
    """The light model, said to speak another space than the bundled head's."""
    folder = tmp_path / "flame"
    folder.mkdir()
    card = dataclasses.replace(read_card(light_model), name="flame", space="flame")
    (folder / CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    (folder / WEIGHTS_NAME).write_bytes((light_model / WEIGHTS_NAME).read_bytes())
    return folder


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def test_predict_writes_one_motion_and_names_its_licence(
    speech: Path, light_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "motion.npz"
    assert run("predict", speech, "-o", output, "--model", light_model, "--seed", "3", "--device", "cpu") == 0
    motion = FaceMotion.load(output)
    assert motion.frames == 75
    assert motion.origin["seed"] == 3
    assert motion.origin["audio"] == "speech.wav"
    said = capsys.readouterr()
    assert "75 frames" in said.out
    assert "commercial use allowed" in said.out
    assert "listening" in said.err
    assert sorted(item.name for item in output.parent.iterdir()) == ["motion.npz"]


def test_takes_go_to_numbered_files_that_differ(speech: Path, light_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "motion.npz"
    words = ("--takes", "2", "--temperature", "9", "--model", light_model, "--window", "2", "--device", "cpu")
    assert run("predict", speech, "-o", output, *words) == 0
    one, two = (FaceMotion.load(tmp_path / f"motion_take{number}.npz") for number in (1, 2))
    assert not output.exists()
    assert not np.array_equal(one.expression, two.expression)
    assert one.origin["window"] == 2.0


def test_the_feeling_can_be_another_recordings_and_stronger(
    speech: Path, light_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, output = tmp_path / "angry.wav", tmp_path / "motion.npz"
    soundfile.write(other, np.random.default_rng(1).normal(0, 0.3, 30_000), 16_000)
    words = ("--emotion-strength", "1.5", "--emotion-from", other, "--model", light_model, "--device", "cpu")
    assert run("predict", speech, "-o", output, *words) == 0
    origin = FaceMotion.load(output).origin
    assert (origin["emotion_strength"], origin["emotion_from"]) == (1.5, "angry.wav")
    assert "feeling of angry.wav, feeling at strength 1.5" in capsys.readouterr().out


def test_a_missing_recording_of_feeling_is_named_before_anything_is_begun(
    speech: Path, light_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--emotion-from", tmp_path / "none.wav", "--model", light_model)
    assert run("predict", speech, "-o", tmp_path / "out" / "m.npz", *words) == 1
    assert "none.wav does not exist" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_animate_writes_what_is_chosen_and_the_motion(speech: Path, light_model: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("animate needs bpy")
    out = tmp_path / "out"
    words = ["animate", speech, "-o", out, "--model", light_model, "--blend", "--glb", "--device", "cpu", "--fps", "30"]
    done = subprocess.run(
        [sys.executable, "-m", "lsf_blender_addon.cli", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sorted(item.name for item in out.iterdir()) == ["speech.blend", "speech.glb", "speech.npz"]
    assert (out / "speech.glb").read_bytes()[:4] == b"glTF"
    assert all(name in done.stdout for name in ("speech.blend", "speech.glb", "speech.npz"))


def test_mouth_measures_a_motion_on_the_bundled_head(tmp_path: Path) -> None:
    motion = FaceMotion.still(50, 25.0, "arkit")
    jaw = np.zeros((50, 3), np.float32)
    jaw[20:30, 0] = 0.3
    dataclasses.replace(motion, jaw=jaw).save(tmp_path / "motion.npz")
    assert run("mouth", tmp_path / "motion.npz", "-o", tmp_path / "track.npz") == 0
    track = read_arrays(tmp_path / "track.npz")
    assert np.allclose(np.diff(track["t"]), 0.01)
    assert track["aperture"][100] > track["aperture_rest"] + 3.0
    assert track["aperture"][0] == pytest.approx(float(track["aperture_rest"]), abs=1e-3)
    assert track["width"].min() > 20.0


def test_mouth_refuses_a_motion_of_another_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FaceMotion.still(5, 25.0, "flame").save(tmp_path / "motion.npz")
    assert run("mouth", tmp_path / "motion.npz", "-o", tmp_path / "track.npz") == 1
    assert "flame" in capsys.readouterr().err
    assert not (tmp_path / "track.npz").exists()


def test_animate_refuses_a_head_of_another_space_before_it_begins(
    speech: Path, flame_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsf_blender_addon.worker.client.Worker.start", lambda _self: pytest.fail("it began"))
    assert run("animate", speech, "-o", tmp_path / "out", "--model", flame_model) == 1
    assert "--model" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_models_list_says_what_may_be_sold(
    light_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LSF_MODELS", str(light_model.parent))
    assert run("models", "list") == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("light ")]
    assert "CC0-1.0" in row
    assert " allowed" in row
    assert "arkit" in row


def test_importing_what_is_no_checkpoint_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LSF_MODELS", str(tmp_path / "models"))
    (tmp_path / "bad.ckpt").write_bytes(b"nothing of the kind")
    assert run("models", "import", tmp_path / "bad.ckpt") == 1
    assert "bad.ckpt" in capsys.readouterr().err
    assert not (tmp_path / "models").exists() or not any((tmp_path / "models").iterdir())


def test_head_info_describes_the_bundled_head(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("head", "info", repository / "vendor_models" / "head" / "head.npz") == 0
    said = capsys.readouterr().out
    assert "arkit" in said
    assert "expressions  50" in said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["predict", "nothing.wav", "-o", "m.npz"], "nothing.wav does not exist"),
        (["predict", ".", "-o", "m.npz"], "is not a file"),
        (["animate", "nothing.wav", "-o", "out"], "nothing.wav does not exist"),
        (["mouth", "nothing.npz", "-o", "t.npz"], "nothing.npz cannot be read"),
        (["head", "info", "nothing.npz"], "nothing.npz"),
        (["models", "import", "nothing.ckpt"], "nothing.ckpt"),
    ],
)
def test_a_missing_file_is_one_sentence(
    words: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.setenv("LSF_MODELS", str(tmp_path / "models"))
    refused(words, complaint)


def test_an_unknown_model_is_named_with_those_that_exist(
    speech: Path, light_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LSF_MODELS", str(light_model.parent))
    assert run("predict", speech, "-o", tmp_path / "m.npz", "--model", "huge") == 1
    said = capsys.readouterr().err
    assert "huge" in said
    assert "light" in said


def test_a_bad_recording_is_told_from_the_worker(
    light_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.wav").write_text("words, no sound")
    assert run("predict", tmp_path / "a.wav", "-o", tmp_path / "m.npz", "--model", light_model) == 1
    assert "not a sound file" in capsys.readouterr().err
    assert not (tmp_path / "m.npz").exists()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["sing"],
        ["predict"],
        ["predict", "a.wav"],
        ["predict", "a.wav", "-o", "motion.txt"],
        ["predict", "a.wav", "-o", "m.npz", "--takes", "0"],
        ["predict", "a.wav", "-o", "m.npz", "--takes", "many"],
        ["predict", "a.wav", "-o", "m.npz", "--temperature", "nan"],
        ["predict", "a.wav", "-o", "m.npz", "--window", "0.1"],
        ["predict", "a.wav", "-o", "m.npz", "--emotion-strength", "2.5"],
        ["animate", "a.wav", "-o", "out", "--emotion-strength", "-1"],
        ["animate", "a.wav", "-o", "out", "--emotion-strength", "angry"],
        ["animate", "a.wav", "-o", "out", "--fps", "0"],
        ["models"],
        ["models", "import", "a.ckpt", "--name", "../up"],
    ],
)
def test_words_that_make_no_command_are_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "usage: lsf" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--help"], ["predict", "--help"], ["animate", "--help"], ["mouth", "-h"], ["models", "import", "-h"]]
)
def test_help_is_status_0_and_explains(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert "usage: lsf" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"lsf {__version__}"


@pytest.fixture
def hearing_ctrl_c() -> Iterator[None]:
    """Commands started from here hear Ctrl-C, even where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
@pytest.mark.usefixtures("hearing_ctrl_c")
def test_ctrl_c_is_status_130_and_leaves_nothing(light_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.random.default_rng(0).normal(0, 0.1, 16_000 * 1200), 16_000)
    words = ["predict", tmp_path / "long.wav", "-o", tmp_path / "out" / "m.npz", "--model", light_model]
    command = [sys.executable, "-m", "lsf_blender_addon.cli", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "listening" not in (line := process.stderr.readline()):
            assert line, "ended before it began"
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
        assert process.stderr.read().splitlines()[-1] == "Cancelled."
    assert list((tmp_path / "out").iterdir()) == []


def test_a_face_shape_may_be_short_and_in_three_formats(tmp_path: Path) -> None:
    values = [0.5, -1.0, 2.0]
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", shape=[values])
    (tmp_path / "a.json").write_text(json.dumps(values))
    for name in ("a.npy", "a.npz", "a.json"):
        shape = face_shape(tmp_path / name)
        assert len(shape) == 300
        assert shape[:4] == (0.5, -1.0, 2.0, 0.0)


@pytest.mark.parametrize("text", ["", "{}", '"words"', "[]", "[1, null]", json.dumps([0] * 301), "[NaN]"])
def test_a_face_shape_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(LsfError, match="face shape"):
        face_shape(tmp_path / "a.json")


class Terminal(io.StringIO):
    """What says that a person looks on."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_a_terminal_sees_one_bar_and_a_log_a_few_lines() -> None:
    live, log = Terminal(), io.StringIO()
    for stream in (live, log):
        with Bar(stream) as bar:
            for step in range(101):
                bar.at("listening", step / 100, 60.0)
            bar.say("memory was short")
    assert live.getvalue().count("\n") == 1
    assert live.getvalue().count("\r") > 100
    assert "memory was short\n" in live.getvalue()
    assert log.getvalue().count("\n") == 6
    assert "\r" not in log.getvalue()

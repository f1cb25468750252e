"""The command that holds the network to reference vectors, on the vectors themselves and on spoilt ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from check_parity import main

FAST = (
    "audio_frontend",
    "e2v_small6_N16000",
    "e2v_small_N9999",
    "flame_synthetic",
    "motion_ae_small_T41",
    "predictor_small_T37_B1",
    "predictor_small_T64_B2",
    "resample_train",
    "stage2_small_n75",
    "stage2_small_n81_gt33",
    "vq_small_T33",
)


Checked = Callable[..., tuple[int, dict[str, object], str]]


@pytest.fixture
def checked(capsys: pytest.CaptureFixture[str]) -> Checked:
    """Runs the command in this process: exit code, its last line, everything that it said."""

    def run(folder: Path, *options: str) -> tuple[int, dict[str, object], str]:
        code = main([str(folder), *options])
        said = capsys.readouterr()
        lines = said.out.strip().splitlines()
        return code, json.loads(lines[-1]) if lines else {}, said.out + said.err

    return run


@pytest.fixture
def vectors(shared: Path, tmp_path: Path) -> Path:
    """A folder with copies of the fast vectors."""
    for name in FAST:
        shutil.copy(shared / "goldens" / f"{name}.npz", tmp_path)
    return tmp_path


def change(path: Path, array: str, by: float) -> None:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays[array] = arrays[array].copy()
    arrays[array].flat[-1] += by
    np.savez(path, **arrays)


def test_every_part_agrees_with_its_reference(vectors: Path, checked: Checked) -> None:
    code, result, output = checked(vectors)
    assert (code, result["checked"], result["failed"]) == (0, len(FAST), 0), output


@pytest.mark.slow
def test_every_reference_vector_passes(shared: Path, checked: Checked) -> None:
    code, result, output = checked(shared / "goldens")
    assert (code, result["failed"]) == (0, 0), output


def test_another_salt_means_another_network(vectors: Path, checked: Checked) -> None:
    for name in ("resample_train", "audio_frontend", "flame_synthetic"):
        (vectors / f"{name}.npz").unlink()
    code, result, _ = checked(vectors, "--salt", "7")
    assert (code, result["failed"]) == (1, result["checked"])


@pytest.mark.parametrize(
    "spoilt",
    [
        ("audio_frontend", "emotion_input", 1e-5),
        ("e2v_small6_N16000", "features", 2e-4),
        ("flame_synthetic", "landmarks_full", 1e-4),
        ("motion_ae_small_T41", "encoded", 1e-3),
        ("predictor_small_T37_B1", "tokens_after_0", 1e-3),
        ("predictor_small_T64_B2", "out", 1e-3),
        ("resample_train", "r30_out_motion", 1e-4),
        ("stage2_small_n81_gt33", "denorm_403", 1e-2),
        ("vq_small_T33", "indices", 1),
    ],
)
def test_one_spoilt_number_is_found(
    shared: Path, tmp_path: Path, spoilt: tuple[str, str, float], checked: Checked
) -> None:
    name, array, by = spoilt
    shutil.copy(shared / "goldens" / f"{name}.npz", tmp_path)
    change(tmp_path / f"{name}.npz", array, by)
    code, result, output = checked(tmp_path)
    assert (code, result["checked"], result["failed"]) == (1, 1, 1), output
    assert name in str(result["worst"])


def test_a_file_of_an_unknown_kind_fails(vectors: Path, checked: Checked) -> None:
    shutil.copy(vectors / "resample_train.npz", vectors / "predictor_tiny_T3.npz")
    code, result, output = checked(vectors)
    assert (code, result["failed"]) == (1, 1)
    assert "not of a known kind" in output


def test_an_array_that_nothing_is_known_of_fails(shared: Path, tmp_path: Path, checked: Checked) -> None:
    with np.load(shared / "goldens" / "vq_small_T33.npz") as file:
        np.savez(tmp_path / "vq_small_T33.npz", **{name: file[name] for name in file.files}, wonder=np.zeros(3))
    code, _, output = checked(tmp_path)
    assert code == 1
    assert "wonder: not compared" in output


def test_a_file_without_what_it_is_about_fails(shared: Path, tmp_path: Path, checked: Checked) -> None:
    with np.load(shared / "goldens" / "e2v_small_N9999.npz") as file:
        np.savez(tmp_path / "e2v_small_N9999.npz", **{name: file[name] for name in file.files if name != "features"})
    code, _, output = checked(tmp_path)
    assert code == 1
    assert "features: missing" in output


def test_a_damaged_file_fails_without_a_traceback(tmp_path: Path, checked: Checked) -> None:
    (tmp_path / "vq_small_T33.npz").write_bytes(b"PK\x03\x04 and nothing more")
    code, result, output = checked(tmp_path)
    assert (code, result["failed"]) == (1, 1)
    assert "Traceback" not in output


def test_what_is_not_built_yet_is_said_and_not_counted(shared: Path, vectors: Path, checked: Checked) -> None:
    shutil.copy(shared / "goldens" / "losses_small.npz", vectors)
    code, result, output = checked(vectors)
    assert (code, result["checked"]) == (0, len(FAST))
    assert "later" in output


def test_a_folder_without_vectors_is_not_a_success(tmp_path: Path, checked: Checked) -> None:
    assert checked(tmp_path)[0] == 1
    assert checked(tmp_path / "missing")[0] == 1

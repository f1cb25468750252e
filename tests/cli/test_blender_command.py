"""``blender --command lsf animate`` and ``lsf animate`` make the same files of one list, in Blender's own program."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lsf_blender_addon.worker.boot import PACKAGE
from lsf_blender_addon.worker.client import PYTHON_VARIABLE
from tests.needs_bpy.gltf_reader import Glb

SWITCHED_ON = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("lsf_blender_addon", {folder!r} + "/__init__.py",
                                              submodule_search_locations=[{folder!r}])
package = importlib.util.module_from_spec(spec)
sys.modules["lsf_blender_addon"] = package
spec.loader.exec_module(package)
package.register()
"""
"""The add-on of this checkout, switched on as an installed one is."""

NUMBERS = (".npz", ".npy", ".csv", ".json")
EXACT = 1e-6
"""Metres."""


@pytest.fixture
def blender() -> str:
    """Blender's program: the one of LSF_BLENDER, or the first on the path."""
    program = os.environ.get("LSF_BLENDER") or shutil.which("blender")
    if not program:
        pytest.skip("there is no program blender here (LSF_BLENDER names one)")
    return program


@pytest.fixture
def job_list(light_model: Path, tiny_model: Path, tmp_path: Path) -> Path:
    """Two models, two takes, a feeling from elsewhere, and a recording that is not there."""
    random = np.random.default_rng(3)
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", random.normal(0, 0.1, 16_000), 16_000)
    rows: list[dict[str, Any]] = [
        {"audio": "a.wav", "name": "plain", "model": light_model, "outputs": "csv json glb"},
        {"audio": "a.wav", "name": "felt", "model": light_model, "outputs": "csv", "takes": 2, "temperature": 1.5},
        {"audio": "b.wav", "name": "published", "model": tiny_model, "outputs": "npy json", "folder": "deep"},
        {"audio": "gone.wav", "model": light_model},
    ]
    rows[1] |= {"seed": 7, "emotion from": "b.wav", "emotion": 1.5}
    path = tmp_path / "list.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, sorted({column for row in rows for column in row}))
        writer.writeheader()
        writer.writerows(rows)
    return path


def results(folder: Path) -> list[dict[str, Any]]:
    """What a batch noted, without what a clock and another version of Blender's exporters change."""
    told = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    for record in told:
        del record["seconds"], record["mark"]
        record["files"] = [file["path"] for file in record.get("files", ())]
    return sorted(told, key=lambda record: int(record["line"]))


def files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*") if path.suffix != ".jsonl"}


def test_one_list_through_both_gives_the_same_bytes_and_the_same_motion(
    blender: str, job_list: Path, tmp_path: Path
) -> None:
    pytest.importorskip("bpy", reason=".glb needs bpy")
    # how many processors a machine has decides in which order numbers are summed: the same for both
    surroundings = {**os.environ, PYTHON_VARIABLE: sys.executable, "OMP_NUM_THREADS": "1"}
    words = ["animate", str(job_list), "--device", "cpu", "-o"]
    switched_on = SWITCHED_ON.format(folder=str(PACKAGE))
    ways = {
        "lsf": [sys.executable, "-m", "lsf_blender_addon.cli"],
        "blender": [blender, "--background", "--factory-startup", "--python-expr", switched_on, "--command", "lsf"],
    }
    for name, way in ways.items():
        done = subprocess.run(
            [*way, *words, str(tmp_path / name)], capture_output=True, text=True, check=False, env=surroundings
        )
        assert done.returncode == 1, done.stderr
        assert "3 of 4 lines made" in done.stdout
        assert "1 of 4 lines failed" in done.stderr
    ours, theirs = files(tmp_path / "lsf"), files(tmp_path / "blender")
    assert list(map(len, (ours, theirs))) == [11, 11]
    assert results(tmp_path / "lsf") == results(tmp_path / "blender")
    for name, path in ours.items():
        if path.suffix in NUMBERS:
            assert path.read_bytes() == theirs[name].read_bytes(), name
    one, other = Glb(ours["plain.glb"]), Glb(theirs["plain.glb"])
    for second in (0.0, 0.4, 0.88):
        np.testing.assert_allclose(one.vertices(second)[1], other.vertices(second)[1], atol=EXACT)

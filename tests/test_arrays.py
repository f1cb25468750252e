"""Arrays are written whole or not at all, and come back as they were; nothing else is read as arrays."""

from __future__ import annotations

import gc
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsf_blender_addon.arrays import read_arrays, whole_file, write_arrays
from lsf_blender_addon.errors import MotionError

ARRAYS: dict[str, Any] = {
    "numbers": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "truth": np.array(True),
    "text": "é and more",
    "none": np.zeros((0, 4)),
}


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_come_back_as_they_were(tmp_path: Path, *, compressed: bool) -> None:
    write_arrays(tmp_path / "new" / "a.npz", ARRAYS, compressed=compressed)
    found = read_arrays(tmp_path / "new" / "a.npz")
    assert list(found) == list(ARRAYS)
    for name, value in ARRAYS.items():
        assert found[name].dtype == np.asarray(value).dtype
        assert np.array_equal(found[name], value)


def test_numpy_reads_what_is_written(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", ARRAYS)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert np.array_equal(file["numbers"], ARRAYS["numbers"])
        assert str(file["text"]) == ARRAYS["text"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_text("old")

    def failing() -> None:
        with whole_file(path) as part:
            part.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("a.npz", "old")]


@pytest.mark.skipif(os.name != "posix", reason="the size of files is limited as POSIX does it")
@pytest.mark.parametrize("limit", [0, 100, 5_000, 40_000])
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    import resource  # noqa: PLC0415

    path = tmp_path / "a.npz"
    write_arrays(path, ARRAYS)
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(MotionError, match=r"a\.npz cannot be written"):
            write_arrays(path, {"a": np.random.default_rng(0).random(6_000)}, MotionError)
        gc.collect()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert complaints == []
    assert [found.name for found in tmp_path.iterdir()] == ["a.npz"]
    assert list(read_arrays(path)) == list(ARRAYS)


def test_objects_are_refused_on_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(tmp_path / "a.npz", {"a": np.array([{}])})
    assert not list(tmp_path.iterdir())


def test_objects_are_refused_on_the_way_in(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([{}]))
    with pytest.raises(MotionError, match="not plain numbers"):
        read_arrays(tmp_path / "a.npz", MotionError)


def test_what_would_be_too_large_is_not_unpacked(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", {"a": np.zeros(100_000)})
    with pytest.raises(MotionError, match="larger"):
        read_arrays(tmp_path / "a.npz", MotionError, largest=1_000)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", {"a": np.zeros(100)})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        content = archive.read("a.npy")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("a.npy", content[:-8])
    with pytest.raises(MotionError, match="cut short"):
        read_arrays(tmp_path / "b.npz", MotionError)

"""A tensor in a file never reaches beyond the storage that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.models.torch_files import Storage, StoredTensor
from lsf_blender_addon.pickles import PickleFormatError


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    path = tmp_path / "values"
    path.write_bytes(bytes(3) + np.arange(12, dtype="<f4").tobytes() + np.full(9, 99, "<f4").tobytes())
    return Storage(path, "<f4", 12, begin=3)


@pytest.mark.parametrize(
    ("offset", "shape", "stride", "expected"),
    [
        (0, (3, 4), (4, 1), np.arange(12).reshape(3, 4)),
        (1, (4, 2), (1, 4), np.arange(12).reshape(3, 4).T[:, :2] + 1),
        (11, (), (), np.array(11)),
        (0, (0, 3), (3, 1), np.zeros((0, 3))),
        (2, (3,), (0,), np.array([2, 2, 2])),
    ],
    ids=["whole", "transposed", "a number", "nothing", "repeated"],
)
def test_a_view_holds_the_values_it_shows(
    offset: int, shape: tuple[int, ...], stride: tuple[int, ...], expected: np.ndarray, storage: Storage
) -> None:
    assert np.array_equal(StoredTensor(storage, offset, shape, stride).array(), expected)


@pytest.mark.parametrize(
    ("offset", "shape", "stride"),
    [
        (0, (13,), (1,)),
        (11, (2,), (1,)),
        (12, (), ()),
        (0, (3, 4), (5, 1)),
        (0, (1000,), (0,)),
        (-1, (2,), (1,)),
        (0, (-2,), (1,)),
        (0, (2,), (-1,)),
        (0, (2,), (1, 1)),
        (0, [2], (1,)),
        (0, (1,) * 9, (1,) * 9),
        (True, (2,), (1,)),
    ],
)
def test_a_view_beyond_its_storage_is_refused(offset: Any, shape: Any, stride: Any, storage: Storage) -> None:
    with pytest.raises(PickleFormatError):
        StoredTensor(storage, offset, shape, stride)


def test_a_file_that_ends_within_a_tensor_is_named(storage: Storage) -> None:
    storage.path.write_bytes(storage.path.read_bytes()[:40])
    with pytest.raises(ModelError, match="values is incomplete"):
        StoredTensor(storage, 0, (12,), (1,)).array()

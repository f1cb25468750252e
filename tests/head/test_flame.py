"""Every form in which FLAME's files come gives the same head; what is no head says why."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from lsf_blender_addon.errors import HeadError, LsfError, UntrustedFileError
from lsf_blender_addon.head import files
from lsf_blender_addon.head.flame import Head, read_head
from tests.head.flame_files import ROOT_PARENT, chumpy_class, flame_arrays, forget_chumpy, python2_pickle


@pytest.fixture(scope="module")
def arrays(shared: Path) -> dict[str, Any]:
    return flame_arrays(shared)


@pytest.fixture(scope="module")
def expected(arrays: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Head:
    path = tmp_path_factory.mktemp("flame") / "generic_model.pkl"
    path.write_bytes(pickle.dumps(arrays, 2))
    return read_head(path)


@pytest.fixture
def chumpy() -> Iterator[type]:
    yield chumpy_class()
    forget_chumpy()


def with_chumpy(arrays: dict[str, Any], chumpy: type) -> dict[str, Any]:
    objects = {key: chumpy(arrays[key]) for key in ("v_template", "shapedirs", "posedirs", "weights")}
    return {**arrays, **objects}


def npz(arrays: dict[str, Any], **replaced: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, **{**arrays, **replaced})
    return out.getvalue()


def assert_same(found: Head, expected: Head) -> None:
    for key in ("template", "faces", "shape_directions", "expression_directions", "pose_directions", "weights"):
        assert np.array_equal(getattr(found, key), getattr(expected, key)), key
    assert np.allclose(found.joint_regressor, expected.joint_regressor, atol=1e-7)
    assert found.parents.tolist() == expected.parents.tolist()


def test_a_flame_file_becomes_the_arrays_that_it_holds(expected: Head, arrays: dict[str, Any]) -> None:
    assert expected.space == "flame"
    assert expected.template.shape == (5023, 3)
    assert expected.triangles.shape == (9976, 3)
    assert expected.shape_count == 300
    assert expected.expression_count == 100
    assert expected.expression_names[0] == "Exp1"
    assert expected.expression_names[-1] == "Exp100"
    assert expected.parents.tolist() == [-1, 0, 1, 1, 1]
    assert np.allclose(expected.expression_directions[:, :, 0], arrays["shapedirs"][:, :, 300])
    assert np.allclose(expected.joint_regressor, arrays["J_regressor"].toarray())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol_give_the_same_head(
    protocol: int, arrays: dict[str, Any], expected: Head, tmp_path: Path
) -> None:
    path = tmp_path / "flame.pkl"
    path.write_bytes(pickle.dumps(arrays, protocol))
    assert_same(read_head(path), expected)


def test_a_pickle_of_python_2_gives_the_same_head(arrays: dict[str, Any], expected: Head, tmp_path: Path) -> None:
    path = tmp_path / "flame.pkl"
    path.write_bytes(python2_pickle(arrays))
    assert_same(read_head(path), expected)


@pytest.mark.parametrize(
    "written", [lambda value: pickle.dumps(value, 2), lambda value: pickle.dumps(value, 0), python2_pickle]
)
def test_chumpy_objects_give_their_values(
    written: Callable[[Any], bytes], arrays: dict[str, Any], expected: Head, chumpy: type, tmp_path: Path
) -> None:
    path = tmp_path / "flame.pkl"
    path.write_bytes(written(with_chumpy(arrays, chumpy)))
    forget_chumpy()
    assert_same(read_head(path), expected)


@pytest.mark.parametrize(
    "replaced",
    [
        {},
        {"J_regressor": "dense"},
        {"posedirs": "flat"},
        {"kintree_table": np.array([[ROOT_PARENT, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32)},
        {"kintree_table": np.array([[-1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.int32)},
        {"kintree_table": np.array([[0, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.int32)},
    ],
    ids=[
        "sparse object",
        "dense regressor",
        "flat pose directions",
        "unsigned parents",
        "signed parents",
        "a root of its own",
    ],
)
def test_npz_files_give_the_same_head(
    replaced: dict[str, Any], arrays: dict[str, Any], expected: Head, tmp_path: Path
) -> None:
    if "J_regressor" in replaced:
        replaced = {"J_regressor": arrays["J_regressor"].toarray()}
    if "posedirs" in replaced:
        replaced = {"posedirs": arrays["posedirs"].reshape(-1, 36).T}
    path = tmp_path / "FLAME2023.npz"
    path.write_bytes(npz(arrays, **replaced))
    assert_same(read_head(path), expected)


@pytest.mark.parametrize("key", ["v_template", "f", "shapedirs", "posedirs", "J_regressor", "kintree_table", "weights"])
def test_a_missing_array_is_named(key: str, arrays: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "flame.pkl"
    path.write_bytes(pickle.dumps({name: value for name, value in arrays.items() if name != key}, 4))
    with pytest.raises(HeadError, match=key):
        read_head(path)


WRONG: dict[str, Any] = {
    "v_template": lambda value: value[:, :2],
    "f": lambda value: value + 1,
    "shapedirs": lambda value: value[:, :, :300],
    "posedirs": lambda value: value[:, :, :27],
    "J_regressor": lambda _: scipy.sparse.csc_matrix((24, 5023)),
    "kintree_table": lambda _: np.zeros((2, 24), np.int64),
    "weights": lambda value: np.where(value == value.max(), np.nan, value),
}


@pytest.mark.parametrize("key", WRONG)
def test_an_array_that_does_not_fit_is_named(key: str, arrays: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "flame.pkl"
    path.write_bytes(pickle.dumps({**arrays, key: WRONG[key](arrays[key])}, 4))
    with pytest.raises(HeadError, match="faces" if key == "f" else key):
        read_head(path)


def test_a_string_where_numbers_belong_is_refused(arrays: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "flame.pkl"
    path.write_bytes(pickle.dumps({**arrays, "weights": "heavy"}, 4))
    with pytest.raises(HeadError, match="weights"):
        read_head(path)


class Runs:
    """Pickles as a command of the shell."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("form", ["pkl", "npz"])
def test_a_program_inside_a_flame_file_is_refused_by_name(form: str, arrays: dict[str, Any], tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    hostile = {**arrays, "J_regressor": np.array(Runs(mark), dtype=object)}
    path = tmp_path / f"flame.{form}"
    path.write_bytes(npz(hostile) if form == "npz" else pickle.dumps(hostile, 2))
    with pytest.raises(UntrustedFileError, match="system"):
        read_head(path)
    assert not mark.exists()


def npy_header(shape: str) -> bytes:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return out.getvalue()


NO_HEADS: dict[str, bytes] = {
    "empty": b"",
    "text": b"a head, honestly",
    "a list": pickle.dumps([1, 2]),
    "half a pickle": pickle.dumps({"v_template": np.zeros((9, 3))})[:60],
    "half an archive": archive(v_template=npy_header("(9, 3)") + bytes(216))[:80],
    "an archive of text": archive(v_template=b"hello"),
    "another npz": npz({"a": np.zeros(3)}),
}


@pytest.mark.parametrize("kind", NO_HEADS)
def test_what_is_no_head_is_an_error_for_a_person(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "head.bin"
    path.write_bytes(NO_HEADS[kind])
    with pytest.raises(HeadError, match=r"head\.bin"):
        read_head(path)


@pytest.mark.parametrize("shape", [f"({2**50},)", "(-1, -1)", "(3, 3)", "(2, 3.5)", "'many'"])
def test_an_array_that_lies_about_its_size_is_named(shape: str, tmp_path: Path) -> None:
    good = npy_header("(1, 3)") + bytes(24)
    members = dict.fromkeys(("f", "shapedirs", "posedirs", "J_regressor", "kintree_table", "weights"), good)
    path = tmp_path / "head.npz"
    path.write_bytes(archive(v_template=npy_header(shape) + bytes(24), **members))
    with pytest.raises(HeadError, match=r"v_template of head\.npz cannot be read"):
        read_head(path)


def test_a_missing_file_is_an_error_for_a_person(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match=r"none\.pkl"):
        read_head(tmp_path / "none.pkl")


def test_a_zip_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAXIMUM_BYTES", 20 * 2**20)
    path = tmp_path / "bomb.npz"
    path.write_bytes(archive(v_template=bytes(30 * 2**20)))
    assert path.stat().st_size < 100_000
    with pytest.raises(UntrustedFileError, match="unpacks"):
        read_head(path)


def test_any_cut_of_a_file_is_refused_with_an_error_of_our_own(arrays: dict[str, Any], tmp_path: Path) -> None:
    small = {key: value for key, value in arrays.items() if key not in ("shapedirs", "posedirs")}
    whole = pickle.dumps(small, 2)
    path = tmp_path / "flame.pkl"
    for length in np.linspace(0, len(whole) - 1, 25, dtype=int):
        path.write_bytes(whole[:length])
        with pytest.raises(LsfError):
            read_head(path)

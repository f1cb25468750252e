"""Pickles come out as Python's own unpickler reads them, or are refused; nothing in them runs."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from lsf_blender_addon.errors import UntrustedFileError
from lsf_blender_addon.pickles import ARRAYS, PickleFormatError, RestrictedUnpickler, as_array

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def read(data: bytes, **options: Any) -> Any:
    return RestrictedUnpickler(data, ARRAYS, source="test.pkl", **options).load()


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(max_size=300)
)
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5).flatmap(
        lambda items: st.sampled_from([items, tuple(items), {f"key {i}": item for i, item in enumerate(items)}])
    ),
    max_leaves=15,
) | st.one_of(st.sets(st.integers()), st.frozensets(st.text()), st.dictionaries(scalars, scalars))


@settings(deadline=None)
@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
def test_plain_values_come_out_as_they_went_in(value: Any, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(UntrustedFileError, PickleFormatError):
        read(data)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_pickle_is_read_or_refused(data: st.DataObject) -> None:
    value = {"a": np.arange(6.0).reshape(2, 3), "b": [scipy.sparse.csc_matrix(np.eye(3)), ("x", 1)]}
    whole = bytearray(pickle.dumps(value, data.draw(st.sampled_from(PROTOCOLS))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UntrustedFileError, PickleFormatError):
        found = read(bytes(whole))
        for part in found.values() if isinstance(found, dict) else []:
            as_array(part)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float64).reshape(3, 4),
        np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
        np.arange(5, dtype=">i4"),
        np.zeros((0, 3), np.uint32),
        np.array(2.5),
        np.array([True, False]),
        np.array(["jaw", "neck"]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_come_out_as_they_went_in(array: np.ndarray, protocol: int) -> None:
    found = as_array(read(pickle.dumps(array, protocol)))
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_numpy_scalars_become_numbers(protocol: int) -> None:
    assert read(pickle.dumps(np.float32(0.5), protocol)) == 0.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["csc_matrix", "csr_matrix", "coo_matrix", "csc_array"])
def test_sparse_matrices_become_dense(kind: str, protocol: int) -> None:
    dense = np.array([[0, 1.5, 0, 2], [0, 0, 0, 0], [-3, 0, 0, 4]])
    found = read(pickle.dumps(getattr(scipy.sparse, kind)(dense), protocol))
    assert np.array_equal(as_array(found), dense)


def test_the_module_names_of_older_and_newer_releases_are_known() -> None:
    data = pickle.dumps([scipy.sparse.csc_matrix(np.eye(4)), np.arange(3.0)], 2)
    older = data.replace(b"cscipy.sparse._csc\n", b"cscipy.sparse.csc\n").replace(b"cnumpy._core.", b"cnumpy.core.")
    newer = data.replace(b"cnumpy.core.", b"cnumpy._core.")
    assert older != newer
    for version in (older, newer):
        sparse, array = read(version)
        assert np.array_equal(as_array(sparse), np.eye(4))
        assert np.array_equal(as_array(array), np.arange(3.0))


def test_strings_of_python_2_are_latin_1() -> None:
    raw = np.array([1.0, -2.0]).tobytes()
    python2 = b"\x80\x02U" + bytes([len(raw)]) + raw + b"."
    assert read(python2) == raw.decode("latin-1")
    assert read(b"S" + repr(raw)[1:].encode() + b"\n.") == raw.decode("latin-1")


def test_reading_stops_behind_the_pickle() -> None:
    data = pickle.dumps([1], 2) + pickle.dumps({"b": 2}, 4)
    first = RestrictedUnpickler(data, ARRAYS, source="two.pkl")
    assert first.load() == [1]
    assert RestrictedUnpickler(data, ARRAYS, source="two.pkl", position=first.position).load() == {"b": 2}


class Calls:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


HOSTILE: dict[str, Callable[[Path], Any]] = {
    "os.system": lambda mark: Calls(os.system, f"touch {mark}"),
    "builtins.eval": lambda mark: Calls(eval, f"open({str(mark)!r}, 'w')"),
    "builtins.exec": lambda mark: Calls(exec, f"open({str(mark)!r}, 'w')"),
    "builtins.getattr": lambda _: Calls(getattr, Path, "home"),
    "builtins.open": lambda mark: Calls(open, str(mark), "w"),
    "nested in a FLAME file": lambda mark: {
        "v_template": np.zeros((3, 3)),
        "weights": [Calls(os.system, f"touch {mark}")],
    },
    "within an array of objects": lambda mark: np.array([Calls(os.system, f"touch {mark}"), None], dtype=object),
    "an array of another class": lambda _: Calls(
        np.zeros(1).__reduce__()[0],
        collections.UserList,
        (0,),
        b"b",
    ),
    "numpy.load": lambda mark: Calls(np.load, str(mark)),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_pickle_that_calls_is_refused_and_does_nothing(kind: str, protocol: int, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    with pytest.raises((UntrustedFileError, PickleFormatError)):
        read(pickle.dumps(HOSTILE[kind](mark), protocol))
    assert not mark.exists()


def test_a_refusal_names_what_was_asked_for() -> None:
    with pytest.raises(UntrustedFileError, match=r"test\.pkl.*posix\.system|test\.pkl.*nt\.system"):
        read(pickle.dumps(Calls(os.system, "true"), 2))


OPCODE_TRICKS = {
    "a persistent id": b"\x80\x02U\x01aQ.",
    "an extension code": b"\x80\x02\x82\x01.",
    "state set on a name": b"\x80\x02cnumpy\nndarray\n}U\x01aK\x01sb.",
    "state set on a builder": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}b.",
    "slots set on a class": b"\x80\x02cnumpy\ndtype\nN}U\x05buildK\x01s\x86b.",
    "a name called that may only be named": b"\x80\x02cnumpy\nndarray\n)R.",
    "a list called": b"\x80\x02])R.",
    "a dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0bndarray.fun\x93.",
    "an out-of-band buffer": b"\x80\x05\x97.",
}


@pytest.mark.parametrize("trick", OPCODE_TRICKS)
def test_tricks_of_the_pickle_language_are_refused(trick: str) -> None:
    with pytest.raises(UntrustedFileError):
        read(OPCODE_TRICKS[trick])


DAMAGE = {
    "nothing": b"",
    "no end": b"\x80\x02]",
    "an empty stack": b"\x80\x02.",
    "a memo that was never set": b"\x80\x02h\x05.",
    "a string longer than the file": b"\x80\x02T\xff\xff\xff\x7fabc.",
    "a number of absurd length": b"\x80\x02\x8b\xff\xff\xff\x7fabc.",
    "items on a number": b"\x80\x02K\x01K\x02a.",
    "a list as a key": b"\x80\x02}]K\x01s.",
    "an array of another class": (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nccollections\nOrderedDict\nK\x00\x85U\x01b\x87R."
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_pickle_is_an_error_of_its_own_kind(damage: str) -> None:
    with pytest.raises(PickleFormatError):
        read(DAMAGE[damage])


def test_a_deeply_nested_key_does_not_bring_python_down() -> None:
    with pytest.raises(PickleFormatError):
        read(b"\x80\x02}" + b")" + b"\x85" * 300_000 + b"K\x01s.")


def test_a_file_of_endless_small_steps_is_refused() -> None:
    with pytest.raises(UntrustedFileError, match="steps"):
        read(b"\x80\x02" + b"}" * 2000 + b".", maximum_operations=1000)


def array_pickle(shape: tuple[int, ...], raw: bytes, code: str = "f8") -> bytes:
    out = io.BytesIO()
    out.write(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01(")
    for size in shape:
        out.write(b"\x8a\x09" + struct.pack("<q", size) + b"\x00")
    out.write(b"tcnumpy\ndtype\nU" + bytes([len(code)]) + code.encode() + b"\x85R\x89T" + struct.pack("<i", len(raw)))
    out.write(raw + b"tb.")
    return out.getvalue()


def test_a_well_formed_array_of_the_hostile_writer_is_read() -> None:
    assert np.array_equal(as_array(read(array_pickle((2,), np.array([1.0, 2.0]).tobytes()))), [1, 2])


@pytest.mark.parametrize("shape", [(2**40,), (2**32, 2**32), (-1,), (3,)])
def test_an_array_that_lies_about_its_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PickleFormatError):
        as_array(read(array_pickle(shape, bytes(16))))


@pytest.mark.parametrize("code", ["V8", "f8,f8", "M8", "S9999999"])
def test_an_array_of_odd_elements_is_refused(code: str) -> None:
    with pytest.raises(PickleFormatError):
        as_array(read(array_pickle((1,), bytes(8), code)))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("indptr", np.array([0, 1, 99])),
        ("indices", np.array([0, 7])),
        ("indices", np.array([0, -1])),
        ("_shape", (10**6, 10**6)),
        ("data", np.ones(1)),
    ],
)
def test_a_sparse_matrix_that_does_not_fit_is_refused(part: str, value: Any) -> None:
    matrix = scipy.sparse.csc_matrix(np.eye(2))
    vars(matrix)[part] = value
    with pytest.raises(PickleFormatError):
        as_array(read(pickle.dumps(matrix, 2)))


def test_an_array_that_holds_itself_is_refused() -> None:
    inner = np.empty((), dtype=object)
    inner[()] = inner
    with pytest.raises(PickleFormatError):
        as_array(read(pickle.dumps(inner, 2)))

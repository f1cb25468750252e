"""Stand-ins for what holds numbers in pickles: numpy's arrays, scipy's sparse matrices, chumpy's objects."""

from __future__ import annotations

import re
import reprlib
from collections import OrderedDict
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .reader import Builder, Named, PickleFormatError, StandIn

MAXIMUM_DENSE = 2_000_000
"""Elements of a sparse matrix written out in full; FLAME's largest has 25,115."""

MAXIMUM_AXES = 16

_DTYPE = re.compile(r"[<>=|]?(b1|\?|i[1248]|u[1248]|f[248]|c8|c16|O[48]?|[SU]\d{1,6})")


class DType(StandIn):
    """An array's element type; structured types are refused."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise PickleFormatError(f"an array of {reprlib.repr(code)}")
        self.dtype: np.dtype[Any] = np.dtype("O" if "O" in code else code)

    def set_state(self, state: Any) -> None:
        """Take the byte order: (version, order, sub-array, names, fields, size, alignment, ...)."""
        if type(state) is not tuple or len(state) < 5 or any(part is not None for part in state[2:5]):  # noqa: PLR2004
            raise PickleFormatError("an array of structures")
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class Array(StandIn):
    """A numpy array; ``values`` is set by its state."""

    def __init__(self, values: NDArray[Any] | None = None) -> None:
        self._values = values

    def values(self) -> NDArray[Any]:
        """The array.

        Raises:
            PickleFormatError: the file began an array and never filled it.
        """
        if self._values is None:
            raise PickleFormatError("an array without values")
        return self._values

    def set_state(self, state: Any) -> None:
        """Take (version, shape, type, Fortran order, bytes or list)."""
        if type(state) is not tuple or len(state) != 5:  # noqa: PLR2004 as said above
            raise PickleFormatError("an array with an unknown state")
        _, shape, kind, fortran, raw = state
        self._values = _filled(shape, kind, raw, "F" if fortran else "C")


class SparseMatrix(StandIn):
    """A scipy matrix, compressed by column or row, or a list of coordinates."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._state: dict[str, Any] = {}

    def set_state(self, state: Any) -> None:
        """Take the attributes, as scipy pickles them."""
        if type(state) is not dict:
            raise PickleFormatError("a sparse matrix with an unknown state")
        self._state = state

    def dense(self) -> NDArray[np.float64]:
        """The matrix written out.

        Raises:
            PickleFormatError: the parts do not fit together, or it would be too large.
        """
        shape = self._state.get("_shape", self._state.get("shape"))
        if (
            type(shape) is not tuple
            or len(shape) != 2  # noqa: PLR2004 rows, columns
            or not all(type(size) is int and size >= 0 for size in shape)
            or prod(shape) > MAXIMUM_DENSE
        ):
            raise PickleFormatError(f"a sparse matrix of shape {reprlib.repr(shape)}")
        data = self._part("data").astype(np.float64)
        rows, columns = self._coordinates(shape)
        if data.ndim != 1 or not data.shape == rows.shape == columns.shape:
            raise PickleFormatError("a sparse matrix whose parts have different lengths")
        for index, size in ((rows, shape[0]), (columns, shape[1])):
            if index.size and (index.min() < 0 or index.max() >= size):
                raise PickleFormatError("a sparse matrix with entries outside itself")
        result = np.zeros(shape)
        np.add.at(result, (rows, columns), data)
        return result

    def _part(self, key: str) -> NDArray[Any]:
        if key not in self._state:
            raise PickleFormatError(f"a sparse matrix without {key}")
        part = as_array(self._state[key])
        if part.dtype.kind not in "biuf":
            raise PickleFormatError(f"a sparse matrix whose {key} are no numbers")
        return part

    def _coordinates(self, shape: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self.kind == "coo":
            if "coords" in self._state and type(self._state["coords"]) is tuple and len(self._state["coords"]) == 2:  # noqa: PLR2004
                row, column = (as_array(part) for part in self._state["coords"])
            else:
                row, column = self._part("row"), self._part("col")
            return row.astype(np.int64), column.astype(np.int64)
        indices, starts = self._part("indices").astype(np.int64), self._part("indptr").astype(np.int64)
        lines = shape[1] if self.kind == "csc" else shape[0]
        counts = np.diff(starts)
        if starts.shape != (lines + 1,) or starts[0] != 0 or starts[-1] != len(indices) or (counts < 0).any():
            raise PickleFormatError("a sparse matrix whose indptr does not fit")
        own = np.repeat(np.arange(lines), counts)
        return (indices, own) if self.kind == "csc" else (own, indices)


class ChumpyArray(StandIn):
    """An object of chumpy, the automatic-differentiation package that early FLAME files were saved with."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._state: dict[str, Any] = {}

    def set_state(self, state: Any) -> None:
        """Take the attributes; ``x`` holds the value."""
        if type(state) is not dict:
            raise PickleFormatError("a chumpy object with an unknown state")
        self._state = state

    def values(self) -> NDArray[Any]:
        """The value.

        Raises:
            PickleFormatError: it was a formula, which only chumpy itself could evaluate.
        """
        if "x" in self._state:
            return as_array(self._state["x"])
        if self.kind == "Select" and {"a", "idxs"} <= set(self._state):
            chosen = as_array(self._state["a"]).ravel()[as_array(self._state["idxs"]).astype(np.int64)]
            shape = self._state.get("preferred_shape")
            return chosen.reshape(shape) if type(shape) is tuple else chosen
        raise PickleFormatError(f"a chumpy {self.kind} without its value")


def as_array(value: Any) -> NDArray[Any]:
    """The array that a value read from a pickle stands for.

    Raises:
        PickleFormatError: it stands for none.
    """
    try:
        return _as_array(value)
    except (ValueError, IndexError, OverflowError, RecursionError, MemoryError) as error:
        raise PickleFormatError(str(error)) from error


def _as_array(value: Any) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return _as_array(value[()]) if value.dtype == object and value.shape == () else value
    if isinstance(value, (Array, ChumpyArray)):
        return _as_array(value.values())
    if isinstance(value, SparseMatrix):
        return value.dense()
    if type(value) in (bool, int, float, str):
        return np.asarray(value)
    return _of_numbers(value)


def _of_numbers(values: Any) -> NDArray[Any]:
    """A list of numbers, or of equally long lists of numbers, two deep at most."""
    if type(values) not in (list, tuple):
        raise PickleFormatError(f"a {type(values).__name__} is no array")
    rows = [item if type(item) in (list, tuple) else [item] for item in values]
    if not all(type(item) in (bool, int, float) for row in rows for item in row):
        raise PickleFormatError("a list of something else than numbers")
    return np.asarray(values)


def _filled(shape: Any, kind: Any, raw: Any, order: str) -> NDArray[Any]:
    """An array of its own, from bytes (or latin-1 text of Python 2's strings, or a list of objects)."""
    if not isinstance(kind, DType):
        raise PickleFormatError("an array without an element type")
    if (
        type(shape) is not tuple
        or len(shape) > MAXIMUM_AXES
        or not all(type(size) is int and size >= 0 for size in shape)
    ):
        raise PickleFormatError(f"an array of shape {reprlib.repr(shape)}")
    layout: Any = order
    if kind.dtype == object:
        if type(raw) is not list or len(raw) != prod(shape):
            raise PickleFormatError("an array of objects that does not fit its shape")
        objects = np.empty(len(raw), object)
        for index, item in enumerate(raw):
            objects[index] = item
        return objects.reshape(shape, order=layout)
    data = raw.encode("latin-1") if isinstance(raw, str) else raw
    if not isinstance(data, (bytes, bytearray)) or len(data) != prod(shape) * kind.dtype.itemsize:
        raise PickleFormatError(f"an array of shape {shape} whose bytes do not fit")
    return np.frombuffer(data, kind.dtype).reshape(shape, order=layout).copy()


def _reconstruct(subtype: Any, shape: Any, _: Any) -> Array:
    if type(subtype) is not Named or subtype.name not in ("ndarray", "matrix") or shape != (0,):
        raise PickleFormatError("an array of an unknown class")
    return Array()


def _frombuffer(buffer: Any, kind: Any, shape: Any, order: Any) -> Array:
    if order not in ("C", "F"):
        raise PickleFormatError(f"an array in {reprlib.repr(order)} order")
    return Array(_filled(shape, kind, buffer, order))


def _scalar(kind: Any, raw: Any = None) -> Any:
    return _filled((), kind, raw, "C").item()


def _encode(value: Any, encoding: Any = "utf-8") -> bytes:
    if not isinstance(value, str) or encoding not in ("latin1", "latin-1"):
        raise PickleFormatError("text in an unknown encoding")
    return value.encode("latin-1")


def _bytes(*arguments: Any) -> bytes:
    if arguments in ((), (b"",)):
        return b""
    if len(arguments) == 1 and isinstance(arguments[0], (bytes, bytearray)):
        return bytes(arguments[0])
    return _encode(*arguments)


def _set_of(items: Any = ()) -> set[Any]:
    if type(items) not in (list, tuple) or not all(
        isinstance(item, (str, bytes, int, float, type(None))) for item in items
    ):
        raise PickleFormatError("a set of something else than plain values")
    return set(items)


def _ordered(items: Any = ()) -> OrderedDict[Any, Any]:
    ordered: OrderedDict[Any, Any] = OrderedDict()
    for pair in items:
        if type(pair) not in (list, tuple) or len(pair) != 2 or not isinstance(pair[0], (str, int)):  # noqa: PLR2004
            raise PickleFormatError("an ordered dictionary of something else than pairs")
        ordered[pair[0]] = pair[1]
    return ordered


def _reconstructor(kind: Any, base: Any, state: Any) -> Any:
    """Protocol 0 and 1's way to make an object: without arguments, state follows."""
    if type(kind) is not Named or kind.build is None or type(base) is not Named or base.name != "object" or state:
        raise PickleFormatError("an object made in an unknown way")
    return kind.build()


def _sparse(kind: str) -> Builder:
    return lambda: SparseMatrix(kind)


def _chumpy(kind: str) -> Builder:
    return lambda: ChumpyArray(kind)


def _listed() -> Mapping[tuple[str, str], Builder | None]:
    names: dict[tuple[str, str], Builder | None] = {
        ("numpy", "dtype"): DType,
        ("numpy", "ndarray"): None,
        ("numpy.matrixlib.defmatrix", "matrix"): None,
        ("_codecs", "encode"): _encode,
        ("collections", "OrderedDict"): _ordered,
        ("chumpy.ch", "Ch"): _chumpy("Ch"),
        ("chumpy.reordering", "Select"): _chumpy("Select"),
    }
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray", "_reconstruct"] = _reconstruct
        names[f"{core}.multiarray", "scalar"] = _scalar
        names[f"{core}.numeric", "_frombuffer"] = _frombuffer
    for kind in ("csc", "csr", "coo"):
        for module in (f"scipy.sparse.{kind}", f"scipy.sparse._{kind}"):
            for form in ("matrix", "array"):
                names[module, f"{kind}_{form}"] = _sparse(kind)
    for module in ("copyreg", "copy_reg"):
        names[module, "_reconstructor"] = _reconstructor
    for module in ("builtins", "__builtin__"):
        names[module, "object"] = None
        names[module, "bytes"] = _bytes
        names[module, "set"] = _set_of
        names[module, "frozenset"] = lambda items=(): frozenset(_set_of(items))
    return names


ARRAYS = _listed()
"""The allow-list of a file that holds arrays and plain containers."""

"""``.npz`` and ``.npy`` files from anywhere: read within bounds, no pickles; written whole or not at all (numpy)."""

from __future__ import annotations

import ast
import math
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .errors import LsfError

MAXIMUM_BYTES = 1 << 30
"""The most that all arrays of one file may hold together, unpacked."""

MAXIMUM_MEMBERS = 64
MAXIMUM_HEADER = 10_000
MAGIC = b"\x93NUMPY"
PLAIN = re.compile(r"[<|=]([fiu][1248]|b1|U\d{1,7})")
"""Number, truth and text types; objects and records are refused."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to; it takes ``path``'s place when the block ends well, and goes when not."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        os.replace(part, path)  # noqa: PTH105 - the one call that replaces on every system
    finally:
        part.unlink(missing_ok=True)


def write_arrays(
    path: Path, arrays: Mapping[str, Any], error: type[LsfError] = LsfError, *, compressed: bool = True
) -> None:
    """Write a ``.npz``, whole or not at all.

    Args:
        path: where to; missing folders are made.
        arrays: values by name: numbers, truths and texts in any shape.
        error: the kind to raise.
        compressed: smaller, but ten times slower; for what is kept.

    Raises:
        LsfError: of the kind ``error``: the disk is full, or the folder cannot be written.
    """
    # Not numpy.savez: where the disk is full, its archive is closed by nobody, and complains when it is collected.
    write: Callable[..., None] = np.lib.format.write_array
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    try:
        with whole_file(path) as part, zipfile.ZipFile(part, "w", method) as archive:
            for name, value in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    write(member, np.asarray(value), allow_pickle=False)
    except OSError as reason:
        raise error(f"{path} cannot be written ({reason.strerror or reason}).") from reason


def read_arrays(
    path: Path, error: type[LsfError] = LsfError, *, largest: int = MAXIMUM_BYTES
) -> dict[str, NDArray[Any]]:
    """Read every array of a ``.npz`` that may come from anybody.

    Args:
        path: the file.
        error: the kind to raise.
        largest: bytes that all arrays may hold together, unpacked.

    Returns:
        Arrays by name.

    Raises:
        LsfError: of the kind ``error``: the file is missing, damaged, too large, or holds more than plain arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAXIMUM_MEMBERS or sum(member.file_size for member in members) > largest:
                raise error(f"{path} is larger than such a file can be; it was not read.")
            arrays = {}
            for member in members:
                with archive.open(member) as stream:
                    arrays[member.filename.removesuffix(".npy")] = _array(stream, member.file_size)
            return arrays
    except OSError as reason:
        raise error(f"{path} cannot be read ({reason.strerror or reason}).") from reason
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OverflowError) as reason:
        raise error(f"{path} is damaged or no .npz file of plain arrays ({reason}).") from reason


def read_array(path: Path, error: type[LsfError] = LsfError, *, largest: int = MAXIMUM_BYTES) -> NDArray[Any]:
    """Read the one array of a ``.npy`` that may come from anybody; the arguments are those of :func:`read_arrays`.

    Raises:
        LsfError: of the kind ``error``: the file is missing, damaged, too large, or holds no plain array.
    """
    try:
        size = path.stat().st_size
        if size > largest:
            raise error(f"{path} is larger than such a file can be; it was not read.")
        with path.open("rb") as stream:
            return _array(stream, size)
    except OSError as reason:
        raise error(f"{path} cannot be read ({reason.strerror or reason}).") from reason
    except (ValueError, OverflowError) as reason:
        raise error(f"{path} is damaged or no .npy file of a plain array ({reason}).") from reason


def _array(stream: IO[bytes], size: int) -> NDArray[Any]:
    """One ``.npy`` member of ``size`` bytes; ValueError where it is not a plain array."""
    start = stream.read(8)
    if start[:6] != MAGIC or len(start) < len(MAGIC) + 2:
        raise ValueError("a member is no array")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > MAXIMUM_HEADER:
        raise ValueError("an array's header is too long")
    try:
        header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
        kind, shape, fortran = header["descr"], header["shape"], bool(header["fortran_order"])
    except (SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as reason:
        raise ValueError("an array's header makes no sense") from reason
    if not isinstance(kind, str) or not PLAIN.fullmatch(kind):
        raise ValueError(f"an array of type {kind!r} is not plain numbers or text")
    if not isinstance(shape, tuple) or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError("an array's shape makes no sense")
    dtype = np.dtype(kind)
    if math.prod(shape) * dtype.itemsize != size - len(start) - width - length:
        raise ValueError("an array is cut short")
    flat = np.frombuffer(stream.read(), dtype=dtype, count=math.prod(shape))
    return flat.reshape(shape, order="F" if fortran else "C").copy()

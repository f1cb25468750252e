"""The arrays of a head file, ``.npz`` or pickle, read within bounds and without running anything in it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, UntrustedFileError
from ..pickles import ARRAYS, PickleFormatError, RestrictedUnpickler, as_array

MAXIMUM_BYTES = 2**30
"""FLAME's largest file has about 100 MB."""

MAXIMUM_MEMBERS = 1000
ZIP_MAGIC = b"PK\x03\x04"

ArrayOf = Callable[[], NDArray[Any]]


class HeadArrays(Mapping[str, NDArray[Any]]):
    """The arrays of a file by name, each made when it is asked for: a head needs few of what its file holds."""

    def __init__(self, makers: Mapping[str, ArrayOf], source: str) -> None:
        self._makers = makers
        self._source = source

    def __getitem__(self, key: str) -> NDArray[Any]:
        """The array under ``key``.

        Raises:
            KeyError: there is none.
            HeadError: what lies there is no array.
        """
        maker = self._makers[key]
        try:
            return maker()
        except PickleFormatError as error:
            raise HeadError(f"{key} of {self._source} cannot be read: {error}.") from error

    def __contains__(self, key: object) -> bool:
        return key in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def read_arrays(path: Path) -> HeadArrays:
    """Open a head file.

    Raises:
        HeadError: the file is missing, damaged or of another kind.
        UntrustedFileError: it is too large, or its pickle asks for something that holds no numbers.
    """
    if path.is_dir():
        raise HeadError(
            f"{path} is a folder: only `lsf animate`, `lsf render` and Blender's panel take ICT-FaceKit's as a head."
        )
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise UntrustedFileError(f"{path.name} is larger than any head file; it is refused.")
        data = path.read_bytes()
    except OSError as error:
        raise HeadError(f"The head file {path} cannot be read ({error.strerror}).") from error
    if data.startswith(ZIP_MAGIC):
        return HeadArrays(_of_archive(path), path.name)
    return HeadArrays(_of_pickle(data, path.name), path.name)


def _of_pickle(data: bytes, source: str) -> Mapping[str, ArrayOf]:
    try:
        content = RestrictedUnpickler(data, ARRAYS, source=source).load()
    except PickleFormatError as error:
        raise HeadError(f"{source} is neither a readable .npz nor a readable .pkl ({error}).") from error
    if not isinstance(content, dict):
        raise HeadError(f"{source} holds a {type(content).__name__}, not the named arrays of a head.")

    def maker(value: Any) -> ArrayOf:
        return lambda: as_array(value)

    return {key: maker(value) for key, value in content.items() if isinstance(key, str)}


def _of_archive(path: Path) -> Mapping[str, ArrayOf]:
    source = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAXIMUM_MEMBERS or sum(member.file_size for member in members) > MAXIMUM_BYTES:
                raise UntrustedFileError(f"{source} unpacks to more than any head file holds; it is refused.")
            content = {
                member.filename.removesuffix(".npy"): archive.read(member)
                for member in members
                if member.filename.endswith(".npy")
            }
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise HeadError(f"{source} is a damaged .npz ({error}).") from error
    if not content:
        raise HeadError(f"{source} is a zip archive without arrays.")

    def maker(data: bytes) -> ArrayOf:
        return lambda: _array_of(data, source)

    return {key: maker(data) for key, data in content.items()}


def _array_of(data: bytes, source: str) -> NDArray[Any]:
    """The array of a ``.npy`` file's bytes; objects in it go through the restricted unpickler."""
    file = io.BytesIO(data)
    layout: Any = np.lib.format
    try:
        version = layout.read_magic(file)
        reader = layout.read_array_header_1_0 if version == (1, 0) else layout.read_array_header_2_0
        shape, fortran, dtype = reader(file)
    except (ValueError, TypeError, SyntaxError, struct.error) as error:
        raise PickleFormatError(f"it is no .npy file ({error})") from error
    begin = file.tell()
    if dtype.hasobject:
        return as_array(RestrictedUnpickler(data, ARRAYS, source=source, position=begin).load())
    if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize != len(data) - begin:
        raise PickleFormatError(f"its {len(data) - begin} bytes do not fill the shape {shape}")
    values: NDArray[Any] = np.frombuffer(data, dtype, offset=begin)
    return values.reshape(shape, order="F" if fortran else "C")

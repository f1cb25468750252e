"""Checkpoints that ``torch.save`` wrote, read without torch and without running anything in them.

Both containers are known: the zip archive of today, with a pickle and one member for each storage, and the older
stream of pickles followed by raw storages. Tensors stay in the file until they are asked for.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, UntrustedFileError
from ..pickles import ARRAYS, Builder, Named, PickleFormatError, RestrictedUnpickler, StandIn

MAXIMUM_BYTES = 16 * 2**30
MAXIMUM_PICKLE_BYTES = 256 * 2**20
MAXIMUM_AXES = 8
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LOCAL_HEADER = struct.Struct("<4s22xHH")
STORED_PARTS = (5, 6)
"""A storage's persistent id: the word, type, key, device, elements, and in the older form whose view it is."""

ELEMENTS: dict[str, str] = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "|b1",
}


class StoredTensor(StandIn):
    """A tensor that is still in its file."""

    def __init__(self, storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> None:
        if not isinstance(storage, Storage) or type(shape) is not tuple or type(stride) is not tuple:
            raise PickleFormatError("a tensor without storage or shape")
        numbers = (offset, *shape, *stride)
        if (
            len(shape) > MAXIMUM_AXES
            or len(shape) != len(stride)
            or not all(type(number) is int and number >= 0 for number in numbers)
        ):
            raise PickleFormatError("a tensor whose shape is none")
        last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        if prod(shape) and (last >= storage.elements or prod(shape) > storage.elements):
            raise PickleFormatError("a tensor that reaches beyond its storage")
        self.storage: Storage = storage
        self.offset: int = offset
        self.shape: tuple[int, ...] = tuple(shape)
        self.stride: tuple[int, ...] = tuple(stride)

    def set_state(self, state: Any) -> None:
        """Attributes of a tensor beside its values are passed over."""

    def array(self) -> NDArray[Any]:
        """The values; bfloat16 becomes float32.

        Raises:
            ModelError: the file ends before they do.
        """
        if not prod(self.shape):
            return np.zeros(self.shape, self.storage.read(0, 0).dtype)
        count = sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True)) + 1
        values = self.storage.read(self.offset, count)
        steps = tuple(step * values.itemsize for step in self.stride)
        view = np.lib.stride_tricks.as_strided(values, self.shape, steps, writeable=False)
        return np.ascontiguousarray(view).reshape(self.shape)


@dataclass(eq=False)
class Storage:
    """Elements of one type in a row, in a file."""

    path: Path
    kind: str
    elements: int
    begin: int | None = None

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return 2 if self.kind == "bfloat16" else np.dtype(self.kind).itemsize

    def read(self, first: int, count: int) -> NDArray[Any]:
        """Elements ``first`` to ``first + count``.

        Raises:
            ModelError: the file has no such elements.
        """
        if self.begin is None:
            raise ModelError(f"{self.path.name} is incomplete: it lacks the values of a tensor.")
        stored = "<u2" if self.kind == "bfloat16" else self.kind
        with self.path.open("rb") as file:
            file.seek(self.begin + first * self.itemsize)
            values: NDArray[Any] = np.fromfile(file, stored, count)
        if len(values) != count:
            raise ModelError(f"{self.path.name} is incomplete: it ends within a tensor.")
        if self.kind == "bfloat16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values


def _parameter(tensor: Any, *_: Any) -> Any:
    if not isinstance(tensor, StoredTensor):
        raise PickleFormatError("a parameter that is no tensor")
    return tensor


def _size(numbers: Any = ()) -> tuple[int, ...]:
    if type(numbers) not in (list, tuple) or not all(type(number) is int for number in numbers):
        raise PickleFormatError("a shape that is none")
    return tuple(numbers)


TORCH: Mapping[tuple[str, str], Builder | None] = {
    ("torch._utils", "_rebuild_tensor"): StoredTensor,
    ("torch._utils", "_rebuild_tensor_v2"): StoredTensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): _size,
    **{("torch", kind): None for kind in ELEMENTS},
}
"""The allow-list of tensors."""


def read_checkpoint(path: Path, allowed: Mapping[tuple[str, str], Builder | None]) -> dict[str, Any]:
    """The content of a checkpoint, its tensors as ``StoredTensor``; ``allowed`` is what it may hold beside them.

    Raises:
        ModelError: the file is missing, damaged, or no checkpoint.
        UntrustedFileError: it asks for something that a checkpoint has no use for, or is past the bounds.
    """
    try:
        size = path.stat().st_size
        if size > MAXIMUM_BYTES:
            raise UntrustedFileError(f"{path.name} is larger than any checkpoint of this network; it is refused.")
        listed = {**ARRAYS, **TORCH, **allowed}
        content = _zipped(path, listed) if zipfile.is_zipfile(path) else _legacy(path, listed)
    except OSError as error:
        raise ModelError(f"The checkpoint {path} cannot be read ({error.strerror}).") from error
    except (PickleFormatError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"{path.name} is no readable checkpoint ({error}).") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path.name} holds a {type(content).__name__}, not a checkpoint.")
    return content


def _zipped(path: Path, allowed: Mapping[tuple[str, str], Builder | None]) -> Any:
    with zipfile.ZipFile(path) as archive:
        roots = [name.removesuffix("data.pkl") for name in archive.namelist() if re.fullmatch(r"[^/]+/data\.pkl", name)]
        if len(roots) != 1:
            raise ModelError(f"{path.name} is a zip archive, but no checkpoint: it has no data.pkl.")
        root = roots[0]
        if f"{root}byteorder" in archive.namelist() and archive.getinfo(f"{root}byteorder").file_size <= 16:  # noqa: PLR2004 a word
            order = archive.read(f"{root}byteorder")
            if order != b"little":
                raise ModelError(f"{path.name} was written on a big-endian machine; save it again on another.")
        if archive.getinfo(f"{root}data.pkl").file_size > MAXIMUM_PICKLE_BYTES:
            raise UntrustedFileError(f"{path.name} has an index larger than any checkpoint's; it is refused.")
        data = archive.read(f"{root}data.pkl")
        members = {info.filename: info for info in archive.infolist()}

    def locate(key: str, storage: Storage) -> None:
        info = members.get(f"{root}data/{key}")
        if info is None or info.compress_type != zipfile.ZIP_STORED:
            raise PickleFormatError(f"the storage {key} is missing or packed")
        if info.file_size != storage.elements * storage.itemsize:
            raise PickleFormatError(f"the storage {key} has {info.file_size} bytes, not {storage.elements} elements")
        storage.begin = _begin(path, info)

    storages = _Storages(path, locate)
    return RestrictedUnpickler(data, allowed, source=path.name, persistent=storages.of).load()


def _begin(path: Path, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin, behind the header that stands before them."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
        raise PickleFormatError("a damaged archive")
    _, name, extra = LOCAL_HEADER.unpack(header)
    return info.header_offset + LOCAL_HEADER.size + int(name) + int(extra)


def _legacy(path: Path, allowed: Mapping[tuple[str, str], Builder | None]) -> Any:
    data = path.read_bytes()
    position = 0

    def load(persistent: Callable[[Any], Any] | None = None) -> Any:
        nonlocal position
        reader = RestrictedUnpickler(data, allowed, source=path.name, persistent=persistent, position=position)
        value = reader.load()
        position = reader.position
        return value

    if load() != LEGACY_MAGIC:
        raise PickleFormatError("it does not begin as a checkpoint does")
    load()  # the protocol's version
    machine = load()
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise ModelError(f"{path.name} was written on a big-endian machine; save it again on another.")
    storages = _Storages(path, None)
    content = load(storages.of)
    keys = load()
    if not isinstance(keys, list):
        raise PickleFormatError("no list of storages")
    for key in keys:
        storage = storages.known.get(key) if isinstance(key, str) else None
        if storage is None or data[position : position + 8] != struct.pack("<q", storage.elements):
            raise PickleFormatError("a storage that is not the one it should be")
        storage.begin = position + 8
        position += 8 + storage.elements * storage.itemsize
        if position > len(data):
            raise PickleFormatError("it ends within a tensor")
    return content


class _Storages:
    """Storages by key, made as the pickle mentions them."""

    def __init__(self, path: Path, locate: Callable[[str, Storage], None] | None) -> None:
        self.path = path
        self.known: dict[str, Storage] = {}
        self._locate = locate

    def of(self, identity: Any) -> Storage:
        if type(identity) is not tuple or len(identity) not in STORED_PARTS or identity[0] != "storage":
            raise UntrustedFileError(f"{self.path.name} points to something that is no tensor; it is refused.")
        _, kind, key, _, elements, *view = identity
        if (
            type(kind) is not Named
            or kind.name not in ELEMENTS
            or type(key) is not str
            or type(elements) is not int
            or elements < 0
            or any(part is not None for part in view)
        ):
            raise PickleFormatError("a storage of an unknown kind")
        if key in self.known:
            storage = self.known[key]
            if (storage.kind, storage.elements) != (ELEMENTS[kind.name], elements):
                raise PickleFormatError(f"the storage {key} is described in two ways")
            return storage
        storage = Storage(self.path, ELEMENTS[kind.name], elements)
        if self._locate is not None:
            self._locate(key, storage)
        self.known[key] = storage
        return storage

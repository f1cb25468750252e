"""Whether a file that Blender wrote is all there.

Blender takes a disk that fills up within a file's last bytes for success, and leaves a file that nothing can open.
Every format says at its end, or at its beginning, how long it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

SEEK_TABLE = bytes.fromhex("b1ea928f")
"""The last bytes of zstd's table of frames, with which Blender ends a compressed ``.blend``."""

FBX_END = bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b")
"""The last bytes of a binary ``.fbx``."""

PNG_END = b"IEND\xaeB`\x82"


def is_whole(path: Path) -> bool:
    """Whether a compressed ``.blend``, a file for another program, a movie or a picture is there to its last byte."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return CHECKS[path.suffix.lower()](file, path.stat().st_size)


def _ends_with(mark: bytes) -> Callable[[BinaryIO, int], bool]:
    def check(file: BinaryIO, size: int) -> bool:
        file.seek(max(0, size - len(mark)))
        return file.read() == mark

    return check


def _glb(file: BinaryIO, size: int) -> bool:
    """The header holds the length of everything."""
    header = file.read(12)
    return header[:4] == b"glTF" and int.from_bytes(header[8:], "little") == size


def _mp4(file: BinaryIO, size: int) -> bool:
    """Boxes, each beginning with its length and name, follow one another to the end; ``moov`` is the index."""
    place, names = 0, set()
    while place + 8 <= size:
        file.seek(place)
        length, name = int.from_bytes(file.read(4), "big"), file.read(4)
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        names.add(name)
        place += max(length, 8)
    return place == size and {b"mdat", b"moov"} <= names


def _usd(file: BinaryIO, size: int) -> bool:
    """The header says where the table of contents lies, which says where everything else does."""
    header = file.read(24)
    table = int.from_bytes(header[16:], "little")
    if header[:8] != b"PXR-USDC" or not 0 < table < size:
        return False
    file.seek(table)
    count = int.from_bytes(file.read(8), "little")
    sections = [file.read(32) for _ in range(min(count, 64))]
    ends = [int.from_bytes(part[16:24], "little") + int.from_bytes(part[24:], "little") for part in sections]
    return all(len(part) == 32 for part in sections) and max(ends, default=size + 1) <= size  # noqa: PLR2004 - entries


def _alembic(file: BinaryIO, size: int) -> bool:
    """A byte is set when the file is closed; the header says where the root lies, which is written last."""
    header = file.read(16)
    root = int.from_bytes(header[8:], "little")
    if header[:6] != b"Ogawa\xff" or not 0 < root < size:
        return False
    file.seek(root)
    return root + 8 + 8 * int.from_bytes(file.read(8), "little") <= size


CHECKS: dict[str, Callable[[BinaryIO, int], bool]] = {
    ".blend": _ends_with(SEEK_TABLE),
    ".glb": _glb,
    ".fbx": _ends_with(FBX_END),
    ".usd": _usd,
    ".abc": _alembic,
    ".mp4": _mp4,
    ".png": _ends_with(PNG_END),
}

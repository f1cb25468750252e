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

PNG_END = b"IEND\xaeB`\x82"


def is_whole(path: Path) -> bool:
    """Whether a compressed ``.blend``, a ``.glb``, an ``.mp4`` or a ``.png`` is there to its last byte."""
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


CHECKS: dict[str, Callable[[BinaryIO, int], bool]] = {
    ".blend": _ends_with(SEEK_TABLE),
    ".glb": _glb,
    ".mp4": _mp4,
    ".png": _ends_with(PNG_END),
}

"""Where a movie comes from, written into the ``.mp4`` itself: Blender's encoder leaves no place for it.

An MPEG-4 file is a tree of boxes (ISO/IEC 14496-12), each a big-endian length, a name of four bytes, and its content.
``moov`` is the index; players look for a title, a comment and a copyright in ``moov/udta/meta/ilst``, in Apple's way.
Blender writes ``moov`` last, so that it can grow without moving the pictures that it points to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import MotionError
from .facts import comment_of, copyright_of, facts_in

COMMENT, COPYRIGHT, TITLE = b"\xa9cmt", b"cprt", b"\xa9nam"
HEADER = 8
FULL = b"\0\0\0\0"
"""Version and flags, with which some boxes begin."""

TEXT = 1
"""Apple's number for text in UTF-8."""

LARGEST_INDEX = 1 << 28
"""Bytes of an index that is read."""


def write_mp4_facts(path: Path, title: str, facts: dict[str, Any]) -> None:
    """Add a title, the facts as JSON in the comment, and the licence as the copyright.

    Args:
        path: a whole ``.mp4`` whose index comes last, as Blender writes it; changed in place, so give a file that is
            not yet where it belongs.
        title: what players show.
        facts: of ``formats.facts``: generator, model, licence, seed …

    Raises:
        MotionError: the file is no such movie.
        OSError: it cannot be written.
    """
    texts = {TITLE: title, COMMENT: comment_of(facts)}
    if terms := copyright_of(facts):
        texts[COPYRIGHT] = terms
    with path.open("r+b") as file:
        place, index = _index(file, path)
        if place + HEADER + len(index) != path.stat().st_size:
            raise MotionError(f"The index of {path} is not its end, so nothing can be added to it.")
        file.seek(place)
        file.write(_box(b"moov", _with(index, [b"udta", b"meta", b"ilst"], _entries(texts))))
        file.flush()
        os.fsync(file.fileno())


def read_mp4_facts(path: Path) -> dict[str, Any]:
    """The facts that :func:`write_mp4_facts` put into a movie; empty where there are none.

    Raises:
        MotionError: the file cannot be read, or is no ``.mp4``.
    """
    try:
        with path.open("rb") as file:
            content = _index(file, path)[1]
    except OSError as reason:
        raise MotionError(f"{path} cannot be read ({reason.strerror or reason}).") from reason
    for name in (b"udta", b"meta", b"ilst", COMMENT, b"data"):
        content = next((inner for found, inner in _boxes(content) if found == name), b"")
        if name == b"meta":
            content = content[len(FULL) :]
    return facts_in(content[2 * len(FULL) :])


def _index(file: BinaryIO, path: Path) -> tuple[int, bytes]:
    """Where ``moov`` begins, and its content."""
    place = 0
    while len(header := file.read(HEADER)) == HEADER:
        length, name = int.from_bytes(header[:4], "big"), header[4:]
        inner = HEADER
        if length == 1:
            length, inner = int.from_bytes(file.read(8), "big"), 16
        if name == b"moov" and inner == HEADER and HEADER <= length <= LARGEST_INDEX:
            return place, file.read(length - HEADER)
        if length < inner:
            break
        place += length
        file.seek(place)
    raise MotionError(f"{path} is no .mp4 movie: it has no index.")


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + HEADER <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if not HEADER <= length <= len(content) - place:
            return
        yield content[place + 4 : place + HEADER], content[place + HEADER : place + length]
        place += length


def _box(name: bytes, content: bytes) -> bytes:
    return (HEADER + len(content)).to_bytes(4, "big") + name + content


def _with(content: bytes, names: list[bytes], entries: bytes) -> bytes:
    """A box's content with ``entries`` at the end of the box ``names`` below it, which is made where it is missing."""
    if not names:
        return content + entries
    name, *below = names
    start = FULL if name == b"meta" else b""
    parts, found = [], False
    for inner_name, inner in _boxes(content):
        if inner_name == name and not found:
            found = True
            parts.append(_box(name, start + _with(inner[len(start) :], below, entries)))
        else:
            parts.append(_box(inner_name, inner))
    if not found:
        handler = _box(b"hdlr", FULL + FULL + b"mdirappl" + FULL + FULL + b"\0") if name == b"meta" else b""
        parts.append(_box(name, start + _with(handler, below, entries)))
    return b"".join(parts)


def _entries(texts: dict[bytes, str]) -> bytes:
    kind = TEXT.to_bytes(4, "big") + FULL
    return b"".join(_box(name, _box(b"data", kind + text.encode())) for name, text in texts.items())

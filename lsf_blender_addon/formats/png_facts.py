"""Where a picture comes from, written into the ``.png`` itself: Blender's writer of images leaves no place for it.

A PNG file is a signature and a row of chunks, each a big-endian length, a name of four bytes, its content, and a sum
over name and content; ``IEND`` is the last. ``iTXt`` holds a text in UTF-8 under a name, of which the format registers
some: Title, Copyright, Comment.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import MotionError
from .facts import comment_of, copyright_of, facts_in

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TITLE, COMMENT, COPYRIGHT = "Title", "Comment", "Copyright"
TEXT, END = b"iTXt", b"IEND"
PLAIN = b"\0\0\0\0\0"
"""Between a text's name and the text: the name's end, not compressed (twice), no language, no translated name."""

LONGEST = 1 << 20
"""Bytes of a text that is read."""


def write_png_facts(path: Path, title: str, facts: dict[str, Any]) -> None:
    """Add a title, the facts as JSON in the comment, and the licence as the copyright.

    Args:
        path: a whole ``.png``; changed in place, so give a file that is not yet where it belongs.
        title: what viewers show.
        facts: of ``formats.facts``: generator, model, licence, seed …

    Raises:
        MotionError: the file is no such picture.
        OSError: it cannot be written.
    """
    texts = {TITLE: title, COMMENT: comment_of(facts)}
    if terms := copyright_of(facts):
        texts[COPYRIGHT] = terms
    end = _chunk(END, b"")
    with path.open("r+b") as file:
        begin = file.seek(max(0, path.stat().st_size - len(end)))
        if file.read() != end:
            raise MotionError(f"{path} is no whole .png picture.")
        file.seek(begin)
        for name, text in texts.items():
            file.write(_chunk(TEXT, name.encode("latin-1") + PLAIN + text.encode()))
        file.write(end)
        file.flush()
        os.fsync(file.fileno())


def read_png_facts(path: Path) -> dict[str, Any]:
    """The facts that :func:`write_png_facts` put into a picture; empty where there are none.

    Raises:
        MotionError: the file cannot be read, or is no ``.png``.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                raise MotionError(f"{path} is no .png picture.")
            begin = COMMENT.encode() + PLAIN
            said = next((text[len(begin) :] for text in _texts(file) if text.startswith(begin)), b"")
    except OSError as reason:
        raise MotionError(f"{path} cannot be read ({reason.strerror or reason}).") from reason
    return facts_in(said)


def _texts(file: BinaryIO) -> Iterator[bytes]:
    """The content of every text chunk."""
    while len(header := file.read(8)) == 8:  # noqa: PLR2004 - length and name
        length = int.from_bytes(header[:4], "big")
        if header[4:] == TEXT and length <= LONGEST:
            yield file.read(length)
            file.seek(4, os.SEEK_CUR)
        else:
            file.seek(length + 4, os.SEEK_CUR)


def _chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

"""gettext's portable object files (.po, .pot), as every translator's tool reads and writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import LsfError
from ..texts import read_text

LARGEST = 8_000_000
"""Bytes: some forty times what the whole catalogue takes."""

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
KEYWORD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s*(".*)')
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass
class Entry:
    """One message of a file, as it stands there.

    Attributes:
        line: where it begins, counted from 1.
        parts: text by keyword: ``msgid``, ``msgstr``, and what ours have none of (``msgctxt``, ``msgid_plural`` …).
        flags: ``fuzzy``, ``python-brace-format`` …
    """

    line: int
    parts: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)


def read_portable(path: Path) -> list[Entry]:
    """The messages of a file, without its header and without what is outdated (``#~``).

    Raises:
        LsfError: it cannot be read, or is no such file; the sentence names the line.
    """
    entries: list[Entry] = []
    entry, keyword = Entry(1), ""
    for number, line in enumerate(read_text(path, LARGEST, "translation").splitlines(), 1):
        words = line.strip()
        begun = KEYWORD.fullmatch(words)
        starts = words.startswith("#") or (begun is not None and begun[1] in {"msgctxt", "msgid"})
        if starts and "msgstr" in " ".join(entry.parts):
            entries.append(entry)
            entry = Entry(number)
        if words.startswith("#,"):
            entry.flags |= {flag.strip() for flag in words[2:].split(",")}
        elif begun is not None:
            keyword = begun[1]
            entry.parts[keyword] = _unquoted(begun[2], path, number)
        elif words.startswith('"') and keyword in entry.parts:
            entry.parts[keyword] += _unquoted(words, path, number)
        elif words and not words.startswith("#"):
            raise LsfError(f"The translation {path} is damaged: line {number} is none of a .po file.")
    entries.append(entry)
    return [entry for entry in entries if entry.parts.get("msgid")]


def _unquoted(words: str, path: Path, number: int) -> str:
    quoted = QUOTED.fullmatch(words)
    if quoted is None:
        raise LsfError(f"The translation {path} is damaged: the quotes of line {number} do not close.")
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[0]), quoted[1])


def quoted(words: str) -> str:
    """A text between quotes, as these files want it."""
    back = {sign: "\\" + letter for letter, sign in ESCAPES.items()}
    return '"' + "".join(back.get(sign, sign) for sign in words) + '"'


def lines_of(keyword: str, words: str, width: int = 110) -> Iterator[str]:
    """The lines of a keyword and its text, folded between words."""
    if len(words) <= width:
        yield f"{keyword} {quoted(words)}"
        return
    yield f'{keyword} ""'
    line = ""
    for piece in re.findall(r"\S*\s*", words):
        if line and len(line) + len(piece) > width:
            yield quoted(line)
            line = ""
        line += piece
    yield quoted(line)

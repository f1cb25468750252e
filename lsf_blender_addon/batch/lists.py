"""What a batch is made of: a folder of recordings, or a list of lines as CSV or JSON."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LsfError
from ..texts import read_text

SOUNDS = frozenset({".wav", ".flac", ".ogg", ".mp3"})
LISTS = frozenset({".csv", ".json"})
MOST_LINES = 1_000_000
LARGEST = 1 << 28
"""Bytes of a list."""

AUDIO, KINDS, FOLDER, EMOTION = "audio", "outputs", "folder", "emotion"
"""Columns that are no options: the recording, the kinds of files, a folder below the batch's own, and the feeling:
how strong, or another recording that lends it."""


@dataclass(frozen=True)
class Row:
    """What a list says about one line, before it is understood.

    Attributes:
        audio: the recording; empty where the line does not say.
        options: column → text; the names of the command line's options without dashes, besides :data:`KINDS` and
            :data:`FOLDER`. A column left empty is not there.
    """

    audio: str
    options: dict[str, str]


def is_batch(source: Path) -> bool:
    """Whether a path is a folder or a list, not a recording."""
    return source.is_dir() or source.suffix.lower() in LISTS


def rows_of(source: Path, besides: Path | None = None) -> list[Row]:
    """The rows of a folder or a list.

    A folder is searched with everything below it, in the order of names; hidden files and ``besides`` are passed over.
    In a list, paths of recordings start from the list's own folder.

    Args:
        source: a folder, a ``.csv`` with a header, or a ``.json`` with an array of objects.
        besides: a folder that is not searched: the batch's own results.

    Raises:
        LsfError: there is nothing, or the list cannot be read.
    """
    if source.is_dir():
        rows = [
            Row(str(path), {FOLDER: str(path.parent.relative_to(source))})
            for path in sorted(source.rglob("*"))
            if path.suffix.lower() in SOUNDS
            and _is_visible(path.relative_to(source))
            and path.is_file()
            and not (besides is not None and path.is_relative_to(besides))
        ]
        if not rows:
            raise LsfError(
                f"There are no recordings in {source}: it needs files ending in {', '.join(sorted(SOUNDS))}."
            )
    else:
        rows = _listed(source)
        if not rows:
            raise LsfError(f"The list {source} is empty.")
    if len(rows) > MOST_LINES:
        raise LsfError(f"{source} holds {len(rows)} lines; cut it into lists of at most {MOST_LINES}.")
    return rows


def _is_visible(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts)


def _listed(source: Path) -> list[Row]:
    text = read_text(source, LARGEST, "list")
    try:
        entries = _from_json(text) if source.suffix.lower() == ".json" else _from_csv(text)
        return [_row(entry, source.parent) for entry in entries]
    except (ValueError, csv.Error, RecursionError) as reason:
        raise LsfError(f"The list {source} cannot be understood: {reason}") from reason


def _from_csv(text: str) -> list[dict[str, Any]]:
    lines = text.splitlines()
    reader = csv.DictReader(lines, restkey="", strict=True)
    if reader.fieldnames is None or AUDIO not in map(_column, reader.fieldnames):
        raise ValueError("its first line must name the columns, and one of them must be 'audio'.")
    entries = []
    for entry in reader:
        if "" in entry:
            raise ValueError(f"line {reader.line_num} has more cells than there are columns.")
        entries.append({name: value or "" for name, value in entry.items()})
    return entries


def _from_json(text: str) -> list[dict[str, Any]]:
    entries: Any = json.loads(text)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("it must be an array of objects.")
    return entries


def _row(entry: dict[str, Any], folder: Path) -> Row:
    options = {column: text for name, value in entry.items() if (text := _text(value)) and (column := _column(name))}
    audio = options.pop(AUDIO, "")
    return Row(str(folder / audio) if audio else "", options)


def _column(name: str) -> str:
    """``Emotion strength`` and ``emotion_strength`` are ``emotion-strength``."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _text(value: Any) -> str:
    """A cell as the command line has it; false and null are not there."""
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, dict):
        raise ValueError(f"{json.dumps(value)} is an object where a text, a number or a list belongs.")  # noqa: TRY004
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value).strip()

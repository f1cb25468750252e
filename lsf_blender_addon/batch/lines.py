"""A line of a batch: one recording, and the words of ``lsf animate`` that make its files."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One line of a batch.

    Attributes:
        number: its place in the whole list, from 1; the same on every machine of a farm.
        audio: the recording.
        words: what ``lsf animate`` is told to make it; paths are absolute.
        folder: where its files go.
        name: what its files are called, without ending.
        mark: changes when anything changes that its files depend on, see :func:`mark_of`.
        problem: why it cannot even be tried; empty where it can.
    """

    number: int
    audio: str
    words: tuple[str, ...] = ()
    folder: Path = Path()
    name: str = ""
    mark: str = ""
    problem: str = ""


def mark_of(words: Iterable[str], files: Iterable[Path], version: str) -> str:
    """A short text that is another one when the words, the version, or a file's size or time of change is another."""
    stamps = []
    for path in files:
        try:
            told = path.stat()
        except OSError:
            continue
        if stat.S_ISREG(told.st_mode):
            stamps.append([str(path), told.st_size, told.st_mtime_ns])
    whole = json.dumps([version, list(words), stamps])
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def shard(lines: list[Line], part: int, parts: int) -> list[Line]:
    """Part ``part`` (from 1) of ``parts``; lines of one recording stay together, so that it is heard once.

    Recordings are dealt out like cards, so that every part gets about as many.
    """
    places: dict[str, int] = {}
    for line in lines:
        places.setdefault(line.audio, len(places))
    return [line for line in lines if places[line.audio] % parts == part - 1]


def by_recording(lines: list[Line]) -> list[list[Line]]:
    """Lines of one recording together, in the order in which recordings first appear."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.audio, []).append(line)
    return list(groups.values())

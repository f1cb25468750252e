"""What came of a batch: a file of JSON lines, one a line made or failed, that a resumed batch reads."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import LsfError
from .lines import Line

MADE, FAILED = "made", "failed"
NAME = "results"
ENDING = ".jsonl"


@dataclass(frozen=True)
class Result:
    """What came of one line.

    Attributes:
        line: which.
        seconds: how long it took.
        files: what was written.
        facts: model, licence, seed and the like.
        notes: what a person should know besides.
        kind: of the error, where it failed.
        reason: why it failed; empty where it was made.
    """

    line: Line
    seconds: float
    files: tuple[Path, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kind: str = ""
    reason: str = ""

    @property
    def made(self) -> bool:
        """Whether the line's files are there."""
        return not self.reason


class ResultsFile:
    """The results of a batch, or of a machine's part of it, in the batch's folder.

    Every line is one JSON object: ``line`` (its number), ``status`` (``made`` or ``failed``), ``audio``, ``name``,
    ``seconds``, ``files`` (``path`` from the folder, ``bytes``), ``facts``, ``notes``, ``kind`` and ``reason`` of a
    failure, ``mark``. A line reaches the disk before the next is begun; what a power cut left of one is passed over.

    Args:
        folder: the batch's folder.
        part: of how many parts this machine makes which: (2, 8); None for all.
    """

    def __init__(self, folder: Path, part: tuple[int, int] | None = None) -> None:
        self.folder = folder
        self.path = folder / (f"{NAME}-{part[0]}-of-{part[1]}{ENDING}" if part else f"{NAME}{ENDING}")

    def begin(self, *, resume: bool) -> set[str]:
        """Open the file to be written to.

        Args:
            resume: whether what it says stays; otherwise the file begins anew.

        Returns:
            Marks of lines whose files are all there, as any results in the folder say; empty unless resumed.

        Raises:
            LsfError: the folder cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not resume:
                self.path.write_bytes(b"")
                return set()
            done = set()
            for path in sorted(self.folder.glob(f"{NAME}*{ENDING}")):
                done |= self._finished(path)
            self._mend()
        except OSError as reason:
            raise LsfError(f"{self.path} cannot be written ({reason.strerror or reason}).") from reason
        return done

    def add(self, result: Result) -> None:
        """Append a result, to the disk.

        Raises:
            LsfError: the disk is full, or the folder is gone.
        """
        line = result.line
        record: dict[str, Any] = {
            "line": line.number,
            "status": MADE if result.made else FAILED,
            "audio": line.audio,
            "name": line.name,
            "seconds": round(result.seconds, 3),
            "mark": line.mark,
        }
        if result.made:
            record["files"] = [self._file(path) for path in result.files]
            record["facts"] = result.facts
        else:
            record |= {"kind": result.kind, "reason": result.reason}
        if result.notes:
            record["notes"] = list(result.notes)
        try:
            with self.path.open("ab") as stream:
                stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as reason:
            raise LsfError(f"{self.path} cannot be written ({reason.strerror or reason}).") from reason

    def _file(self, path: Path) -> dict[str, Any]:
        inside = path.is_relative_to(self.folder)
        return {
            "path": path.relative_to(self.folder).as_posix() if inside else str(path),
            "bytes": path.stat().st_size,
        }

    def _finished(self, path: Path) -> set[str]:
        """Marks of lines that a file says were made and whose files are still there, as large as then."""
        latest: dict[str, dict[str, Any]] = {}
        for record in _records(path.read_bytes().splitlines()):
            latest[str(record.get("mark"))] = record
        return {mark for mark, record in latest.items() if record.get("status") == MADE and self._whole(record)}

    def _whole(self, record: dict[str, Any]) -> bool:
        files = record.get("files")
        if not isinstance(files, list) or not files:
            return False
        try:
            return all((self.folder / file["path"]).stat().st_size == file["bytes"] for file in files)
        except (OSError, KeyError, TypeError):
            return False

    def _mend(self) -> None:
        """End the file with a whole line."""
        if self.path.exists():
            content = self.path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                os.truncate(self.path, len(whole))


LEFTOVER = re.compile(r"\.(?P<name>.+?)(_take\d+)?\.(?P<kind>\w+)\.\d+\.part\.(?P=kind)")
"""Names that ``arrays.whole_file`` gives to files that are not whole yet."""


def sweep(lines: Iterable[Line]) -> None:
    """Remove what a killed batch left of files that it was in the middle of writing; whole files stay."""
    names: dict[Path, set[str]] = {}
    for line in lines:
        names.setdefault(line.folder, set()).add(line.name)
    for folder, ours in names.items():
        for path in folder.iterdir() if folder.is_dir() else ():
            found = LEFTOVER.fullmatch(path.name)
            if found is not None and found["name"] in ours:
                path.unlink(missing_ok=True)


def _records(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record

"""The worker's own Python in the extension's folder: there when its stamp is, else not at all.

A stamp is written last and removed first, so no half-made or half-removed environment is ever used.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .inspection import Inspection
from .interpreters import python_of
from .machine import Choice
from .requirements import WorkerRequirements
from .wheels import remove_tree

FOLDER = "worker"
DOWNLOADS = "downloads"
STAMP = "installed.json"
CONFIGURATION = "pyvenv.cfg"


@dataclass(frozen=True)
class WorkerEnvironment:
    """A complete environment.

    Attributes:
        folder: where.
        build: PyTorch's build in it.
        reason: why that one, in a sentence for the person.
        made: seconds since 1970.
        inspection: what was found out about it when it was complete.
    """

    folder: Path
    build: str
    reason: str
    made: float
    inspection: Inspection

    @property
    def python(self) -> Path:
        """Its Python."""
        return python_of(self.folder)


def find_environment(root: Path, requirements: WorkerRequirements) -> WorkerEnvironment | None:
    """The newest complete environment below ``root`` that holds what ``requirements`` ask for."""
    found = [environment for folder in _folders(root) if (environment := _opened(folder, requirements)) is not None]
    return max(found, key=lambda environment: environment.made, default=None)


def outdated(root: Path, requirements: WorkerRequirements) -> bool:
    """Whether an environment of an earlier version of the extension is there, and none of this one."""
    return find_environment(root, requirements) is None and any((folder / STAMP).is_file() for folder in _folders(root))


def new_folder(root: Path, requirements: WorkerRequirements, build: str) -> Path:
    """Where an environment is to be made; short, for Windows' sake, and free of any complete one."""
    name = f"{requirements.fingerprint[:6]}{build}"
    taken = {folder.name for folder in _folders(root) if (folder / STAMP).is_file()}
    return root / FOLDER / next(name + mark for mark in ("", "b", "c", "d") if name + mark not in taken)


def write_stamp(folder: Path, requirements: WorkerRequirements, choice: Choice, inspection: Inspection) -> None:
    """Declare an environment complete."""
    content = {
        "fingerprint": requirements.fingerprint,
        "build": choice.build,
        "reason": choice.reason,
        "made": time.time(),
        "inspection": asdict(inspection),
    }
    partial = folder / f"{STAMP}.partial"
    partial.write_text(json.dumps(content, indent=2), encoding="utf-8")
    partial.replace(folder / STAMP)


def remove_environments(root: Path, keep: Path | None = None) -> None:
    """Remove every environment but one; of those that are in use now, the rest goes the next time."""
    for folder in _folders(root):
        if folder != keep:
            (folder / STAMP).unlink(missing_ok=True)
            remove_tree(folder)


def taken_space(folder: Path) -> int:
    """Bytes that the files below a folder take."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if not path.is_symlink() and path.exists():
                total += path.stat().st_size
    return total


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in (root / FOLDER).glob("*") if path.is_dir())


def _opened(folder: Path, requirements: WorkerRequirements) -> WorkerEnvironment | None:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        if stamp["fingerprint"] != requirements.fingerprint or not _runs(folder):
            return None
        told = stamp["inspection"]
        inspection = Inspection(
            str(python_of(folder)), str(told["version"]), dict(told["packages"]), tuple(told["devices"])
        )
        return WorkerEnvironment(folder, str(stamp["build"]), str(stamp["reason"]), float(stamp["made"]), inspection)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _runs(folder: Path) -> bool:
    """Whether the Python that it was made from is still there: it goes when a Blender is removed or moved."""
    words = (folder / CONFIGURATION).read_text(encoding="utf-8")
    settings = dict(part for line in words.splitlines() if len(part := [w.strip() for w in line.split("=", 1)]) == 2)  # noqa: PLR2004
    return python_of(folder).is_file() and Path(settings.get("home", "")).is_dir()

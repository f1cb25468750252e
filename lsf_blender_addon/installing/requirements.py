"""What the worker's Python holds, as pinned in ``worker.toml``."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..errors import InstallError

PINS = Path(__file__).with_name("worker.toml")


@dataclass(frozen=True)
class TorchBuild:
    """One of PyTorch's builds.

    Attributes:
        name: a short stable word.
        title: what a menu shows.
        label: what PyTorch adds to the version in its own lists of wheels, such as ``+cu130``.
        sources: for each system (``linux-x86_64``) that the build exists for, the list of wheels beside pip's usual
            one; empty is pip's usual one alone.
        room: bytes on the disk that setting it up takes at its peak.
    """

    name: str
    title: str
    label: str
    sources: dict[str, str]
    room: int


@dataclass(frozen=True)
class WorkerRequirements:
    """Everything that decides what is installed.

    Attributes:
        oldest_python: (major, minor) of the oldest Python that the packages are built for.
        newest_python: of the newest.
        torch: PyTorch's version.
        packages: pip's words for the others, one a package.
        builds: PyTorch's builds by name.
    """

    oldest_python: tuple[int, int]
    newest_python: tuple[int, int]
    torch: str
    packages: tuple[str, ...]
    builds: dict[str, TorchBuild]

    @property
    def fingerprint(self) -> str:
        """Changes when a pin changes, and with nothing else."""
        pins = "\n".join(sorted((f"torch=={self.torch}", *self.packages)))
        return hashlib.sha256(pins.encode()).hexdigest()[:12]

    def words(self, build: TorchBuild, system: str) -> tuple[list[str], str]:
        """Requirement lines for all packages with this build, and the list of wheels to look at besides pip's own.

        Raises:
            InstallError: PyTorch has no such build for this system.
        """
        if system not in build.sources:
            raise InstallError(f"PyTorch has no build “{build.title}” for {system}: choose another, or “Automatic”.")
        source = build.sources[system]
        return [f"torch=={self.torch}{build.label if source else ''}", *self.packages], source

    def accepts(self, version: tuple[int, int]) -> bool:
        """Whether there are packages for this version of Python."""
        return self.oldest_python <= version <= self.newest_python

    @property
    def python_words(self) -> str:
        """The Pythons that fit, for a sentence."""
        oldest, newest = (".".join(map(str, version)) for version in (self.oldest_python, self.newest_python))
        return f"Python {oldest} to {newest}"


def worker_requirements(path: Path = PINS) -> WorkerRequirements:
    """Read the pins.

    Raises:
        InstallError: the file is missing or damaged.
    """
    try:
        pins = tomllib.loads(path.read_text(encoding="utf-8"))
        builds = {
            name: TorchBuild(name, fields["title"], fields["label"], fields["sources"], int(fields["room"] * 1e9))
            for name, fields in pins["builds"].items()
        }
        oldest, newest = (_version(pins[key]) for key in ("oldest_python", "newest_python"))
        return WorkerRequirements(oldest, newest, pins["torch"], tuple(pins["packages"]), builds)
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise InstallError(f"{path} is missing or damaged ({reason}): install the extension again.") from reason


def _version(words: str) -> tuple[int, int]:
    major, minor = words.split(".")
    return int(major), int(minor)

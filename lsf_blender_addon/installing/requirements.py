"""What the worker's Python holds: ``worker_requirements.txt`` and ``torch_builds.toml``."""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..download import is_safe
from ..errors import InstallError

PINS = Path(__file__).with_name("worker_requirements.txt")
BUILDS = Path(__file__).with_name("torch_builds.toml")
TORCH = "torch=="
LISTS_VARIABLE = "LSF_TORCH_LISTS"
"""Names the address of PyTorch's lists of wheels in the environment; it comes before the preferences."""


@dataclass(frozen=True)
class TorchBuild:
    """One of PyTorch's builds.

    Attributes:
        name: a short stable word.
        title: what a menu shows.
        label: what PyTorch adds to the version in its own lists of wheels, such as ``+cu130``.
        sources: for each system (``linux-x86_64``) that the build exists for, the name of PyTorch's list of wheels
            that has it (``cu130``); empty is pip's usual index.
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
        pip: the version of pip that finds the packages on the network.
        torch: PyTorch's version.
        packages: pip's words for the others, one a package.
        builds: PyTorch's builds by name.
    """

    oldest_python: tuple[int, int]
    newest_python: tuple[int, int]
    pip: str
    torch: str
    packages: tuple[str, ...]
    builds: dict[str, TorchBuild]

    @property
    def fingerprint(self) -> str:
        """Changes when a pin changes, and with nothing else."""
        pins = "\n".join(sorted((f"torch=={self.torch}", *self.packages)))
        return hashlib.sha256(pins.encode()).hexdigest()[:12]

    def words(self, build: TorchBuild, system: str) -> tuple[list[str], str]:
        """Requirement lines for all packages with this build, and the name of PyTorch's list that has it.

        Raises:
            InstallError: PyTorch has no such build for this system.
        """
        if system not in build.sources:
            raise InstallError(f"PyTorch has no build “{build.title}” for {system}: choose another, or “Automatic”.")
        source = build.sources[system]
        return [f"torch=={self.torch}{build.label if source else ''}", *self.packages], source

    def lists(self, given: str) -> str:
        """The address that PyTorch's lists of wheels lie below, without a slash at its end.

        Args:
            given: as a person has it from PyTorch's page, with or without a list's name at its end; where
                ``LSF_TORCH_LISTS`` is set, that comes first.

        Returns:
            The address; empty where none is given.

        Raises:
            InstallError: it is no https address (http is taken from this very machine alone).
        """
        address = (os.environ.get(LISTS_VARIABLE, "").strip() or given.strip()).rstrip("/")
        if address and not is_safe(address):
            raise InstallError(f"The address of PyTorch's lists, {address}, is no https address: nothing is fetched.")
        above, _, last = address.rpartition("/")
        known = {name for build in self.builds.values() for name in build.sources.values() if name}
        return above.rstrip("/") if last in known else address

    def list_address(self, build: TorchBuild, name: str, lists: str) -> str:
        """Where pip looks besides its usual index for this build; empty is nowhere else.

        Args:
            build: the build.
            name: of the list that has it, from ``words``.
            lists: the address of all lists, from ``lists``; may be empty.

        Raises:
            InstallError: the build is in PyTorch's lists alone, and nobody said where they are.
        """
        if name and not lists:
            raise InstallError(
                f"For this computer, “{build.title}” is in PyTorch's own lists of wheels alone: give their "
                f"address (“PyTorch Lists” in the preferences, or {LISTS_VARIABLE}) or a folder of wheels, or choose "
                "“Automatic”."
            )
        return f"{lists}/{name}" if name else ""

    def accepts(self, version: tuple[int, int]) -> bool:
        """Whether there are packages for this version of Python."""
        return self.oldest_python <= version <= self.newest_python

    @property
    def python_words(self) -> str:
        """The Pythons that fit, for a sentence."""
        oldest, newest = (".".join(map(str, version)) for version in (self.oldest_python, self.newest_python))
        return f"Python {oldest} to {newest}"


def worker_requirements(pins: Path = PINS, builds: Path = BUILDS) -> WorkerRequirements:
    """Read what ships with this version.

    Raises:
        InstallError: a file is missing or damaged.
    """
    try:
        lines = [line.strip() for line in pins.read_text(encoding="utf-8").splitlines()]
        packages = tuple(line for line in lines if line and not line.startswith(("#", TORCH)))
        (torch,) = (line.removeprefix(TORCH) for line in lines if line.startswith(TORCH))
        known = tomllib.loads(builds.read_text(encoding="utf-8"))
        oldest, newest = (_version(known[key]) for key in ("oldest_python", "newest_python"))
        return WorkerRequirements(oldest, newest, known["pip"], torch, packages, _builds(known["builds"]))
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise InstallError(
            f"{pins.parent} is incomplete or damaged ({reason}): install the extension again."
        ) from reason


def _builds(known: dict[str, dict[str, Any]]) -> dict[str, TorchBuild]:
    return {
        name: TorchBuild(name, fields["title"], fields["label"], fields["sources"], int(fields["room"] * 1e9))
        for name, fields in known.items()
    }


def _version(words: str) -> tuple[int, int]:
    major, minor = words.split(".")
    return int(major), int(minor)

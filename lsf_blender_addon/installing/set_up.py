"""The whole way from nothing to a worker's Python that has moved a face."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..download import Arrived, RemoteFile, download
from ..errors import InstallError
from ..locks import held
from ..worker.boot import surroundings
from .environment import (
    DOWNLOADS,
    FOLDER,
    WorkerEnvironment,
    find_environment,
    new_folder,
    remove_environments,
    write_stamp,
)
from .inspection import Inspection, inspect
from .interpreters import Interpreter, make_environment, python_of
from .machine import AUTOMATIC, Machine, choose, this_machine, without_lists
from .programs import Watch, run
from .requirements import TorchBuild, WorkerRequirements, worker_requirements
from .wheels import packages_of, remove_tree, unpack

Tell = Callable[[str, float, str], None]
"""Told the stage, the share (0 to 1) and a note for the person; it may raise to cancel."""

Prove = Callable[[Path, WorkerRequirements, Watch], Inspection]

LOCK = "setup.lock"
HEAVY = ("torch", "nvidia", "triton", "intel", "mkl")
MEGABYTE = 1e6
MADE, RESOLVED, DOWNLOADED, UNPACKED = 0.04, 0.10, 0.70, 0.92
"""Shares of the work that are done after each step, by the artist's clock on a fast line."""


@dataclass(frozen=True)
class SetUpOrder:
    """What is to be set up.

    Attributes:
        root: the extension's own folder, which environments and downloads go into.
        build: PyTorch's build by name, or ``auto``.
        wheels: a folder of wheels to install from, without any network; None is the network.
        build_with: the Python to make the environment from; where None, one is looked for.
        lists: the address of PyTorch's lists of wheels; empty is pip's usual index alone.
    """

    root: Path
    build: str = AUTOMATIC
    wheels: Path | None = None
    build_with: Path | None = None
    lists: str = ""


@dataclass(frozen=True)
class Wheel:
    """A package to install: a file that is here, or one to fetch."""

    name: str
    remote: RemoteFile | None
    path: Path

    @property
    def weight(self) -> int:
        """A guess, for the bar: PyTorch and what it brings for a card are most of all there is to download."""
        return 20 if self.name.startswith(HEAVY) else 1


def set_up(
    order: SetUpOrder,
    tell: Tell,
    *,
    requirements: WorkerRequirements | None = None,
    machine: Machine | None = None,
    prove: Prove = inspect,
) -> WorkerEnvironment:
    """Set the worker's Python up.

    Args:
        order: what and where.
        tell: told how far it is, several times a second; what it raises ends the work. What was downloaded until then
            is kept, and the next time goes on from there.
        requirements: what is installed; what ships with this version where None.
        machine: for which machine; this one where None.
        prove: finds out whether the result works.

    Returns:
        The environment, complete.

    Raises:
        InstallError: it cannot be made; nothing half-made is used.
        DownloadError: a package could not be brought here.
    """
    requirements = requirements or worker_requirements()
    busy = InstallError("Another Blender is setting up the worker right now: wait until it has finished.")
    with held(order.root / LOCK, busy):
        return _SettingUp(order, tell, requirements, prove).run(machine)


class _SettingUp:
    """One set-up, step by step."""

    def __init__(self, order: SetUpOrder, tell: Tell, requirements: WorkerRequirements, prove: Prove) -> None:
        self.order = order
        self.tell = tell
        self.requirements = requirements
        self.prove = prove
        self.stage = ("", 0.0)

    def run(self, machine: Machine | None) -> WorkerEnvironment:
        self._at("Looking at this computer", 0.0)
        machine = machine or this_machine()
        choice = choose(machine, self.order.build)
        lists = self.requirements.lists(self.order.lists) if self.order.wheels is None else ""
        if self.order.build == AUTOMATIC and self.order.wheels is None and not lists:
            choice = without_lists(choice, machine, self.requirements.builds)
        build = self.requirements.builds.get(choice.build)
        if build is None:
            raise InstallError(f"There is no build {choice.build!r} of PyTorch: choose another in the preferences.")
        words, name = self.requirements.words(build, machine.system)
        source = self.requirements.list_address(build, name, lists) if self.order.wheels is None else ""
        self.tell(*self.stage, f"PyTorch for {build.title}: {choice.reason}")
        self._check_room(build)
        folder = new_folder(self.order.root, self.requirements, build.name)
        finished = False
        try:
            interpreter = self._make(folder)
            wheels = self._resolve(folder, interpreter, words, source)
            self._fetch(wheels, RESOLVED, DOWNLOADED)
            self._unpack(wheels, packages_of(folder, interpreter.version[:2]))
            inspection = self._proven(folder)
            write_stamp(folder, self.requirements, choice, inspection)
            finished = True
        except OSError as reason:
            raise InstallError(f"{reason.filename or folder} cannot be written ({reason.strerror}).") from reason
        finally:
            if not finished:
                remove_tree(folder)
        self._at("Clearing up", 1.0)
        remove_environments(self.order.root, keep=folder)
        remove_tree(self.order.root / DOWNLOADS)
        made = find_environment(self.order.root, self.requirements)
        if made is None:
            raise InstallError(f"{folder} is complete but cannot be read: remove it and set up again.")
        return made

    def _at(self, stage: str, share: float) -> None:
        self.stage = (stage, share)
        self.tell(stage, share, "")

    def _watch(self) -> None:
        self.tell(*self.stage, "")

    def _check_room(self, build: TorchBuild) -> None:
        free = shutil.disk_usage(self.order.root).free
        if free < build.room:
            raise InstallError(
                f"Setting up takes {build.room / 1e9:.1f} GB while it works, and {self.order.root} has "
                f"{free / 1e9:.1f} GB free: make room."
            )

    def _make(self, folder: Path) -> Interpreter:
        self._at("Making the environment", 0.01)
        (self.order.root / FOLDER).mkdir(parents=True, exist_ok=True)
        interpreter = make_environment(folder, self.order.build_with, self.requirements, self._watch)
        self.tell(*self.stage, f"Made from Python {interpreter.words}, {interpreter.path}.")
        return interpreter

    def _resolve(self, folder: Path, interpreter: Interpreter, words: list[str], source: str) -> list[Wheel]:
        """Let pip find the wheels that fit, without installing one."""
        self._at("Finding packages", MADE)
        pip = Path(interpreter.pip)
        if self.order.wheels is not None:
            if not self.order.wheels.is_dir():
                raise InstallError(f"The folder of wheels {self.order.wheels} does not exist.")
            # Whichever build of PyTorch lies in the folder is the one that was meant.
            words = [f"torch=={self.requirements.torch}", *words[1:]]
            return self._found(folder, pip, words, ["--isolated", "--no-index", "--find-links", self.order.wheels])
        (newer,) = self._found(folder, pip, [f"pip=={self.requirements.pip}"], [])
        self._fetch([newer], MADE, MADE)
        return self._found(folder, newer.path, words, ["--extra-index-url", source] if source else [])

    def _found(self, folder: Path, pip: Path, words: list[str], where: list[str | Path]) -> list[Wheel]:
        """What a pip finds for these words in the places named."""
        python, report, wanted = python_of(folder), folder / "report.json", folder / "wanted.txt"
        command: list[str | Path] = [python, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
        command += ["--disable-pip-version-check", "--no-input", "--only-binary", ":all:", "--progress-bar", "off"]
        wanted.write_text("\n".join(words) + "\n", encoding="utf-8")
        command += [*where, "--report", report, "--requirement", wanted]
        environment = {**surroundings(python), "PYTHONPATH": str(pip)}
        if self.order.wheels is not None:
            environment["PIP_CONFIG_FILE"] = os.devnull  # the folder alone: no constraint or mirror has a say
        ended = run(command, self._watch, environment)
        if ended.status != 0:
            raise InstallError(self._resolving_failed(ended.words, ended.last_line, where))
        return [self._wheel(item) for item in json.loads(report.read_text(encoding="utf-8"))["install"]]

    def _resolving_failed(self, words: str, last: str, where: list[str | Path]) -> str:
        errors = [line.removeprefix("ERROR: ") for line in words.splitlines() if line.startswith("ERROR: ")]
        reason = next((line for line in errors if "satisfies the requirement" in line), errors[0] if errors else last)
        if self.order.wheels is not None:
            return f"{self.order.wheels} does not hold every package that is needed: {reason:.300}"
        if "connection broken" in words.lower() or "name resolution" in words.lower():
            return (
                "The packages' server cannot be reached. Check the network (behind a proxy, set HTTPS_PROXY), or set "
                "up from a folder of wheels."
            )
        if where:
            return f"pip found no packages that fit: {reason:.300} Is {where[-1]} the address of PyTorch's list?"
        return f"pip found no packages that fit: {reason:.300}"

    def _wheel(self, item: dict[str, object]) -> Wheel:
        found, metadata = item["download_info"], item["metadata"]
        if not isinstance(found, dict) or not isinstance(metadata, dict):
            raise InstallError("pip's report is none that this version understands: update the extension.")
        address = str(found["url"])
        if address.startswith("file:"):
            here = Path(urllib.request.url2pathname(urllib.parse.urlsplit(address).path))
            return Wheel(str(metadata["name"]), None, here)
        hashes = found.get("archive_info", {}).get("hashes", {})
        remote = RemoteFile(address, hashes.get("sha256"))
        return Wheel(str(metadata["name"]), remote, self.order.root / DOWNLOADS / Path(remote.name).name)

    def _fetch(self, wheels: list[Wheel], begin: float, end: float) -> None:
        """Download those wheels that are not here, while the bar goes from ``begin`` to ``end``."""
        missing = [wheel for wheel in wheels if wheel.remote is not None]
        if missing:
            (self.order.root / DOWNLOADS).mkdir(exist_ok=True)
        step = (end - begin) / max(sum(wheel.weight for wheel in missing), 1)
        for wheel in missing:
            if wheel.remote is not None:
                download(wheel.remote, wheel.path, self._arrived(wheel, begin, step * wheel.weight))
            begin += step * wheel.weight

    def _arrived(self, wheel: Wheel, begin: float, step: float) -> Arrived:
        def arrived(here: int, whole: int | None) -> None:
            words = f"Downloading {wheel.name} ({here / MEGABYTE:.0f} of {(whole or here) / MEGABYTE:.0f} MB)"
            self._at(words, begin + step * (here / whole if whole else 0.0))

        return arrived

    def _unpack(self, wheels: list[Wheel], packages: Path) -> None:
        begin = DOWNLOADED if any(wheel.remote for wheel in wheels) else RESOLVED
        last = 0.0

        def unpacked(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last > 0.1:  # noqa: PLR2004 - seconds; a wheel holds ten thousand files
                last = time.monotonic()
                share = begin + (UNPACKED - begin) * done / max(total, 1)
                self._at(f"Unpacking ({done / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB)", share)

        unpack([wheel.path for wheel in wheels], packages, unpacked)

    def _proven(self, folder: Path) -> Inspection:
        self._at("Trying it out", UNPACKED)
        inspection = self.prove(python_of(folder), self.requirements, self._watch)
        if inspection.reason:
            raise InstallError(f"What was installed does not work: {inspection.reason}")
        return inspection

"""Pythons on this machine that the worker's own can be made from."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import InstallError
from ..worker.boot import surroundings
from .programs import Watch, run
from .requirements import WorkerRequirements

QUESTION = """
import glob, json, os, sys
lacks, pips = [], []
for name in ("venv", "ensurepip", "ssl", "zlib", "ctypes"):
    try:
        __import__(name)
    except ImportError:
        lacks.append(name)
if not lacks:
    import ensurepip, sysconfig
    folders = [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"), sysconfig.get_config_var("WHEEL_PKG_DIR")]
    for folder in folders:
        pips += sorted(glob.glob(os.path.join(folder, "pip-*.whl"))) if folder else []
print("LSF " + json.dumps({
    "version": list(sys.version_info[:3]),
    "implementation": getattr(getattr(sys, "implementation", None), "name", "old"),
    "bits": 64 if sys.maxsize > 2 ** 32 else 32,
    "threads_unlocked": "t" in getattr(sys, "abiflags", ""),
    "lacks": lacks,
    "pip": pips[-1] if pips else "",
}))
"""
"""Understood by every Python since 2.6, so that an old one gets a reason and not a syntax error."""

ANSWER = "LSF "
ANSWER_SECONDS = 30.0
WORD_BITS = 64


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs.

    Attributes:
        path: the program.
        version: major, minor, micro.
        implementation: ``cpython`` is the usual one.
        bits: 64 or 32.
        threads_unlocked: the experimental kind, for which packages are built apart.
        lacks: parts of its library that are missing.
        pip: the wheel of pip that comes with it; empty where none does.
    """

    path: Path
    version: tuple[int, int, int]
    implementation: str
    bits: int
    threads_unlocked: bool
    lacks: tuple[str, ...]
    pip: str

    @property
    def words(self) -> str:
        """For a sentence: ``3.11.7``."""
        return ".".join(map(str, self.version))

    def unfit(self, requirements: WorkerRequirements) -> str:
        """Why the packages do not run on it, in a sentence; empty where they do."""
        if self.implementation != "cpython" or self.bits != WORD_BITS or self.threads_unlocked:
            return f"{self.path} is not a usual 64-bit Python (CPython)."
        if not requirements.accepts(self.version[:2]):
            return f"{self.path} is version {self.words}; {requirements.python_words} fit."
        return ""

    def unable(self, requirements: WorkerRequirements) -> str:
        """Why no environment can be made from it, in a sentence; empty where one can."""
        if reason := self.unfit(requirements):
            return reason
        lacks = self.lacks or (() if self.pip else ("pip",))
        listed = ", ".join(lacks)
        if {"ensurepip", "pip"} & set(lacks):
            return f"{self.path} lacks parts of Python: {listed} (on Debian and Ubuntu: install python3-venv)."
        return f"{self.path} lacks parts of Python: {listed}." if lacks else ""


def ask(python: Path, watch: Watch) -> Interpreter:
    """Find out which Python a program is.

    Raises:
        InstallError: it is no file, does not start, does not answer, or is no Python.
    """
    if not python.is_file():
        raise InstallError(f"{python} does not exist.")
    try:
        ended = run([python, "-c", QUESTION], watch, surroundings(python), ANSWER_SECONDS)
    except OSError as reason:
        raise InstallError(f"{python} cannot be started ({reason.strerror}).") from reason
    if ended.status is None:
        raise InstallError(f"{python} did not answer within {ANSWER_SECONDS:g} s.")
    line = next((line for line in ended.words.splitlines() if line.startswith(ANSWER)), "")
    try:
        told = json.loads(line.removeprefix(ANSWER))
        version = tuple(map(int, told["version"]))
        major, minor, micro = version
        return Interpreter(
            python,
            (major, minor, micro),
            str(told["implementation"]),
            int(told["bits"]),
            bool(told["threads_unlocked"]),
            tuple(map(str, told["lacks"])),
            str(told["pip"]),
        )
    except (ValueError, KeyError, TypeError) as reason:
        raise InstallError(f"{python} is no Python, or a broken one ({ended.last_line:.200}).") from reason


def candidates(first: Path | None, requirements: WorkerRequirements) -> Iterator[Path]:
    """Programs that may be a fitting Python: the one given alone, or Blender's own and then the machine's."""
    if first is not None:
        yield first
        return
    seen: set[Path] = set()
    for path in _usual_places(requirements):
        if path.is_file() and (real := path.resolve()) not in seen:
            seen.add(real)
            yield path


def _usual_places(requirements: WorkerRequirements) -> Iterator[Path]:
    if Path(sys.executable).stem.lower().startswith("python"):
        yield Path(sys.executable)
    oldest, newest = requirements.oldest_python[1], requirements.newest_python[1]
    home = Path.home()
    for minor in range(oldest, newest + 1):
        if found := shutil.which(f"python3.{minor}"):
            yield Path(found)
        if sys.platform == "win32":
            local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
            yield local / "Programs" / "Python" / f"Python3{minor}" / "python.exe"
            yield Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / f"Python3{minor}" / "python.exe"
        elif sys.platform == "darwin":
            yield Path(f"/Library/Frameworks/Python.framework/Versions/3.{minor}/bin/python3.{minor}")
            yield Path(f"/opt/homebrew/bin/python3.{minor}")
            yield Path(f"/usr/local/bin/python3.{minor}")
        yield from sorted((home / ".pyenv" / "versions").glob(f"3.{minor}.*/bin/python"), reverse=True)
    for name in ("python3", "python"):
        if found := shutil.which(name):
            yield Path(found)


def make_environment(folder: Path, first: Path | None, requirements: WorkerRequirements, watch: Watch) -> Interpreter:
    """Make a virtual environment from the first Python that can.

    Args:
        folder: the environment; what is there is removed.
        first: the Python to use; where None, one is looked for, Blender's own first.
        requirements: which versions fit.
        watch: called while programs run.

    Returns:
        The Python that it was made from.

    Raises:
        InstallError: none can; the sentence gives each one's reason.
    """
    reasons = []
    for python in candidates(first, requirements):
        try:
            interpreter = ask(python, watch)
            if reason := interpreter.unable(requirements):
                reasons.append(reason)
                continue
            _make(folder, interpreter, watch)
        except InstallError as error:
            reasons.append(str(error))
        else:
            return interpreter
    needed = f"{requirements.python_words} (64-bit)"
    if first is not None:
        raise InstallError(
            f"The Python under “Build with” cannot make the worker's environment. {' '.join(reasons)} Name {needed} "
            "there, or leave it empty to let one be found."
        )
    tried = " ".join(reasons) or "None was found."
    raise InstallError(
        f"No Python on this computer can make the worker's environment. Install {needed}, or name one under “Build "
        f"with”. {tried}"
    )


def _make(folder: Path, interpreter: Interpreter, watch: Watch) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    # Without pip, which would take longer than all the rest: the wheel that Python brings runs as it is.
    command: list[str | Path] = [interpreter.path, "-m", "venv", "--without-pip", folder]
    ended = run(command, watch, surroundings(interpreter.path))
    if ended.status != 0:
        raise InstallError(f"{interpreter.path} makes no environment ({ended.last_line:.200}).")
    made = python_of(folder)
    ended = run([made, "-c", "import ssl, venv"], watch, surroundings(made))
    if ended.status != 0:
        raise InstallError(f"The environment of {interpreter.path} does not run ({ended.last_line:.200}).")


def python_of(folder: Path) -> Path:
    """The Python inside an environment."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def console_python() -> Path:
    """A Python that runs our own jobs: Blender's own, or any on the path (they need no package).

    Raises:
        InstallError: there is none.
    """
    if Path(sys.executable).stem.lower().startswith("python"):
        return Path(sys.executable)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for name in (f"python{version}", "python3", "python"):
        if found := shutil.which(name):
            return Path(found)
    raise InstallError(f"This Blender has no Python program of its own: install Python {version}.")

"""Virtual environments for the scripts: made once, stamped when complete, never half used. Standard library alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CONSTRAINTS = REPOSITORY / "constraints.txt"
STAMP = "installed.json"


class SetupError(Exception):
    """What is missing, in one sentence."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment: where it is, which Python makes it, and what pip installs into it."""

    folder: Path
    python: Path
    requirements: tuple[str, ...]
    constraints: Path | None = None

    @property
    def interpreter(self) -> Path:
        """The environment's own Python."""
        if os.name == "nt":
            return self.folder / "Scripts" / "python.exe"
        return self.folder / "bin" / "python"

    def fingerprint(self) -> str:
        """Changes when anything that decides the installation changes."""
        digest = hashlib.sha256()
        for part in self.requirements:
            digest.update(part.encode() + b"\0")
        for path in (REPOSITORY / "pyproject.toml", self.constraints):
            if path is not None:
                digest.update(path.read_bytes() + b"\0")
        return digest.hexdigest()

    def is_complete(self) -> bool:
        """Whether the last installation finished and still fits the project's files."""
        stamp = self.folder / STAMP
        if not (stamp.is_file() and self.interpreter.is_file()):
            return False
        try:
            recorded: object = json.loads(stamp.read_text(encoding="utf-8"))
        except ValueError:
            return False
        return isinstance(recorded, dict) and recorded.get("fingerprint") == self.fingerprint()


def prepare(environment: Environment) -> Path:
    """Make the environment unless it is complete, and return its Python.

    Raises:
        SetupError: the environment or its packages could not be installed.
    """
    name = environment.folder.name
    if environment.is_complete():
        print(f"Using {environment.folder.relative_to(REPOSITORY)} (complete).")
        return environment.interpreter
    print(f"Setting up {environment.folder.relative_to(REPOSITORY)} …", flush=True)
    (environment.folder / STAMP).unlink(missing_ok=True)
    if not environment.interpreter.is_file():
        shutil.rmtree(environment.folder, ignore_errors=True)
        _step(
            [environment.python, "-m", "venv", environment.folder], f"{name} could not be made by {environment.python}"
        )
    install = [environment.interpreter, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "on"]
    if environment.constraints is not None:
        install += ["--constraint", environment.constraints]
    _step(
        [*install, *environment.requirements],
        f"the packages of {name} could not be installed; connect this computer to the network once (or set "
        "PIP_FIND_LINKS to a folder of wheels) and run this again",
    )
    stamp = environment.folder / STAMP
    partial = stamp.with_suffix(".partial")
    partial.write_text(json.dumps({"fingerprint": environment.fingerprint()}), encoding="utf-8")
    partial.replace(stamp)
    return environment.interpreter


def project_environment(*, oracles: bool = False) -> Environment:
    """``.venv`` with the network, Blender as a module and the tests; ``.venv-oracles`` has the peers too."""
    require_python()
    extras = "worker,blender,test,oracles" if oracles else "worker,blender,test"
    folder = REPOSITORY / (".venv-oracles" if oracles else ".venv")
    return Environment(folder, Path(sys.executable), ("--editable", f"{REPOSITORY}[{extras}]"), CONSTRAINTS)


def require_python() -> None:
    """Refuse interpreters that Blender's wheel does not exist for.

    Raises:
        SetupError: this is not Python 3.11.
    """
    if sys.version_info[:2] != (3, 11):
        have = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(
            f"This is Python {have}, and Blender's module needs Python 3.11: run this script with python3.11."
        )


def find_python(version: str) -> Path | None:
    """A Python of this ``major.minor``: this one, or one on the path, or one that pyenv keeps."""
    if version == ".".join(map(str, sys.version_info[:2])):
        require_python()
        return Path(sys.executable)
    candidates = [shutil.which(f"python{version}")]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates += [str(path / "bin" / "python") for path in sorted(pyenv.glob(f"{version}.*"), reverse=True)]
    for candidate in candidates:
        if candidate and _reports_version(Path(candidate), version):
            return Path(candidate)
    return None


def _reports_version(python: Path, version: str) -> bool:
    script = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    try:
        reply = subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return reply.stdout.strip() == version


def _step(command: list[str | Path], failure: str) -> None:
    done = subprocess.run([str(part) for part in command], check=False, cwd=REPOSITORY)
    if done.returncode:
        raise SetupError(f"Setting up stopped: {failure}.")

#!/usr/bin/env python3
"""Set up .venv, then run every check and every test.

python3 scripts/test.py              style, types, tests, and the Blender tests in each Blender that can be had
python3 scripts/test.py --slow       also the tests at full published size
python3 scripts/test.py --oracles    also against funasr's emotion2vec and smplx's FLAME
python3 scripts/test.py tests/head   only these tests (any argument of pytest)
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from environment import REPOSITORY, Environment, SetupError, find_python, prepare, project_environment


@dataclass(frozen=True)
class Blender:
    """One Blender that the add-on supports: its module's version and the Python that it is built for."""

    version: str
    python: str
    numpy: str

    @property
    def series(self) -> str:
        """``4.2`` of ``4.2.23``."""
        return ".".join(self.version.split(".")[:2])


OTHER_BLENDERS = (
    Blender("4.2.23", "3.11", "numpy==1.26.4"),
    Blender("4.5.15", "3.11", "numpy==1.26.4"),
    Blender("5.2.3", "3.13", "numpy==2.5.5"),
)
TEST_TOOLS = ("pytest==9.2.0", "pytest-timeout==2.4.0", "hypothesis==6.170.15")


@dataclass(frozen=True)
class Outcome:
    """What one step of the run came to."""

    name: str
    passed: bool
    seconds: float


def main() -> int:
    """Run what was asked for; 0 only when all of it passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", action="store_true", help="also run the tests at full published size")
    parser.add_argument("--oracles", action="store_true", help="install funasr and smplx, and compare with them")
    parser.add_argument("--only-main", action="store_true", help="leave the other Blenders out")
    arguments, for_pytest = parser.parse_known_args()
    if arguments.slow:
        for_pytest.append("--slow")
    try:
        outcomes = run_oracles() if arguments.oracles else run_everything(for_pytest, only_main=arguments.only_main)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print("\nSummary")
    for outcome in outcomes:
        print(f"  {'passed' if outcome.passed else 'FAILED':8}{outcome.seconds:8.0f} s  {outcome.name}")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def run_everything(for_pytest: list[str], *, only_main: bool) -> list[Outcome]:
    """Style, types and tests; with tests named in ``for_pytest``, those tests alone."""
    python = prepare(project_environment())
    if any(not argument.startswith("-") for argument in for_pytest):
        return [run("tests", [python, "-m", "pytest", *for_pytest])]
    outcomes = [
        run("style", [python, "-m", "ruff", "check", "."]),
        run("format", [python, "-m", "ruff", "format", "--check", "."]),
        run("types", [python, "-m", "mypy"]),
        run("tests", [python, "-m", "pytest", "--ignore=tests/needs_bpy", *for_pytest]),
        run("Blender 5.0 tests", [python, "-m", "pytest", "tests/needs_bpy", *for_pytest]),
    ]
    if not only_main:
        outcomes += [outcome for blender in OTHER_BLENDERS for outcome in run_in_blender(blender, for_pytest)]
    return outcomes


def run_in_blender(blender: Blender, for_pytest: list[str]) -> list[Outcome]:
    """The tests that need nothing but Blender, in another Blender than the environment's own."""
    interpreter = find_python(blender.python)
    if interpreter is None:
        print(f"Skipping Blender {blender.series}: there is no Python {blender.python} on this computer.")
        return []
    requirements = (f"bpy=={blender.version}", blender.numpy, *TEST_TOOLS)
    folder = REPOSITORY / ".blenders" / blender.series
    folder.parent.mkdir(exist_ok=True)
    python = prepare(Environment(folder, interpreter, requirements))
    return [run(f"Blender {blender.series} tests", [python, "-m", "pytest", "tests/needs_bpy", *for_pytest])]


def run_oracles() -> list[Outcome]:
    """Our emotion2vec against funasr's class and our skinning against smplx's, in an environment that has both."""
    python = prepare(project_environment(oracles=True))
    return [run("oracles", [python, "-m", "pytest", "-m", "oracle", "-rs"])]


def run(name: str, command: list[str | Path]) -> Outcome:
    """Run one step, its output passing through."""
    print(f"\n— {name}", flush=True)
    started = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([str(part) for part in command], check=False, cwd=REPOSITORY, env=environment)
    return Outcome(name, done.returncode == 0, time.monotonic() - started)


if __name__ == "__main__":
    raise SystemExit(main())

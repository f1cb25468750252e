"""Whether a Python can be the worker's: asked, and then made to move a face."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InstallError
from ..worker.boot import command, surroundings
from ..worker.room import ran_out
from ..worker.trial import STUCK
from .interpreters import ANSWER, ask
from .programs import Ended, Watch, run
from .requirements import WorkerRequirements

TRIAL_SECONDS = 600.0
"""The first import of PyTorch compiles thousands of files, on a cold disk for minutes."""

STUCK_SECONDS = 120.0
"""Without any import, after which it will never end: the slowest of PyTorch's libraries loads in half of it."""


@dataclass(frozen=True)
class Inspection:
    """What was found out about a Python.

    Attributes:
        python: the program.
        version: of Python, such as ``3.11.7``; empty where that could not be found out.
        packages: versions by name.
        devices: what its PyTorch computes on, best first.
        reason: why it does not fit, in a sentence; empty where it does.
    """

    python: str
    version: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    reason: str = ""

    @property
    def words(self) -> str:
        """For a line of the preferences."""
        if self.reason:
            return self.reason
        devices = ", ".join(DEVICE_WORDS.get(device, device) for device in self.devices)
        return f"Python {self.version}, PyTorch {self.packages.get('torch', '?')}; computes on: {devices}"


DEVICE_WORDS = {"cuda": "NVIDIA or AMD card", "mps": "Apple graphics", "xpu": "Intel card", "cpu": "processor"}


def inspect(
    python: Path, requirements: WorkerRequirements, watch: Watch, stuck_seconds: float = STUCK_SECONDS
) -> Inspection:
    """Find out whether ``python`` can be the worker's; takes seconds to minutes.

    Args:
        python: the program.
        requirements: which Pythons fit.
        watch: called five times a second; what it raises ends the work.
        stuck_seconds: how long it may stand still.
    """
    try:
        interpreter = ask(python, watch)
    except InstallError as error:
        return Inspection(str(python), reason=str(error))
    if reason := interpreter.unfit(requirements):
        return Inspection(str(python), interpreter.words, reason=reason)
    environment = {**surroundings(python), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    ended = run(command(python, "worker.trial", str(stuck_seconds)), watch, environment, TRIAL_SECONDS)
    if ended.status is None:
        return Inspection(str(python), interpreter.words, reason=f"{python} did not answer in {TRIAL_SECONDS:g} s.")
    told = _told(ended.words)
    if ended.status != 0 or told is None:
        return Inspection(str(python), interpreter.words, reason=_failure(python, ended, stuck_seconds))
    return Inspection(str(python), interpreter.words, dict(told["packages"]), tuple(told["devices"]))


def _told(words: str) -> dict[str, Any] | None:
    line = next((line for line in reversed(words.splitlines()) if line.startswith(ANSWER)), "")
    try:
        told = json.loads(line.removeprefix(ANSWER))
    except ValueError:
        return None
    return told if isinstance(told, dict) and {"packages", "devices"} <= set(told) else None


def _failure(python: Path, ended: Ended, stuck_seconds: float) -> str:
    """Why it does not fit; the log has every word of it."""
    last = ended.last_line
    if ran_out(ended.status or 0, ended.words):
        return (
            f"{python} has too little memory for the worker, which needs a gigabyte to begin with: close other "
            "programs, or raise the limit that is set on it."
        )
    if STUCK in ended.words:
        return (
            f"{python} stood still for {stuck_seconds:g} s while it loaded its packages and was ended; the log says "
            "where. Try again with other programs closed, or install its packages anew."
        )
    missing = last.partition("No module named ")[2].strip("'\" ")
    if missing:
        return f"{python} lacks the package {missing.split('.')[0]}."
    return f"{python} cannot run the worker ({last:.300})."

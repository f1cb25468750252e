"""Whether a Python can be the worker's: asked, and then made to move a face."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InstallError
from ..worker.boot import command, surroundings
from .interpreters import ANSWER, ask
from .programs import Watch, run
from .requirements import WorkerRequirements

TRIAL_SECONDS = 600.0
"""The first import of PyTorch compiles thousands of files, on a cold disk for minutes."""


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


def inspect(python: Path, requirements: WorkerRequirements, watch: Watch) -> Inspection:
    """Find out whether ``python`` can be the worker's; takes seconds to minutes.

    Args:
        python: the program.
        requirements: which Pythons fit.
        watch: called five times a second; what it raises ends the work.
    """
    try:
        interpreter = ask(python, watch)
    except InstallError as error:
        return Inspection(str(python), reason=str(error))
    if reason := interpreter.unfit(requirements):
        return Inspection(str(python), interpreter.words, reason=f"{python} {reason}.")
    environment = {**surroundings(python), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    ended = run(command(python, "worker.trial"), watch, environment, TRIAL_SECONDS)
    if ended.status is None:
        return Inspection(str(python), interpreter.words, reason=f"{python} did not answer in {TRIAL_SECONDS:g} s.")
    told = _told(ended.words)
    if ended.status != 0 or told is None:
        return Inspection(str(python), interpreter.words, reason=_failure(python, ended.last_line))
    return Inspection(str(python), interpreter.words, dict(told["packages"]), tuple(told["devices"]))


def _told(words: str) -> dict[str, Any] | None:
    line = next((line for line in reversed(words.splitlines()) if line.startswith(ANSWER)), "")
    try:
        told = json.loads(line.removeprefix(ANSWER))
    except ValueError:
        return None
    return told if isinstance(told, dict) and {"packages", "devices"} <= set(told) else None


def _failure(python: Path, last: str) -> str:
    missing = last.partition("No module named ")[2].strip("'\" ")
    if missing:
        return f"{python} lacks the package {missing.split('.')[0]}."
    return f"{python} cannot run the worker ({last:.300})."

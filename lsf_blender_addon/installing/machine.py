"""What this machine computes with, and which of PyTorch's builds fits that."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InstallError
from .requirements import TorchBuild

AUTOMATIC = "auto"
CUDA_13_DRIVER, CUDA_12_DRIVER = 580, 528
"""The oldest NVIDIA drivers (major version, on Linux and Windows) that run CUDA 13 and CUDA 12 programs."""

CUDA_13_OLDEST, CUDA_12_NEWEST = 7.5, 9.0
"""Compute capabilities: PyTorch's CUDA 13 begins with Turing, its CUDA 12.6 ends with Hopper."""

CUDA_12_OLDEST = 5.0
INTEL = "0x8086"
INTEL_ARC = re.compile(r"0x(56[9abc]|e2)[0-9a-f]+")
"""Device numbers of Arc cards: Alchemist (56a0 and around) and Battlemage (e2..)."""

QUERY_SECONDS = 15.0


@dataclass(frozen=True)
class NvidiaCard:
    """A card as its driver describes it; ``capability`` is 8.9 for an RTX 4090."""

    name: str
    driver: int
    capability: float


@dataclass(frozen=True)
class Machine:
    """The system in PyTorch's terms (``linux-x86_64``, ``windows-x86_64``, ``macos-arm64`` …) and its cards."""

    system: str
    nvidia: NvidiaCard | None = None
    arc: bool = False


@dataclass(frozen=True)
class Choice:
    """A build's name, and the reason in a sentence for the person."""

    build: str
    reason: str


def this_machine() -> Machine:
    """Look at the machine; takes a second at most where an NVIDIA driver must wake up."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    names = {"amd64": "x86_64", "x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
    architecture = names.get(platform.machine().lower(), platform.machine().lower())
    return Machine(f"{system}-{architecture}", nvidia_card(), _has_arc(system))


def choose(machine: Machine, wanted: str = AUTOMATIC) -> Choice:
    """The build to install.

    Args:
        machine: see ``this_machine``.
        wanted: a build's name, or ``auto``.

    Raises:
        InstallError: PyTorch has nothing for this machine.
    """
    if wanted != AUTOMATIC:
        return Choice(wanted, "Chosen in the preferences.")
    if machine.system == "macos-arm64":
        return Choice("apple", "Apple silicon: computes on its graphics cores.")
    if machine.system == "macos-x86_64":
        raise InstallError(
            "PyTorch is no longer made for Macs with Intel processors: the worker cannot be set up here."
        )
    if machine.system not in {"linux-x86_64", "windows-x86_64", "linux-arm64"}:
        raise InstallError(
            f"PyTorch has no ready build for {machine.system}: install it yourself and choose “Use an existing Python”."
        )
    if machine.nvidia is not None and machine.system != "linux-arm64":
        return _choose_cuda(machine.nvidia)
    if machine.arc:
        return Choice("xpu", "An Intel Arc card was found.")
    return Choice("cpu", "No graphics card that PyTorch can use was found: the processor computes.")


def without_lists(choice: Choice, machine: Machine, builds: Mapping[str, TorchBuild]) -> Choice:
    """The build to install where nobody said where PyTorch's lists of wheels are.

    Args:
        choice: the build that fits the machine.
        machine: see ``this_machine``.
        builds: all builds by name.

    Returns:
        ``choice`` where pip's usual index has it, else the build that the index has for this system, and why.
    """
    fitting = builds[choice.build]
    usual = next((build for build in builds.values() if build.sources.get(machine.system) == ""), fitting)
    if usual is fitting or fitting.sources.get(machine.system) == "":
        return choice
    return Choice(
        usual.name,
        f"{choice.reason} pip's usual index has only “{usual.title}” for this computer: the processor computes, and "
        f"setting up takes {usual.room / 1e9:.1f} GB. For “{fitting.title}” ({fitting.room / 1e9:.1f} GB), give the "
        "address of PyTorch's lists or a folder of wheels.",
    )


def _choose_cuda(card: NvidiaCard) -> Choice:
    if card.capability >= CUDA_13_OLDEST and card.driver >= CUDA_13_DRIVER:
        return Choice("cuda13", f"{card.name} with driver {card.driver}.")
    if CUDA_12_OLDEST <= card.capability <= CUDA_12_NEWEST and card.driver >= CUDA_12_DRIVER:
        return Choice("cuda12", f"{card.name} with driver {card.driver}.")
    if card.capability < CUDA_12_OLDEST:
        return Choice("cpu", f"{card.name} is too old for PyTorch: the processor computes.")
    needed = CUDA_13_DRIVER if card.capability > CUDA_12_NEWEST else CUDA_12_DRIVER
    return Choice(
        "cpu",
        f"{card.name} has driver {card.driver}; the card needs {needed} or newer. Renew the driver and set up again. "
        "Until then the processor computes.",
    )


def nvidia_card() -> NvidiaCard | None:
    """The most capable NVIDIA card that its driver can talk to."""
    program = shutil.which("nvidia-smi") or str(
        Path(os.environ.get("SYSTEMROOT", "/")) / "System32" / "nvidia-smi.exe"  # not on the path of every Windows
    )
    command = [program, "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
    try:
        answer = subprocess.run(  # noqa: S603 - the driver's own program
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=QUERY_SECONDS,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    cards = [card for line in answer.stdout.splitlines() if (card := _card(line)) is not None]
    return max(cards, key=lambda card: card.capability, default=None)


def _card(line: str) -> NvidiaCard | None:
    name, _, rest = line.partition(",")
    found = re.fullmatch(r"\s*(\d+)[\d.]*\s*,\s*(\d+\.\d+)\s*", rest)
    return NvidiaCard(name.strip(), int(found[1]), float(found[2])) if found else None


def _has_arc(system: str) -> bool:
    if system == "linux":
        return any(
            _word(device / "vendor") == INTEL and INTEL_ARC.fullmatch(_word(device / "device"))
            for device in Path("/sys/class/drm").glob("card*/device")
        )
    if system == "windows":
        return "intel(r) arc" in _windows_cards()
    return False


def _word(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _windows_cards() -> str:
    """The names of the graphics cards, in small letters."""
    shell = shutil.which("powershell")
    if shell is None:
        return ""
    script = "(Get-CimInstance Win32_VideoController).Name"
    try:
        answer = subprocess.run(  # noqa: S603 - the system's own program
            [shell, "-NoProfile", "-Command", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=QUERY_SECONDS,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.lower()

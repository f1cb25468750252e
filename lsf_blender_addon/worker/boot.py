"""How another Python runs a module of this very package: under its own name, with surroundings of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]

BOOT = """
import importlib, importlib.util, sys
folder, module = sys.argv.pop(1), sys.argv.pop(1)
spec = importlib.util.spec_from_file_location("lsf_blender_addon", folder + "/__init__.py",
                                              submodule_search_locations=[folder])
package = importlib.util.module_from_spec(spec)
sys.modules["lsf_blender_addon"] = package
spec.loader.exec_module(package)
sys.exit(importlib.import_module("lsf_blender_addon." + module).main(sys.argv[1:]))
"""
"""Loads this very package, under its own name, without putting its neighbours on the other Python's path."""


def command(python: Path, module: str, *words: str | Path) -> list[str]:
    """The words that run ``main(words)`` of ``module`` (such as ``worker.server``) in another Python."""
    return [str(python), "-c", BOOT, str(PACKAGE), module, *map(str, words)]


def surroundings(python: Path) -> dict[str, str]:
    """Another Python's environment: no other interpreter's settings, and UTF-8 whatever the system says."""
    foreign = {"PYTHONHOME"} if python == Path(sys.executable) else {"PYTHONHOME", "PYTHONPATH"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**kept, "PYTHONUTF8": "1", "PYTHONSAFEPATH": "1"}


def end_with_children(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that was started in a session of its own, and what it started: that would hold its pipes open."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # gone already; macOS refuses the dead so
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()

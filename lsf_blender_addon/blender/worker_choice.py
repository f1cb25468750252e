"""Which Python runs the worker, as the preferences say; cheap enough to be asked at every redraw."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy

from ..errors import LsfError
from ..installing.environment import WorkerEnvironment, find_environment, outdated
from ..installing.requirements import worker_requirements
from ..worker.client import PYTHON_VARIABLE
from . import job_watch
from .places import TOP_PACKAGE, extension_folder

SET_UP, INSPECT = "set_up", "inspect"
LOOK_AGAIN_SECONDS = 2.0

_seen: dict[str, tuple[float, Any]] = {}


def preferences_of(context: Any) -> Any | None:
    """This extension's preferences; None where it runs without being enabled, as from a checkout."""
    addon = context.preferences.addons.get(TOP_PACKAGE)
    return addon.preferences if addon is not None else None


def own_environment() -> WorkerEnvironment | None:
    """The environment that the extension made for itself, when it is complete."""
    found: WorkerEnvironment | None = _remembered(
        "environment", lambda: find_environment(extension_folder(), worker_requirements())
    )
    return found


def is_outdated() -> bool:
    """Whether only an earlier version's environment is there."""
    return bool(_remembered("outdated", lambda: outdated(extension_folder(), worker_requirements())))


def look_again() -> None:
    """Forget what was seen on the disk: it has changed."""
    _seen.clear()


def worker_python(context: Any) -> Path | None:
    """The Python that runs the worker; None where none is ready (``why_not_ready`` says why)."""
    if os.environ.get(PYTHON_VARIABLE):
        named = Path(os.environ[PYTHON_VARIABLE])
        return named if named.is_file() else None
    preferences = preferences_of(context)
    if preferences is not None and preferences.source == "EXISTING":
        chosen = chosen_python(preferences)
        return chosen if chosen is not None and verdict(preferences).get("reason") == "" else None
    environment = own_environment()
    if environment is not None:
        return environment.python
    if not bpy.app.binary_path and _remembered("torch", lambda: importlib.util.find_spec("torch") is not None):
        return Path(sys.executable)  # Blender as a module, in a Python that has torch already
    return None


def why_not_ready(context: Any) -> str:
    """Why nothing can be animated yet, in a sentence with the next step; empty when all is ready."""
    if worker_python(context) is not None:
        return ""
    if os.environ.get(PYTHON_VARIABLE):
        return f"{PYTHON_VARIABLE} names {os.environ[PYTHON_VARIABLE]}, which does not exist."
    preferences = preferences_of(context)
    if preferences is not None and preferences.source == "EXISTING":
        return why_not_chosen(preferences)
    job = job_watch.running(SET_UP)
    if job is not None:
        return f"The worker is being set up ({job.progress.share:.0%}): wait for it."
    if is_outdated():
        return "This version needs other packages than the last one: set up the worker again."
    return "The network needs PyTorch, which Blender does not have: set up the worker once."


def why_not_chosen(preferences: Any) -> str:
    """Why the Python that was chosen is not used; empty where it is."""
    chosen = chosen_python(preferences)
    if chosen is None:
        return "Name the Python that has PyTorch, in the preferences."
    if job_watch.running(INSPECT) is not None:
        return "The chosen Python is being checked: wait for it."
    found = verdict(preferences)
    return "Let the chosen Python be checked, in the preferences." if not found else str(found["reason"])


def chosen_python(preferences: Any) -> Path | None:
    """The existing Python that the person named: itself, or the one of an environment's folder."""
    words = preferences.existing_python.strip()
    if not words:
        return None
    path = Path(bpy.path.abspath(words)).expanduser()
    if path.is_dir():
        inside = [path / "bin" / "python", path / "Scripts" / "python.exe", path / "python.exe"]
        path = next((python for python in inside if python.is_file()), path)
    return path


def verdict(preferences: Any) -> dict[str, Any]:
    """What the last check found out about the Python that is chosen now; empty where it was about another."""
    try:
        found = json.loads(preferences.existing_verdict)
    except ValueError:
        return {}
    chosen = chosen_python(preferences)
    if not isinstance(found, dict) or chosen is None or found.get("stamp") != stamp_of(chosen):
        return {}
    return found


def stamp_of(python: Path) -> str:
    """Changes when another program lies at the same path."""
    try:
        state = python.stat()
    except OSError:
        return f"{python} absent"
    return f"{python} {state.st_size} {int(state.st_mtime)}"


def _remembered(name: str, look: Any) -> Any:
    now = time.monotonic()
    if name not in _seen or now - _seen[name][0] > LOOK_AGAIN_SECONDS:
        try:
            found = look()
        except (LsfError, OSError):
            found = None
        _seen[name] = (now, found)
    return _seen[name][1]

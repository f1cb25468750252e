"""Packages of npm that tests run as peers: fetched once, at the versions that a lock file pins."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[2] / ".cache"


def packages(listed: Path, name: str) -> Path:
    """A folder with ``node_modules``; skips where they cannot be had.

    Args:
        listed: the folder with ``package.json`` and ``package-lock.json``.
        name: of the folder below ``.cache``.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip(f"{name} needs node and npm")
    folder = CACHE / name
    lock = (listed / "package-lock.json").read_bytes()
    stamp = folder / "installed-lock.json"
    if not stamp.is_file() or stamp.read_bytes() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(listed / file, folder / file)
        command = [shutil.which("npm") or "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            fetched = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=400)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{name} could not be fetched within seven minutes")
        if fetched.returncode:
            pytest.skip(f"{name} could not be fetched: {fetched.stderr.strip()[-200:]}")
        stamp.write_bytes(lock)
    return folder

"""Where things lie that can be made or fetched again: the platform's folder for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def kept(what: str) -> Path:
    """The folder of one kind of them, which need not exist yet."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "LSF Animation" / what
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "LSF Animation" / what
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "lsf-animation" / what

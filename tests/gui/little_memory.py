"""Workers without memory: ``python3 little_memory.py``, in a window that ``drive.py`` left, with an existing Python.

The limits are put on the addresses that a process may use, as some farms do.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from drive import PYTHON, name_python
from editors import close_preferences, find_extension
from window import Hands, StepError, walk

FOLDER = Path(os.environ.get("LSF_ROUND", Path(__file__).parent))
TOO_LITTLE, SCARCELY_ENOUGH = 760, int(os.environ.get("LSF_MEGABYTES", "1060"))
"""Megabytes in which PyTorch does not load, and in which it moved a face for the check; a worker has a thread more."""

SECONDS = 60
"""In which a Python without memory is to be found out, on two busy cores; it does not load a thing."""


def limited(megabytes: int) -> str:
    """A Python that may use so many megabytes of addresses."""
    path = FOLDER / f"python_of_{megabytes}_mb"
    path.write_text(f'#!/bin/sh\nulimit -v {megabytes * 1000}\nexec {PYTHON} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def found_out(hands: Hands) -> None:
    """A Python without memory is found out at once, in the preferences and in the panel."""
    name_python(hands, find_extension(hands), limited(TOO_LITTLE))
    begun = time.monotonic()
    hands.wait("the reason", lambda state: "too little memory" in state["worker"]["why_not"], SECONDS)
    print(f"     found out after {time.monotonic() - begun:.1f} s")
    hands.picture("no_memory", 1)
    close_preferences(hands)
    hands.picture("panel_no_memory", 1)


def runs_out(hands: Hands) -> None:
    """A worker whose memory is less than it needs: the panel says so, and nothing is changed."""
    name_python(hands, find_extension(hands), limited(SCARCELY_ENOUGH))
    hands.wait("a Python that fits", lambda state: bool(state["worker"]["ready"]))
    close_preferences(hands)
    before = hands.state()
    hands.click(hands.find(hands.part("VIEW_3D", "UI"), "lsf.animate", 0.3))
    hands.wait("a run", lambda state: state["run"] is not None)
    state = hands.wait("its end", lambda state: state["run"] is None, 600)
    hands.picture("ran_out", 1)
    if "memory" not in state["failure"] or state["heads"] != before["heads"] or state["actions"] != before["actions"]:
        raise StepError(f"it ended with {state['failure']!r}")


STEPS = {"a Python without memory": found_out, "a worker that runs out of it": runs_out}


if __name__ == "__main__":
    sys.exit(walk(Hands(FOLDER), STEPS, *(int(word) for word in sys.argv[1:])))

"""What Blender prints while it renders, saves and exports: kept off the terminal, and shown when something fails."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

MOST = 600
"""Characters that a failure shows."""

OUTPUT, ERRORS = 1, 2
"""The descriptors that C code prints to."""


class Chatter:
    """What was printed so far, once the block is over."""

    def __init__(self) -> None:
        self.text = ""

    @property
    def tail(self) -> str:
        """The end of it, in one line."""
        return " / ".join(line.strip() for line in self.text.splitlines() if line.strip())[-MOST:]


@contextmanager
def kept() -> Iterator[Chatter]:
    """Keep what this process prints, from C code too; call it around Blender's operators only, and briefly."""
    chatter = Chatter()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    with tempfile.TemporaryFile() as file:
        saved = {descriptor: copy for descriptor in (OUTPUT, ERRORS) if (copy := _copied(descriptor)) is not None}
        try:
            for descriptor in saved:
                os.dup2(file.fileno(), descriptor)
            yield chatter
        finally:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            for descriptor, was in saved.items():
                os.dup2(was, descriptor)
                os.close(was)
            file.seek(0)
            chatter.text = file.read().decode("utf-8", "replace")


def _copied(descriptor: int) -> int | None:
    """A second handle on an open descriptor; a program without a terminal may have none."""
    try:
        return os.dup(descriptor)
    except OSError:
        return None

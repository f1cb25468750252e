"""One process at a time in a folder: a lock that the system itself takes back when its holder dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import LsfError

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(path: Path, busy: LsfError) -> Iterator[None]:
    """Hold the lock file ``path`` during the block.

    Args:
        path: the file; it is made, and stays (removing it would let a third process lock another file of its name).
        busy: what is raised where another process holds it.

    Raises:
        LsfError: ``busy``, or one of its kind that says why the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as reason:
        raise type(busy)(f"{path.parent} cannot be written ({reason.strerror}): choose another folder.") from reason
    try:
        try:
            _lock(handle)
        except OSError as reason:
            raise busy from reason
        yield
    finally:
        os.close(handle)

"""Whether the worker may have the memory that it needs: asked before it loads anything (standard library only).

Libraries that get none do not all say so: OpenBLAS asks again for ever.
"""

from __future__ import annotations

import mmap
import signal

from ..errors import WorkerError

LEAST_BYTES = 950_000_000
"""With 1.02 GB of addresses PyTorch and the starter move a face; with 0.9 a library cannot be loaded (measured)."""

TOO_LITTLE = "too little memory"

SIGNS = (
    TOO_LITTLE,
    "MemoryError",
    "bad_alloc",
    "allocate memory",
    "Memory allocation still failed",
    "out of memory",
    "failed to map segment",
)
"""What Python, C++, the systems, OpenBLAS, PyTorch and the loader of libraries say when there is none left."""


def require_room() -> None:
    """Ask the system for as much as the worker needs at least, and give it back.

    Raises:
        WorkerError: it gives less, because of a limit or because all of it is promised to others.
    """
    try:
        mmap.mmap(-1, LEAST_BYTES).close()
    except (OSError, OverflowError, MemoryError) as reason:
        raise WorkerError(
            f"The worker has {TOO_LITTLE}: it needs a gigabyte to begin with. Close other programs, or raise the limit "
            "that is set on it."
        ) from reason


def ran_out(status: int, words: str) -> bool:
    """Whether a process ended for want of memory, by its exit status and by what it said last.

    Linux kills what asks for too much (SIGKILL) and lets it say nothing.
    """
    killed = -int(getattr(signal, "SIGKILL", 9))
    return status == killed or (status != 0 and any(sign in words for sign in SIGNS))

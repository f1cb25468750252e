"""What went wrong last, for the panel: a sentence, and what a developer would ask for."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from ..errors import LsfError


@dataclass(frozen=True)
class Failure:
    """A sentence for the person, the kind of error, and the details."""

    sentence: str
    kind: str
    details: str


_last: list[Failure] = []


def tell(error: LsfError, details: str = "") -> None:
    """Remember an error for the panel; ``details`` are the worker's last words, where there are any."""
    told = "".join(traceback.format_exception(error))
    _last[:] = [Failure(str(error), error.kind, f"{details}\n\n{told}".strip())]


def forget() -> None:
    """All is well again."""
    _last.clear()


def last() -> Failure | None:
    """The last failure, unless something went well since."""
    return _last[0] if _last else None

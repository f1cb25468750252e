"""What went wrong: the last failure, for the panel, and how operators end that fail."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import LsfError
from .translating import report


@dataclass(frozen=True)
class Failure:
    """A sentence for the person, the kind of error, the details, and which operator failed, where it was one."""

    sentence: str
    kind: str
    details: str
    operator: str = ""


_last: list[Failure] = []


def tell(error: LsfError, details: str = "", operator: str = "") -> None:
    """Remember an error for the panel; ``details`` are the worker's last words, where there are any."""
    told = "".join(traceback.format_exception(error))
    _last[:] = [Failure(str(error), error.kind, f"{details}\n\n{told}".strip(), operator)]


def forget() -> None:
    """All is well again."""
    _last.clear()


def last() -> Failure | None:
    """The last failure, unless something went well since."""
    return _last[0] if _last else None


Execute = Callable[[Any, Any], "set[str] | None"]
"""An operator's ``execute``; None stands for FINISHED."""


def told_in_panel(execute: Execute) -> Callable[[Any, Any], set[str]]:
    """An operator that ends with the sentence of an error: as a warning, and in the panel until it goes well itself."""

    def show(operator: Any, error: LsfError) -> None:
        tell(error, operator=operator.bl_idname)
        report(operator, "WARNING", str(error))

    return _ending(execute, show)


def told_in_box(execute: Execute) -> Callable[[Any, Any], set[str]]:
    """An operator that ends with the sentence of an error in a box: where there is no panel, as in the preferences."""
    return _ending(execute, lambda operator, error: report(operator, "ERROR", str(error)))


def _ending(execute: Execute, show: Callable[[Any, LsfError], None]) -> Callable[[Any, Any], set[str]]:
    @functools.wraps(execute)
    def whole(operator: Any, context: Any) -> set[str]:
        try:
            ended = execute(operator, context) or {"FINISHED"}
        except LsfError as error:
            show(operator, error)
            return {"CANCELLED"}
        if _last and _last[0].operator == operator.bl_idname:
            forget()
        return ended

    return whole

"""An encoder's settings in model.json, checked against what its kind understands."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from ..errors import ModelError

Settings = TypeVar("Settings")


def settings_of(kind: type[Settings], values: Mapping[str, Any], encoder: str) -> Settings:
    """Make the dataclass ``kind`` from the ``settings`` of an encoder; what is not named keeps its default.

    Raises:
        ModelError: a setting is unknown or of the wrong type.
    """
    hints = typing.get_type_hints(kind)
    given: dict[str, Any] = {}
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise ModelError(f"The {encoder} encoder does not know the settings {', '.join(unknown)}.")
    for name, value in values.items():
        given[name] = _checked(hints[name], value, f"{encoder} setting {name}")
    return kind(**given)


def _checked(hint: Any, value: Any, where: str) -> Any:
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        if not isinstance(value, (list, tuple)):
            raise ModelError(f"The {where} must be a list.")
        return tuple(_checked(item, entry, where) for entry in value)
    if typing.get_origin(hint) is typing.Literal:
        if value not in typing.get_args(hint):
            raise ModelError(f"The {where} must be one of: {', '.join(map(str, typing.get_args(hint)))}.")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ModelError(f"The {where} must be {hint.__name__}, not {type(value).__name__}.")
    return value

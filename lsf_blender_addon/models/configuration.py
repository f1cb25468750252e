"""Settings inside checkpoints: omegaconf's objects, read as the dictionaries, lists and values that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..pickles import Builder, PickleFormatError, StandIn

MAXIMUM_DEPTH = 50
MAXIMUM_NODES = 100_000
NODES = ("Any", "String", "Integer", "Float", "Boolean", "Bytes", "Path", "Enum")
PLAIN_TYPES = ("bool", "int", "long", "float", "complex", "str", "unicode", "list", "tuple", "dict", "type")


class ConfigurationNode(StandIn):
    """A node of omegaconf's: a mapping, a list or a value; what it says about itself is passed over."""

    def __init__(self) -> None:
        self.content: Any = None

    def set_state(self, state: Any) -> None:
        """Keep the content: ``_content`` of containers, ``_val`` of values."""
        if type(state) is not dict:
            raise PickleFormatError("settings with an unknown state")
        self.content = state.get("_content", state.get("_val"))


class Passed(StandIn):
    """An object that nobody here needs to know."""

    def set_state(self, state: Any) -> None:
        """Nothing of it is kept."""


def plain(value: Any) -> Any:
    """``value`` with its configuration nodes turned into dictionaries, lists and values.

    Raises:
        PickleFormatError: it is nested or repeated without end.
    """
    left = MAXIMUM_NODES

    def of(value: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if depth > MAXIMUM_DEPTH or left < 0:
            raise PickleFormatError("settings without end")
        if isinstance(value, ConfigurationNode):
            return of(value.content, depth + 1)
        if isinstance(value, dict):
            return {str(key): of(item, depth + 1) for key, item in value.items()}
        if type(value) in (list, tuple):
            return [of(item, depth + 1) for item in value]
        return value

    return of(value, 0)


def _dictionary(*_: Any) -> dict[Any, Any]:
    """A ``defaultdict`` is a dictionary to a reader."""
    return {}


def _text(*parts: Any) -> str:
    """Paths and devices are only shown."""
    return "/".join(part for part in parts if isinstance(part, str))[:1000]


def _listed() -> Mapping[tuple[str, str], Builder | None]:
    names: dict[tuple[str, str], Builder | None] = {
        ("omegaconf.dictconfig", "DictConfig"): ConfigurationNode,
        ("omegaconf.listconfig", "ListConfig"): ConfigurationNode,
        ("omegaconf.base", "ContainerMetadata"): Passed,
        ("omegaconf.base", "Metadata"): Passed,
        ("typing", "Any"): None,
        ("collections", "defaultdict"): _dictionary,
        ("torch", "device"): _text,
    }
    for node in NODES:
        names["omegaconf.nodes", f"{node}Node"] = ConfigurationNode
    for module in ("pathlib", "pathlib._local"):
        for path in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"):
            names[module, path] = _text
    for module in ("builtins", "__builtin__"):
        for kind in PLAIN_TYPES:
            names[module, kind] = None
    return names


CONFIGURATION = _listed()
"""The allow-list of settings."""

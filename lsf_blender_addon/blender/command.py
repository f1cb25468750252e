"""``blender --command lsf …``: the same command line, inside Blender.

Blender runs it without a window, with the add-on's own settings; what it returns is Blender's exit code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

NAME = "lsf"

Execute = Callable[[list[str]], int]
"""What runs the words after the command's name and returns the exit code."""


def register(execute: Execute) -> Any:
    """Offer the command to ``blender --command``.

    Args:
        execute: ``cli.main``, handed in, because nothing in this folder may import what stands above it.

    Returns:
        What :func:`unregister` takes.
    """
    return bpy.utils.register_cli_command(NAME, execute)


def unregister(handle: Any) -> None:
    """Take the command back."""
    bpy.utils.unregister_cli_command(handle)

"""``blender --command lsf …``: the same command line, inside Blender.

Blender runs it without a window, with the add-on's own settings; what it returns is Blender's exit code.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import bpy

from ..worker.client import PYTHON_VARIABLE
from .worker_choice import worker_python

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

    def run(words: list[str]) -> int:
        # The batch's processes start without the person's preferences and inherit only the environment.
        python = worker_python(bpy.context)
        if python is not None:
            os.environ.setdefault(PYTHON_VARIABLE, str(python))
        return execute(words)

    return bpy.utils.register_cli_command(NAME, run)


def unregister(handle: Any) -> None:
    """Take the command back."""
    bpy.utils.unregister_cli_command(handle)

"""Every class of the extension, listed, and what else Blender is told about it."""

from __future__ import annotations

import bpy

from . import preferences


def register() -> None:
    """Tell Blender."""
    for item in preferences.CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    """Take everything back, in reverse."""
    for item in reversed(preferences.CLASSES):
        bpy.utils.unregister_class(item)

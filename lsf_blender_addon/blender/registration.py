"""Every class that Blender is told of, in one list; what runs when the add-on comes and goes."""

from __future__ import annotations

import atexit
from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import (
    command,
    jobs,
    operators,
    operators_character,
    operators_head,
    operators_picking,
    operators_takes,
    panels,
    preferences,
    properties,
    strip_watch,
    translating,
)

CLASSES: tuple[type, ...] = (
    *preferences.CLASSES,
    *properties.CLASSES,
    *operators.CLASSES,
    *operators_head.CLASSES,
    *operators_takes.CLASSES,
    *operators_character.CLASSES,
    *operators_picking.CLASSES,
    *panels.CLASSES,
)


@persistent  # type: ignore[untyped-decorator]
def before_load(*_: Any) -> None:
    """Another file is loaded: what ran for this one ends."""
    jobs.drop()
    operators_picking.detach()


@persistent  # type: ignore[untyped-decorator]
def before_save(*_: Any) -> None:
    """The file is saved: what library overrides have goes with it."""
    properties.remember_overrides()


_commands: list[Any] = []
"""The handle of ``blender --command lsf`` while the add-on is on."""


def register(command_line: command.Execute) -> None:
    """Tell Blender of everything; ``command_line`` runs the words of ``blender --command lsf``."""
    for entry in CLASSES:
        bpy.utils.register_class(entry)
    translating.register([description for _, _, description in operators_character.POINTS])
    properties.attach()
    panels.attach()
    strip_watch.attach()
    bpy.app.handlers.load_pre.append(before_load)
    bpy.app.handlers.load_post.append(before_save)
    bpy.app.handlers.save_pre.append(before_save)
    atexit.register(jobs.stop_workers)
    _commands.append(command.register(command_line))


def unregister() -> None:
    """Take everything back; the worker ends."""
    command.unregister(_commands.pop())
    jobs.drop()
    jobs.stop_workers()
    atexit.unregister(jobs.stop_workers)
    bpy.app.handlers.save_pre.remove(before_save)
    bpy.app.handlers.load_post.remove(before_save)
    bpy.app.handlers.load_pre.remove(before_load)
    operators.stop()
    operators_picking.stop()
    strip_watch.detach()
    panels.detach()
    properties.detach()
    translating.unregister()
    for entry in reversed(CLASSES):
        bpy.utils.unregister_class(entry)

"""What all exporters share: the head alone is selected and labelled, and its file appears whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ..arrays import whole_file
from ..errors import SceneError
from . import chatter, compat
from .faces import Face
from .wholeness import is_whole

LABEL = "lsf_facts"
"""Custom property that goes into a file: JSON with generator, model, licence and seed."""

Facts = dict[str, Any]


def require_current(scene: Any) -> None:
    """Refuse to export in the middle of an edit, or a scene that is not the current one.

    Raises:
        SceneError: Blender is in another mode, or shows another scene.
    """
    if bpy.context.mode != "OBJECT":
        raise SceneError("Leave the current mode first: a head is exported in Object Mode.")
    if scene != bpy.context.scene:
        raise SceneError(f"Make {scene.name!r} the current scene first: Blender exports that one.")


def written(path: Path, write: Callable[[Path], Any], what: str) -> Path:
    """Let ``write`` make a file that then takes its place.

    Args:
        path: where to; missing folders are made.
        write: given the name to write to; one of Blender's operators.
        what: for the sentence: "saved", "exported".

    Raises:
        SceneError: it could not be written; the sentence has Blender's reason.
    """
    try:
        with whole_file(path) as part:
            reason: RuntimeError | None = None
            with chatter.kept() as printed:
                try:
                    write(part)
                except RuntimeError as error:
                    reason = error
            if reason is not None or not part.is_file():
                raise SceneError(f"{path} could not be {what}: {_told(reason) or printed.tail}")
            if not is_whole(part):
                raise SceneError(f"{path} could not be {what}: it ended early. Is the disk full?")
    except OSError as error:
        raise SceneError(f"{path} could not be {what} ({error.strerror or error}).") from error
    return path


def _told(reason: RuntimeError | None) -> str:
    """What an operator's error says; of a traceback in Blender's own scripts, its last line."""
    lines = [line.strip() for line in str(reason or "").splitlines() if line.strip()]
    if "Traceback" not in "".join(lines[:1]):
        return " ".join(lines)
    return next(line for line in reversed(lines) if not line.startswith("Location:"))


@contextmanager
def selected(face: Face) -> Iterator[None]:
    """Only the head is selected, with the meshes that follow it: teeth, tongue, lashes."""
    layer = bpy.context.view_layer
    was, active = list(layer.objects.selected), layer.objects.active
    try:
        for thing in was:
            thing.select_set(False)
        for thing in (face.armature, face.mesh, *face.followers):
            if thing is not None:
                thing.select_set(True)
        layer.objects.active = face.mesh
        yield
    finally:
        for thing in (face.armature, face.mesh, *face.followers):
            if thing is not None:
                thing.select_set(False)
        for thing in was:
            thing.select_set(True)
        layer.objects.active = active


@contextmanager
def labelled(face: Face, facts: Facts | None) -> Iterator[None]:
    """The mesh carries the facts as a custom property, for exporters that take those along."""
    before = face.mesh.get(LABEL)
    try:
        if facts:
            face.mesh[LABEL] = json.dumps(facts)
        yield
    finally:
        if facts and before is None:
            del face.mesh[LABEL]
        elif facts:
            face.mesh[LABEL] = before


@contextmanager
def without_idle_keys(face: Face) -> Iterator[None]:
    """Identity keys that do nothing are muted, which the glTF exporter takes as left out."""
    moved = {curve.data_path for curve in compat.curves_of(face.keys)}
    idle = [
        key
        for key in face.keys.key_blocks
        if key.name.startswith("Shape")
        and key.name[5:].isdecimal()
        and key.value == 0.0
        and not key.mute
        and f'key_blocks["{key.name}"].value' not in moved
    ]
    try:
        for key in idle:
            key.mute = True
        yield
    finally:
        for key in idle:
            key.mute = False

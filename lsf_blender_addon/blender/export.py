"""Files that other programs open, each whole or not at all: which kinds there are, and the ``.blend`` itself."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import bpy

from .export_engines import save_abc, save_fbx, save_usd
from .export_glb import save_glb
from .export_selection import Facts, written
from .faces import Face
from .pruning import pruned

EXPORTS = {"glb": save_glb, "fbx": save_fbx, "usd": save_usd, "abc": save_abc}
"""Kind → what writes it."""


def export(
    kind: str, face: Face, path: Path, scene: Any | None = None, *, facts: Facts | None = None, prune: bool = False
) -> Path:
    """Write a head and its animation for another program.

    Args:
        kind: ``glb``, ``fbx``, ``usd`` or ``abc``.
        face: the head.
        path: where to; missing folders are made.
        scene: whose frame range is exported; the current one where None.
        facts: what the file says about where it comes from.
        prune: whether what does not move is made part of the mesh, and its shape keys left out.

    Raises:
        SceneError: this Blender lacks the exporter, or it failed; the sentence has its reason. The scene is as before.
    """
    scene = scene or bpy.context.scene
    with pruned(face) if prune else nullcontext(face) as shown:
        return EXPORTS[kind](shown, path, scene, facts=facts, bare=prune)


def save_blend(path: Path, *, pack: bool = True) -> Path:
    """Save everything as a ``.blend``.

    Args:
        path: where to; missing folders are made.
        pack: whether sounds and pictures go into the file, so that it can be passed on alone.

    Raises:
        SceneError: the file cannot be written.
    """
    if pack:
        for sound in bpy.data.sounds:
            if sound.packed_file is None and sound.library is None:
                sound.pack()
    return written(
        path, lambda part: bpy.ops.wm.save_as_mainfile(filepath=str(part), copy=True, compress=True), "saved"
    )

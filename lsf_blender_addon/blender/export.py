"""Files that other programs open: ``.blend`` and ``.glb``, each whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ..arrays import whole_file
from ..errors import SceneError
from . import chatter, compat
from .faces import Face
from .wholeness import is_whole

GLTF: dict[str, Any] = {
    "export_format": "GLB",
    "use_selection": True,
    "export_yup": True,
    "export_apply": False,
    "export_texcoords": True,
    "export_normals": True,
    "export_tangents": False,
    "export_materials": "EXPORT",
    "export_cameras": False,
    "export_lights": False,
    "export_extras": False,
    "export_skins": True,
    "export_all_influences": True,
    "export_def_bones": False,
    "export_morph": True,
    "export_morph_normal": False,
    "export_morph_tangent": False,
    "export_try_sparse_sk": True,
    "export_try_omit_sparse_sk": True,
    "export_animations": True,
    "export_animation_mode": "SCENE",
    "export_anim_scene_split_object": False,
    "export_frame_range": True,
    "export_anim_slide_to_zero": True,
    "export_negative_frame": "SLIDE",
    "export_force_sampling": True,
    "export_frame_step": 1,
    "export_sampling_interpolation_fallback": "LINEAR",
    "export_optimize_animation_size": False,
    "export_morph_animation": True,
    "export_current_frame": False,
    "export_rest_position_armature": True,
    "export_bake_animation": False,
}
"""What a talking head needs of Blender's exporter; what a version does not know is left out.

All influences: a vertex of a head may follow all five bones. Sparse morphs: most units move a small part of the face.
"""


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
    _written(path, lambda part: bpy.ops.wm.save_as_mainfile(filepath=str(part), copy=True, compress=True), "saved")
    return path


def save_glb(face: Face, path: Path, scene: Any | None = None) -> Path:
    """Export a head as binary glTF: mesh, materials, skin, morph targets and its animation in one clip.

    Identity keys at zero, and muted keys, are left out: nothing moves them, and each costs a morph target.

    Args:
        face: the head.
        path: where to; missing folders are made.
        scene: whose frame range is exported; the current one where None.

    Raises:
        SceneError: Blender's exporter is missing or failed; the sentence has its reason.
    """
    scene = scene or bpy.context.scene
    if bpy.context.mode != "OBJECT":
        raise SceneError("Leave the current mode first: a head is exported in Object Mode.")
    if "io_scene_gltf2" not in bpy.context.preferences.addons:
        raise SceneError("Blender's own glTF exporter is switched off; switch it on under Preferences, Add-ons.")
    with _selected(face), _without_idle_keys(face):
        operator = bpy.ops.export_scene.gltf
        settings = compat.accepted(operator, GLTF)
        _written(path, lambda part: operator(filepath=str(part), **settings), "exported")
    return path


def _written(path: Path, write: Any, what: str) -> None:
    try:
        with whole_file(path) as part:
            with chatter.kept() as printed:
                try:
                    write(part)
                    reason = None
                except RuntimeError as error:
                    reason = error
            if reason is not None or not part.is_file():
                raise SceneError(f"{path} could not be {what}: {_told(reason) or printed.tail}")
            if not is_whole(part):
                raise SceneError(f"{path} could not be {what}: it ended early. Is the disk full?")
    except OSError as error:
        raise SceneError(f"{path} could not be {what} ({error.strerror or error}).") from error


def _told(reason: RuntimeError | None) -> str:
    """What an operator's error says; of a traceback in Blender's own scripts, its last line."""
    lines = [line.strip() for line in str(reason or "").splitlines() if line.strip()]
    if "Traceback" not in "".join(lines[:1]):
        return " ".join(lines)
    return next(line for line in reversed(lines) if not line.startswith("Location:"))


@contextmanager
def _selected(face: Face) -> Iterator[None]:
    """Only the head is selected."""
    layer = bpy.context.view_layer
    was, active = list(layer.objects.selected), layer.objects.active
    try:
        for thing in was:
            thing.select_set(False)
        for thing in (face.armature, face.mesh):
            if thing is not None:
                thing.select_set(True)
        layer.objects.active = face.mesh
        yield
    finally:
        for thing in (face.armature, face.mesh):
            if thing is not None:
                thing.select_set(False)
        for thing in was:
            thing.select_set(True)
        layer.objects.active = active


@contextmanager
def _without_idle_keys(face: Face) -> Iterator[None]:
    """Identity keys that do nothing are muted, which the exporter takes as left out."""
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

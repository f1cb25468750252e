"""The head that is to speak in a scene: built in an empty one, or standing in somebody's ``.blend``."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
from numpy.typing import ArrayLike

from ..errors import SceneError
from ..head.facekit import FaceKit, facekit_files, read_facekit
from ..head.flame import read_head
from ..head.model import Head
from ..models.store import bundled_head
from ..motion import FaceMotion
from . import chatter, crossing
from .components import on_scene_head
from .crossing import BY_NAMES_ALONE
from .facekit_mesh import build_facekit
from .faces import Face, face_of, heads_in
from .rig import build_rig


@dataclass(frozen=True)
class SceneHead:
    """A head that stands in somebody's ``.blend``.

    Attributes:
        path: the file; it is read and not written to.
        name: of the head's mesh or armature; None where the file has one head only.
        made_for: the FLAME file whose components the motion speaks, where they are not the head's own.
    """

    path: Path
    name: str | None = None
    made_for: Head | None = None


@dataclass(frozen=True)
class FolderHead:
    """ICT-FaceKit's head, in its folder of OBJ files as published; nobody's identity.

    Attributes:
        path: the folder.
        made_for: the FLAME file whose components the motion speaks, where it does.
    """

    path: Path
    made_for: Head | None = None


AnyHead = Head | SceneHead | FolderHead


def opened(head: AnyHead, name: str | None = None, *, identity: ArrayLike | None = None) -> tuple[Face, Any]:
    """Open the scene of a head, in place of whatever Blender has open; scripts of files do not run.

    Args:
        head: which.
        name: of the objects that are built.
        identity: coefficients of the shape directions of a head that is built.

    Returns:
        The face, and its scene.

    Raises:
        SceneError: there is no such file, object or head.
        HeadError: the folder cannot be read.
    """
    if isinstance(head, SceneHead):
        return _standing(head)
    if isinstance(head, FolderHead):
        kit = _kit_of(head.path)
        bpy.ops.wm.read_factory_settings(use_empty=True)
        return face_of(build_facekit(kit, name or "ICT-FaceKit")), bpy.context.scene
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return face_of(build_rig(head, name, identity=identity).mesh), bpy.context.scene


def spoken_by(face: Face, motion: FaceMotion, head: AnyHead) -> FaceMotion:
    """A motion as the bake of an opened head takes it: in components of its own, where they are not ARKit's.

    Raises:
        LsfError: it cannot be carried over, see ``components.on_scene_head``.
    """
    if isinstance(head, Head):
        return motion
    return on_scene_head(face, motion, read_head(bundled_head()), head.made_for)


def doubt_of(face: Face) -> tuple[str, ...]:
    """What a person should know of how a motion was carried over to an opened head."""
    across = None if face.space == "arkit" else crossing.known(face)
    return (f"{BY_NAMES_ALONE} {across.reason}",) if across is not None and across.reason else ()


def _kit_of(folder: Path) -> FaceKit:
    stamp = tuple((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in facekit_files(folder))
    return _read(folder, stamp)


@lru_cache(maxsize=1)
def _read(folder: Path, _stamp: Hashable) -> FaceKit:
    """Lines of a batch share the folder that was read last, as long as its files are what they were."""
    return read_facekit(folder)


def _standing(head: SceneHead) -> tuple[Face, Any]:
    if not head.path.is_file():
        raise SceneError(f"There is no file {head.path}.")
    try:
        with chatter.kept():
            bpy.ops.wm.open_mainfile(filepath=str(head.path.resolve()), load_ui=False, use_scripts=False)
    except RuntimeError as reason:
        raise SceneError(f"Blender cannot open {head.path}: {str(reason).strip()}") from reason
    scene = bpy.context.scene
    if head.name is not None:
        thing = scene.objects.get(head.name)
        if thing is None:
            raise SceneError(f"There is no object {head.name!r} in the scene {scene.name!r} of {head.path}.")
        return face_of(thing), scene
    faces = heads_in(scene.objects)
    if len(faces) != 1:
        names = ", ".join(face.mesh.name for face in faces) or "none"
        raise SceneError(f"{head.path} has not one head but {len(faces)} ({names}): name the object with --object.")
    return faces[0], scene

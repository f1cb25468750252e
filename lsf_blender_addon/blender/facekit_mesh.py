"""ICT-FaceKit's head becomes an object: a mesh with its expressions, and whose face it is, as shape keys."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..errors import SceneError
from ..head.facekit import FaceKit
from ..head.model import FloatArray
from .materials import material
from .rig import UNIT, WIDE, to_blender


def build_facekit(kit: FaceKit, name: str = "ICT-FaceKit", collection: Any | None = None) -> Any:
    """Put an ICT-FaceKit head into the scene, upright, facing -y, in metres; it has no bones.

    Args:
        kit: the head, as it was read.
        name: of the object.
        collection: where it goes; the scene's own where None.

    Returns:
        The mesh, with a shape key for each expression (0 to 1) and each identity (-10 to 10), all at 0.

    Raises:
        SceneError: Blender is in another mode than Object Mode.
    """
    if bpy.context.mode != "OBJECT":
        raise SceneError("Leave the current mode first: a head is built in Object Mode.")
    polygons = [tuple(face[face >= 0]) for face in kit.faces]
    data = bpy.data.meshes.new(name)
    data.from_pydata(to_blender(kit.neutral), [], polygons)
    data.polygons.foreach_set("use_smooth", np.ones(len(polygons), bool))
    data.materials.append(material("skin"))
    data.update()
    mesh = bpy.data.objects.new(name, data)
    (collection or bpy.context.scene.collection).objects.link(mesh)
    mesh.shape_key_add(name="Basis", from_mix=False)
    for shapes, span in ((kit.expressions, UNIT), (kit.identities, WIDE)):
        for shape, moved in shapes.items():
            _add_key(mesh, shape, to_blender(kit.neutral + moved), span)
    bpy.context.view_layer.update()
    return mesh


def _add_key(mesh: Any, name: str, places: FloatArray, span: tuple[float, float]) -> None:
    key = mesh.shape_key_add(name=name, from_mix=False)
    key.data.foreach_set("co", places.ravel())
    key.slider_min, key.slider_max = span
    key.value = 0.0

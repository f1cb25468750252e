"""``.fbx``, ``.usd`` and ``.abc``, by Blender's own exporters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..errors import SceneError
from . import compat
from .export_selection import Facts, labelled, require_current, selected, written
from .faces import Face

FBX: dict[str, Any] = {
    "use_selection": True,
    "object_types": {"ARMATURE", "MESH"},
    "use_mesh_modifiers": True,
    "mesh_smooth_type": "OFF",
    "use_custom_props": True,
    "add_leaf_bones": False,
    "use_armature_deform_only": False,
    "bake_anim": True,
    "bake_anim_use_all_bones": True,
    "bake_anim_use_nla_strips": False,
    "bake_anim_use_all_actions": False,
    "bake_anim_step": 1.0,
    "bake_anim_simplify_factor": 0.0,
    "path_mode": "STRIP",
}
"""A key on every frame, unsimplified: lips that nearly close must not be smoothed open."""

USD: dict[str, Any] = {
    "selected_objects_only": True,
    "export_animation": True,
    "export_armatures": True,
    "only_deform_bones": False,
    "export_shapekeys": True,
    "export_uvmaps": True,
    "export_normals": True,
    "export_materials": True,
    "export_hair": False,
    "export_lights": False,
    "export_cameras": False,
    "export_custom_properties": True,
    "convert_world_material": False,
    "evaluation_mode": "RENDER",
}

LAYER_LABEL = "lsf"
"""The entry of a ``.usd`` layer's data that holds the facts, each under its own name."""

ALEMBIC: dict[str, Any] = {
    "selected": True,
    "flatten": False,
    "uvs": True,
    "normals": True,
    "face_sets": True,
    "export_hair": False,
    "export_particles": False,
    "export_custom_properties": True,
    "evaluation_mode": "RENDER",
    "as_background_job": False,
}


def save_fbx(face: Face, path: Path, scene: Any, *, facts: Facts | None = None, bare: bool = False) -> Path:
    """Export a head as FBX: mesh, skin, shape keys and bones, with a key on every frame of the scene.

    Shape keys may be negative or above 1. The facts become a custom property of the mesh. Blender writes the time of
    day into the file, so two exports differ in some bytes.

    Args:
        face: the head.
        path: where to; missing folders are made.
        scene: whose frame range is exported; must be the current one.
        facts: where the animation comes from.
        bare: whether bones that do not move get no keys.

    Raises:
        SceneError: the exporter is switched off or failed.
    """
    require_current(scene)
    if "io_scene_fbx" not in bpy.context.preferences.addons:
        raise SceneError("Blender's own FBX exporter is switched off; switch it on under Preferences, Add-ons.")
    operator = bpy.ops.export_scene.fbx
    settings = compat.accepted(operator, {**FBX, "bake_anim_use_all_bones": not bare})
    with selected(face), labelled(face, facts):
        return written(path, lambda part: operator(filepath=str(part), **settings), "exported")


def save_usd(face: Face, path: Path, scene: Any, *, facts: Facts | None = None, bare: bool = False) -> Path:
    """Export a head as USD: mesh, skeleton, blend shapes and a SkelAnimation over the scene's frames.

    The facts become a property of the mesh, and where Blender lends its USD library (4.4 and newer), the layer's own
    ``customLayerData`` as well. Arguments and errors are those of :func:`save_fbx`; ``bare`` changes nothing here.

    Raises:
        SceneError: besides, this Blender was built without USD, or its exporter knows no blend shapes.
    """
    del bare
    require_current(scene)
    if not bpy.app.build_options.usd:
        raise SceneError("This Blender was built without USD; use Blender's own build, or export .glb or .fbx.")
    operator = bpy.ops.wm.usd_export
    settings = compat.accepted(operator, USD)
    if "export_shapekeys" not in settings:
        raise SceneError("This Blender's USD exporter knows no blend shapes; use 4.1 or newer, or export .glb or .fbx.")

    def write(part: Path) -> None:
        operator(filepath=str(part), **settings)
        files = compat.usd_files() if facts and part.is_file() else None
        if files is not None:
            layer = files.Layer.FindOrOpen(str(part))
            layer.customLayerData = {**layer.customLayerData, LAYER_LABEL: facts}
            layer.Save()

    with selected(face), labelled(face, facts):
        return written(path, write, "exported")


def save_abc(face: Face, path: Path, scene: Any, *, facts: Facts | None = None, bare: bool = False) -> Path:
    """Export a head as Alembic: its points on every frame of the scene, without bones and blend shapes.

    The facts become a user property of the mesh, which Blender's own importer does not show. Arguments and errors are
    those of :func:`save_fbx`; ``bare`` changes nothing here.

    Raises:
        SceneError: besides, this Blender was built without Alembic.
    """
    del bare
    require_current(scene)
    if not bpy.app.build_options.alembic:
        raise SceneError("This Blender was built without Alembic; use Blender's own build, or export .glb or .fbx.")
    operator = bpy.ops.wm.alembic_export
    settings = compat.accepted(operator, {**ALEMBIC, "start": scene.frame_start, "end": scene.frame_end})
    with selected(face), labelled(face, facts):
        return written(path, lambda part: operator(filepath=str(part), **settings), "exported")

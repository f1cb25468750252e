"""``.glb``: binary glTF for engines and browsers."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import bpy

from ..errors import SceneError
from . import compat
from .export_selection import Facts, require_current, selected, without_idle_keys, written
from .faces import Face

GLTF: dict[str, Any] = {
    "export_format": "GLB",
    "use_selection": True,
    "use_active_scene": True,
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

BARE: dict[str, Any] = {
    "export_optimize_animation_size": True,
    "export_optimize_animation_keep_anim_armature": False,
    "export_optimize_animation_keep_anim_object": False,
}
"""Besides, to leave out keys of bones that do not move."""

HEADER = struct.Struct("<4sII")
CHUNK = struct.Struct("<I4s")


def save_glb(
    face: Face, path: Path, scene: Any | None = None, *, facts: Facts | None = None, bare: bool = False
) -> Path:
    """Export a head as binary glTF: mesh, materials, skin, morph targets and its animation in one clip.

    Identity keys at zero, and muted keys, are left out: nothing moves them, and each costs a morph target. The facts
    go into ``asset.extras``, the licence into ``asset.copyright``. The same scene gives the same bytes.

    Args:
        face: the head.
        path: where to; missing folders are made.
        scene: whose frame range is exported; must be the current one.
        facts: where the animation comes from.
        bare: whether keys of what does not move are left out.

    Raises:
        SceneError: Blender's exporter is missing or failed; the sentence has its reason.
    """
    require_current(scene or bpy.context.scene)
    if "io_scene_gltf2" not in bpy.context.preferences.addons:
        raise SceneError("Blender's own glTF exporter is switched off; switch it on under Preferences, Add-ons.")
    operator = bpy.ops.export_scene.gltf
    settings = compat.accepted(operator, GLTF | BARE if bare else GLTF)

    def write(part: Path) -> None:
        operator(filepath=str(part), **settings)
        if part.is_file():
            part.write_bytes(_finished(part.read_bytes(), facts or {}))

    with selected(face), without_idle_keys(face):
        return written(path, write, "exported")


def _finished(content: bytes, facts: Facts) -> bytes:
    """A ``.glb`` as Blender writes it → without the validator's warning, and with the facts in its asset.

    The first chunk is its JSON; the rest stays.
    """
    magic, version, _ = HEADER.unpack_from(content)
    length, kind = CHUNK.unpack_from(content, HEADER.size)
    begin = HEADER.size + CHUNK.size
    tree = json.loads(content[begin : begin + length])
    _uproot_skinned(tree)
    if facts:
        tree["asset"]["extras"] = facts
    if facts.get("licence"):
        tree["asset"]["copyright"] = f"Motion: {facts['licence']}"
    text = json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    rest = content[begin + length :]
    return HEADER.pack(magic, version, begin + len(text) + len(rest)) + CHUNK.pack(len(text), kind) + text + rest


def _uproot_skinned(tree: dict[str, Any]) -> None:
    """Skinned meshes become roots of their scene: no parent moves them, their joints do (glTF 2.0, section 3.7.3.3)."""
    nodes = tree.get("nodes", [])
    skinned = {place for place, node in enumerate(nodes) if "skin" in node}
    for node in nodes:
        if skinned & set(node.get("children", ())):
            node["children"] = [child for child in node["children"] if child not in skinned]
            if not node["children"]:
                del node["children"]
    for scene in tree.get("scenes", []):
        scene["nodes"] += sorted(skinned - set(scene["nodes"]))

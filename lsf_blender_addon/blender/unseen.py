"""What keeps a take that was written from being seen or heard as meant: said in the report, and left as it is."""

from __future__ import annotations

from typing import Any

import bpy

from .faces import Face


def unseen(face: Face) -> list[str]:
    """Settings of a person's own that hide what is keyed on a face, each in a sentence with the next step."""
    said = []
    keys, name = face.keys, face.mesh.name
    muted = [key for key in face.expressions if key and keys.key_blocks[key].mute]
    if muted:
        one = f"1 muted shape key of {name!r} cannot move: unmute it if it is to."
        many = f"{len(muted)} muted shape keys of {name!r} cannot move: unmute what is to."
        said.append(one if len(muted) == 1 else many)
    if not keys.use_relative:
        said.append(f"The shape keys of {name!r} are absolute, so they do not blend: switch on Relative.")
    if face.jaw is not None and face.armature is not None and face.armature.data.pose_position == "REST":
        said.append(f"{face.armature.name!r} shows its rest position, so the jaw stays shut: choose Pose Position.")
    said += [sentence for owner in face.owners for sentence in _weak(owner)]
    twin = spoken_with(face)
    return [*said, twin] if twin else said


def spoken_with(face: Face) -> str:
    """That another object shows the same shape keys (Alt D), and so says the same; empty where none does."""
    data = face.mesh.data
    others = (
        [thing for thing in bpy.data.objects if thing.data == data and thing != face.mesh] if data.users > 1 else []
    )
    if not others:
        return ""
    return (
        f"{face.mesh.name!r} shares its mesh data with {others[0].name!r}, so both say the same: for voices of their "
        "own, choose Object > Relations > Make Single User > Object & Data."
    )


def _weak(owner: Any) -> list[str]:
    """An active Action that is blended with the NLA below it, not put in its place."""
    data = owner.animation_data
    if data is None or data.action is None or not data.use_nla or not len(data.nla_tracks):
        return []
    if data.action_influence >= 1.0 and data.action_blend_type == "REPLACE":
        return []
    sentence = (
        f"The NLA mixes the Action of {owner.name!r} with the tracks below it: set its influence to 1 and its blending "
        "to Replace, or bake to NLA strips."
    )
    return [sentence]

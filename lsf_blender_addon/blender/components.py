"""Whose components a FLAME head in the scene has: a motion in others is converted, or refused."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..head.basis import (
    SIGNATURE,
    release_of,
    require_known_release,
    require_signature,
    same_basis,
    signature_of,
)
from ..head.crossing import to_head
from ..head.model import Head
from ..motion import FaceMotion
from .faces import MARK, Face, positions, settings_of
from .scene_flame import scene_head

WAY_OUT = (
    "Choose its release in the panel, under Head, and save the file, or give the FLAME file that the motion was made "
    "for as --made-for (the head's own, if it is that one)."
)


def require_own_components(face: Face, motion: FaceMotion) -> None:
    """Refuse a motion in ``flame`` on a head in the scene whose components are others.

    Raises:
        MotionError: they do not fit, see ``basis.require_signature``.
    """
    if motion.space == face.space == "flame":
        signature = _signature(face) if "basis" in motion.origin else []
        require_signature(motion, signature, _name(face), release(face))


def release(face: Face) -> str:
    """The year of a head's FLAME release: what a person said, else what its name says; empty if neither."""
    settings = settings_of(face.mesh)
    said = "NAME" if settings is None else str(settings.release)
    return release_of(_name(face)) if said == "NAME" else said


def on_scene_head(face: Face, motion: FaceMotion, bundled: Head, made_for: Head | None) -> FaceMotion:
    """What a motion is on a head that stands in the scene.

    Args:
        face: the head.
        motion: T frames in any space.
        bundled: the bundled head, which says what ``arkit`` means.
        made_for: the FLAME file whose components the motion speaks. Pose correctives are taken to be alike there and in
            the scene, which has them for its own jaw bone, or not at all.

    Raises:
        MotionError: the motion's components are others, or nothing tells whether they are, and the file that explains
            them is not given, or another.
        HeadError: a head does not do; SceneError: the scene's head is not FLAME's own mesh.
    """
    if motion.space == "arkit":  # the bake crosses to whatever the face has
        return motion
    if face.space != "flame":
        return to_head(motion, bundled, bundled=bundled, made_for=made_for)
    if made_for is None:
        require_known_release(motion, _name(face), release(face), WAY_OUT)
        require_own_components(face, motion)
        return motion
    there = scene_head(face)
    if same_basis(motion.origin.get("basis"), there):
        return to_head(motion, there, bundled=bundled)
    alike = dataclasses.replace(there, name=_name(face), pose_directions=made_for.pose_directions)
    return to_head(motion, alike, bundled=bundled, made_for=made_for)


def _name(face: Face) -> str:
    return face.kind if MARK in face.mesh else str(face.mesh.name)


def _signature(face: Face) -> list[float]:
    """The same numbers as the head's file would give: displacements, turned into head axes."""
    blocks, rest = face.keys.key_blocks, positions(face.keys.reference_key)
    turn = np.eye(3)
    if face.armature is not None:
        turn = np.array(face.armature.matrix_world.inverted() @ face.mesh.matrix_world, np.float64)[:3, :3]
    moved = np.stack([positions(blocks[name]) - rest for name in face.expressions[:SIGNATURE]], axis=-1)
    return signature_of(np.einsum("ij,vje->vie", face.axes.T @ turn, moved))

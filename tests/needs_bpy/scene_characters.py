"""Characters for a scene: the bundled head's own movements under the names that other programs give them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.head.model import JAW
from tests.head.bundled import head
from tests.head.characters import FACEKIT, shapes_of

Shapes = Mapping[str, np.ndarray]

CROSSWISE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Head axes → Blender's, written down a second time so that the code cannot check itself."""


def vrm_like() -> dict[str, np.ndarray]:
    """VRM's vowels, lids and feelings, as VRoid calls them: vowels open the mouth and shape it."""
    ours = shapes_of(opening=True)
    smile, wide = (ours[f"{name}Left"] + ours[f"{name}Right"] for name in ("mouthSmile", "mouthStretch"))
    blink = {side: ours[f"eyeBlink{side}"] for side in ("Left", "Right")}
    return {
        "Fcl_MTH_A": ours["jawOpen"] * 0.8,
        "Fcl_MTH_I": smile * 0.4 + ours["jawOpen"] * 0.1,
        "Fcl_MTH_U": ours["mouthPucker"] * 0.9 + ours["jawOpen"] * 0.1,
        "Fcl_MTH_E": wide * 0.4 + ours["jawOpen"] * 0.25,
        "Fcl_MTH_O": ours["mouthFunnel"] * 0.8 + ours["jawOpen"] * 0.35,
        "Fcl_EYE_Close": blink["Left"] + blink["Right"],
        "Fcl_EYE_Close_L": blink["Left"],
        "Fcl_EYE_Close_R": blink["Right"],
        "Fcl_ALL_Joy": smile,
        "Fcl_BRW_Surprised": ours["browInnerUp"],
    }


def oculus_like() -> dict[str, np.ndarray]:
    """Visemes and lids, as Ready Player Me's faces without ARKit's shapes have them."""
    ours = shapes_of(opening=True)
    press = ours["mouthPressLeft"] + ours["mouthPressRight"]
    return {
        "viseme_sil": ours["jawOpen"] * 0,
        "viseme_PP": press,
        "viseme_FF": ours["mouthRollLower"] * 0.7,
        "viseme_aa": ours["jawOpen"] * 0.7,
        "viseme_E": (ours["mouthStretchLeft"] + ours["mouthStretchRight"]) * 0.5 + ours["jawOpen"] * 0.2,
        "viseme_I": (ours["mouthSmileLeft"] + ours["mouthSmileRight"]) * 0.5,
        "viseme_O": ours["mouthFunnel"] * 0.7 + ours["jawOpen"] * 0.2,
        "viseme_U": ours["mouthPucker"],
        "eyeBlinkLeft": ours["eyeBlinkLeft"],
        "eyeBlinkRight": ours["eyeBlinkRight"],
    }


METAHUMAN_NAMES = {
    "eyeBlink": "eyeBlink",
    "eyeWide": "eyeWiden",
    "eyeSquint": "eyeSquintInner",
    "browDown": "browDown",
    "browOuterUp": "browRaiseOuter",
    "mouthSmile": "mouthCornerPull",
    "mouthFrown": "mouthCornerDepress",
    "mouthStretch": "mouthStretch",
    "mouthUpperUp": "mouthUpperLipRaise",
    "mouthLowerDown": "mouthLowerLipDepress",
    "mouthPress": "mouthLipsPress",
    "noseSneer": "noseWrinkle",
}


def metahuman_like() -> dict[str, np.ndarray]:
    """MetaHuman's curve names: lips purse, close and roll side by side; the jaw opens by a curve."""
    ours = shapes_of(opening=True)
    start = "CTRL_expressions_"
    named = {
        f"{start}{theirs}{side[0]}": ours[f"{name}{side}"]
        for name, theirs in METAHUMAN_NAMES.items()
        for side in ("Left", "Right")
    }
    half = {side: np.clip(0.5 + sign * head().template[:, :1] / 0.02, 0, 1) for side, sign in (("L", 1), ("R", -1))}
    for name, theirs in (
        ("mouthPucker", "mouthLipsPurse{}"),
        ("mouthFunnel", "mouthFunnel{}"),
        ("mouthClose", "mouthLipsTogether{}"),
        ("mouthRollUpper", "mouthUpperLipRollIn{}"),
        ("mouthRollLower", "mouthLowerLipRollIn{}"),
        ("browInnerUp", "browRaiseIn{}"),
    ):
        named |= {start + theirs.format(side): ours[name] * share for side, share in half.items()}
    return {
        **named,
        f"{start}jawOpen": ours["jawOpen"],
        f"{start}jawLeft": ours["jawLeft"],
        f"{start}jawRight": ours["jawRight"],
    }


def character(
    shapes: Shapes, name: str = "hero", *, bone: str | None = None, unit: float = 1.0, whole: bool = False
) -> Any:
    """The bundled head as somebody's character in the scene.

    Args:
        shapes: its shape keys: (V, 3) displacements in metres, in a head file's axes.
        name: of the object.
        bone: what its jaw bone is called; it has no armature where None.
        unit: its own units per metre.
        whole: whether its mesh can be known by its size.
    """
    on = head()
    faces = on.faces if whole else on.faces[:-1]
    mesh = _mesh(name, on.template * unit, faces, {key: move * unit for key, move in shapes.items()})
    if bone is not None:
        _hang(mesh, bone, unit)
    bpy.context.view_layer.update()
    return mesh


def facekit(shared: Path) -> Any:
    """ICT-FaceKit's head in the scene, in metres, with its 57 expressions."""
    if not (shared / FACEKIT).is_file():
        pytest.skip(f"no {FACEKIT} in {shared}")
    with np.load(shared / FACEKIT) as file:
        moves = zip(file["names"], file["expressions"], strict=True)
        shapes = {str(name): move.astype(np.float32) * 0.01 for name, move in moves}
        mesh = _mesh("ICT", file["neutral"] * 0.01, file["faces"], shapes)
    bpy.context.view_layer.update()
    return mesh


def _mesh(name: str, places: np.ndarray, faces: np.ndarray, shapes: Shapes) -> Any:
    data = bpy.data.meshes.new(name)
    data.from_pydata(places @ CROSSWISE.T, [], [tuple(face[face >= 0]) for face in faces])
    mesh = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(mesh)
    mesh.shape_key_add(name="Basis")
    for key, move in shapes.items():
        block = mesh.shape_key_add(name=key, from_mix=False)
        block.data.foreach_set("co", ((places + move) @ CROSSWISE.T).astype(np.float32).ravel())
        block.value = 0.0
    return mesh


def _hang(mesh: Any, bone: str, unit: float) -> None:
    """Put a mesh on an armature of a head bone and a jaw bone, with the bundled head's weights."""
    on = head()
    rig = bpy.data.objects.new(f"{mesh.name} rig", bpy.data.armatures.new(f"{mesh.name} rig"))
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    pivot = CROSSWISE @ (on.joint_regressor[JAW].astype(np.float64) @ on.template) * unit
    skull = rig.data.edit_bones.new("Head")
    skull.head, skull.tail = ((pivot + np.array([0, 0, height]) * unit).tolist() for height in (0.05, 0.2))
    jaw = rig.data.edit_bones.new(bone)
    jaw.head, jaw.tail = pivot.tolist(), (pivot + np.array([0, -0.07, -0.05]) * unit).tolist()
    jaw.roll, jaw.parent = 0.3, skull
    bpy.ops.object.mode_set(mode="OBJECT")
    for name, weights in (("Head", 1 - on.weights[:, JAW]), (bone, on.weights[:, JAW])):
        group = mesh.vertex_groups.new(name=name)
        for value in np.unique(weights[weights > 0]):
            group.add(np.flatnonzero(weights == value).tolist(), float(value), "REPLACE")
    mesh.parent = rig
    modifier = mesh.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig

"""``.glb`` for games: what does not move is part of the mesh, and the face moves exactly as before."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, faces, rig
from lsf_blender_addon.blender.export import export
from lsf_blender_addon.blender.pruning import pruned
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.motion import FaceMotion

Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]
HERE = Path(__file__).parent
EXACT = 1e-4
"""Metres."""

FACTS = {"generator": "LSF Animation", "model": "starter", "licence": "CC0-1.0", "seed": 3}


def reader() -> Any:
    spec = importlib.util.spec_from_file_location("gltf_reader", HERE / "gltf_reader.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Glb


def half_still(motion: FaceMotion) -> FaceMotion:
    """The second half of the expressions rests, one of them away from zero."""
    expression = motion.expression.copy()
    expression[:, 25:] = 0.0
    expression[:, 40] = 0.3
    return FaceMotion(expression, motion.jaw, motion.fps, motion.space)


def spoken(head: Head, motion: FaceMotion, **more: Any) -> faces.Face:
    scene = bpy.context.scene
    compat.set_rate(scene, 25.0)
    face = faces.face_of(rig.build_rig(head, "Head", **more).mesh)
    report = bake.write(bake.plan(face, motion, bake.BakeSettings(start_frame=1)))
    scene.frame_start, scene.frame_end = 1, report.last_frame
    return face


@pytest.mark.parametrize("space", ["arkit", "flame"])
def test_a_pruned_head_keeps_what_moves_and_looks_the_same(
    make_head: Maker, make_motion: Motions, tmp_path: Path, space: str, evaluated: Callable[[Any, int], np.ndarray]
) -> None:
    head = make_head(space)
    face = spoken(head, half_still(make_motion(space)), identity=[0.5, -1.0])
    wanted = {frame: evaluated(face.mesh, frame) @ rig.AXES for frame in (1, 14, 38, 50)}
    glb = reader()(export("glb", face, tmp_path / "head.glb", prune=True))
    kept = glb.tree["meshes"][0]["extras"]["targetNames"]
    assert kept[:25] == list(head.expression_names[:25])
    assert {name.split()[0] for name in kept[25:]} == {"Jaw"}
    assert sorted(node["name"] for node in glb.tree["nodes"] if "mesh" in node) == ["Head"]
    for frame, points in wanted.items():
        _, posed = glb.vertices((frame - 1) / 25)
        distance = np.linalg.norm(posed[:, None] - points[None], axis=2)
        assert distance.min(axis=1).max() < EXACT
        assert distance.min(axis=0).max() < EXACT


def test_keys_of_bones_that_rest_are_left_out(make_head: Maker, make_motion: Motions, tmp_path: Path) -> None:
    face = spoken(make_head("arkit"), make_motion("arkit"))
    whole, bare = (reader()(export("glb", face, tmp_path / "head.glb", prune=prune)) for prune in (False, True))
    moved = [
        {glb.tree["nodes"][c["target"]["node"]]["name"] for c in glb.tree["animations"][0]["channels"]}
        for glb in (whole, bare)
    ]
    assert {"neck", "left_eye", "jaw", "Head"} <= moved[0]
    assert moved[1] == {"jaw", "Head"}


def test_the_scene_is_as_before(make_head: Maker, make_motion: Motions, tmp_path: Path) -> None:
    face = spoken(make_head("flame"), half_still(make_motion("flame")), identity=[0.5])

    def everything() -> Any:
        keys = [(key.name, key.value, key.mute) for key in face.keys.key_blocks]
        names = [sorted(block.name for block in blocks) for blocks in (bpy.data.objects, bpy.data.meshes)]
        actions = sorted(action.name for action in bpy.data.actions)
        return keys, names, actions, face.mesh.name, face.mesh.data.name, len(bpy.data.shape_keys)

    bpy.context.scene.frame_set(1)
    before = everything()
    export("glb", face, tmp_path / "head.glb", prune=True)
    bpy.context.scene.frame_set(1)
    assert everything() == before


def test_what_nobody_knows_the_driver_of_is_kept(make_head: Maker, make_motion: Motions) -> None:
    face = spoken(make_head("arkit", correctives=False), half_still(make_motion("arkit")))
    driven = face.keys.key_blocks["Shape3"].driver_add("value").driver
    driven.expression = "sin(frame)"
    with pruned(face) as bare:
        names = [key.name for key in bare.keys.key_blocks]
    assert names == ["Basis", "Shape3", *face.expressions[:25]]


def test_a_muted_key_stays_without_effect(
    make_head: Maker, make_motion: Motions, evaluated: Callable[[Any, int], np.ndarray]
) -> None:
    face = spoken(make_head("arkit"), make_motion("arkit"))
    for name in ("Shape1", face.expressions[0]):
        face.keys.key_blocks[name].value = 1.0
        face.keys.key_blocks[name].mute = True
    wanted = evaluated(face.mesh, 20)
    with pruned(face) as bare:
        assert face.expressions[0] not in bare.keys.key_blocks
        np.testing.assert_allclose(evaluated(bare.mesh, 20), wanted, atol=1e-6)


def test_the_same_scene_gives_the_same_bytes(make_head: Maker, make_motion: Motions, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        face = spoken(make_head("arkit"), make_motion("arkit"))
        made += [
            export("glb", face, tmp_path / f"{name}.glb", facts=FACTS, prune=prune).read_bytes()
            for prune in (False, True)
        ]
    assert made[0] == made[2]
    assert made[1] == made[3]
    assert len(made[1]) < len(made[0])


def test_a_glb_says_where_the_motion_comes_from(make_head: Maker, make_motion: Motions, tmp_path: Path) -> None:
    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    asset = reader()(export("glb", face, tmp_path / "head.glb", facts=FACTS)).tree["asset"]
    assert asset["extras"] == FACTS
    assert "CC0-1.0" in asset["copyright"]

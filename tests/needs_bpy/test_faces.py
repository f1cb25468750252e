"""Which objects are faces: ours, FLAME's from any tool, ARKit characters in any usual spelling."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, faces, rig
from lsf_blender_addon.blender.scene_flame import scene_head
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.flame import Head, read_head
from lsf_blender_addon.head.retarget import WIDE_JAW, to_flame
from lsf_blender_addon.models.store import bundled_head
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion

Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]


def character(names: list[str], title: str = "Ann") -> Any:
    """A mesh of three points whose every key lifts the first one by a centimetre."""
    data = bpy.data.meshes.new(title)
    data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    mesh = bpy.data.objects.new(title, data)
    bpy.context.scene.collection.objects.link(mesh)
    mesh.shape_key_add(name="Basis", from_mix=False)
    for name in names:
        mesh.shape_key_add(name=name, from_mix=False).data[0].co.z = 0.01
    return mesh


SPELLINGS: dict[str, Callable[[str], str]] = {
    "Apple's": lambda name: name,
    "short sides": lambda name: name.replace("Left", "_L").replace("Right", "_R"),
    "capital": lambda name: name[0].upper() + name[1:],
    "prefixed": lambda name: f"Face.{name}",
    "snake": lambda name: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name),
    "numbered": lambda name: f"A07_{name}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_arkit_character_is_known_in_any_usual_spelling(spelling: str) -> None:
    spelt = SPELLINGS[spelling]
    face = faces.face_of(character([spelt(name) for name in (*ARKIT_EXPRESSIONS, "jawOpen", "tongueOut")]))
    assert (face.space, face.kind, face.opens, face.jaw) == ("own", "ARKit", True, None)
    assert face.expressions == (*(spelt(name) for name in ARKIT_EXPRESSIONS), spelt("jawOpen"))
    assert face.missing == ()
    assert face.described == "ARKit character, 51 of 52 shapes matched, jaw by shape key"


def test_a_character_with_some_of_the_keys_speaks_with_those_and_says_what_is_missing(make_motion: Motions) -> None:
    mesh = character([*ARKIT_EXPRESSIONS[:30], "jawOpen"])
    face = faces.face_of(mesh)
    assert face.missing == ARKIT_EXPRESSIONS[30:]
    assert "31 of 31 shapes matched" in face.described
    report = bake.write(bake.plan(face, make_motion("arkit")))
    assert report.curves == 31


def test_a_jaw_key_opens_as_far_as_the_jaw_turns(make_motion: Motions) -> None:
    face = faces.face_of(character([*ARKIT_EXPRESSIONS, "jawOpen"]))
    motion = make_motion("arkit")
    bake.write(bake.plan(face, motion, bake.BakeSettings(start_frame=1)))
    for frame in (0, 20):
        bpy.context.scene.render.fps = 25
        (curve,) = (c for c in compat.curves_of(face.keys) if c.data_path == 'key_blocks["jawOpen"].value')
        fps = float(compat.rate(bpy.context.scene))
        wanted = max(0.0, float(motion.sampled([frame / fps])[1][0, 0]) / WIDE_JAW)
        assert curve.evaluate(frame + 1) == pytest.approx(wanted, abs=0.03)


def test_teeth_and_lashes_of_the_same_character_follow(make_motion: Motions) -> None:
    root = bpy.data.objects.new("Root", None)
    bpy.context.scene.collection.objects.link(root)
    head = character([*ARKIT_EXPRESSIONS, "jawOpen"])
    teeth = character(["jawOpen", "jawLeft", "smirk"], "Teeth")
    head.parent = teeth.parent = root
    face = faces.face_of(head)
    assert face.followers == (teeth,)
    bake.write(bake.plan(face, make_motion("arkit")))
    followed = {curve.data_path for curve in compat.curves_of(teeth.data.shape_keys)}
    assert followed == {'key_blocks["jawOpen"].value', 'key_blocks["jawLeft"].value'}
    ours, theirs = (
        next(curve for curve in compat.curves_of(owner) if "jawOpen" in curve.data_path)
        for owner in (face.keys, teeth.data.shape_keys)
    )
    assert ours.evaluate(9) == theirs.evaluate(9) > 0


def test_a_mesh_with_a_few_such_names_is_no_character() -> None:
    with pytest.raises(SceneError, match="no head that can speak"):
        faces.face_of(character(["jawOpen", "smile", "mouthPucker"]))


def test_an_armature_finds_the_face_among_teeth_and_lashes(make_head: Maker) -> None:
    armature = rig.build_rig(make_head("arkit", correctives=False)).armature
    head, teeth = character([*ARKIT_EXPRESSIONS, "jawOpen"]), character(["jawOpen"], "Teeth")
    other = bpy.data.objects.new("Body", armature.data)
    bpy.context.scene.collection.objects.link(other)
    head.parent = teeth.parent = other
    assert faces.face_of(other).mesh == head


def test_identity_is_read_from_the_keys(make_head: Maker) -> None:
    built = rig.build_rig(make_head("flame", correctives=False), identity=[1.0, -0.5])
    face = faces.face_of(built.mesh)
    np.testing.assert_allclose(face.identity, [1.0, -0.5, 0, 0])
    assert face.described == "4 identity + 50 expression keys, jaw bone"


def test_a_scene_head_that_is_not_flames_mesh_is_not_carried_over_to(make_head: Maker) -> None:
    face = faces.face_of(rig.build_rig(make_head("flame", correctives=False)).mesh)
    with pytest.raises(SceneError, match="model that speaks FLAME"):
        scene_head(face)


def test_a_flame_rig_of_another_tool_is_carried_over_to_as_its_file_would_be(shared: Path) -> None:
    """From mesh, keys, weights and bones in the scene alone, moved, turned and y up as the FLAME tools leave them."""
    pytest.importorskip("scipy", reason="the carried head is made with it")
    from tests.head.carried_flame import carried_flame  # noqa: PLC0415

    source = read_head(bundled_head())
    target = carried_flame(shared, source)
    # Such rigs have no pose correctives: what moves in the scene is what must be carried over to.
    target = dataclasses.replace(target, pose_directions=np.zeros_like(target.pose_directions))
    built = rig.build_rig(target, "FLAME2020-generic")
    del built.mesh[faces.MARK]
    built.armature.location = 1, 2, 3
    built.armature.rotation_euler = 0.1, 0.2, 0.3
    bpy.context.view_layer.update()
    face = faces.face_of(built.mesh)
    random = np.random.default_rng(2)
    expression = np.zeros((6, 50), np.float32)
    expression[:, 10:40] = random.uniform(0, 0.4, (6, 30))
    motion = FaceMotion(expression, np.array([[0.15, 0, 0]] * 6, np.float32), 25.0, "arkit")
    wanted, found = (to_flame(motion, source, head) for head in (target, scene_head(face)))
    np.testing.assert_allclose(found.jaw, wanted.jaw, atol=2e-3)
    np.testing.assert_allclose(found.expression, wanted.expression, atol=0.05)
    assert np.abs(wanted.expression).max() > 0.5
    report = bake.write(bake.plan(face, found))
    assert report.curves >= 54

"""Any character speaks in the scene: read wherever it stands, carried over, baked, and judged by Blender's vertices."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, crossing, faces, rig
from lsf_blender_addon.blender.animate import SceneHead, animate
from lsf_blender_addon.blender.export import save_blend
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.landmarks import mouth_track
from lsf_blender_addon.head.retarget import to_flame
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion
from tests.head.bundled import head
from tests.head.characters import shapes_of
from tests.head.speaking import FPS, spoken
from tests.needs_bpy.scene_characters import character, facekit, metahuman_like, oculus_like, vrm_like

Points = Callable[..., np.ndarray]
MM = 1000.0
SEALED = 0.999

MAKERS: dict[str, Callable[[], Any]] = {
    "VRM": lambda: character(vrm_like()),
    "Oculus": lambda: character(oculus_like()),
    "MetaHuman": lambda: character(metahuman_like()),
    "ARKit": lambda: character(shapes_of(opening=True)),
    "a jaw bone": lambda: character(shapes_of(opening=False), bone="CC_Base_JawRoot"),
}


def lips(vertices: np.ndarray) -> float:
    """Millimetres by which the middles of the bundled head's inner lips stand apart."""
    on = head()
    upper, lower = (on.landmarks[f"lip_{lip}_inner_4"] for lip in ("upper", "lower"))
    heights = [float(point.weights @ vertices[point.vertices, 2]) for point in (upper, lower)]
    return (heights[0] - heights[1]) * MM


def speaking(mesh: Any, motion: FaceMotion, **settings: Any) -> bake.BakePlan:
    bpy.context.scene.render.fps = int(FPS)
    planned = bake.plan(faces.face_of(mesh), motion, bake.BakeSettings(start_frame=1, **settings))
    bake.write(planned)
    return planned


@pytest.mark.parametrize("kind", MAKERS)
def test_lips_close_on_every_kind_of_character_and_open_as_ours_do(kind: str, evaluated: Points) -> None:
    """On frames where the motion seals the lips, Blender's own lips lie on each other within half a millimetre."""
    motion, sealed = spoken(100)
    mesh = MAKERS[kind]()
    speaking(mesh, motion)
    frames = [*np.flatnonzero(sealed > SEALED)[::3].tolist(), *range(0, 100, 7)]
    apart = {frame: lips(evaluated(mesh, frame + 1)) for frame in frames}
    assert max(apart[frame] for frame in frames if sealed[frame] > SEALED) < 0.5
    ours = mouth_track(head(), motion, FPS)["aperture"]
    theirs = np.array([apart[frame] for frame in range(0, 98, 7)])
    assert np.corrcoef(ours[0:98:7], theirs)[0, 1] > 0.97
    assert theirs.max() > 0.6 * ours.max()


def test_a_third_party_face_closes_its_lips(shared: Path, evaluated: Points) -> None:
    motion, sealed = spoken(100)
    mesh = facekit(shared)
    planned = speaking(mesh, motion)
    assert planned.face.described == "ARKit character, 53 of 57 shapes matched, jaw by shape key"
    rows = np.array(planned.face.lips)
    rest = evaluated(mesh, -100)[rows, 2]
    read = crossing.of(faces.face_of(mesh))
    assert read.overall is not None
    assert read.overall < 1.5
    closed, opened = (np.flatnonzero(sealed > SEALED)[2], int(np.argmax(motion.jaw[:, 0])))
    spread = {frame: np.ptp(evaluated(mesh, int(frame) + 1)[rows, 2] - rest) * MM for frame in (closed, opened)}
    assert spread[opened] > 6
    assert planned.origin["retargeted"]["residual_mm"] < 1.5


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("VRM", "VRM character, 7 of 10 shapes matched, jaw by shape key"),
        ("Oculus", "Oculus character, 9 of 10 shapes matched, jaw by shape key"),
        ("MetaHuman", "MetaHuman character, 39 of 39 shapes matched, jaw by shape key"),
        ("a jaw bone", "ARKit character, 50 of 50 shapes matched, jaw bone 'CC_Base_JawRoot'"),
    ],
)
def test_a_character_is_called_what_it_is(kind: str, words: str) -> None:
    assert faces.face_of(MAKERS[kind]()).described == words


def test_it_speaks_wherever_it_stands_and_whatever_its_size() -> None:
    """Turned, moved, scaled, and in centimetres: its own channels are the same."""
    motion = spoken(30)[0]
    plain = speaking(character(oculus_like()), motion)
    turned = character(oculus_like(), "turned", unit=100.0)
    turned.rotation_euler, turned.location, turned.scale = (0.1, 0.2, 2.5), (4, 5, 6), (0.01, 0.01, 0.01)
    bpy.context.view_layer.update()
    other = speaking(turned, motion)
    for one, two in zip(plain.curves, other.curves, strict=True):
        assert one.data_path == two.data_path
        np.testing.assert_allclose(one.values, two.values, atol=5e-3)


@pytest.mark.parametrize("turn", [(math.pi / 2, 0, 0), (0, 0, math.pi / 2), (0, 0, math.pi)])
def test_a_mesh_with_axes_of_its_own_is_understood(turn: tuple[float, float, float]) -> None:
    """Importers leave meshes y up, or looking along another axis, under an object that is turned back."""
    from mathutils import Euler  # noqa: PLC0415 - Blender's

    motion = spoken(30)[0]
    plain = speaking(character(oculus_like()), motion)
    mesh = character(oculus_like(), "foreign")
    matrix = Euler(turn).to_matrix().to_4x4()
    mesh.data.transform(matrix.inverted(), shape_keys=True)
    mesh.matrix_world = matrix
    bpy.context.view_layer.update()
    for one, two in zip(plain.curves, speaking(mesh, motion).curves, strict=True):
        np.testing.assert_allclose(one.values, two.values, atol=5e-3)


def test_a_jaw_bone_turns_and_the_shape_key_for_it_rests(evaluated: Points) -> None:
    motion = spoken(60)[0]
    mesh = character(shapes_of(opening=True), bone="jaw_master")
    planned = speaking(mesh, motion)
    paths = {curve.data_path: curve for curve in planned.curves}
    assert not paths['key_blocks["jawOpen"].value'].values.any()
    widest = int(np.argmax(motion.jaw[:, 0]))
    bone = mesh.parent.pose.bones["jaw_master"]
    bpy.context.scene.frame_set(widest + 1)
    turn = bone.matrix_basis.to_quaternion().angle
    assert turn == pytest.approx(float(motion.jaw[widest, 0]), rel=0.1)
    assert lips(evaluated(mesh, widest + 1)) > 3


@pytest.mark.usefixtures("add_on")
def test_the_armature_is_left_alone_where_a_person_says_so(evaluated: Points) -> None:
    motion, sealed = spoken(60)
    mesh = character(shapes_of(opening=True), bone="jaw")
    mesh.lsf.opening = "SHAPE"
    speaking(mesh, motion)
    assert mesh.parent.animation_data is None
    closed, opened = int(np.argmax(sealed)), int(np.argmax(motion.jaw[:, 0]))
    assert lips(evaluated(mesh, closed + 1)) < 0.5
    assert lips(evaluated(mesh, opened + 1)) > 3


def test_teeth_and_lashes_that_share_its_shape_keys_follow() -> None:
    mesh = character(shapes_of(opening=True), bone=None)
    root = bpy.data.objects.new("Root", None)
    bpy.context.scene.collection.objects.link(root)
    teeth = character({"jawOpen": shapes_of(opening=True)["jawOpen"], "smirk": np.zeros_like(head().template)}, "teeth")
    mesh.parent = teeth.parent = root
    speaking(mesh, spoken(30)[0])
    ours, theirs = (list(compat.curves_of(thing.data.shape_keys)) for thing in (mesh, teeth))
    assert [curve.data_path for curve in theirs] == ['key_blocks["jawOpen"].value']
    same = next(curve for curve in ours if curve.data_path == theirs[0].data_path)
    assert theirs[0].evaluate(12) == same.evaluate(12) > 0
    assert [face.mesh for face in faces.heads_in(bpy.context.scene.objects)] == [mesh]


def test_shape_keys_with_drivers_are_left_to_them_and_a_face_with_nothing_else_is_refused() -> None:
    mesh = character(vrm_like())
    blocks = mesh.data.shape_keys.key_blocks
    blocks["Fcl_MTH_I"].driver_add("value")
    planned = speaking(mesh, spoken(30)[0])
    assert not any("Fcl_MTH_I" in curve.data_path for curve in planned.curves)
    for name in vrm_like():
        blocks[name].driver_add("value")
    with pytest.raises(SceneError, match="Drivers hold the shape keys of 'hero'"):
        bake.plan(faces.face_of(mesh), spoken(30)[0])


def test_what_opens_no_mouth_is_refused_with_what_to_say() -> None:
    shapes = {name: move for name, move in oculus_like().items() if name != "viseme_aa"}
    with pytest.raises(SceneError, match="which shape key follows 'jawOpen'"):
        bake.plan(faces.face_of(character(shapes)), spoken(30)[0])


def test_a_face_whose_points_are_not_found_goes_by_names_and_says_so() -> None:
    """Without blinks nobody knows where its lids lie; ARKit's own shapes then get ARKit's own values."""
    shapes = {name: move for name, move in shapes_of(opening=True).items() if "Blink" not in name}
    mesh = character(shapes)
    face = faces.face_of(mesh)
    assert "close its left eye" in crossing.of(face).reason
    motion = spoken(30)[0]
    planned = speaking(mesh, motion)
    pucker = next(curve for curve in planned.curves if "mouthPucker" in curve.data_path)
    np.testing.assert_allclose(pucker.values, motion.expression[:, ARKIT_EXPRESSIONS.index("mouthPucker")], atol=1e-6)
    opened = next(curve for curve in planned.curves if "jawOpen" in curve.data_path)
    np.testing.assert_allclose(opened.values, motion.jaw[:, 0] / 0.35, atol=1e-6)


def test_it_is_read_again_only_when_it_has_changed() -> None:
    mesh = character(oculus_like())
    first = crossing.of(faces.face_of(mesh)).fit
    again = crossing.known(faces.face_of(mesh))
    assert again is not None
    assert crossing.of(faces.face_of(mesh)).fit is again.fit is first
    mesh.data.shape_keys.key_blocks["viseme_O"].data[7].co.z += 0.01
    second = crossing.of(faces.face_of(mesh)).fit
    assert second is not first
    mesh.data.shape_keys.key_blocks["viseme_O"].slider_max = 0.5
    assert crossing.of(faces.face_of(mesh)).fit is not second
    mesh.data.shape_keys.key_blocks["viseme_O"].name = "viseme_oh"
    assert crossing.known(faces.face_of(mesh)) is None


def test_what_is_kept_of_a_face_outlives_an_undo() -> None:
    """After an undo all objects are others: what was read must not lead to those that are gone."""
    character(oculus_like())
    bpy.ops.ed.undo_push(message="made")
    first = crossing.of(faces.face_of(bpy.data.objects["hero"])).fit
    bpy.data.objects["hero"].location.x = 3
    bpy.ops.ed.undo_push(message="moved")
    bpy.ops.ed.undo()
    mesh = bpy.data.objects["hero"]
    assert mesh.location.x == 0
    across = crossing.of(faces.face_of(mesh))
    assert (across.fit is first, across.face.mesh == mesh, across.face.keys.name) == (True, True, "Key")


def test_a_face_that_stands_at_another_shape_speaks_from_there() -> None:
    """A shape key that has no part in speaking, such as a build or an age, belongs to the neutral face."""
    shapes = dict(oculus_like())
    smaller = head().template * -0.2
    plain = speaking(character(shapes), spoken(30)[0])
    mesh = character({**shapes, "Build_Small": smaller}, "small")
    mesh.data.shape_keys.key_blocks["Build_Small"].value = 1.0
    assert not any("Build" in curve.data_path for curve in speaking(mesh, spoken(30)[0]).curves)
    unit = crossing.of(faces.face_of(mesh)).face.unit
    assert unit == pytest.approx(0.8 * plain.face.unit, rel=1e-3)


def test_fewer_keys_are_counted_in_millimetres_of_a_person() -> None:
    """In centimetres or metres, the same keys are left."""
    counts = []
    for unit in (1.0, 100.0):
        mesh = character(oculus_like(), unit=unit)
        counts.append(speaking(mesh, spoken(100)[0], tolerance=0.5).keys)
    assert counts[0] == pytest.approx(counts[1], rel=0.02)
    assert counts[0] < 0.7 * 100 * 10


def test_a_flame_head_is_carried_over_when_its_keys_are_written(shared: Path) -> None:
    """What is kept is what the model said, so that the mouth alone can be made stronger on FLAME's mesh too."""
    pytest.importorskip("scipy", reason="the carried head is made with it")
    from tests.head.carried_flame import carried_flame  # noqa: PLC0415

    target = carried_flame(shared, head())
    # such rigs have no pose correctives: what moves in the scene is what must be carried over to
    target = dataclasses.replace(target, pose_directions=np.zeros_like(target.pose_directions))
    mesh = rig.build_rig(target, "Flo").mesh
    motion = spoken(20)[0]
    planned = speaking(mesh, motion)
    wanted = to_flame(motion, head(), target)
    values = np.stack([curve.values for curve in planned.curves if curve.owner == mesh.data.shape_keys], axis=1)
    np.testing.assert_allclose(values, wanted.expression, atol=0.05)


def test_a_character_in_a_file_is_the_head_of_the_command_line_and_a_note_says_what_it_lacks(
    tmp_path: Path, evaluated: Points
) -> None:
    motion, sealed = spoken(40)
    character(vrm_like())
    character({name: move for name, move in shapes_of(opening=True).items() if "Blink" not in name}, "blind")
    save_blend(tmp_path / "scene.blend")
    reports = [
        animate(None, motion, SceneHead(tmp_path / "scene.blend", name), tmp_path, name=name, outputs=["blend"], fps=50)
        for name in ("blind", "hero")
    ]
    assert not hasattr(bpy.types.Object, "lsf")
    assert [note.startswith("Driven by names alone") for note in reports[0].notes] == [True]
    assert reports[1].notes == ()
    bpy.ops.wm.open_mainfile(filepath=str(reports[1].files["blend"]))
    closed, opened = int(np.argmax(sealed)), int(np.argmax(motion.jaw[:, 0]))
    mesh = bpy.data.objects["hero"]
    assert lips(evaluated(mesh, closed + 1)) < 0.5
    assert lips(evaluated(mesh, opened + 1)) > 3

"""A linked head with a library override keeps its takes, its shaping and its table when the file is opened again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest

from lsf_blender_addon.blender import compat, faces, kept, rig, takes
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.motion import FaceMotion
from tests.needs_bpy.scene_characters import character, oculus_like

pytestmark = pytest.mark.usefixtures("add_on")
Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]


def overridden(name: str, folder: Path) -> Any:
    """The object of that name, linked from a file of its own, with library overrides of it and of its mesh."""
    path = folder / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 25
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.objects = [name]
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    made = linked.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    made.data.override_create(remap_local_usages=True)
    return local(name)


def local(name: str) -> Any:
    return next(thing for thing in bpy.data.objects if thing.name == name and thing.library is None)


def add(mesh: Any, motion: FaceMotion, name: str) -> None:
    face = faces.face_of(mesh)
    place = kept.Where("voice", bpy.context.scene.name, 0.0, 2.0, 11.0, 1.0, 11, 60)
    made = kept.Kept((motion,), (place,), facts={"model": "Test", "seed": 0})
    takes.add(face, takes.planned(face, made, name, bpy.context.scene), made, to_nla=False)


def reopened(folder: Path, times: int = 3) -> None:
    """Saved and opened, several times over: what Blender writes down of an override changes from one to the next."""
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    for _ in range(times):
        bpy.ops.wm.open_mainfile(filepath=str(folder / "scene.blend"))
        bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(folder / "scene.blend"))


def test_takes_of_an_override_are_there_when_the_file_is_opened_again(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    rig.build_rig(make_head("arkit", correctives=False), "Ann")
    mesh = overridden("Ann", tmp_path)
    add(mesh, make_motion("arkit"), "one")
    add(mesh, make_motion("arkit", size=0.1), "two")
    mesh.lsf.mouth = 0.5
    reopened(tmp_path)
    mesh = local("Ann")
    assert [(take.name, take.ours) for take in mesh.lsf.takes] == [("one", True), ("two", True)]
    assert (mesh.lsf.active_take, mesh.lsf.mouth) == (1, 0.5)
    second = mesh.data.shape_keys.animation_data.action
    mesh.lsf.active_take = 0
    assert mesh.data.shape_keys.animation_data.action == mesh.lsf.takes[0].parts[0].action != second
    assert not mesh.lsf.takes[0].edited


def test_takes_that_came_with_the_linked_head_are_shaped_in_copies_that_stay(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    """An Action of another file can be written to in memory, and is as it was when the file is opened again."""
    bpy.context.scene.render.fps = 25
    add(rig.build_rig(make_head("arkit", correctives=False), "Ann").mesh, make_motion("arkit"), "one")
    mesh = overridden("Ann", tmp_path)
    linked = mesh.lsf.takes[0].parts[0].action
    assert linked.library is not None
    before = keys_of(mesh)
    mesh.lsf.mouth = 0.5
    shaped = keys_of(mesh)
    assert shaped != before
    assert mesh.lsf.takes[0].parts[0].action.library is None
    reopened(tmp_path)
    mesh = local("Ann")
    assert (keys_of(mesh), mesh.lsf.mouth) == (shaped, 0.5)
    assert not mesh.lsf.takes[0].edited
    mesh.lsf.mouth = 1.0
    assert keys_of(mesh) == before


def keys_of(mesh: Any) -> list[Any]:
    curves = compat.curves_of(mesh.data.shape_keys)
    return [(curve.data_path, [tuple(key.co) for key in curve.keyframe_points]) for curve in curves]


def test_what_was_said_of_a_linked_character_stays(tmp_path: Path) -> None:
    character(oculus_like(), "hero")
    mesh = overridden("hero", tmp_path)
    mesh.active_shape_key_index = mesh.data.shape_keys.key_blocks.find("viseme_I")
    mesh.lsf.follows = "mouthDimpleLeft 0.5 + mouthDimpleRight 0.5"
    mesh.lsf.driving = "NAMES"
    reopened(tmp_path)
    row = faces.table_of(local("hero")).rows["viseme_I"]
    assert dict(row.follows) == {"mouthDimpleLeft": 0.5, "mouthDimpleRight": 0.5}
    assert local("hero").lsf.driving == "NAMES"

"""A FLAME head that stands in a scene: only its own components move it, others are converted or refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import animate, compat, components, faces, jobs, orders, rig, strips
from lsf_blender_addon.errors import ModelError, MotionError
from lsf_blender_addon.head.basis import with_basis
from lsf_blender_addon.head.model import Head
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.models.card import CARD_NAME, read_card
from lsf_blender_addon.models.store import MODELS_VARIABLE, vendor_folder
from lsf_blender_addon.motion import FaceMotion
from tests.head.bundled import head

pytest.importorskip("scipy", reason="the carried head is made with it")

from tests.head.carried_flame import carried_flame
from tests.head.test_retarget import one

SKIN = np.arange(0, 3931, 7)


@pytest.fixture(scope="module")
def old(shared: Path) -> Head:
    return replace(carried_flame(shared, head()), name="FLAME2020")


@pytest.fixture(scope="module")
def new(shared: Path) -> Head:
    return replace(carried_flame(shared, head(), seed=7), name="FLAME2023")


@pytest.fixture
def motion() -> FaceMotion:
    """Small values, far from the bounds of a conversion."""
    random = np.random.default_rng(4)
    jaw = np.zeros((12, 3))
    jaw[:, 0] = np.linspace(0, 0.3, 12)
    return FaceMotion(random.normal(0, 0.3, (12, 50)), jaw, 25.0, "flame")


def test_a_motion_in_the_heads_own_components_is_taken_as_it_is(new: Head, motion: FaceMotion) -> None:
    face = faces.face_of(rig.build_rig(new).mesh)
    own = with_basis(motion, new)
    components.require_own_components(face, own)
    assert components.on_scene_head(face, own, head(), None) is own


def test_another_releases_components_are_refused_whether_the_motion_remembers_or_not(
    old: Head, new: Head, motion: FaceMotion
) -> None:
    face = faces.face_of(rig.build_rig(new).mesh)
    for other in (motion, with_basis(motion, old)):
        with pytest.raises(MotionError, match="others: copied"):
            components.require_own_components(face, other)
        with pytest.raises(MotionError, match="others: copied"):
            components.on_scene_head(face, other, head(), None)
    components.require_own_components(faces.face_of(rig.build_rig(old).mesh), motion)


def test_with_the_file_it_was_made_for_the_face_is_the_same(old: Head, new: Head, motion: FaceMotion) -> None:
    face = faces.face_of(rig.build_rig(new).mesh)
    got = components.on_scene_head(face, motion, head(), old)
    there = vertices(new, got.expression, got.jaw, only=SKIN)
    here = vertices(old, motion.expression, motion.jaw, only=SKIN)
    assert np.linalg.norm(there - here, axis=2).max() * 1000 < 0.3
    assert got.origin["retargeted"]["to"] == "FLAME2023"


def test_a_blend_with_such_a_head_is_animated_by_what_it_was_made_for(
    old: Head, new: Head, motion: FaceMotion, tmp_path: Path
) -> None:
    rig.build_rig(new, "Anna")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "anna.blend"))
    with pytest.raises(MotionError, match="--made-for"):
        animate.animate(None, motion, animate.SceneHead(tmp_path / "anna.blend"), tmp_path / "out", outputs=("blend",))
    assert not (tmp_path / "out").exists()
    whose = animate.SceneHead(tmp_path / "anna.blend", made_for=old)
    done = animate.animate(None, motion, whose, tmp_path / "out", outputs=("blend",))
    assert done.bake.keys > 0


def test_a_blend_whose_head_says_no_release_needs_it_said(old: Head, new: Head, motion: FaceMotion) -> None:
    mesh = rig.build_rig(replace(new, name="head"), "Anna").mesh
    published = replace(motion, origin={})
    with pytest.raises(MotionError, match=r"head's name gives no year\. Choose its release in the panel"):
        components.on_scene_head(faces.face_of(mesh), published, head(), None)
    assert components.on_scene_head(faces.face_of(mesh), published, head(), old).origin["retargeted"]["to"] == "head"
    bare = rig.build_rig(replace(new, name="generic_model")).mesh
    assert components.on_scene_head(faces.face_of(bare), published, head(), None) is published


def test_what_an_arkit_model_says_is_left_to_the_bake_which_crosses_to_the_head(new: Head, tmp_path: Path) -> None:
    mesh = rig.build_rig(new, "Anna").mesh
    said = one(0.2, mouthPucker=0.5)
    assert components.on_scene_head(faces.face_of(mesh), said, head(), None) is said
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "anna.blend"))
    done = animate.animate(None, said, animate.SceneHead(tmp_path / "anna.blend"), tmp_path / "out", outputs=("blend",))
    assert done.bake.keys > 0


@pytest.fixture
def panel(tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel's scene: a strip, and an installed model that speaks FLAME and says no release, as published ones."""
    made = tmp_path / "models" / "published"
    shutil.copytree(vendor_folder() / "starter", made)
    (made / CARD_NAME).write_text(replace(read_card(made), name="published", space="flame").to_json(), encoding="utf-8")
    monkeypatch.setenv(MODELS_VARIABLE, str(made.parent))
    scene = bpy.context.scene
    strips.place_sound(scene, speech, 1)
    compat.show_in_sequencer(bpy.context, scene)
    scene.lsf.model = "published"
    return scene


@pytest.mark.usefixtures("_needs_sound", "add_on")
def test_the_panel_refuses_a_head_of_another_release_before_a_run_and_takes_its_own(
    old: Head, new: Head, panel: Any
) -> None:
    mesh = rig.build_rig(new, "Anna").mesh
    bpy.context.view_layer.objects.active = mesh
    with pytest.raises(ModelError, match=r"'Anna' has others: they would make a wrong face\. Choose a FLAME 2020 head"):
        orders.looked_at(bpy.context)
    with pytest.raises(ModelError, match="a wrong face"):
        jobs.start(bpy.context)
    assert jobs.current() is None
    assert len(bpy.data.actions) == 0
    panel.lsf.model = "starter"
    assert orders.looked_at(bpy.context)[0].mesh == mesh
    panel.lsf.model = "published"
    panel.lsf.head = rig.build_rig(old, "Olga").mesh
    assert orders.looked_at(bpy.context)[0].mesh == panel.lsf.head


@pytest.mark.usefixtures("_needs_sound", "add_on")
def test_where_no_name_says_the_release_a_person_says_it(new: Head, panel: Any) -> None:
    mesh = rig.build_rig(replace(new, name="generic_model"), "Anna").mesh
    bpy.context.view_layer.objects.active = mesh
    face = faces.face_of(mesh)
    assert components.release(face) == ""
    assert orders.looked_at(bpy.context)[0].mesh == mesh  # taken for 2020, which the panel says
    mesh.lsf.release = "2023"
    assert components.release(face) == "2023"
    with pytest.raises(ModelError, match="put the head's release right in the panel"):
        orders.looked_at(bpy.context)
    panel.lsf.model = "starter"
    assert orders.looked_at(bpy.context)[0].mesh == mesh


@pytest.mark.usefixtures("_needs_sound", "add_on")
def test_what_a_person_says_counts_more_than_the_name(new: Head, panel: Any) -> None:
    mesh = rig.build_rig(new, "Anna").mesh
    bpy.context.view_layer.objects.active = mesh
    mesh.lsf.release = "2020"
    assert panel.lsf.model == "published"
    assert orders.looked_at(bpy.context)[0].mesh == mesh

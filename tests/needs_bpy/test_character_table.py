"""The table of a character in the panel: what its shapes are, edited by hand, kept with the file, exchanged as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import crossing, faces, failures, panels_character, takes
from lsf_blender_addon.errors import HeadError, SceneError
from lsf_blender_addon.head.picking import PICKED_NAMES
from tests.head.bundled import head
from tests.head.characters import shapes_of
from tests.needs_bpy.scene_characters import character, oculus_like, vrm_like

pytestmark = pytest.mark.usefixtures("add_on")


def chosen(mesh: Any, shape: str) -> Any:
    """A shape key as it is chosen in the list; the settings that the panel shows of it."""
    mesh.active_shape_key_index = mesh.data.shape_keys.key_blocks.find(shape)
    bpy.context.view_layer.objects.active = mesh
    return mesh.lsf


def follows(mesh: Any, shape: str) -> dict[str, float]:
    return dict(faces.table_of(mesh).rows[shape].follows)


def test_a_row_reads_as_it_is_known_and_as_it_is_set() -> None:
    mesh = character(vrm_like())
    said = chosen(mesh, "Fcl_MTH_I")
    assert (said.follows, said.used) == ("mouthSmileLeft 0.3 + mouthSmileRight 0.3", True)
    said.follows = "mouthStretch_L, 0.5 mouthStretchRight"
    assert follows(mesh, "Fcl_MTH_I") == {"mouthStretchLeft": 1.0, "mouthStretchRight": 0.5}
    assert said.follows == "mouthStretchLeft + mouthStretchRight 0.5"
    said.used = False
    assert not faces.table_of(mesh).rows["Fcl_MTH_I"].used
    assert "Fcl_MTH_I" not in faces.face_of(mesh).expressions
    assert chosen(mesh, "Basis").follows == ""


def test_an_unknown_name_changes_nothing_and_says_what_is_near() -> None:
    mesh = character(vrm_like())
    chosen(mesh, "Fcl_MTH_A").follows = "jawOpne"
    told = failures.last()
    assert told is not None
    assert "jawOpen" in told.sentence
    assert follows(mesh, "Fcl_MTH_A") == {"jawOpen": 1.0}


def test_a_mesh_that_nobody_knows_becomes_a_head_by_what_is_said_of_it() -> None:
    mesh = character({"Mund": shapes_of(opening=True)["jawOpen"], "Auge": shapes_of(opening=True)["eyeBlinkLeft"]})
    bpy.context.view_layer.objects.active = mesh
    with pytest.raises(SceneError, match="Say under Character"):
        faces.face_of(mesh)
    assert panels_character.Character.poll(bpy.context)
    chosen(mesh, "Mund").follows = "jawOpen"
    face = faces.face_of(mesh)
    assert face.described == "Character, 1 of 2 shapes matched, jaw by shape key"
    assert "close its left eye" in crossing.of(face).reason


def test_what_was_said_is_saved_with_the_file_and_survives_new_and_renamed_shapes(tmp_path: Path) -> None:
    mesh = character(vrm_like())
    chosen(mesh, "Fcl_ALL_Joy").follows = "mouthSmile"
    path = str(tmp_path / "hero.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    mesh = bpy.data.objects["hero"]
    assert follows(mesh, "Fcl_ALL_Joy") == {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}
    mesh.shape_key_add(name="mouthPucker")
    mesh.data.shape_keys.key_blocks["Fcl_MTH_I"].name = "grin"
    assert follows(mesh, "mouthPucker") == {"mouthPucker": 1.0}
    assert follows(mesh, "grin") == {}
    assert follows(mesh, "Fcl_ALL_Joy") == {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}
    bpy.context.view_layer.objects.active = mesh
    assert bpy.ops.lsf.forget_table() == {"FINISHED"}
    assert follows(mesh, "Fcl_ALL_Joy") == {}
    assert not bpy.ops.lsf.forget_table.poll()


def test_a_table_goes_to_a_file_and_to_another_character(tmp_path: Path) -> None:
    mesh = character(vrm_like())
    chosen(mesh, "Fcl_ALL_Joy").follows = "mouthSmile"
    crossing.of(faces.face_of(mesh))
    path = tmp_path / "hero.lsf.json"
    assert bpy.ops.lsf.save_table(filepath=str(path)) == {"FINISHED"}
    content = json.loads(path.read_text(encoding="utf-8"))
    assert 0 < content["residual_mm"]["jawOpen"] < 5
    assert content["blendshapes"]["Fcl_ALL_Joy"]["known as"] == "set by hand"
    other = character(vrm_like(), "sister")
    chosen(other, "Fcl_MTH_A")
    assert bpy.ops.lsf.load_table(filepath=str(path)) == {"FINISHED"}
    assert follows(other, "Fcl_ALL_Joy") == {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}


@pytest.mark.parametrize(
    ("text", "sentence"), [("{", "is no JSON"), ('{"format": 1, "blendshapes": {"x": {}}}', "of another character")]
)
def test_a_file_that_is_no_table_of_this_character_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    chosen(character(vrm_like()), "Fcl_MTH_A")
    (tmp_path / "bad.json").write_text(text)
    assert bpy.ops.lsf.load_table(filepath=str(tmp_path / "bad.json")) == {"CANCELLED"}
    told = failures.last()
    assert told is not None
    assert sentence in told.sentence


def test_what_a_stranger_put_into_a_file_is_refused_with_a_sentence() -> None:
    mesh = character(vrm_like())
    for words in ("{", "[]", '{"format": 1, "blendshapes": {"Fcl_MTH_A": {"follows": {"nose": 1}}}}'):
        mesh.lsf.table = words
        with pytest.raises(HeadError, match="What is kept on the character"):
            faces.face_of(mesh)
        assert faces.face_or_none(mesh) is None


def test_points_that_cannot_be_found_are_picked() -> None:
    """A face without blinks: twenty-four vertices, selected one after the other, say where everything is."""
    mesh = character({name: move for name, move in shapes_of(opening=True).items() if "Blink" not in name})
    chosen(mesh, "jawOpen")
    assert crossing.of(faces.face_of(mesh)).fit is None
    assert bpy.ops.lsf.pick_point(point="chin") == {"CANCELLED"}
    for name in PICKED_NAMES:
        select = np.zeros(len(mesh.data.vertices), bool)
        select[head().landmarks[name].vertices] = True
        mesh.data.vertices.foreach_set("select", select)
        assert bpy.ops.lsf.pick_point(point=name) == {"FINISHED"}
    across = crossing.of(faces.face_of(mesh))
    assert (across.reason, across.fit is None) == ("", False)
    assert across.overall is not None
    assert across.overall < 1


def test_the_residual_is_told_and_what_is_done_least_well() -> None:
    mesh = character(oculus_like())
    face = faces.face_of(mesh)
    (only,) = panels_character.told_of(face, None)
    assert only[0].startswith("No shape key of its own: eyeLookDownLeft")
    told = [words for words, _ in panels_character.told_of(face, crossing.of(face))]
    assert told[0].startswith("Residual ")
    assert " mm; most: " in told[0]


def test_settings_that_a_head_cannot_have_say_why() -> None:
    mesh = character(oculus_like())
    bpy.context.view_layer.objects.active = mesh
    face = faces.face_of(mesh)
    assert takes.has_regions(bpy.context, face)
    assert (face.does("eyeBlink"), face.does("eyeLook")) == (True, False)
    for name in ("no_regions", "no_blinks", "no_gaze"):
        with pytest.raises(RuntimeError, match=r"poll\(\) (?!failed, context is incorrect)"):
            getattr(bpy.ops.lsf, name)()
    mesh.lsf.use_gaze = True
    said = takes.Shaping.of(mesh).notes([], face)
    assert said == ["Gaze: left out, as the head has no shape keys for it."]

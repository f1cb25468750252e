"""Files for other programs, opened again: by Blender, by an independent reader, and by Khronos's validator."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, faces, rig
from lsf_blender_addon.blender.export import export, save_blend
from lsf_blender_addon.blender.export_glb import save_glb
from lsf_blender_addon.blender.strips import place_sound
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import FaceMotion
from tests.head.bundled import head
from tests.needs_bpy.npm_packages import packages

Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]
HERE = Path(__file__).parent
EXACT = 1e-4
"""Metres."""


def reader() -> Any:
    spec = importlib.util.spec_from_file_location("gltf_reader", HERE / "gltf_reader.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Glb


def spoken(head: Head, motion: FaceMotion, fps: float = 25.0, **more: Any) -> faces.Face:
    scene = bpy.context.scene
    compat.set_rate(scene, fps)
    face = faces.face_of(rig.build_rig(head, **more).mesh)
    report = bake.write(bake.plan(face, motion, bake.BakeSettings(start_frame=1)))
    scene.frame_start, scene.frame_end = 1, report.last_frame
    return face


@pytest.fixture(scope="module")
def validator() -> Path:
    """A folder with Khronos's validator in it, fetched once at the pinned version."""
    return packages(HERE / "gltf", "gltf-validator")


def judged(validator: Path, file: Path) -> dict[str, Any]:
    done = subprocess.run(
        ["node", HERE / "gltf" / "validate.js", validator, file], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("what", ["arkit", "flame", "arkit pruned", "flame pruned"])
def test_the_khronos_validator_finds_no_errors_and_no_warnings(
    make_head: Maker, make_motion: Motions, tmp_path: Path, validator: Path, what: str
) -> None:
    space, _, prune = what.partition(" ")
    facts = {"model": "starter", "licence": "CC0-1.0"}
    path = export(
        "glb", spoken(make_head(space), make_motion(space)), tmp_path / "head.glb", facts=facts, prune=bool(prune)
    )
    report = judged(validator, path)
    assert report["issues"]["numErrors"] == report["issues"]["numWarnings"] == 0, report["issues"]["messages"]
    assert report["info"]["animationCount"] == 1
    assert report["info"]["hasMorphTargets"]
    assert report["info"]["hasSkins"]


@pytest.mark.parametrize("prune", [False, True])
def test_the_bundled_heads_own_file_passes_the_validator(
    make_motion: Motions, tmp_path: Path, validator: Path, *, prune: bool
) -> None:
    """With its materials, teeth and eyes, as an artist exports it."""
    path = export("glb", spoken(head(), make_motion("arkit")), tmp_path / "head.glb", prune=prune)
    report = judged(validator, path)
    assert report["issues"]["numErrors"] == report["issues"]["numWarnings"] == 0, report["issues"]["messages"]
    assert report["info"]["materialCount"] == len(head().material_names)
    assert report["info"]["hasMorphTargets"]


def test_the_validator_does_find_errors(
    make_head: Maker, make_motion: Motions, tmp_path: Path, validator: Path
) -> None:
    path = save_glb(spoken(make_head("arkit"), make_motion("arkit")), tmp_path / "head.glb")
    path.write_bytes(path.read_bytes().replace(b'"POSITION"', b'"POSITIOM"', 1))
    assert judged(validator, path)["issues"]["numErrors"] > 0


@pytest.mark.parametrize("space", ["arkit", "flame"])
def test_a_game_engine_sees_the_numpy_skinning_on_every_frame(
    make_head: Maker, make_motion: Motions, tmp_path: Path, space: str
) -> None:
    """Morph targets, skin, jaw and driven correctives of the file, put together by an independent reader."""
    head, motion = make_head(space), make_motion(space)
    glb = reader()(save_glb(spoken(head, motion), tmp_path / "head.glb"))
    wanted = vertices(head, motion.expression, motion.jaw)
    for frame in (0, 13, 37, 49):
        rest, posed = glb.vertices(frame / 25)
        distance = np.linalg.norm(rest[:, None] - head.template[None], axis=2)
        nearest = distance.argmin(axis=1)
        assert distance.min(axis=1).max() < 1e-6  # the file's axes are the head file's own
        assert set(nearest) == set(range(head.vertex_count))
        np.testing.assert_allclose(posed, wanted[frame][nearest], atol=EXACT)


def test_morph_targets_keep_their_names_and_idle_identity_is_left_out(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    head = make_head("arkit", correctives=False)
    face = spoken(head, make_motion("arkit"), identity=[0.0, 1.0])
    glb = reader()(save_glb(face, tmp_path / "head.glb"))
    assert glb.tree["meshes"][0]["extras"]["targetNames"] == ["Shape2", *head.expression_names]
    assert not any(key.mute for key in face.keys.key_blocks)


def test_only_the_head_is_exported_and_the_selection_survives(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    bpy.context.scene.collection.objects.link(other)
    other.select_set(True)
    face = spoken(make_head("arkit"), make_motion("arkit"))
    glb = reader()(save_glb(face, tmp_path / "head.glb"))
    assert "Other" not in [node["name"] for node in glb.tree["nodes"]]
    assert list(bpy.context.view_layer.objects.selected) == [other]


def test_meshes_that_follow_the_head_are_exported_with_it(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    teeth = bpy.data.objects.new("Teeth", bpy.data.meshes.new("Teeth"))
    teeth.data.from_pydata([(0, 0, 0), (0.01, 0, 0), (0, 0.01, 0)], [], [(0, 1, 2)])
    bpy.context.scene.collection.objects.link(teeth)
    face = dataclasses.replace(spoken(make_head("arkit"), make_motion("arkit", frames=3)), followers=(teeth,))
    glb = reader()(save_glb(face, tmp_path / "head.glb"))
    assert {"Teeth", face.mesh.name} <= {node["name"] for node in glb.tree["nodes"] if "mesh" in node}


def test_a_blend_opens_again_with_its_animation_and_its_sound(
    make_head: Maker,
    make_motion: Motions,
    tmp_path: Path,
    speech: Path,
    evaluated: Callable[..., np.ndarray],
) -> None:
    head, motion = make_head("flame"), make_motion("flame")
    face = spoken(head, motion)
    name = face.mesh.name
    if compat.has_sound():
        copied = tmp_path / "copied.wav"
        copied.write_bytes(speech.read_bytes())
        place_sound(bpy.context.scene, copied)
    path = save_blend(tmp_path / "new" / "head.blend")
    if compat.has_sound():
        copied.unlink()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    face = faces.face_of(bpy.data.objects[name])
    wanted = rig.to_blender(vertices(head, motion.expression, motion.jaw))
    for frame in (0, 29):
        np.testing.assert_allclose(evaluated(face.mesh, frame + 1), wanted[frame], atol=EXACT)
    if compat.has_sound():
        (strip,) = compat.strips(bpy.context.scene)
        assert strip.sound.packed_file is not None


def test_a_file_that_cannot_be_written_leaves_no_part_behind(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    blocked = tmp_path / "taken"
    blocked.write_text("a file where a folder should be")
    for write in (lambda: save_blend(blocked / "head.blend"), lambda: save_glb(face, blocked / "head.glb")):
        with pytest.raises(SceneError, match=r"head\.(blend|glb) could not be"):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.skipif(os.name != "posix", reason="the size of files is limited as POSIX does it")
@pytest.mark.parametrize("kind", ["blend", "glb"])
def test_a_disk_that_fills_up_is_told_in_one_line_and_leaves_nothing(
    make_head: Maker, make_motion: Motions, tmp_path: Path, kind: str
) -> None:
    """Even within the last bytes, which Blender itself takes for success."""
    import resource  # noqa: PLC0415

    face = spoken(make_head("arkit"), make_motion("arkit"))
    path = tmp_path / f"head.{kind}"
    write = {"blend": lambda: save_blend(path), "glb": lambda: save_glb(face, path)}[kind]
    size = write().stat().st_size
    path.unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A .blend holds addresses of memory, compressed: its size differs by some bytes from one time to the next.
    short = {"blend": 400, "glb": 1}[kind]
    for limit in (size // 2, size - 1000, size - short):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(SceneError, match=rf"head\.{kind} could not be") as caught:
                write()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "Traceback" not in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not list(tmp_path.iterdir())


def test_an_exporter_that_is_switched_off_is_named(make_head: Maker, make_motion: Motions, tmp_path: Path) -> None:
    import addon_utils  # noqa: PLC0415

    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    addon_utils.disable("io_scene_gltf2", default_set=True)
    with pytest.raises(SceneError, match="glTF exporter is switched off"):
        save_glb(face, tmp_path / "head.glb")
    assert not list(tmp_path.iterdir())

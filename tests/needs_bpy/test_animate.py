"""The whole way: a motion and a sound go in, files come out that open again and agree with each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import compat, faces, render, rig
from lsf_blender_addon.blender.animate import SceneHead, animate
from lsf_blender_addon.blender.export import save_blend
from lsf_blender_addon.errors import CancelledError, SceneError
from lsf_blender_addon.head.flame import Head, read_head
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import FaceMotion

Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]
SMALL = render.Picture(width=64, height=64, smooth="OFF")


@pytest.mark.usefixtures("_needs_sound")
def test_a_recording_becomes_a_blend_a_glb_and_a_movie(
    make_head: Maker, make_motion: Motions, tmp_path: Path, speech: Path
) -> None:
    head, motion = make_head("arkit"), make_motion("arkit")
    steps: list[float] = []
    report = animate(
        speech, motion, head, tmp_path / "out", picture=SMALL, progress=lambda _, share: steps.append(share)
    )
    assert list(report.files) == ["blend", "glb", "mp4"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["speech.blend", "speech.glb", "speech.mp4"]
    assert (report.frames, report.fps) == (50, 25.0)
    assert steps == sorted(steps)
    assert steps[-1] == pytest.approx(1.0)
    bpy.ops.wm.open_mainfile(filepath=str(report.files["blend"]))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end, compat.rate(scene)) == (1, 50, 25)
    assert scene.camera is not None
    (strip,) = compat.strips(scene)
    assert (compat.content_start(strip), strip.name) == (1, "speech")
    assert faces.face_of(bpy.data.objects["speech"]).keys.animation_data.action is not None


def test_the_scene_may_have_another_rate_than_the_motion(
    make_head: Maker, make_motion: Motions, tmp_path: Path, evaluated: Callable[..., np.ndarray]
) -> None:
    """At 50 frames a second every second frame is one of the motion's own."""
    head, motion = make_head("arkit"), make_motion("arkit")
    report = animate(None, motion, head, tmp_path, name="fast", fps=50, outputs=["blend"])
    assert (report.frames, report.fps, list(report.files)) == (100, 50.0, ["blend"])
    bpy.ops.wm.open_mainfile(filepath=str(report.files["blend"]))
    wanted = rig.to_blender(vertices(head, motion.expression, motion.jaw))
    mesh = bpy.data.objects["fast"]
    for frame in (0, 20, 49):
        np.testing.assert_allclose(evaluated(mesh, 1 + 2 * frame), wanted[frame], atol=1e-4)


def test_the_bundled_head_moves_in_blender_as_in_numpy(
    make_motion: Motions, tmp_path: Path, repository: Path, evaluated: Callable[..., np.ndarray]
) -> None:
    path = repository / "vendor_models" / "head" / "head.npz"
    if not path.is_file():
        pytest.skip("the bundled head is not built yet: run scripts/build_head.py")
    head, motion = read_head(path), make_motion("arkit", size=0.3)
    animate(None, motion, head, tmp_path, outputs=[], name="bundled")
    wanted = rig.to_blender(vertices(head, motion.expression, motion.jaw))
    for frame in (0, 25, 49):
        np.testing.assert_allclose(evaluated(bpy.data.objects["bundled"], 1 + frame), wanted[frame], atol=1e-4)


def test_a_blender_without_sound_says_so(
    make_head: Maker, make_motion: Motions, tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the module build of 4.2 is; elsewhere its answer is put in its mouth."""
    monkeypatch.setattr(compat, "has_sound", lambda: False)
    with pytest.raises(SceneError, match="built without sound"):
        animate(speech, make_motion("arkit"), make_head("arkit"), tmp_path)
    assert not list(tmp_path.iterdir())
    report = animate(speech, make_motion("arkit"), make_head("arkit"), tmp_path, outputs=["blend"])
    assert report.files == {"blend": tmp_path / "speech.blend"}
    assert "no sound strip" in report.notes[-1]


@pytest.mark.usefixtures("_needs_sound")
def test_the_sound_may_begin_at_any_frame(
    make_head: Maker, make_motion: Motions, tmp_path: Path, speech: Path, evaluated: Callable[..., np.ndarray]
) -> None:
    head, motion = make_head("arkit"), make_motion("arkit")
    report = animate(speech, motion, head, tmp_path, outputs=["blend", "fbx", "abc"], start_frame=1001)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["speech.abc", "speech.blend", "speech.fbx"]
    bpy.ops.wm.open_mainfile(filepath=str(report.files["blend"]))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end) == (1001, 1050)
    assert compat.content_start(compat.strips(scene)[0]) == 1001
    wanted = rig.to_blender(vertices(head, motion.expression, motion.jaw))
    np.testing.assert_allclose(evaluated(bpy.data.objects["speech"], 1020), wanted[19], atol=1e-4)


def test_a_head_in_a_scene_of_its_own_is_animated_there(
    make_head: Maker, make_motion: Motions, tmp_path: Path, evaluated: Callable[..., np.ndarray]
) -> None:
    """With the file's rate and everything else in it; the file itself stays as it is."""
    head, motion = make_head("arkit"), make_motion("arkit")
    scene = bpy.context.scene
    compat.set_rate(scene, 50.0)
    rig.build_rig(head, "Anna")
    rig.build_rig(make_head("flame"), "Flo")
    scene.collection.objects.link(bpy.data.objects.new("Lamp post", None))
    save_blend(tmp_path / "scene.blend")
    before = (tmp_path / "scene.blend").read_bytes()
    place = SceneHead(tmp_path / "scene.blend", "Anna armature")
    report = animate(None, motion, place, tmp_path / "out", name="line", outputs=["blend", "glb"])
    assert (report.frames, report.fps) == (100, 50.0)
    assert (tmp_path / "scene.blend").read_bytes() == before
    bpy.ops.wm.open_mainfile(filepath=str(report.files["blend"]))
    assert "Lamp post" in bpy.data.objects
    wanted = rig.to_blender(vertices(head, motion.expression, motion.jaw))
    np.testing.assert_allclose(evaluated(bpy.data.objects["Anna"], 1 + 2 * 20), wanted[20], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "words"),
    [(None, "not one head but 2"), ("Nobody", "no object 'Nobody'"), ("Flo", "'Flo' is another")],
)
def test_a_head_that_a_scene_does_not_have_is_named(
    make_head: Maker, make_motion: Motions, tmp_path: Path, name: str | None, words: str
) -> None:
    rig.build_rig(make_head("arkit"), "Anna")
    rig.build_rig(make_head("flame"), "Flo")
    save_blend(tmp_path / "scene.blend")
    with pytest.raises(SceneError, match=words):
        animate(None, make_motion("arkit"), SceneHead(tmp_path / "scene.blend", name), tmp_path / "out", name="line")
    assert not (tmp_path / "out").exists()


def test_what_is_no_blend_is_named(make_motion: Motions, tmp_path: Path) -> None:
    (tmp_path / "bad.blend").write_text("words")
    with pytest.raises(SceneError, match=r"cannot open .*bad\.blend"):
        animate(None, make_motion("arkit"), SceneHead(tmp_path / "bad.blend"), tmp_path, name="line")
    with pytest.raises(SceneError, match=r"no file .*none\.blend"):
        animate(None, make_motion("arkit"), SceneHead(tmp_path / "none.blend"), tmp_path, name="line")


def test_a_head_of_another_space_is_refused_before_anything_is_written(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    with pytest.raises(SceneError, match="understands 'flame'"):
        animate(None, make_motion("arkit"), make_head("flame"), tmp_path, name="wrong")
    with pytest.raises(SceneError, match="cannot be the name of a file"):
        animate(None, make_motion("arkit"), make_head("arkit"), tmp_path, name="../wrong")
    assert not list(tmp_path.iterdir())


def test_cancel_keeps_what_was_finished_before(make_head: Maker, make_motion: Motions, tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        animate(
            None,
            make_motion("arkit"),
            make_head("arkit"),
            tmp_path,
            name="cut",
            outputs=["mp4", "blend"],
            picture=SMALL,
            cancelled=lambda: True,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["cut.blend"]

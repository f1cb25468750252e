"""Everything that follows a strip in a run, with the real worker, in builds of Blender without sound too.

The module of Blender 4.2 on the Python package index holds no sound strips, so here a recording stands for one; where
Blender cannot decode it, the worker reads the file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import compat, faces, jobs, orders, preferences, rig, strips, takes
from lsf_blender_addon.blender.kept import Where
from lsf_blender_addon.blender.prediction import Wish
from lsf_blender_addon.models.store import DEFAULT_MODEL, model_folder
from lsf_blender_addon.worker.client import Worker

pytestmark = pytest.mark.usefixtures("_switched_on")

VOICE = Path(__file__).parents[2] / "samples" / "hello.wav"


@pytest.fixture
def mesh(make_head: Callable[..., Any]) -> Any:
    bpy.context.scene.render.fps = 25
    mesh = rig.build_rig(make_head("arkit", correctives=False), "Ann").mesh
    bpy.context.view_layer.objects.active = mesh
    return mesh


def run(mesh: Any, speech: Path, *, count: int = 1, to_nla: bool = False) -> dict[str, Any]:
    """What *Animate from Audio* does once it has looked at a strip of two seconds from frame 11 on."""
    heard = strips.Recording(speech, 0.0, 2.0, 11.0, 11, 60, name="speech")
    python = preferences.worker_python(bpy.context)
    assert python is not None
    wish = Wish((heard,), model_folder(DEFAULT_MODEL), takes=count, seed=7)
    places = (Where.of(heard, bpy.context.scene.name),)
    order = orders.Order(wish, mesh.session_uid, mesh.name, places, "speech", None, to_nla, "Starter")
    job = jobs.Job(order, jobs._workers.setdefault(python, Worker(python)))
    jobs._current[:] = [job]
    while not job.over:
        job.step()
        job.end_if_hung()
    return jobs.finish(bpy.context)


def pucker(mesh: Any, frame: float) -> float:
    keys = mesh.data.shape_keys
    (curve,) = (curve for curve in compat.curves_of(keys) if curve.data_path == 'key_blocks["mouthPucker"].value')
    return float(curve.evaluate(frame))


def test_two_takes_are_baked_listed_and_reported(mesh: Any, speech: Path) -> None:
    told = run(mesh, speech, count=2)
    assert [take.name for take in mesh.lsf.takes] == ["speech take 1", "speech take 2"]
    assert (told["takes"], told["seed"], told["first"], told["last"], told["model"]) == (2, 7, 6, 65, "Starter")
    assert told == json.loads(mesh.lsf.report)
    for owner in faces.face_of(mesh).owners:
        assert tuple(compat.assignment(owner)[0].frame_range) == (6, 65)
    assert all(part.action.use_fake_user for take in mesh.lsf.takes for part in take.parts)


def test_what_was_predicted_moves_the_head_and_is_shaped(
    mesh: Any, speech: Path, evaluated: Callable[..., np.ndarray]
) -> None:
    run(mesh, speech)
    rest = evaluated(mesh, 1)
    frames = range(11, 61)
    moved = [np.abs(evaluated(mesh, frame) - rest).max() for frame in frames]
    assert max(moved) > 1e-4
    mesh.lsf.expression = mesh.lsf.jaw = 0.0
    assert max(np.abs(evaluated(mesh, frame) - rest).max() for frame in frames) < 1e-6
    bpy.ops.lsf.reset_shaping()
    again = [np.abs(evaluated(mesh, frame) - rest).max() for frame in frames]
    np.testing.assert_array_equal(again, moved)
    assert not mesh.lsf.takes[0].edited


def test_takes_in_the_nla_are_swapped(mesh: Any, speech: Path) -> None:
    run(mesh, speech, count=2, to_nla=True)
    for owner in faces.face_of(mesh).owners:
        (track,) = owner.animation_data.nla_tracks
        (strip,) = track.strips
        assert strip.action in {part.action for part in mesh.lsf.takes[0].parts}
        assert (strip.frame_start, strip.frame_end) == (6, 65)
    mesh.lsf.active_take = 1
    for owner in faces.face_of(mesh).owners:
        (strip,) = owner.animation_data.nla_tracks[0].strips
        assert strip.action in {part.action for part in mesh.lsf.takes[1].parts}


def test_one_undo_takes_a_run_back(mesh: Any, speech: Path) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    run(mesh, speech)
    bpy.ops.ed.undo_push(message="Animate from Audio")
    bpy.ops.ed.undo()
    mesh = bpy.data.objects["Ann"]
    assert (len(mesh.lsf.takes), len(bpy.data.actions), mesh.lsf.report) == (0, 0, "")
    assert all(compat.assignment(owner) == (None, None) for owner in faces.face_of(mesh).owners)


def test_an_artists_action_comes_back_by_a_click_and_a_removed_take_leaves_it(mesh: Any, speech: Path) -> None:
    mesh.data.shape_keys.key_blocks["mouthPucker"].keyframe_insert("value", frame=7)
    own = mesh.data.shape_keys.animation_data.action
    told = run(mesh, speech)
    assert any(repr(own.name) in sentence for sentence in told["warnings"])
    mesh.lsf.active_take = 0
    assert mesh.data.shape_keys.animation_data.action == own
    takes.remove(mesh, 1)
    assert [action.name for action in bpy.data.actions] == [own.name]


def test_the_same_seed_gives_the_same_take_again(mesh: Any, speech: Path) -> None:
    run(mesh, speech)
    first = [pucker(mesh, frame) for frame in range(6, 66)]
    run(mesh, speech)
    assert [pucker(mesh, frame) for frame in range(6, 66)] == first


PLAYS_ALONE = """
import sys
import bpy, numpy as np
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
assert not hasattr(bpy.types.Object, "lsf")
mesh, shapes = bpy.data.objects["Ann"], []
for frame in range(6, 66, 4):
    bpy.context.scene.frame_set(frame)
    drawn = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    shapes.append([tuple(mesh.matrix_world @ vertex.co) for vertex in drawn.vertices])
np.save(sys.argv[2], np.array(shapes, np.float32))
bpy.ops.wm.save_mainfile()
sys.stdout.flush()
import os
os._exit(0)
"""


@pytest.mark.parametrize("to_nla", [False, True], ids=["action", "nla"])
def test_without_the_extension_a_saved_file_plays_the_same_and_keeps_its_takes(
    mesh: Any, evaluated: Callable[..., np.ndarray], tmp_path: Path, *, to_nla: bool
) -> None:
    run(mesh, VOICE, to_nla=to_nla)
    shapes = np.stack([evaluated(mesh, frame) for frame in range(6, 66, 4)])
    assert np.ptp(shapes, axis=0).max() > 1e-3
    path, seen = tmp_path / "saved.blend", tmp_path / "seen.npy"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    subprocess.run([sys.executable, "-c", PLAYS_ALONE, str(path), str(seen)], check=True, capture_output=True)
    np.testing.assert_allclose(np.load(seen), shapes, atol=1e-6)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    mesh = bpy.data.objects["Ann"]
    assert [take.title for take in mesh.lsf.takes] == ["speech"]
    mesh.lsf.mouth = 0.5
    assert not mesh.lsf.takes[0].edited

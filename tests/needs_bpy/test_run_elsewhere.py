"""A run while other things happen to Blender: an undo, its end in whatever way, another Blender beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest

from lsf_blender_addon.blender import compat, jobs, rig, strips
from lsf_blender_addon.errors import SceneError

pytestmark = pytest.mark.usefixtures("_needs_sound", "_switched_on")
PATIENCE = 120.0

A_BLENDER = """
import json, os, sys, time
from pathlib import Path
import bpy
import lsf_blender_addon
from lsf_blender_addon.blender import compat, jobs, rig, strips
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.models.store import bundled_head

sound, end = Path(sys.argv[1]), sys.argv[2]
lsf_blender_addon.register()
scene = bpy.context.scene
mesh = rig.build_rig(read_head(bundled_head()), "Ann").mesh
bpy.context.view_layer.objects.active = mesh
strips.place_sound(scene, sound, 11)
compat.show_in_sequencer(bpy.context, scene)
job = jobs.start(bpy.context)
(worker,) = jobs._workers.values()
while not worker.busy and not job.over:
    job.step()
    time.sleep(0.01)
print("WORKER", worker.pid, flush=True)
if end == "quit":
    sys.exit(0)
if end == "killed":
    time.sleep(600)
while not job.over:
    job.step()
    time.sleep(0.01)
told = jobs.finish(bpy.context)
print("TOLD", json.dumps([told["keys"], mesh.lsf.takes[0].name]), flush=True)
lsf_blender_addon.unregister()
"""
"""A Blender that animates a head, and ends as its second word says."""


def another_blender(sound: Path, end: str, project: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", A_BLENDER, str(sound), end]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


def worker_of(blender: subprocess.Popen[str]) -> int:
    assert blender.stdout is not None
    for line in blender.stdout:
        if line.startswith("WORKER "):
            return int(line.split()[1])
    raise AssertionError("Blender ended before its worker was busy")


def gone(pid: int) -> bool:
    latest = time.monotonic() + 30
    while time.monotonic() < latest:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("end", ["quit", "killed"])
def test_a_blender_that_ends_during_a_run_leaves_no_worker(end: str, speech: Path, pytestconfig: Any) -> None:
    with another_blender(speech, end, pytestconfig.rootpath) as blender:
        pid = worker_of(blender)
        if end == "killed":
            blender.send_signal(signal.SIGKILL)
        blender.communicate(timeout=PATIENCE)
    assert gone(pid)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_two_blenders_at_once_have_a_worker_each_and_make_the_same(speech: Path, pytestconfig: Any) -> None:
    with (
        another_blender(speech, "finish", pytestconfig.rootpath) as one,
        another_blender(speech, "finish", pytestconfig.rootpath) as other,
    ):
        pids = {worker_of(one), worker_of(other)}
        said = [blender.communicate(timeout=PATIENCE)[0].split("TOLD ", 1)[1] for blender in (one, other)]
    assert len(pids) == 2
    first, second = (json.loads(words.splitlines()[0]) for words in said)
    assert first == second
    assert first[0] > 0
    assert all(gone(pid) for pid in pids)


def test_names_and_paths_in_any_language_without_a_camera(
    make_head: Callable[..., Any], tmp_path: Path, speech: Path
) -> None:
    folder = tmp_path / "Ünïcode 声 with spaces"
    folder.mkdir()
    sound = folder / "grüße.wav"
    sound.write_bytes(speech.read_bytes())
    scene = bpy.context.scene
    assert scene.camera is None
    mesh = rig.build_rig(make_head("arkit", correctives=False), "Ärmel").mesh
    bpy.context.view_layer.objects.active = mesh
    strips.place_sound(scene, sound, 11)
    compat.show_in_sequencer(bpy.context, scene)
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    saved = str(folder / "szene ü.blend")
    bpy.ops.wm.save_as_mainfile(filepath=saved)
    bpy.ops.wm.open_mainfile(filepath=saved)
    assert bpy.data.objects["Ärmel"].lsf.takes[0].name == "grüße"


def test_an_undo_during_a_run_that_takes_the_head_away_costs_a_sentence(
    make_head: Callable[..., Any], speech: Path
) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    scene = bpy.context.scene
    strips.place_sound(scene, speech, 11)
    compat.show_in_sequencer(bpy.context, scene)
    bpy.ops.ed.undo_push(message="before the head")
    mesh = rig.build_rig(make_head("arkit", correctives=False), "Ann").mesh
    bpy.context.view_layer.objects.active = mesh
    bpy.ops.ed.undo_push(message="the head")
    job = jobs.start(bpy.context)
    latest = time.monotonic() + PATIENCE
    while not job.over:
        assert time.monotonic() < latest
        if "Ann" in bpy.data.objects:
            assert bpy.ops.ed.undo() == {"FINISHED"}
        job.step()
        time.sleep(0.01)
    assert "Ann" not in bpy.data.objects
    with pytest.raises(SceneError, match="was deleted"):
        jobs.finish(bpy.context)
    assert len(bpy.data.actions) == 0
    assert jobs.current() is None

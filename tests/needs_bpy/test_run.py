"""A whole run with the real worker: baked in one go, or ended by anything that can happen on the way."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest

from lsf_blender_addon.blender import compat, failures, jobs, kept, operators, strips
from lsf_blender_addon.errors import CancelledError, LsfError, SceneError, WorkerError
from lsf_blender_addon.worker.client import PYTHON_VARIABLE, Worker

PATIENCE = 120.0


pytestmark = pytest.mark.usefixtures("_needs_sound", "_switched_on")


@pytest.fixture
def let_go_on() -> Iterator[Callable[[], None]]:
    """A warm worker, held where it stands, as it could answer before a test looks; the call lets it go on.

    It goes on after the test in any case: one that stays held keeps every later test waiting.
    """
    if os.name != "posix":
        pytest.skip("signals")
    python = Path(os.environ[PYTHON_VARIABLE])
    held = jobs._workers.setdefault(python, Worker(python))
    held.wait_ready()
    pid = held.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    def go_on() -> None:
        if held.pid == pid:
            os.kill(pid, signal.SIGCONT)

    yield go_on
    go_on()


def until(job: jobs.Job, true: Callable[[], bool]) -> None:
    latest = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < latest, f"still {job.status}"
        assert not job.over, f"over before it came to that: {job.error}"
        job.step()
        time.sleep(0.01)


def state() -> tuple[Any, ...]:
    """What a run must not touch until it bakes."""
    mesh = bpy.data.objects["Ann"]
    spans = tuple((key.slider_min, key.slider_max, key.value) for key in mesh.data.shape_keys.key_blocks)
    data = (bpy.data.actions, bpy.data.objects, bpy.data.sounds, bpy.data.scenes, bpy.data.texts)
    return spans, mesh.data.shape_keys.animation_data, len(mesh.lsf.takes), *(tuple(part.keys()) for part in data)


def test_one_click_makes_takes_that_lie_at_the_strip_and_a_report(scene: Any) -> None:
    scene.lsf.takes, scene.lsf.seed = 2, 7
    assert operators.why_not(bpy.context) == ""
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    mesh = bpy.data.objects["Ann"]
    assert [take.name for take in mesh.lsf.takes] == ["speech take 1", "speech take 2"]
    assert mesh.lsf.active_take == 0
    action = mesh.lsf.takes[0].parts[0].action
    assert mesh.data.shape_keys.animation_data.action == action
    assert tuple(action.frame_range) == (6, 65)
    told = json.loads(mesh.lsf.report)
    assert (told["takes"], told["seed"], told["first"], told["last"], told["model"]) == (2, 7, 6, 65, "Starter")
    assert failures.last() is None
    assert jobs.current() is None


@pytest.mark.usefixtures("scene")
def test_locked_keys_transforms_and_curves_are_no_hindrance_and_stay_locked() -> None:
    """Locks are there for hands: a take is an Action of its own, and the locked one is put aside whole."""
    mesh = bpy.data.objects["Ann"]
    keys = mesh.data.shape_keys
    mesh.lock_location = mesh.lock_rotation = mesh.lock_scale = (True, True, True)
    for key in keys.key_blocks:
        key.lock_shape = True
    keys.key_blocks["mouthPucker"].keyframe_insert("value", frame=3)
    own = keys.animation_data.action
    (curve,) = compat.curves_of(keys)
    curve.lock = True
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    assert keys.animation_data.action != own
    assert len(curve.keyframe_points) == 1
    assert curve.lock
    assert all(key.lock_shape for key in keys.key_blocks)


@pytest.mark.usefixtures("scene")
def test_takes_of_a_second_run_are_numbered_on() -> None:
    bpy.ops.lsf.animate()
    bpy.context.scene.lsf.takes = 2
    bpy.ops.lsf.animate()
    bpy.ops.lsf.animate()
    names = [take.name for take in bpy.data.objects["Ann"].lsf.takes]
    assert names == ["speech", *(f"speech take {number}" for number in range(1, 5))]


@pytest.mark.usefixtures("scene")
def test_the_takes_of_a_second_head_carry_its_name_and_no_number_of_blenders(make_head: Callable[..., Any]) -> None:
    from lsf_blender_addon.blender import rig  # noqa: PLC0415

    bpy.ops.lsf.animate()
    bob = rig.build_rig(make_head("arkit", correctives=False), "Bob").mesh
    bpy.context.view_layer.objects.active = bob
    bpy.ops.lsf.animate()
    bpy.ops.lsf.animate()
    called = "speech (Bob)" if compat.has_slots() else "speech"
    assert [take.name for take in bob.lsf.takes] == [called, f"{called} take 1"]
    assert not any(action.name[-4:] == ".001" for action in bpy.data.actions)


def test_the_feeling_of_another_strip_is_asked_for_and_a_lost_one_is_said(scene: Any, speech: Path) -> None:
    other = strips.place_sound(scene, speech, 200, name="angry")
    other.select = False
    scene.lsf.feeling, scene.lsf.feeling_strip = 1.5, "angry"
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    (motion,) = kept.kept_in(bpy.data.objects["Ann"].lsf.takes[0].parts[0].action).motions
    assert (motion.origin["emotion_strength"], motion.origin["emotion_from"]) == (1.5, "angry")
    compat.strips(scene).remove(other)
    assert "'angry'" in operators.why_not(bpy.context)


def test_no_step_of_a_run_keeps_the_window_waiting(scene: Any) -> None:
    """Processor time, so that a busy machine does not count: a tenth of a second is what a person feels."""
    assert operators.why_not(bpy.context) == ""
    begun = time.process_time()
    job = jobs.start(bpy.context)
    longest = time.process_time() - begun
    while not job.over:
        begun = time.process_time()
        job.step()
        longest = max(longest, time.process_time() - begun)
        time.sleep(0.01)
    jobs.finish(bpy.context)
    assert longest <= 0.1
    assert len(scene.objects) == 2


def test_a_file_becomes_a_strip_when_it_is_baked_and_not_before(scene: Any, speech: Path) -> None:
    compat.strips(scene).remove(compat.strips(scene)[0])
    scene.lsf.source, scene.lsf.sound_file = "FILE", str(speech)
    scene.frame_set(31)
    job = jobs.start(bpy.context)
    assert len(compat.strips(scene)) == 0
    until(job, lambda: job.predicted is not None)
    jobs.finish(bpy.context)
    (strip,) = compat.strips(scene)
    assert compat.shown(strip)[0] == 31
    assert bpy.data.objects["Ann"].lsf.takes[0].parts[0].action.frame_range[0] == 26


@pytest.mark.usefixtures("scene")
def test_cancel_leaves_the_scene_as_it_was_and_the_worker_warm(let_go_on: Callable[[], None]) -> None:
    before = state()
    job = jobs.start(bpy.context)
    until(job, lambda: worker().busy)
    pid = worker().pid
    job.cancel()
    let_go_on()
    with pytest.raises(CancelledError):
        jobs.finish(bpy.context)
    assert state() == before
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    assert worker().pid == pid


def worker() -> Any:
    (found,) = jobs._workers.values()
    return found


@pytest.mark.usefixtures("scene", "let_go_on")
def test_a_worker_that_is_killed_leaves_its_last_words_and_is_replaced() -> None:
    before = state()
    job = jobs.start(bpy.context)
    until(job, lambda: worker().busy)
    os.kill(worker().pid, signal.SIGKILL)
    until(job, lambda: job.error is not None)
    with pytest.raises(WorkerError, match="died"):
        jobs.finish(bpy.context)
    assert state() == before
    assert bpy.ops.lsf.animate() == {"FINISHED"}


def test_a_folder_that_cannot_be_written_is_no_hindrance(scene: Any, speech: Path, tmp_path: Path) -> None:
    """The sound and the file lie where nothing can be written, as on a server."""
    folder = tmp_path / "server"
    folder.mkdir()
    sound = folder / "voice.wav"
    sound.write_bytes(speech.read_bytes())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    places = [*folder.iterdir(), folder]
    for place in places:
        place.chmod(place.stat().st_mode & ~0o222)
    before = {place: place.stat().st_mtime_ns for place in places}
    scene.lsf.source, scene.lsf.sound_file = "FILE", "//voice.wav"
    try:
        assert bpy.ops.lsf.animate() == {"FINISHED"}
        assert {place: place.stat().st_mtime_ns for place in [*folder.iterdir(), folder]} == before
    finally:
        for place in places:
            place.chmod(place.stat().st_mode | 0o200)


@pytest.mark.usefixtures("scene", "let_go_on")
def test_a_worker_that_hangs_is_ended_after_the_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PATIENCE", 0.5)
    job = jobs.start(bpy.context)
    until(job, lambda: worker().busy)
    pid = worker().pid
    job.cancel()
    with pytest.raises(CancelledError):
        jobs.finish(bpy.context)
    watch = jobs._watch(worker())
    begun = time.monotonic()
    while watch() is not None:
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.05)
    assert worker().pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.usefixtures("scene", "let_go_on")
def test_a_worker_that_says_nothing_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.start(bpy.context)
    until(job, lambda: worker().busy)
    assert not job.silent
    monkeypatch.setattr(jobs, "SILENT", 0.2)
    until(job, lambda: job.silent)
    job.cancel()
    assert not job.silent


@pytest.mark.usefixtures("scene", "let_go_on")
def test_a_script_does_not_wait_for_a_worker_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HUNG", 1.0)
    before, pid = state(), worker().pid
    begun = time.monotonic()
    assert bpy.ops.lsf.animate() == {"CANCELLED"}
    assert time.monotonic() - begun < 10
    told = failures.last()
    assert told is not None
    assert told.sentence.startswith("The network said nothing for 1 s and was stopped; nothing was changed.")
    assert state() == before
    assert jobs.current() is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    monkeypatch.undo()
    assert bpy.ops.lsf.animate() == {"FINISHED"}


@pytest.mark.usefixtures("scene")
def test_a_word_of_the_worker_begins_the_wait_anew() -> None:
    job = jobs.start(bpy.context)
    job.changed -= jobs.HUNG + 1
    until(job, lambda: job.status.stage == "Reading the sound")
    job.end_if_hung()
    assert job.error is None
    job.changed -= jobs.HUNG + 1
    job.end_if_hung()
    with pytest.raises(WorkerError, match="said nothing for 300 s"):
        jobs.finish(bpy.context)


@pytest.mark.usefixtures("scene")
def test_a_head_deleted_on_the_way_costs_nothing_that_was_computed() -> None:
    job = jobs.start(bpy.context)
    until(job, lambda: job.predicted is not None)
    bpy.data.objects.remove(bpy.data.objects["Ann"])
    with pytest.raises(SceneError, match="was deleted"):
        jobs.finish(bpy.context)
    assert len(bpy.data.actions) == 0
    assert jobs.unbaked() is not None
    assert jobs.current() is None


@pytest.mark.usefixtures("scene")
def test_a_reason_that_goes_away_lets_the_kept_prediction_be_baked() -> None:
    job = jobs.start(bpy.context)
    until(job, lambda: job.predicted is not None)
    mesh = bpy.data.objects["Ann"]
    mesh.show_only_shape_key = True
    with pytest.raises(SceneError, match="unpin"):
        jobs.finish(bpy.context)
    assert len(bpy.data.actions) == 0
    mesh.show_only_shape_key = False
    assert bpy.ops.lsf.bake_kept() == {"FINISHED"}
    assert len(mesh.lsf.takes) == 1
    assert jobs.unbaked() is None


def test_a_strip_deleted_on_the_way_leaves_the_line_where_it_was(scene: Any, let_go_on: Callable[[], None]) -> None:
    job = jobs.start(bpy.context)
    until(job, lambda: worker().busy)
    compat.strips(scene).remove(compat.strips(scene)[0])
    let_go_on()
    until(job, lambda: job.predicted is not None)
    jobs.finish(bpy.context)
    assert bpy.data.objects["Ann"].lsf.takes[0].parts[0].action.frame_range[0] == 6


@pytest.mark.usefixtures("scene", "let_go_on")
def test_another_file_ends_the_run() -> None:
    job = jobs.start(bpy.context)
    until(job, lambda: worker().busy)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert jobs.current() is None
    assert isinstance(job.error, CancelledError)
    assert len(bpy.data.actions) == 0


@pytest.mark.usefixtures("scene")
def test_two_runs_at_once_are_refused() -> None:
    job = jobs.start(bpy.context)
    assert "under way" in operators.why_not(bpy.context)
    with pytest.raises(SceneError, match="under way"):
        jobs.start(bpy.context)
    bpy.ops.lsf.cancel()
    assert job.over
    with pytest.raises(CancelledError):
        jobs.finish(bpy.context)


@pytest.mark.skipif(os.name != "posix", reason="a script with a first line")
@pytest.mark.usefixtures("scene")
def test_a_python_that_prints_garbage_gives_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho no message at all\nsleep 30\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(PYTHON_VARIABLE, str(script))
    job = jobs.start(bpy.context)
    begun = time.monotonic()
    until(job, lambda: job.error is not None)
    assert time.monotonic() - begun < 6  # the script's own child, which holds the pipe for half a minute, is ended too
    with pytest.raises(WorkerError, match="something other than messages"):
        jobs.finish(bpy.context)
    assert bpy.ops.lsf.animate() == {"CANCELLED"}
    told = failures.last()
    assert told is not None
    assert "Traceback" in told.details


def no_strip(scene: Any, _: Any) -> str:
    compat.strips(scene).remove(compat.strips(scene)[0])
    return "Select a sound strip in the sequencer, or choose a sound file"


def no_head(_scene: Any, _: Any) -> str:
    bpy.data.objects.remove(bpy.data.objects["Ann"])
    bpy.data.objects.remove(bpy.data.objects["Ann armature"])
    return "Select a head first"


def missing_file(scene: Any, tmp_path: Path) -> str:
    compat.strips(scene)[0].sound.filepath = str(tmp_path / "göne.wav")
    return "is missing"


def missing_model(scene: Any, _: Any) -> str:
    scene.lsf.model = "nowhere"
    return "no model 'nowhere'"


def driven(_scene: Any, _: Any) -> str:
    bpy.data.objects["Ann"].data.shape_keys.key_blocks["jawLeft"].driver_add("value")
    return "A driver holds"


def tweaked(_scene: Any, _: Any) -> str:
    keys = bpy.data.objects["Ann"].data.shape_keys
    keys.key_blocks["jawLeft"].keyframe_insert("value", frame=1)
    data = keys.animation_data
    track = data.nla_tracks.new()
    track.strips.new("mine", 1, data.action)
    data.action = None
    track.select = track.strips[0].select = True
    data.nla_tracks.active = track
    data.use_tweak_mode = True
    return "tweak mode"


@pytest.mark.parametrize("trouble", [no_strip, no_head, missing_file, missing_model, driven, tweaked])
def test_a_greyed_button_says_why_and_a_script_is_refused_with_the_same_words(
    scene: Any, tmp_path: Path, trouble: Callable[[Any, Any], str]
) -> None:
    words = trouble(scene, tmp_path)
    assert words in operators.why_not(bpy.context)
    with pytest.raises(RuntimeError, match=r"poll\(\)"):
        bpy.ops.lsf.animate()
    with pytest.raises(LsfError, match=words):
        jobs.start(bpy.context)
    assert jobs.current() is None
    assert len(bpy.data.actions) <= 1


def test_a_head_in_edit_mode_that_is_parented_and_scaled_is_animated(scene: Any) -> None:
    mesh = bpy.data.objects["Ann"]
    body = bpy.data.objects.new("Body", None)
    scene.collection.objects.link(body)
    body.scale = 3, 3, 3
    bpy.data.objects["Ann armature"].parent = body
    mesh.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    assert mesh.mode == "EDIT"
    bpy.ops.object.mode_set(mode="OBJECT")
    assert len(mesh.lsf.takes) == 1


@pytest.mark.usefixtures("scene")
def test_in_edit_mode_one_undo_takes_the_take_back() -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="the scene")
    bpy.ops.object.mode_set("EXEC_DEFAULT", True, mode="EDIT")
    assert bpy.ops.lsf.animate("EXEC_DEFAULT", True) == {"FINISHED"}
    assert len(bpy.data.objects["Ann"].lsf.takes) == 1
    bpy.ops.ed.undo()
    assert bpy.data.objects["Ann"].mode == "EDIT"
    assert len(bpy.data.objects["Ann"].lsf.takes) == len(bpy.data.actions) == 0


def test_a_linked_head_is_refused_and_its_override_is_animated(scene: Any, tmp_path: Path) -> None:
    path = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    bpy.data.objects.remove(bpy.data.objects["Ann"])
    bpy.data.objects.remove(bpy.data.objects["Ann armature"])
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.objects = ["Ann"]
    linked = wanted.objects[0]
    scene.collection.objects.link(linked)
    scene.lsf.head = linked
    assert "library override" in operators.why_not(bpy.context)
    scene.lsf.head = linked.override_hierarchy_create(scene, bpy.context.view_layer)
    assert "mesh data of 'Ann'" in operators.why_not(bpy.context)
    scene.lsf.head.data.override_create(remap_local_usages=True)
    assert operators.why_not(bpy.context) == ""
    assert bpy.ops.lsf.animate() == {"FINISHED"}
    saved = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(saved))
    bpy.ops.wm.open_mainfile(filepath=str(saved))
    mesh = bpy.context.scene.lsf.head
    action = mesh.data.shape_keys.animation_data.action
    assert kept.kept_in(action).places[0].strip == "speech"

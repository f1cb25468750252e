"""A character speaks from the panel: the whole run, the same as on the command line, and shaped live afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

import lsf_blender_addon
from lsf_blender_addon.blender import compat, crossing, faces, failures, jobs, operators, strips
from lsf_blender_addon.cli import main
from tests.head.characters import shapes_of
from tests.needs_bpy.scene_characters import character, facekit, oculus_like, vrm_like

pytestmark = pytest.mark.usefixtures("_needs_sound", "_switched_on")

Points = Callable[..., np.ndarray]
START = 11


@pytest.fixture(scope="module")
def voice(request: pytest.FixtureRequest) -> Path:
    """The sample voice."""
    return Path(str(request.config.rootpath)) / "samples" / "hello.wav"


def animated(mesh: Any, sound: Path) -> dict[str, Any]:
    """One click, as an artist does it; what the panel then reports."""
    scene = bpy.context.scene
    scene.render.fps = 25
    bpy.context.view_layer.objects.active = mesh
    strips.place_sound(scene, sound, START)
    compat.show_in_sequencer(bpy.context, scene)
    assert operators.why_not(bpy.context) == ""
    assert bpy.ops.lsf.animate() == {"FINISHED"}, failures.last()
    told: dict[str, Any] = json.loads(mesh.lsf.report)
    return told


def on_the_command_line(path: Path, sound: Path, out: Path) -> Any:
    """The same head, sound and seed by ``lsf animate``; the mesh in the file that it wrote, opened."""
    words = ["animate", str(sound), "--head", str(path), "--object", "hero", "-o", str(out), "--blend", "--fps", "25"]
    assert main([*words, "--start-frame", str(START)]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(out / f"{sound.stem}.blend"))
    return bpy.data.objects["hero"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["VRM", "a jaw bone and a table of its own"])
def test_the_panel_and_the_command_line_make_the_same_face(
    kind: str, voice: Path, tmp_path: Path, evaluated: Points
) -> None:
    if kind == "VRM":
        mesh = character(vrm_like(), "hero")
    else:
        mesh = character(shapes_of(lambda name: f"shape {name[::-1]}", opening=False), "hero", bone="jaw")
        for name in ("mouthPucker", "mouthClose", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight"):
            said(mesh, f"shape {name[::-1]}", name)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"), copy=True)
    told = animated(mesh, voice)
    frames = range(START + 3, START + 40, 4)
    ours = [evaluated(mesh, frame) for frame in frames]
    lsf_blender_addon.unregister()
    try:
        theirs = on_the_command_line(tmp_path / "scene.blend", voice, tmp_path / "out")
        for frame, wanted in zip(frames, ours, strict=True):
            np.testing.assert_allclose(evaluated(theirs, frame), wanted, atol=1e-4)
    finally:
        lsf_blender_addon.register()
    assert np.abs(ours[3] - ours[0]).max() > 1e-3
    assert told["residual_mm"] < 3


def said(mesh: Any, shape: str, words: str) -> None:
    """What a person writes beside a shape key in the panel."""
    mesh.active_shape_key_index = mesh.data.shape_keys.key_blocks.find(shape)
    mesh.lsf.follows = words


@pytest.mark.slow
def test_a_third_party_face_speaks_from_the_panel(shared: Path, voice: Path) -> None:
    told = animated(facekit(shared), voice)
    assert told["channels"] == 53
    assert told["residual_mm"] < 1.5
    assert not any("names alone" in warning for warning in told["warnings"])


def test_mouth_lead_and_a_row_of_the_table_change_the_baked_keys_at_once(voice: Path) -> None:
    mesh = character(oculus_like(), "hero")
    animated(mesh, voice)
    before = widest(mesh, "viseme_aa")
    mesh.lsf.jaw = 0.4
    assert widest(mesh, "viseme_aa") < 0.7 * before
    mesh.lsf.jaw = 1.0
    assert widest(mesh, "viseme_aa") == pytest.approx(before, abs=1e-5)
    moment = at_widest(mesh, "viseme_aa")
    mesh.lsf.lead = 0.2
    assert at_widest(mesh, "viseme_aa") == moment - 5
    said(mesh, "viseme_I", "")
    assert all("viseme_I" not in curve.data_path for curve in compat.curves_of(mesh.data.shape_keys))
    assert not mesh.lsf.takes[0].edited
    mesh.lsf.driving = "NAMES"
    assert crossing.of(faces.face_of(mesh)).fit is None
    assert not mesh.lsf.takes[0].edited


def widest(mesh: Any, name: str) -> float:
    return float(curve_of(mesh, name)[:, 1].max())


def at_widest(mesh: Any, name: str) -> int:
    keys = curve_of(mesh, name)
    return int(keys[np.argmax(keys[:, 1]), 0])


def curve_of(mesh: Any, name: str) -> np.ndarray:
    (curve,) = (c for c in compat.curves_of(mesh.data.shape_keys) if c.data_path == f'key_blocks["{name}"].value')
    return np.array([tuple(key.co) for key in curve.keyframe_points])


def test_no_step_of_a_run_on_a_character_keeps_the_window_waiting(voice: Path) -> None:
    """Processor time; the reading of the character is part of the click."""
    import time  # noqa: PLC0415

    mesh = character(oculus_like(), "hero")
    scene = bpy.context.scene
    bpy.context.view_layer.objects.active = mesh
    strips.place_sound(scene, voice, START)
    compat.show_in_sequencer(bpy.context, scene)
    job = jobs.start(bpy.context)
    longest = 0.0
    while not job.over:
        begun = time.process_time()
        job.step()
        longest = max(longest, time.process_time() - begun)
        time.sleep(0.01)
    jobs.finish(bpy.context)
    assert longest <= 0.1


def test_an_artists_action_on_a_character_stays_one_click_away(voice: Path) -> None:
    mesh = character(oculus_like(), "hero")
    mesh.data.shape_keys.key_blocks["viseme_O"].keyframe_insert("value", frame=7)
    own = mesh.data.shape_keys.animation_data.action
    animated(mesh, voice)
    assert mesh.data.shape_keys.animation_data.action != own
    mesh.lsf.active_take = 0
    assert mesh.data.shape_keys.animation_data.action == own
    assert len(list(compat.curves_of(mesh.data.shape_keys))) == 1

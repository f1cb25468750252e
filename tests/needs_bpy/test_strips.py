"""Sound on the timeline: what a strip is said to play is what Blender's own mixdown plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import compat
from lsf_blender_addon.blender.strips import place_sound, recording
from lsf_blender_addon.errors import SceneError

pytestmark = pytest.mark.usefixtures("_needs_sound")
CLICKS = (0.5, 1.25)
"""Seconds of the clicks in the file."""


@pytest.fixture
def heard(tmp_path: Path) -> Callable[[], list[float]]:
    """Seconds after frame 1 at which Blender's mixdown of the timeline clicks."""

    def listen() -> list[float]:
        import aud  # noqa: PLC0415

        path = tmp_path / "mix.wav"
        bpy.ops.sound.mixdown(filepath=str(path), container="WAV", codec="PCM", format="S16")
        sound = aud.Sound(str(path))
        loud = np.flatnonzero(np.abs(sound.data()[:, 0]) > 0.1)
        first = loud[np.diff(loud, prepend=-10_000) > 1000]
        return [float(place) / sound.specs[0] for place in first]

    return listen


def scene_at(fps: float) -> Any:
    scene = bpy.context.scene
    compat.set_rate(scene, fps)
    scene.frame_start, scene.frame_end = 1, 200
    return scene


def trim_left(strip: Any, frames: int) -> None:
    name = "left_handle_offset" if hasattr(strip, "left_handle_offset") else "frame_offset_start"
    setattr(strip, name, frames)


@pytest.mark.parametrize("fps", [24.0, 29.97, 60.0])
@pytest.mark.parametrize("trim", [0, 20])
@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_a_recordings_seconds_lie_where_they_are_heard(
    speech: Path, heard: Callable[[], list[float]], fps: float, trim: int, shift: float
) -> None:
    scene = scene_at(fps)
    strip = place_sound(scene, speech, 11)
    if trim:
        trim_left(strip, trim)
    if shift and not hasattr(strip, "sound_offset"):
        pytest.skip("this Blender's strips have no sound offset")
    if shift:
        strip.sound_offset = shift
    found = recording(strip, scene)
    rate = float(compat.rate(scene))
    expected = [(found.start_frame - 1) / rate + click for click in CLICKS if found.begin <= click < found.end]
    np.testing.assert_allclose(heard(), expected, atol=2e-3)
    assert len(expected) == (1 if trim / rate > CLICKS[0] + shift else 2)
    assert found.path == speech
    assert found.first_frame == 11 + trim


def test_a_sound_takes_a_free_channel_and_the_files_name(speech: Path) -> None:
    scene = scene_at(25)
    first, second = place_sound(scene, speech, 1), place_sound(scene, speech, 1, name="again")
    assert first.channel != second.channel
    assert (first.name, second.name) == ("speech", "again")


def test_a_retimed_strip_is_refused(speech: Path) -> None:
    scene = scene_at(25)
    strip = place_sound(scene, speech, 1)
    compat.show_in_sequencer(bpy.context, scene)
    scene.sequence_editor.active_strip = strip
    bpy.ops.sequencer.retiming_segment_speed_set(speed=200.0)
    with pytest.raises(SceneError, match="another speed"):
        recording(strip, scene)


def test_what_is_no_sound_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    scene = scene_at(25)
    text = tmp_path / "notes.wav"
    text.write_text("no sound at all")
    with pytest.raises(SceneError, match="no sound in"):
        place_sound(scene, text)
    with pytest.raises(SceneError, match="There is no sound file"):
        place_sound(scene, tmp_path / "missing.wav")
    assert len(compat.strips(scene)) == len(bpy.data.sounds) == 0


def test_a_strip_whose_file_is_gone_is_refused(speech: Path, tmp_path: Path) -> None:
    scene = scene_at(25)
    copied = tmp_path / "copied.wav"
    copied.write_bytes(speech.read_bytes())
    strip = place_sound(scene, copied)
    copied.unlink()
    with pytest.raises(SceneError, match="is missing"):
        recording(strip, scene)


def test_nothing_selected_is_refused() -> None:
    with pytest.raises(SceneError, match="Select a sound strip"):
        recording(None, scene_at(25))

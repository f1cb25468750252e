"""Strips at another speed than recorded: Blender's own mixdown clicks within half a frame of where we say."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray

from lsf_blender_addon.blender import compat
from lsf_blender_addon.blender.retiming import Lie
from lsf_blender_addon.blender.strips import place_sound, recording
from lsf_blender_addon.errors import SceneError

pytestmark = pytest.mark.usefixtures("_needs_sound")
RATE = 48_000
CLICKS = np.arange(0.25, 2.4, 0.25)
"""Seconds of the clicks in the file."""

SECONDS = 2.5
AROUND = 0.1
"""Seconds of the file around a click, on each side, that belong to it."""

Doubles = NDArray[np.float64]


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound that clicks, for a millisecond each."""
    samples = np.zeros(int(SECONDS * RATE), np.int16)
    for click in CLICKS:
        samples[int(click * RATE) : int(click * RATE) + RATE // 1000] = 20_000
    path = tmp_path_factory.mktemp("clicks") / "clicks.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def laid(path: Path, fps: float, speed: float, start: int, *, preserve: bool = True) -> Any:
    """A strip of that speed in percent, on a timeline at that rate."""
    scene = bpy.context.scene
    compat.set_rate(scene, fps)
    strip = place_sound(scene, path, start)
    if not hasattr(strip, "retiming_keys"):
        pytest.skip("this Blender's sound strips do not show their retiming")
    compat.show_in_sequencer(bpy.context, scene)
    scene.sequence_editor.active_strip = strip
    bpy.ops.sequencer.retiming_segment_speed_set(speed=speed)
    if hasattr(strip, "pitch_correction"):
        strip.pitch_correction = preserve
    scene.frame_start, scene.frame_end = 1, start + int(SECONDS * fps * 100 / speed) + 40
    return strip


def put(strip: Any, value: float, *names: str) -> None:
    """Set what has one of these names, by Blender's version."""
    setattr(strip, next(name for name in names if hasattr(strip, name)), value)


def trim(strip: Any, frames: int) -> None:
    put(strip, frames, "left_handle_offset", "frame_offset_start")


def cut(strip: Any, frames: int) -> None:
    put(strip, frames, "content_trim_start", "animation_offset_start")


def errors(strip: Any, place: Path) -> Doubles:
    """How many frames later than we say each click is heard, by the middle of its energy.

    The middle, because Blender's stretching smears a click over 20 ms: at half speed a sixtieth of a second before the
    click itself something of it is heard. Speech comes out in time: the envelopes of a voice stretched and of the same
    voice played slowly lie 1 ms apart at half speed, 4 ms at a fifth.
    """
    import aud  # noqa: PLC0415 - not every build has it

    found = recording(strip, bpy.context.scene)
    fps = float(compat.rate(bpy.context.scene))
    bpy.ops.sound.mixdown(filepath=str(place), container="WAV", codec="PCM", format="S16")
    sound = aud.Sound(str(place))
    loudness, rate = sound.data()[:, 0].astype(np.float64) ** 2, sound.specs[0]
    apart = []
    for click in CLICKS[(found.begin + AROUND < CLICKS) & (found.end - AROUND > CLICKS)]:
        expected = (found.start_frame - 1) / fps + click / found.speed
        first, last = (int((expected + side * AROUND / found.speed) * rate) for side in (-1, 1))
        if first < 0:
            continue
        heard = loudness[first:last]
        assert heard.sum() > 0, f"nothing was heard around second {expected:.2f}"
        apart.append((np.average(np.arange(first, last), weights=heard) / rate - expected) * fps)
    assert len(apart) >= 3
    return np.array(apart)


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 60.0])
@pytest.mark.parametrize("speed", [50.0, 200.0])
@pytest.mark.parametrize("how", [(0, "stretched"), (8, "stretched"), (0, "slower"), (5, "slower"), (8, "slower")])
def test_a_retimed_strip_is_heard_where_it_says(
    clicks: Path, tmp_path: Path, fps: float, speed: float, how: tuple[int, str]
) -> None:
    trimmed, played = how
    strip = laid(clicks, fps, speed, 13, preserve=played == "stretched")
    if not compat.has_stretching(strip) and played == "stretched":
        pytest.skip("this Blender does not stretch")
    if trimmed:
        trim(strip, trimmed)
    if not compat.begins_in_time(strip) or compat.lie(strip, bpy.context.scene).is_anywhere:
        pytest.skip("refused, see below")
    assert recording(strip, bpy.context.scene).speed == pytest.approx(speed / 100, rel=0.03)
    assert np.abs(errors(strip, tmp_path / "mix.wav")).max() < 0.5


@pytest.mark.parametrize("how", ["stretched", "slower"])
@pytest.mark.parametrize("shift", [0.0, 0.2, -0.13])
@pytest.mark.parametrize("where", [(13, 6, 0), (14, 6, 5), (3, 0, 8), (-7, 0, 5)])
def test_cut_shifted_and_early_strips_are_heard_where_they_say(
    clicks: Path, tmp_path: Path, where: tuple[int, int, int], shift: float, how: str
) -> None:
    start, cut_off, trimmed = where
    if how == "slower" and cut_off and shift:
        pytest.skip("refused, see below")
    strip = laid(clicks, 30.0, 66.0, start, preserve=how == "stretched")
    if not compat.has_stretching(strip):
        pytest.skip("this Blender's are refused")
    cut(strip, cut_off)
    strip.sound_offset = shift
    trim(strip, trimmed)
    if not compat.begins_in_time(strip):
        pytest.skip("refused, see below")
    assert np.abs(errors(strip, tmp_path / "mix.wav")).max() < 0.5


@pytest.mark.parametrize(("start", "shift"), [(-7, 0.0), (13, 0.2)])
def test_a_strip_of_two_speeds_that_blender_plays_out_of_time_is_refused(
    clicks: Path, start: int, shift: float
) -> None:
    strip = laid(clicks, 60.0, 66.0, start, preserve=False)
    if not compat.has_stretching(strip):
        pytest.skip("this Blender's are refused for their cut")
    cut(strip, 6)
    trim(strip, 1)
    strip.sound_offset = shift
    with pytest.raises(SceneError, match="Preserve Pitch"):
        recording(strip, bpy.context.scene)
    strip.pitch_correction = True
    recording(strip, bpy.context.scene)


def test_what_blender_begins_anywhere_is_refused_until_it_is_trimmed(clicks: Path) -> None:
    strip = laid(clicks, 24.0, 200.0, 11, preserve=False)
    if compat.begins_in_time(strip):
        pytest.skip("this Blender plays retimed sound where its keys say")
    with pytest.raises(SceneError, match="left handle"):
        recording(strip, bpy.context.scene)
    trim(strip, 1)
    recording(strip, bpy.context.scene)
    if compat.has_stretching(strip):
        trim(strip, 0)
        strip.pitch_correction = True
        recording(strip, bpy.context.scene)
    else:
        strip.sound_offset = 0.1
        with pytest.raises(SceneError, match="Take its retiming away"):
            recording(strip, bpy.context.scene)


def early(*, has_whole_table: bool) -> Lie:
    """21/30 - 8/30 seconds, times 30, is a hair less than 13: Blender begins at frame 12, which has no speed yet."""
    return Lie(13, 0, 21, shift=0.0, fps=30.0, preserves_pitch=False, has_whole_table=has_whole_table)


def test_a_frame_that_is_looked_up_too_early_is_reckoned_with() -> None:
    assert early(has_whole_table=True).second_zero(0.5) == 12
    assert early(has_whole_table=True).second_zero(2.0) == 13.5
    in_time = Lie(content=11, cut=0, left=19, shift=0.0, fps=30.0, preserves_pitch=False)
    assert in_time.second_zero(0.5) == 11


def test_a_frame_at_a_speed_that_nobody_wrote_is_known_for_what_it_is() -> None:
    assert early(has_whole_table=False).is_anywhere
    assert not early(has_whole_table=False).trimmed(2).is_anywhere
    assert not early(has_whole_table=True).is_anywhere
    at_the_first_frame = Lie(1, 0, 9, shift=0.0, fps=30_000 / 1001, preserves_pitch=False, has_whole_table=False)
    assert not at_the_first_frame.is_anywhere


@pytest.mark.parametrize(("fps", "trimmed", "way_out"), [(30.0, 8, "handle 2 frames"), (29.97, 8, "Take its retiming")])
def test_a_strip_that_reads_a_speed_that_nobody_wrote_is_refused(
    clicks: Path, fps: float, trimmed: int, way_out: str
) -> None:
    """What 4.5 plays then lies frames or seconds off, by what its memory held: now and then a click was not found."""
    strip = laid(clicks, fps, 200.0, 13, preserve=False)
    trim(strip, trimmed)
    if compat.has_stretching(strip):
        pytest.skip("this Blender's table is whole")
    with pytest.raises(SceneError, match=way_out):
        recording(strip, bpy.context.scene)


def test_a_strip_at_several_speeds_is_refused(clicks: Path) -> None:
    strip = laid(clicks, 25.0, 100.0, 1)
    trim(strip, 1)
    bpy.ops.sequencer.retiming_key_add(timeline_frame=20)
    if len(strip.retiming_keys) < 3:
        pytest.skip("no key was added without a window")
    with pytest.raises(SceneError, match="more than one speed"):
        recording(strip, bpy.context.scene)

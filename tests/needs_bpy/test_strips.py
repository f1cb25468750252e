"""Sound on the timeline: what a strip is said to play is what Blender's own mixdown plays."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.audio import SpeechClip
from lsf_blender_addon.blender import compat, sound
from lsf_blender_addon.blender.strips import Recording, chosen, place_sound, recording
from lsf_blender_addon.errors import AudioError, SceneError

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


def movie(path: Path, fps: int) -> Path:
    """Half a second of black pictures with a voice that clicks, at a rate of its own."""
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start, scene.frame_end = fps, 1, 2 * fps
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.render.engine = compat.WORKBENCH
    compat.write_movies(scene, "LOW")
    scene.render.filepath = str(path)
    scene.render.use_sequencer = True
    bpy.ops.render.render(animation=True)
    return path


def test_a_movie_strip_plays_its_own_sound_at_the_scenes_pace(speech: Path, tmp_path: Path) -> None:
    """Put in alone, without its sound beside it: pictures lie one on a frame, whatever rate they were made at."""
    scene = scene_at(25)
    place_sound(scene, speech, 1)
    light = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(light)
    scene.camera = light
    path = movie(tmp_path / "clip.mp4", 25)
    compat.strips(scene).remove(compat.strips(scene)[0])
    strip = compat.strips(scene).new_movie("clip", str(path), 1, 11)
    if strip.fps <= 0:
        pytest.skip("this Blender does not read movies without a window")
    found = recording(strip, scene)
    assert found.path == path
    assert (found.start_frame, found.speed) == (11, pytest.approx(1.0))
    scene.render.fps = 50
    assert recording(strip, scene).speed == pytest.approx(2.0)


def test_the_selected_strips_are_meant_in_the_order_of_time_or_the_only_sound(speech: Path) -> None:
    scene = scene_at(25)
    first, second = place_sound(scene, speech, 60), place_sound(scene, speech, 1, name="second")
    assert chosen(scene) == [second, first]  # new strips are selected; in the order of time
    first.select = False
    assert chosen(scene) == [second]
    second.select = False
    assert chosen(scene) == []
    compat.strips(scene).remove(second)
    assert chosen(scene) == [first]


def test_a_packed_sound_whose_file_is_gone_is_heard_all_the_same(speech: Path, tmp_path: Path) -> None:
    scene = scene_at(25)
    copied = tmp_path / "copied.wav"
    copied.write_bytes(speech.read_bytes())
    strip = place_sound(scene, copied)
    strip.sound.pack()
    copied.unlink()
    found = recording(strip, scene)
    assert found.packed == strip.sound.name
    assert abs(len(read(found).samples) - 2 * 16_000) <= 1


@pytest.mark.parametrize("ending", ["WAV", "FLAC", "MP3", "OGG"])
def test_what_a_strip_lets_hear_has_its_clicks_where_the_file_has_them(
    speech: Path, tmp_path: Path, ending: str
) -> None:
    import aud  # noqa: PLC0415

    path = speech
    if ending != "WAV":
        path = tmp_path / f"ünï code.{ending.lower()}"
        codec = {"FLAC": aud.CODEC_FLAC, "MP3": aud.CODEC_MP3, "OGG": aud.CODEC_VORBIS}[ending]
        aud.Sound(str(speech)).write(str(path), container=getattr(aud, f"CONTAINER_{ending}"), codec=codec)
    scene = scene_at(25)
    strip = place_sound(scene, path, 1)
    trim_left(strip, 5)
    clip = read(recording(strip, scene))
    assert clip.start == pytest.approx(0.2)
    loud = np.flatnonzero(np.abs(clip.samples) > 0.3 * np.abs(clip.samples).max())
    first = loud[np.diff(loud, prepend=-10_000) > 1000] / 16_000 + clip.start
    np.testing.assert_allclose(first, CLICKS, atol=0.01)


def test_a_long_file_is_read_in_pieces_without_a_seam(tmp_path: Path) -> None:
    import aud  # noqa: PLC0415

    rate = 44_100
    seconds = np.arange(200 * rate) / rate
    wave = np.sin(2 * np.pi * 220 * seconds).astype(np.float32)
    path = tmp_path / "long.flac"
    aud.Sound.buffer(wave[:, None].copy(), rate).write(str(path), container=aud.CONTAINER_FLAC, codec=aud.CODEC_FLAC)
    scene = scene_at(25)
    shares: list[float] = []
    clip = read(recording(place_sound(scene, path, 1), scene), shares)
    assert len(shares) > 8
    assert shares == sorted(shares)
    wanted = np.sin(2 * np.pi * 220 * np.arange(len(clip.samples)) / 16_000)
    assert len(clip.samples) == 200 * 16_000
    assert np.abs(clip.samples - wanted)[100:-100].max() < 0.02


def test_nothing_as_large_as_a_long_sound_is_made_at_its_end_where_the_window_would_wait_for_it(tmp_path: Path) -> None:
    import wave  # noqa: PLC0415

    seconds = 150
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.arange(seconds * 16_000, dtype=np.int16).tobytes())
    scene = scene_at(25)
    reading = sound.heard(recording(place_sound(scene, path, 1), scene))
    pieces = sum(1 for _ in itertools.takewhile(lambda share: share < 1.0, reading))
    assert pieces >= seconds // sound.PIECE
    tracemalloc.start()
    try:
        with pytest.raises(StopIteration) as end:
            next(reading)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < end.value.value.samples.nbytes / 2


def test_a_part_beyond_the_end_of_the_sound_is_told(speech: Path) -> None:
    scene = scene_at(25)
    found = recording(place_sound(scene, speech, 1), scene)
    with pytest.raises(AudioError, match="beyond the end"):
        read(replace(found, begin=5.0, end=6.0))


def read(found: Recording, shares: list[float] | None = None) -> SpeechClip:
    reading = sound.heard(found)
    while True:
        try:
            share = next(reading)
        except StopIteration as end:
            return end.value
        if shares is not None:
            shares.append(share)


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

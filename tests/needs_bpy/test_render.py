"""Pictures and movies: seen to move, with sound, cancellable, and without a trace in the artist's scene."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, faces, film, graphics, render, rig
from lsf_blender_addon.blender.wholeness import is_whole
from lsf_blender_addon.errors import CancelledError, SceneError
from lsf_blender_addon.formats.mp4_facts import read_mp4_facts
from lsf_blender_addon.formats.png_facts import read_png_facts
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.motion import FaceMotion

Maker = Callable[..., Head]
SMALL = render.Picture(width=64, height=64, smooth="OFF")


@pytest.fixture
def talking(make_head: Maker) -> Any:
    """A scene of 12 frames in which a jaw opens wide."""
    jaw = np.zeros((12, 3))
    jaw[:, 0] = np.linspace(0, 1.2, 12)
    face = faces.face_of(rig.build_rig(make_head("arkit", correctives=False)).mesh)
    scene = bpy.context.scene
    compat.set_rate(scene, 25.0)
    bake.write(bake.plan(face, FaceMotion(np.zeros((12, 50)), jaw, 25.0, "arkit"), bake.BakeSettings(start_frame=1)))
    return scene


def pixels(path: Path) -> np.ndarray:
    image = bpy.data.images.load(str(path))
    values = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)
    bpy.data.images.remove(image)
    return values


def streams(path: Path) -> dict[str, dict[str, Any]]:
    if not shutil.which("ffprobe"):
        pytest.skip("reading a movie's streams needs ffprobe")
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", path]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["streams"]
    return {stream["codec_type"]: stream for stream in found}


def content() -> dict[str, list[str]]:
    """Names of all that rendering might leave behind; ``Render Result`` is Blender's own."""
    kinds = ("scenes", "objects", "cameras", "lights", "worlds", "images", "sounds")
    found = {kind: {thing.name for thing in getattr(bpy.data, kind)} - {"Render Result"} for kind in kinds}
    return {kind: sorted(names) for kind, names in found.items()}


def settings(scene: Any) -> tuple[Any, ...]:
    shown = scene.render
    return shown.engine, shown.resolution_x, shown.filepath, scene.frame_start, scene.frame_end, scene.camera


def test_a_still_shows_the_frame_that_is_asked_for_whatever_frame_the_scene_is_on(talking: Any, tmp_path: Path) -> None:
    wanted = {tmp_path / "shut.png": 1, tmp_path / "open.png": 12, tmp_path / "again.png": 1}
    talking.frame_set(7)
    shut, wide, again = (pixels(path) for path in render.stills(talking, wanted, SMALL))
    assert shut.shape == (64, 64, 4)
    assert np.abs(shut - wide).max() > 0.1
    np.testing.assert_array_equal(shut, again)
    assert talking.frame_current == 7


def test_a_head_fills_the_picture_without_touching_its_sides(talking: Any, tmp_path: Path) -> None:
    picture = pixels(render.still(talking, tmp_path / "head.png", 1, SMALL))[..., :3]
    background = picture[-1, 0]
    head = np.abs(picture - background).max(axis=2) > 0.05
    assert 0.3 < head.mean() < 0.8
    assert not head[:, [0, -1]].any()
    assert not head[-1].any()


def test_rendering_leaves_no_trace_in_the_scene(talking: Any, tmp_path: Path) -> None:
    before = content(), settings(talking)
    render.still(talking, tmp_path / "head.png", 1, SMALL)
    render.movie(talking, tmp_path / "head.mp4", 1, 2, SMALL)
    assert (content(), settings(talking)) == before


@pytest.mark.usefixtures("_needs_sound")
def test_a_movie_has_pictures_and_sound_of_the_same_length(talking: Any, tmp_path: Path, speech: Path) -> None:
    found = streams(render.movie(talking, tmp_path / "new" / "head.mp4", 1, 50, SMALL, sound=speech))
    assert found["video"]["codec_name"] == "h264"
    assert found["video"]["pix_fmt"] == "yuv420p"
    assert (found["video"]["width"], found["video"]["height"]) == (64, 64)
    assert (found["video"]["r_frame_rate"], found["video"]["nb_frames"]) == ("25/1", "50")
    assert found["audio"]["codec_name"] == "aac"
    assert float(found["audio"]["duration"]) == pytest.approx(2.0, abs=0.06)


@pytest.mark.usefixtures("_needs_sound")
def test_a_movies_sound_is_heard_when_it_should_be(talking: Any, tmp_path: Path, speech: Path) -> None:
    if not shutil.which("ffmpeg"):
        pytest.skip("listening to a movie needs ffmpeg")
    path = render.movie(talking, tmp_path / "head.mp4", 1, 50, SMALL, sound=speech, sound_frame=6)
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-ac", "1", "-ar", "48000", "-"]
    heard = np.abs(np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32))
    assert int(np.argmax(heard[: int(1.0 * 48000)])) / 48000 == pytest.approx(0.5 + 5 / 25, abs=0.03)


def test_a_movie_moves_and_keeps_televisions_rate(talking: Any, tmp_path: Path) -> None:
    compat.set_rate(talking, 29.97)
    path = render.movie(talking, tmp_path / "head.mp4", 1, 12, SMALL)
    assert streams(path)["video"]["r_frame_rate"] == "30000/1001"
    if not shutil.which("ffmpeg"):
        pytest.skip("looking at a movie's frames needs ffmpeg")
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    shown = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)
    frames = shown.reshape(12, 64, 64).astype(float)
    assert np.abs(frames[11] - frames[0]).max() > 25


def test_a_movies_colours_are_the_stills_colours(talking: Any, tmp_path: Path) -> None:
    if not shutil.which("ffmpeg"):
        pytest.skip("looking at a movie's frames needs ffmpeg")
    look = render.Picture(64, 64, "OFF", "PERC_LOSSLESS")
    still = pixels(render.still(talking, tmp_path / "head.png", 1, look))[::-1, :, :3]
    path = render.movie(talking, tmp_path / "head.mp4", 1, 1, look)
    command = ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    shown = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(64, 64, 3)
    assert np.median(np.abs(shown / 255 - still)) < 0.02


def test_a_movie_says_where_it_comes_from_and_plays_as_before(talking: Any, tmp_path: Path) -> None:
    facts = {"generator": "LSF Animation", "model": "starter", "licence": "CC0-1.0", "seed": 3, "audio": "Grüße.wav"}
    plain = render.movie(talking, tmp_path / "plain.mp4", 1, 5, SMALL)
    told = render.movie(talking, tmp_path / "told.mp4", 1, 5, SMALL, facts=film.Facts("Grüße", facts))
    assert read_mp4_facts(told) == facts
    assert read_mp4_facts(plain) == {}
    assert is_whole(told)
    if not shutil.which("ffmpeg"):
        pytest.skip("looking at a movie's frames needs ffmpeg")
    command = ["ffprobe", "-v", "error", "-show_format", "-of", "json", told]
    tags = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["format"]["tags"]
    assert (tags["title"], tags["copyright"], json.loads(tags["comment"])) == ("Grüße", "CC0-1.0", facts)
    shown = [
        subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-"], capture_output=True, check=True)
        for path in (plain, told)
    ]
    assert shown[0].stdout == shown[1].stdout
    assert shown[1].stderr == b""


def test_reels_stand_side_by_side_where_they_should(tmp_path: Path) -> None:
    colours = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    reels = []
    for number, colour in enumerate(colours):
        image = bpy.data.images.new("tile", 32, 48)
        image.pixels.foreach_set(np.tile([*colour, 1.0], 32 * 48).astype(np.float32))
        image.filepath_raw, image.file_format = str(tmp_path / f"{number}.png"), "PNG"
        image.save()
        bpy.data.images.remove(image)
        reels.append([tmp_path / f"{number}.png"] * 2)
    path = film.film(reels, tmp_path / "all.mp4", 25.0, "PERC_LOSSLESS", columns=2)
    if not shutil.which("ffmpeg"):
        pytest.skip("looking at a movie's frames needs ffmpeg")
    command = ["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    shown = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(96, 64, 3)
    for (top, left), colour in zip([(0, 0), (0, 32), (48, 0)], colours, strict=True):
        middle = shown[top + 2 : top + 46, left + 2 : left + 30]
        assert np.abs(middle.astype(float) - np.array(colour) * 255).max() < 12
    assert shown[50:, 34:].max() < 12
    with pytest.raises(SceneError, match="too many"):
        film.film([reels[0]] * 17, tmp_path / "many.mp4", 25.0)


def test_progress_grows_and_cancel_leaves_no_file(talking: Any, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    render.movie(talking, tmp_path / "whole.mp4", 1, 12, SMALL, progress=lambda *step: seen.append(step))
    assert [stage for stage, _ in seen] == sorted((stage for stage, _ in seen), reverse=True)
    rendering = [share for stage, share in seen if stage == "render"]
    assert rendering == sorted(rendering)
    assert (rendering[0], rendering[-1], seen[-1]) == (0.0, 1.0, ("encode", 1.0))
    before = content()
    with pytest.raises(CancelledError):
        render.movie(talking, tmp_path / "cut.mp4", 1, 12, SMALL, cancelled=lambda: True)
    assert content() == before
    assert [path.name for path in tmp_path.iterdir()] == ["whole.mp4"]


def test_nothing_to_render_is_refused(talking: Any, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="has no frames"):
        render.movie(talking, tmp_path / "none.mp4", 5, 4, SMALL)
    empty = bpy.data.scenes.new("Empty")
    with pytest.raises(SceneError, match="no mesh"):
        render.still(empty, tmp_path / "none.png", 1, SMALL)
    assert not list(tmp_path.iterdir())


def test_a_movie_whose_place_is_taken_by_a_folder_is_refused(talking: Any, tmp_path: Path) -> None:
    (tmp_path / "head.mp4").mkdir()
    with pytest.raises(SceneError, match=r"head\.mp4 cannot be written"):
        render.movie(talking, tmp_path / "head.mp4", 1, 2, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["head.mp4"]


@pytest.mark.skipif(os.name != "posix", reason="the size of files is limited as POSIX does it")
def test_a_movie_that_a_full_disk_cuts_short_is_refused(talking: Any, tmp_path: Path) -> None:
    import resource  # noqa: PLC0415

    size = render.movie(talking, tmp_path / "whole.mp4", 1, 50, SMALL).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (size // 2, size - 100, size - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(SceneError):
                render.movie(talking, tmp_path / "cut.mp4", 1, 50, SMALL)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [path.name for path in tmp_path.iterdir()] == ["whole.mp4"]


def test_blender_keeps_quiet_while_it_renders(talking: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    render.movie(talking, tmp_path / "head.mp4", 1, 2, SMALL)
    assert capfd.readouterr().out == ""


def test_a_sheet_puts_pictures_side_by_side(talking: Any, tmp_path: Path) -> None:
    shots = render.stills(talking, {tmp_path / "a.png": 1, tmp_path / "b.png": 12, tmp_path / "c.png": 6}, SMALL)
    whole = pixels(film.sheet(shots, tmp_path / "sheet.png", columns=2))
    assert whole.shape == (128, 128, 4)
    for shot, (top, left) in zip(shots, [(64, 0), (64, 64), (0, 0)], strict=True):
        np.testing.assert_allclose(whole[top : top + 64, left : left + 64], pixels(shot), atol=1 / 255)
    assert whole[:64, 64:, :3].max() == 0
    with pytest.raises(SceneError, match="at least one"):
        film.sheet([], tmp_path / "none.png", 2)


def test_a_sheet_says_where_it_comes_from_and_looks_as_before(talking: Any, tmp_path: Path) -> None:
    facts = {"generator": "LSF Animation", "model": "starter", "licence": "CC0-1.0", "seed": 3, "audio": "Grüße.wav"}
    shots = render.stills(talking, {tmp_path / "a.png": 1, tmp_path / "b.png": 12}, SMALL)
    plain = film.sheet(shots, tmp_path / "plain.png", 2)
    told = film.sheet(shots, tmp_path / "told.png", 2, facts=film.Facts("Grüße", facts))
    assert read_png_facts(told) == facts
    assert read_png_facts(plain) == {}
    assert is_whole(told)
    np.testing.assert_array_equal(pixels(told), pixels(plain))
    reader = pytest.importorskip("PIL.Image", reason="an independent reader of pictures is Pillow")
    with reader.open(told) as picture:
        picture.load()
        said = picture.text
    assert (said["Title"], said["Copyright"], json.loads(said["Comment"])) == ("Grüße", "CC0-1.0", facts)


WITHOUT_DRIVERS = """
import sys
from lsf_blender_addon.blender import graphics, render
from lsf_blender_addon.errors import SceneError
render.require_renderer("cycles")
try:
    render.require_renderer("eevee")
except SceneError as refusal:
    print(refusal)
    sys.stdout.flush()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="drivers are hidden as Linux finds them")
def test_a_machine_that_cannot_draw_is_told_before_blender_takes_the_process_with_it(repository: Path) -> None:
    if not graphics._has_opengl():
        pytest.skip("there is no OpenGL here that could be hidden")
    graphics.require_graphics()
    hidden = {**os.environ, "__EGL_VENDOR_LIBRARY_FILENAMES": "/none", "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DRIVERS], capture_output=True, text=True, check=False, env=hidden
    )
    assert "cannot draw on this machine" in done.stdout, done.stderr
    assert "lsf render --engine cycles" in done.stdout

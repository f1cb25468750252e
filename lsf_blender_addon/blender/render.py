"""Pictures and movies of a head, by Blender's own renderer and encoder.

Everything renders in a copy of the scene that is thrown away afterwards, so an artist's own render settings stay as
they are. A movie's frames are rendered to pictures first and encoded at the end: that can be cancelled at any moment.
Single pictures render as animations of one frame, because only those evaluate a copied scene's keyframes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..arrays import whole_file
from ..errors import CancelledError, SceneError
from . import chatter, compat, strips
from .stage import set_stage
from .wholeness import is_whole

Progress = Callable[[str, float], None]
"""Called with what is going on and how much of it is done, 0 to 1."""

Cancelled = Callable[[], bool]

CHUNK = 10
"""Frames rendered between two looks at progress and cancel."""


@dataclass(frozen=True)
class Picture:
    """How pictures look.

    Attributes:
        width: pixels; even, as H.264 wants it.
        height: pixels; even.
        smooth: samples per pixel against jagged edges: ``OFF``, ``FXAA``, ``5``, ``8``, ``11``, ``16`` or ``32``.
        quality: H.264's: ``MEDIUM``, ``HIGH`` or ``PERC_LOSSLESS``.
    """

    width: int = 480
    height: int = 480
    smooth: str = "FXAA"
    quality: str = "HIGH"


STILL = Picture(smooth="16")
"""How single pictures look: on a processor each sample costs 0.06 s at 480 by 480, which a movie pays per frame."""


def still(scene: Any, path: Path, frame: int, picture: Picture | None = None, *, subject: Any | None = None) -> Path:
    """Render one frame to a PNG; the arguments are those of :func:`stills`."""
    return stills(scene, {path: frame}, picture, subject=subject)[0]


def stills(
    scene: Any, wanted: dict[Path, int], picture: Picture | None = None, *, subject: Any | None = None
) -> list[Path]:
    """Render single frames to PNG files, each whole or not at all.

    Args:
        scene: with the head.
        wanted: file → its frame; missing folders are made.
        picture: how; fine-grained where None.
        subject: the mesh that the camera looks at where the scene has no camera; the scene's first mesh where None.

    Raises:
        SceneError: nothing can be rendered; the sentence has Blender's reason.
    """
    with _workplace() as folder, _studio(scene, picture or STILL, subject) as studio:
        for path, frame in wanted.items():
            _frames(studio, folder, frame, frame)
            with _whole(path) as part:
                shutil.copyfile(_only(folder, frame), part)
    return list(wanted)


def movie(
    scene: Any,
    path: Path,
    first: int,
    last: int,
    picture: Picture | None = None,
    *,
    sound: Path | None = None,
    sound_frame: int = 1,
    subject: Any | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Path:
    """Render frames to an MPEG-4 file with H.264 and, where there is a sound, AAC; whole or not at all.

    Args:
        scene: with the head; its rate is the movie's.
        path: where to; missing folders are made.
        first: first frame.
        last: last frame.
        picture: how it looks; the defaults where None.
        sound: a sound file.
        sound_frame: the scene's frame at which the sound's second 0 lies.
        subject: the mesh that the camera looks at where the scene has no camera.
        progress: called with ``"render"`` or ``"encode"`` and a share.
        cancelled: asked between frames.

    Raises:
        SceneError: it cannot be rendered, or this Blender lacks FFmpeg or sound.
        CancelledError: ``cancelled`` said so; no file was written.
    """
    picture = picture or Picture()
    if sound is not None and not compat.has_sound():
        raise SceneError("This Blender was built without sound, so its movies are silent; use another version.")
    with _workplace() as folder:
        with _studio(scene, picture, subject) as studio:
            _frames(studio, folder, first, last, progress=progress, cancelled=cancelled)
        pictures = [_only(folder, frame) for frame in range(first, last + 1)]
        if progress is not None:
            progress("encode", 0.0)
        with _whole(path) as part:
            _encode(scene, pictures, part, picture, sound=sound, sound_frame=sound_frame - first + 1)
        if progress is not None:
            progress("encode", 1.0)
    return path


def sheet(pictures: list[Path], path: Path, columns: int) -> Path:
    """Put pictures of one size side by side, row by row, into one PNG.

    Raises:
        SceneError: there are none, or their sizes differ.
    """
    if not pictures:
        raise SceneError("A sheet needs at least one picture.")
    tiles = [_pixels(picture) for picture in pictures]
    if len({tile.shape for tile in tiles}) > 1:
        raise SceneError("The pictures of a sheet must have one size.")
    height, width, _ = tiles[0].shape
    rows = -(-len(tiles) // columns)
    whole = np.zeros((rows * height, columns * width, 4), np.float32)
    whole[..., 3] = 1.0
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top = (rows - 1 - row) * height
        whole[top : top + height, column * width : (column + 1) * width] = tile
    image = bpy.data.images.new(path.stem, width=whole.shape[1], height=whole.shape[0], alpha=False)
    try:
        image.pixels.foreach_set(whole.ravel())
        image.file_format = "PNG"
        with _whole(path) as part:
            image.filepath_raw = str(part)
            image.save()
    finally:
        bpy.data.images.remove(image)
    return path


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """``whole_file``, whose failures are told as the renderer's own."""
    try:
        with whole_file(path) as part:
            yield part
    except OSError as reason:
        raise SceneError(f"{path} cannot be written ({reason.strerror or reason}).") from reason


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for single frames, gone afterwards."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="lsf_frames_"))
    except OSError as reason:
        raise SceneError(f"There is no room for single frames ({reason.strerror or reason}).") from reason
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _only(folder: Path, frame: int) -> Path:
    """The picture of a frame, which must be there."""
    path = folder / f"{frame:07d}.png"
    if not is_whole(path):
        raise SceneError(f"Blender did not render frame {frame}, or the disk of {folder} is full.")
    return path


@contextmanager
def _studio(scene: Any, picture: Picture, subject: Any | None) -> Iterator[Any]:
    """A copy of the scene, set up to render, and gone afterwards with all that was made for it."""
    studio = scene.copy()
    made: list[Any] = []
    try:
        studio.name = "LSF studio"
        studio.render.engine = compat.WORKBENCH
        studio.render.resolution_x, studio.render.resolution_y = picture.width, picture.height
        studio.render.resolution_percentage = 100
        studio.render.pixel_aspect_x = studio.render.pixel_aspect_y = 1.0
        for unwanted in ("use_border", "use_stamp", "use_multiview", "use_compositing", "use_sequencer"):
            # a scene's compositor and sequencer would stand between the head and the picture
            setattr(studio.render, unwanted, False)
        studio.render.use_overwrite = True
        studio.render.use_file_extension = True
        studio.render.film_transparent = False
        studio.display.render_aa = picture.smooth
        compat.write_pictures(studio)
        compat.plain_colours(studio)
        if studio.camera is None:
            subject = subject or next((thing for thing in scene.objects if thing.type == "MESH"), None)
            if subject is None:
                raise SceneError("The scene has no mesh to make pictures of.")
            made = set_stage(studio, subject)
        yield studio
    finally:
        bpy.data.scenes.remove(studio)
        bpy.data.batch_remove(made)


def _frames(
    studio: Any,
    folder: Path,
    first: int,
    last: int,
    *,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> None:
    if last < first:
        raise SceneError(f"A movie from frame {first} to {last} has no frames.")
    total = last - first + 1
    for begin in range(first, last + 1, CHUNK):
        if cancelled is not None and cancelled():
            raise CancelledError("The rendering was cancelled; no movie was written.")
        if progress is not None:
            progress("render", (begin - first) / total)
        studio.frame_start, studio.frame_end = begin, min(begin + CHUNK - 1, last)
        studio.frame_step = 1
        studio.render.filepath = str(folder / "#######")
        _render(studio, animation=True)
    if progress is not None:
        progress("render", 1.0)


def _encode(
    scene: Any, pictures: list[Path], path: Path, picture: Picture, *, sound: Path | None, sound_frame: int
) -> None:
    desk = bpy.data.scenes.new("LSF cutting desk")
    sounds, images = set(bpy.data.sounds), set(bpy.data.images)
    try:
        compat.set_rate(desk, float(compat.rate(scene)))
        desk.render.resolution_x, desk.render.resolution_y = picture.width, picture.height
        desk.render.resolution_percentage = 100
        desk.render.use_sequencer = True
        desk.frame_start, desk.frame_end = 1, len(pictures)
        compat.plain_colours(desk)
        compat.write_movies(desk, picture.quality)
        strip = compat.strips(desk).new_image("frames", str(pictures[0]), 1, 1)
        for following in pictures[1:]:
            strip.elements.append(following.name)
        if sound is not None:
            strips.place_sound(desk, sound, sound_frame)
        desk.render.use_file_extension = False
        desk.render.filepath = str(path)
        _render(desk, animation=True)
        if not is_whole(path):
            raise SceneError(f"The movie {path} ended early. Is the disk full?")
    finally:
        bpy.data.scenes.remove(desk)
        bpy.data.batch_remove([*(set(bpy.data.sounds) - sounds), *(set(bpy.data.images) - images)])


def _render(scene: Any, **how: bool) -> None:
    with chatter.kept() as printed:
        try:
            bpy.ops.render.render(scene=scene.name, **how)
            reason = None
        except RuntimeError as error:
            reason = error
    if reason is not None:
        raise SceneError(f"Blender could not render: {str(reason).strip()} ({printed.tail})") from reason


def _pixels(path: Path) -> Any:
    image = bpy.data.images.load(str(path), check_existing=False)
    try:
        width, height = image.size
        values = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(values)
        return values.reshape(height, width, 4)
    finally:
        bpy.data.images.remove(image)

"""Pictures put together: side by side in one sheet, and one after the other in a movie with sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..arrays import whole_file
from ..errors import SceneError
from ..formats.mp4_facts import write_mp4_facts
from ..formats.png_facts import write_png_facts
from . import chatter, compat, strips
from .wholeness import is_whole

MOST_TILES = 16
"""Pictures side by side in a movie: fewer than a sequencer's channels, and enough for eyes."""


@dataclass(frozen=True)
class Facts:
    """What a movie or a sheet says about itself.

    Attributes:
        title: what players and viewers show.
        told: model, licence, seed and the like, as ``formats.facts`` has them.
    """

    title: str
    told: dict[str, Any]


def film(
    reels: Sequence[Sequence[Path]],
    path: Path,
    rate: float,
    quality: str = "HIGH",
    *,
    columns: int | None = None,
    sound: Path | None = None,
    sound_frame: int = 1,
    facts: Facts | None = None,
) -> Path:
    """Encode pictures as MPEG-4 with H.264 and, where there is a sound, AAC; whole or not at all.

    Args:
        reels: pictures in the order of time; several reels, of equally many pictures of one size, play side by side.
        path: where to; missing folders are made.
        rate: frames a second.
        quality: H.264's, see ``render.Picture``.
        columns: how many reels stand in a row; all where None.
        sound: a sound file.
        sound_frame: the frame, from 1, at which the sound's second 0 lies.
        facts: what the file says about where it comes from.

    Raises:
        SceneError: there are no pictures, or too many side by side; or this Blender lacks FFmpeg, or the disk is full.
    """
    if not reels or not reels[0] or len({len(reel) for reel in reels}) > 1:
        raise SceneError("A movie needs pictures, and as many in every part.")
    if len(reels) > MOST_TILES:
        raise SceneError(f"{len(reels)} pictures side by side are too many; a movie shows up to {MOST_TILES}.")
    columns = min(columns or len(reels), len(reels))
    with whole(path) as part:
        _encode(reels, part, rate, quality, columns=columns, sound=sound, sound_frame=sound_frame)
        if facts is not None:
            write_mp4_facts(part, facts.title, facts.told)
    return path


def sheet(pictures: list[Path], path: Path, columns: int, *, facts: Facts | None = None) -> Path:
    """Put pictures of one size side by side, row by row, into one PNG that says where it comes from.

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
    all_of_it = np.zeros((rows * height, columns * width, 4), np.float32)
    all_of_it[..., 3] = 1.0
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top = (rows - 1 - row) * height
        all_of_it[top : top + height, column * width : (column + 1) * width] = tile
    image = bpy.data.images.new(path.stem, width=all_of_it.shape[1], height=all_of_it.shape[0], alpha=False)
    try:
        image.pixels.foreach_set(all_of_it.ravel())
        image.file_format = "PNG"
        with whole(path) as part:
            image.filepath_raw = str(part.absolute())
            image.save()
            if not is_whole(part):
                raise SceneError(f"The sheet {path} ended early. Is the disk full?")
            if facts is not None:
                write_png_facts(part, facts.title, facts.told)
    except RuntimeError as reason:
        raise SceneError(f"Blender cannot write {path}: {str(reason).strip()}") from reason
    finally:
        bpy.data.images.remove(image)
    return path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """``whole_file``, whose failures are told as the renderer's own."""
    try:
        with whole_file(path) as part:
            yield part
    except OSError as reason:
        raise SceneError(f"{path} cannot be written ({reason.strerror or reason}).") from reason


def run_renderer(scene: Any) -> None:
    """Render a scene's frames as it is set up.

    Raises:
        SceneError: it fails; the sentence has Blender's reason.
    """
    with chatter.kept() as printed:
        try:
            bpy.ops.render.render(scene=scene.name, animation=True)
            reason = None
        except RuntimeError as error:
            reason = error
    if reason is not None:
        raise SceneError(f"Blender could not render: {str(reason).strip()} ({printed.tail})") from reason


def _encode(
    reels: Sequence[Sequence[Path]],
    path: Path,
    rate: float,
    quality: str,
    *,
    columns: int,
    sound: Path | None,
    sound_frame: int,
) -> None:
    desk = bpy.data.scenes.new("LSF cutting desk")
    sounds, images = set(bpy.data.sounds), set(bpy.data.images)
    try:
        width, height = _size(reels[0][0])
        rows = -(-len(reels) // columns)
        compat.set_rate(desk, rate)
        desk.render.resolution_x, desk.render.resolution_y = columns * width, rows * height
        desk.render.resolution_percentage = 100
        desk.render.use_sequencer = True
        desk.frame_start, desk.frame_end = 1, len(reels[0])
        compat.plain_colours(desk)
        compat.write_movies(desk, quality)
        for number, reel in enumerate(reels):
            strip = compat.strips(desk).new_image("frames", str(reel[0]), number + 1, 1, fit_method="ORIGINAL")
            for following in reel[1:]:
                strip.elements.append(following.name)
            row, column = divmod(number, columns)
            strip.transform.offset_x = (column + 0.5 - columns / 2) * width
            strip.transform.offset_y = (rows / 2 - row - 0.5) * height
            if number:
                strip.blend_type = "ALPHA_OVER"
        if sound is not None:
            strips.place_sound(desk, sound, sound_frame)
        desk.render.use_file_extension = False
        desk.render.filepath = str(path.absolute())
        run_renderer(desk)
        if not is_whole(path):
            raise SceneError(f"The movie {path} ended early. Is the disk full?")
    finally:
        bpy.data.scenes.remove(desk)
        bpy.data.batch_remove([*(set(bpy.data.sounds) - sounds), *(set(bpy.data.images) - images)])


def _size(path: Path) -> tuple[int, int]:
    """A picture's width and height."""
    image = bpy.data.images.load(str(path), check_existing=False)
    try:
        return int(image.size[0]), int(image.size[1])
    finally:
        bpy.data.images.remove(image)


def _pixels(path: Path) -> Any:
    image = bpy.data.images.load(str(path), check_existing=False)
    try:
        width, height = image.size
        values = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(values)
        return values.reshape(height, width, 4)
    finally:
        bpy.data.images.remove(image)

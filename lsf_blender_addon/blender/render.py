"""Pictures and movies of a head, by Blender's own renderers (``film.py`` cuts and encodes).

Everything renders in a copy of the scene that is thrown away afterwards, so an artist's own render settings stay as
they are. A movie's frames are rendered to pictures first and encoded at the end: that can be cancelled at any moment.
Single pictures render as animations of one frame, because only those evaluate a copied scene's keyframes.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..errors import CancelledError, SceneError
from . import compat
from .film import Facts, film, run_renderer, whole
from .graphics import require_graphics
from .label import Label
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
        smooth: Workbench's samples per pixel against jagged edges: ``OFF``, ``FXAA``, ``5``, ``8``, ``11``, ``16`` or
            ``32``.
        quality: H.264's: ``MEDIUM``, ``HIGH`` or ``PERC_LOSSLESS``.
        engine: ``workbench``, ``eevee`` or ``cycles``.
        samples: per pixel, of EEVEE and Cycles; Blender's own where None. Workbench goes by ``smooth``.
        view: a camera of ``stage.VIEWS``, in place of the scene's own; where None, that one, or ``portrait`` where
            there is none.
    """

    width: int = 480
    height: int = 480
    smooth: str = "FXAA"
    quality: str = "HIGH"
    engine: str = "workbench"
    samples: int | None = None
    view: str | None = None


STILL = Picture(smooth="16")
"""How single pictures look: on a processor each sample costs 0.06 s at 480 by 480, which a movie pays per frame."""


def require_renderer(engine: str) -> None:
    """Refuse a renderer that this machine cannot run, before anything slow is begun.

    Raises:
        SceneError: there is no OpenGL for it.
    """
    if engine != "cycles":
        require_graphics()


def finely(picture: Picture) -> Picture:
    """The same, with as many samples as single pictures get, where nobody has said how many."""
    return picture if picture.samples is not None else dataclasses.replace(picture, smooth=STILL.smooth)


def still(scene: Any, path: Path, frame: int, picture: Picture | None = None, *, subject: Any | None = None) -> Path:
    """Render one frame to a PNG; the arguments are those of :func:`stills`."""
    return stills(scene, {path: frame}, picture, subject=subject)[0]


def stills(
    scene: Any,
    wanted: dict[Path, int],
    picture: Picture | None = None,
    *,
    subject: Any | None = None,
    labels: dict[Path, str] | None = None,
) -> list[Path]:
    """Render single frames to PNG files, each whole or not at all.

    Args:
        scene: with the head.
        wanted: file → its frame; missing folders are made.
        picture: how; fine-grained where None.
        subject: the mesh that our camera looks at, where the scene's own is not used; the first one where None.
        labels: file → what is written into its corner.

    Raises:
        SceneError: nothing can be rendered; the sentence has Blender's reason.
    """
    with workplace() as folder, _studio(scene, picture or STILL, subject, " " if labels else "") as studio:
        for path, frame in wanted.items():
            if labels and studio.label is not None:
                studio.label.write(labels.get(path, ""))
            _frames(studio.scene, folder, frame, frame)
            with whole(path) as part:
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
    facts: Facts | None = None,
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
        subject: the mesh that our camera looks at, where the scene's own is not used.
        facts: what the file says about where it comes from.
        progress: called with ``"render"`` or ``"encode"`` and a share.
        cancelled: asked between frames.

    Raises:
        SceneError: it cannot be rendered, or this Blender lacks FFmpeg or sound.
        CancelledError: ``cancelled`` said so; no file was written.
    """
    picture = picture or Picture()
    if sound is not None and not compat.has_sound():
        raise SceneError("This Blender was built without sound, so its movies are silent; use another version.")
    with workplace() as folder:
        shots = frames(scene, folder, first, last, picture, subject=subject, progress=progress, cancelled=cancelled)
        if progress is not None:
            progress("encode", 0.0)
        rate = float(compat.rate(scene))
        film([shots], path, rate, picture.quality, sound=sound, sound_frame=sound_frame - first + 1, facts=facts)
        if progress is not None:
            progress("encode", 1.0)
    return path


def frames(
    scene: Any,
    folder: Path,
    first: int,
    last: int,
    picture: Picture,
    *,
    subject: Any | None = None,
    label: str = "",
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> list[Path]:
    """Render frames to PNG files in a folder that is there; the other arguments are those of :func:`movie`.

    Args:
        scene: with the head.
        folder: where to.
        first: first frame.
        last: last frame.
        picture: how they look.
        subject: the mesh that our camera looks at, where the scene's own is not used.
        label: what is written into the pictures' corner.
        progress: called with ``"render"`` and a share.
        cancelled: asked between frames.

    Returns:
        The pictures, in order.
    """
    with _studio(scene, picture, subject, label) as studio:
        _frames(studio.scene, folder, first, last, progress=progress, cancelled=cancelled)
    return [_only(folder, frame) for frame in range(first, last + 1)]


@contextmanager
def workplace() -> Iterator[Path]:
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


@dataclass(frozen=True, eq=False)
class _Studio:
    """A scene that is set up to render, and its label."""

    scene: Any
    label: Label | None


@contextmanager
def _studio(scene: Any, picture: Picture, subject: Any | None, label: str) -> Iterator[_Studio]:
    """A copy of the scene, set up to render, and gone afterwards with all that was made for it."""
    require_renderer(picture.engine)
    studio = scene.copy()
    made: list[Any] = []
    text = None
    try:
        studio.name = "LSF studio"
        compat.set_engine(studio, picture.engine, picture.samples)
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
        if studio.camera is None or picture.view is not None:
            subject = subject or next((thing for thing in scene.objects if thing.type == "MESH"), None)
            if subject is None:
                raise SceneError("The scene has no mesh to make pictures of.")
            made = set_stage(studio, subject, picture.view or "portrait", (picture.width, picture.height))
        if label:
            text = Label(studio, label)
            made = [*made, *text.made]
        yield _Studio(studio, text)
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
        run_renderer(studio)
    if progress is not None:
        progress("render", 1.0)

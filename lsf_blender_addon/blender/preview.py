"""Preview movies and contact sheets: several faces side by side, each rendered in a scene of its own."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..formats.points import at_rate
from ..moments import moments, poses_of
from ..motion import FaceMotion
from . import compat, film, properties, render
from .bake import BakeSettings, plan, write
from .faces import Face
from .opening import AnyHead, SceneHead, doubt_of, opened, spoken_by
from .rig import to_blender

Points = NDArray[np.float32]
Progress = Callable[[str, float], None]

SHEET_SHARE = 0.2
"""The share of the work that a sheet is taken for, on a bar, where there is a movie as well."""

SAMPLED_POINTS = 500
"""Points of a vertex sequence that are looked at to choose moments."""

WIDEST_ROW = 4
"""Faces that stand in one row, where nobody says how many."""


@dataclass(frozen=True, eq=False)
class Shown:
    """One face of a preview.

    Attributes:
        label: what is written into its corner.
        head: whose face; one that stands in a ``.blend`` is shown in that file's scene, with all that is in it.
        motion: what it does, in the head's space, or as ``opening.spoken_by`` takes it; or
        points: (T, V, 3) float32 where its vertices lie, metres, in the head file's axes, ``fps`` times a second.
        fps: of the points.
        identity: (up to S,) coefficients of the shape directions of a head from a head file.
    """

    label: str
    head: AnyHead
    motion: FaceMotion | None = None
    points: Points | None = None
    fps: float = 25.0
    identity: NDArray[np.float64] | None = None

    @property
    def seconds(self) -> float:
        """When it ends."""
        if self.motion is not None:
            return self.motion.start + self.motion.seconds
        return 0.0 if self.points is None else len(self.points) / self.fps


@dataclass(frozen=True)
class Sheet:
    """A contact sheet.

    Attributes:
        path: the ``.png``.
        moments: how many pictures of every face.
    """

    path: Path
    moments: int = 12


@properties.known()
def preview(
    faces: Sequence[Shown],
    fps: float | None = None,
    *,
    movie: Path | None = None,
    sheet: Sheet | None = None,
    picture: render.Picture,
    columns: int | None = None,
    labelled: bool = True,
    sound: Path | None = None,
    facts: film.Facts | None = None,
    progress: Progress | None = None,
) -> tuple[str, ...]:
    """Render faces that move at the same time, side by side.

    Whatever Blender has open in this process is closed without saving: call this where no person works.

    Args:
        faces: which; at least one.
        fps: frames a second of the movie; where None, those of the first face's ``.blend``, or of its motion or points.
        movie: the ``.mp4``; none where None.
        sheet: the sheet; none where None. One face gets rows of pictures, several a row each.
        picture: how one face looks.
        columns: how many stand in a row.
        labelled: whether labels are shown.
        sound: what is heard, from the first frame.
        facts: what movie and sheet say about where they come from.
        progress: called with a stage and the share of the whole that is done, 0 to 1.

    Returns:
        What a person should know besides.

    Raises:
        LsfError: something cannot be shown, rendered or written; no half of a file is left.
    """
    opening = opened(faces[0].head, identity=faces[0].identity)
    fps = fps or _rate(faces[0], opening[1])
    last = max(1, math.ceil(max(face.seconds for face in faces) * fps - 1e-6))
    chosen = _moments(faces[0], fps, sheet.moments) if sheet is not None else []
    part = (SHEET_SHARE if movie is not None else 1.0) if sheet is not None else 0.0
    reels: list[list[Path]] = []
    shots: list[Path] = []
    notes: dict[str, None] = {}
    with render.workplace() as folder:
        for number, face in enumerate(faces):
            begun = number / len(faces)

            def at(stage: str, share: float, begun: float = begun) -> None:
                if progress is not None:
                    progress(stage, begun + share / len(faces))

            found, scene = opened(face.head, identity=face.identity) if number else opening
            _move(face, found, scene, fps, folder / f"{number}.pc2")
            notes |= dict.fromkeys(doubt_of(found))
            if movie is not None:
                place = folder / f"reel{number}"
                place.mkdir()
                reels.append(
                    render.frames(
                        scene,
                        place,
                        1,
                        last,
                        picture,
                        subject=found.mesh,
                        label=face.label if labelled else "",
                        progress=lambda stage, share, at=at: at(stage, (1.0 - part) * share),  # type: ignore[misc]
                    )
                )
            if chosen:
                wanted = {folder / f"shot{number}_{frame}.png": frame for frame in chosen}
                titles = {path: _title(face, frame, fps, labelled=labelled) for path, frame in wanted.items()}
                look = render.finely(picture)
                shots += render.stills(scene, wanted, look, subject=found.mesh, labels=titles)
                at("sheet", 1.0)
        bpy.ops.wm.read_factory_settings(use_empty=True)
        if sheet is not None:
            across = columns or (len(chosen) if len(faces) > 1 else _row(len(chosen)))
            film.sheet(shots, sheet.path, across, facts=facts)
        if movie is not None:
            across = columns or _row(len(faces))
            film.film(reels, movie, fps, picture.quality, columns=across, sound=sound, facts=facts)
    return tuple(notes)


def _rate(face: Shown, scene: Any) -> float:
    """Frames a second of a face's scene where it has one of its own, else of what it does."""
    if isinstance(face.head, SceneHead):
        return float(compat.rate(scene))
    return face.fps if face.motion is None else face.motion.fps


def _move(face: Shown, found: Face, scene: Any, fps: float, cache: Path) -> None:
    """Let a face in its scene do what it does, from frame 1 on."""
    compat.set_rate(scene, fps)
    if face.motion is not None:
        write(plan(found, spoken_by(found, face.motion, face.head), BakeSettings(start_frame=1), scene))
    elif face.points is not None:
        _play(found.mesh, at_rate(face.points, face.fps, fps), cache)
    scene.frame_set(1)


def _play(mesh: Any, points: Points, cache: Path) -> None:
    """Let a mesh's vertices lie where a sequence says, from frame 1 on, by way of a point cache file (``.pc2``)."""
    with cache.open("wb") as file:
        file.write(struct.pack("<12siiffi", b"POINTCACHE2", 1, points.shape[1], 0.0, 1.0, len(points)))
        for frame in points:
            file.write(to_blender(frame).astype("<f4").tobytes())
    modifier = mesh.modifiers.new("Points", "MESH_CACHE")
    modifier.cache_format = "PC2"
    modifier.filepath = str(cache)
    modifier.frame_start = 1.0
    modifier.interpolation = "NONE"
    modifier.deform_mode = "OVERWRITE"


def _moments(face: Shown, fps: float, count: int) -> list[int]:
    """Frames of the movie that show most of what a face does."""
    if face.motion is not None:
        poses, rate, start = poses_of(face.motion), face.motion.fps, face.motion.start
    else:
        assert face.points is not None  # noqa: S101 - a face has a motion or points
        some = np.linspace(0, face.points.shape[1] - 1, SAMPLED_POINTS).astype(int)
        moved = face.points[:, some] - face.points[:, some].mean(axis=0)
        poses, rate, start = moved.reshape(len(moved), -1), face.fps, 0.0
    return sorted({1 + max(0, round((start + moment / rate) * fps)) for moment in moments(poses, count)})


def _title(face: Shown, frame: int, fps: float, *, labelled: bool) -> str:
    moment = f"{(frame - 1) / fps:.2f} s"
    return f"{face.label}   {moment}" if labelled else moment


def _row(count: int) -> int:
    return count if count <= WIDEST_ROW else math.ceil(math.sqrt(count))

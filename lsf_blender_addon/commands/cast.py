"""Who is shown by ``lsf render``: the faces that files hold, and those that models make of recordings."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio import require_file
from ..batch.lists import SOUNDS
from ..errors import HeadError, LsfError
from ..head.flame import read_head
from ..head.model import Head
from ..models.card import read_card
from ..models.store import DEFAULT_MODEL, bundled_head, model_folder
from ..motion import FaceMotion, Space
from ..worker.client import Worker
from ..worker.protocol import Progress
from .carrying import Carried, across_to_head, as_it_is, doubt
from .scenes import in_scene
from .sources import identity_on, read_source
from .speech import face_shape, request_of

MOST = 16
"""Faces side by side."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a preview, before Blender is asked; what the fields mean, ``blender.preview.Shown`` says."""

    label: str
    motion: FaceMotion | None = None
    points: NDArray[np.float32] | None = None
    fps: float = 25.0
    identity: NDArray[np.float64] | None = None

    @property
    def origin(self) -> dict[str, Any]:
        """Where its motion comes from."""
        return {} if self.motion is None else self.motion.origin


@dataclass(frozen=True)
class Speaker:
    """A recording that a model is to speak."""

    sound: Path
    model: str
    folder: Path
    carried: Carried


@dataclass(frozen=True, eq=False)
class Cast:
    """Everybody, in order.

    Attributes:
        head: whose face they have; None where Blender alone reads it.
        made_for: the FLAME file that explains FLAME's components.
        identity: whose face shape, where the command line says it.
        parts: faces from files, and those who are still to speak.
        notes: what a person should know besides.
    """

    head: Head | None
    made_for: Head | None
    identity: NDArray[np.float64] | None
    parts: list[Face | Speaker] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def carried(
        self, spoken: Space, identity: NDArray[np.float64] | None = None, origin: dict[str, Any] | None = None
    ) -> Carried:
        """What takes motions to the head; to one in a scene Blender does, which alone can read it."""
        if self.head is None:
            return as_it_is
        mine = self.made_for if spoken == "flame" else None
        if "basis" not in (origin or {}):
            self.notes.append(doubt(spoken, self.head, mine))
        return across_to_head(spoken, self.head, mine, identity=identity, origin=origin)

    def shape_of(self, identity: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Whose face shape the head takes; one in a scene keeps its own."""
        return None if self.head is None else identity_on(self.head, identity)


def cast_of(arguments: argparse.Namespace) -> Cast:
    """Read and check everything that needs no model to run.

    Raises:
        LsfError: something does not fit.
    """
    models = arguments.model or [DEFAULT_MODEL]
    sounds = [source for source in arguments.sources if is_sound(source)]
    if arguments.model and not sounds:
        raise LsfError("--model speaks a recording, and there is none among the sources.")
    for sound in (*sounds, arguments.sound, arguments.emotion_from):
        if sound is not None:
            require_file(sound)
    count = len(arguments.sources) + len(sounds) * (len(models) * arguments.takes - 1)
    if count > MOST:
        raise LsfError(f"{count} faces side by side are too many: show up to {MOST}.")
    if arguments.label is not None and len(arguments.label) != count:
        raise LsfError(f"There are {count} faces and {len(arguments.label)} labels: name each or none.")
    head = None if in_scene(arguments) else read_head(arguments.head or bundled_head())
    made_for = None if arguments.made_for is None else read_head(arguments.made_for)
    cast = Cast(head, made_for, np.asarray(face_shape(arguments.shape)) if arguments.shape else None)
    spoken = set[str]()
    for source in arguments.sources:
        for model in models if is_sound(source) else ():
            folder = model_folder(model)
            space = read_card(folder).space
            cast.parts.append(Speaker(source, model, folder, cast.carried(space)))
            spoken.add(space)
        if not is_sound(source):
            face, space_of_it = _read(source, arguments, cast)
            cast.parts.append(face)
            spoken.add(space_of_it)
    if made_for is not None and "flame" not in spoken:
        raise LsfError("--made-for explains FLAME's components, and nothing here speaks them: leave it out.")
    return cast


def spoken_by(
    cast: Cast, arguments: argparse.Namespace, told: Callable[[str, float], None], say: Callable[[str], None]
) -> list[Face]:
    """The faces, those of recordings predicted by one worker.

    Args:
        cast: who.
        arguments: of the command line.
        told: called with a stage and the share of the predictions that is done.
        say: called with what a person should know at once.

    Raises:
        LsfError: something failed on the way.
    """
    speakers = [part for part in cast.parts if isinstance(part, Speaker)]
    several = len({part.model for part in speakers}) > 1
    faces: list[Face] = []
    done = 0
    with Worker() as worker:
        for part in cast.parts:
            if isinstance(part, Face):
                faces.append(part)
                continue

            def heard(progress: Progress, begun: int = done) -> None:
                if progress.note:
                    say(progress.note)
                told(progress.stage, (begun + progress.share) / len(speakers))

            words = argparse.Namespace(**{**vars(arguments), "audio": part.sound})
            takes = worker.predict(request_of(words, part.folder), heard)
            done += 1
            for number, take in enumerate(takes, start=1):
                label = [part.sound.stem] if len(arguments.sources) > 1 or not (several or len(takes) > 1) else []
                label += [Path(part.model).name] * several + [f"take {number}"] * (len(takes) > 1)
                motion = part.carried(take)
                identity = cast.shape_of(cast.identity)
                faces.append(Face(", ".join(label), motion, fps=motion.fps, identity=identity))
    return faces


def is_sound(path: Path) -> bool:
    """Whether a source is a recording, by its name."""
    return path.suffix.lower() in SOUNDS


def _read(source: Path, arguments: argparse.Namespace, cast: Cast) -> tuple[Face, str]:
    """A face whose motion or points are in a file, and the space that the file speaks."""
    head = cast.head
    found = read_source(source, arguments.read_fps if source.suffix.lower() in {".csv", ".npy"} else None)
    if found.points is not None:
        if head is None:
            raise HeadError(
                f"{source} holds points, and {arguments.head} moves by its shape keys and bones: give the head file "
                "whose points these are with --head."
            )
        if found.points.shape[1] != head.vertex_count:
            raise HeadError(
                f"{source} holds {found.points.shape[1]} points and the head {head.name!r} has {head.vertex_count}: "
                "give the head whose points these are with --head."
            )
        return Face(source.stem, points=found.points, fps=found.fps), "points"
    motion = found.motion
    assert motion is not None  # noqa: S101 - a source has one or the other
    who = None if arguments.no_shape else found.identity if cast.identity is None else cast.identity
    if head is None and who is not None:
        cast.notes.append(f"The face shape of {source} is left out: the head has its own.")
    moved = cast.carried(motion.space, who, motion.origin)(motion)
    return Face(source.stem, moved, fps=moved.fps, identity=cast.shape_of(who)), motion.space

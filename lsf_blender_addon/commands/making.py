"""One recording → the files that were asked for: the same whether alone or as one line of a thousand."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import MotionError, SceneError
from ..formats.facts import facts_of
from ..formats.files import KINDS, write_motion
from ..head.flame import read_head
from ..head.model import Head
from ..models.card import read_card
from ..models.store import bundled_head, model_folder
from ..motion import FaceMotion
from ..worker.client import Worker
from ..worker.protocol import Progress
from .carrying import Carried, across_to_head, as_it_is, doubt
from .scenes import SCENE, in_scene, is_scene, scene_head
from .speech import face_shape, request_of, require_folder, require_sounds

PICTURED = ("blend", "glb", "fbx", "usd", "abc", "mp4")
"""Kinds that Blender writes."""

OUTPUTS = (*KINDS, *PICTURED)
UNASKED = ("blend", "glb", "mp4")
"""What is written where nothing is chosen; the motion's own .npz always is."""

IN_BLENDER = 0.5
"""The share of the work that Blender's part is taken for, on a bar."""

HEADS = 2
"""Heads that are kept: one that speaks, and one whose components it is spoken to in."""

Told = Callable[[str, float, float | None], None]
"""Told the stage, the share (0 to 1) and, where it is known, the seconds left."""


@dataclass(frozen=True, eq=False)
class Made:
    """What was made of one recording.

    Attributes:
        files: what was written, in order.
        motions: the takes, each in the space of the head, or of the model where there is none.
        notes: what a person should know besides.
    """

    files: tuple[Path, ...]
    motions: tuple[FaceMotion, ...]
    notes: tuple[str, ...]

    def as_message(self) -> dict[str, Any]:
        """The same as JSON values."""
        motion = self.motions[0]
        facts = {**facts_of(motion.origin), "frames": motion.frames, "fps": motion.fps, "space": motion.space}
        return {"files": [str(path) for path in self.files], "facts": facts, "notes": list(self.notes)}


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is to be made of one recording, looked at and found to fit; ``head`` is None where Blender reads it."""

    kinds: tuple[str, ...]
    pictured: tuple[str, ...]
    folder: Path
    head: Head | None
    made_for: Head | None
    carried: Carried
    notes: tuple[str, ...]


class Workshop:
    """What stays warm from one recording to the next: the worker, with the model it loaded, and the last heads read."""

    def __init__(self) -> None:
        self._worker = Worker()
        self._heads: dict[Path, tuple[Any, Head]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.stop()

    def make(self, arguments: argparse.Namespace, told: Told, say: Callable[[str], None]) -> Made:
        """Make the files of ``lsf animate`` for one recording.

        Args:
            arguments: its words, understood.
            told: called several times a second.
            say: called with what a person should know at once.

        Raises:
            LsfError: something does not fit, before anything slow is begun; or something failed on the way. Files that
                were finished before stay.
        """
        plan = self._planned(arguments)
        if plan.pictured:
            blender("animate")
        if "mp4" in plan.pictured:
            blender("render").require_renderer("workbench")
        require_folder(arguments.output)
        share = 1.0 - IN_BLENDER if plan.pictured else 1.0

        def hearing(stage: str, part: float, left: float | None) -> None:
            told(stage, share * part, None if plan.pictured else left)

        takes = self._predicted(arguments, plan, hearing, say)
        return self._written(
            arguments, plan, takes, lambda stage, part, _left: told(stage, share + (1.0 - share) * part, None)
        )

    def takes(self, arguments: argparse.Namespace, told: Told, say: Callable[[str], None]) -> list[FaceMotion]:
        """The first half of :meth:`make`, for which no Blender is needed: what the model says, before it is carried.

        Raises:
            LsfError: as :meth:`make`.
        """
        return self._predicted(arguments, self._planned(arguments), told, say)

    def files(self, arguments: argparse.Namespace, takes: list[FaceMotion], told: Told) -> Made:
        """The second half of :meth:`make`, for which no network is needed.

        Raises:
            LsfError: as :meth:`make`.
        """
        plan = self._planned(arguments)
        require_folder(arguments.output)
        return self._written(arguments, plan, takes, told)

    def _planned(self, arguments: argparse.Namespace) -> _Plan:
        """Look at everything that needs neither network nor Blender."""
        require_sounds(arguments)
        kinds = chosen(arguments)
        pictured = tuple(kind for kind in PICTURED if kind in kinds)
        folder = model_folder(arguments.model)
        spoken = read_card(folder).space
        standing = in_scene(arguments)
        if standing:
            _require_place(arguments, pictured=bool(pictured))
        own = not standing and (pictured or arguments.head is not None)
        head = self._head_of(arguments.head or bundled_head()) if own else None
        made_for = self._head_of(arguments.made_for) if arguments.made_for is not None else None
        if made_for is not None and head is None and not standing:
            raise MotionError("--made-for says where a motion comes from; say with --head where it is to go.")
        carried = across_to_head(spoken, head, made_for) if head is not None else as_it_is
        _require_space(kinds, {str(spoken), str(spoken if head is None else head.space)})
        note = doubt(spoken, head, made_for) if head is not None else ""
        return _Plan(kinds, pictured, folder, head, made_for, carried, (note,) if note else ())

    def _predicted(
        self, arguments: argparse.Namespace, plan: _Plan, told: Told, say: Callable[[str], None]
    ) -> list[FaceMotion]:
        def heard(progress: Progress) -> None:
            if progress.note:
                say(progress.note)
            told(progress.stage, progress.share, progress.seconds_left)

        return self._worker.predict(request_of(arguments, plan.folder), heard)

    def _written(self, arguments: argparse.Namespace, plan: _Plan, takes: list[FaceMotion], told: Told) -> Made:
        program = blender("animate") if plan.pictured else None
        whose = plan.head
        if program is not None and plan.head is None:
            whose = scene_head(blender("opening"), arguments, plan.made_for)
        files: list[Path] = []
        notes: list[str] = [*takes[0].origin.get("warnings", []), *plan.notes]
        motions = []
        for number, take in enumerate(takes):
            motion = plan.carried(take)
            motions.append(motion)
            name = title_of(arguments) + (f"_take{number + 1}" if len(takes) > 1 else "")
            for kind in (kind for kind in KINDS if kind in plan.kinds):
                files.append(arguments.output / f"{name}.{kind}")
                _write(files[-1], kind, (motion, take), arguments)
            if program is not None:

                def at(stage: str, part: float, number: int = number) -> None:
                    told(stage, (number + part) / len(takes), None)

                report = program.animate(
                    arguments.audio,
                    motion,
                    whose,
                    arguments.output,
                    name=name,
                    fps=arguments.fps,
                    outputs=plan.pictured,
                    prune=arguments.prune,
                    start_frame=arguments.start_frame,
                    progress=at,
                )
                files += report.files.values()
                notes += [note for note in report.notes if note not in notes]
        return Made(tuple(files), tuple(motions), tuple(notes))

    def _head_of(self, path: Path) -> Head:
        """A head, read again only where the file is another."""
        told = path.stat() if path.is_file() else None
        mark = told and (told.st_size, told.st_mtime_ns)
        known = self._heads.pop(path, None)
        if known is None or known[0] != mark:
            known = mark, read_head(path)
        self._heads = dict([*self._heads.items(), (path, known)][-HEADS:])
        return known[1]


def chosen(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The kinds of files that were asked for, and the motion's own."""
    asked = tuple(kind for kind in OUTPUTS if getattr(arguments, kind)) or UNASKED
    return ("npz", *(kind for kind in asked if kind != "npz"))


def title_of(arguments: argparse.Namespace) -> str:
    """What the files of a recording are called, without ending."""
    return str(arguments.name or arguments.audio.stem)


def _require_place(arguments: argparse.Namespace, *, pictured: bool) -> None:
    """Refuse what does not go with a head that Blender alone reads."""
    if not pictured:
        kind = "A head in a .blend" if is_scene(arguments.head) else "ICT-FaceKit's head"
        raise MotionError(f"{kind} changes nothing about a motion alone: leave --head out.")
    if (arguments.output / f"{title_of(arguments)}{SCENE}").absolute() == arguments.head.absolute():
        raise SceneError(f"{arguments.head} would be written over: choose another folder, or a --name.")


def blender(part: str) -> Any:
    """A module of ``blender/``, which loads only where it is needed.

    Raises:
        SceneError: Blender is not installed here.
    """
    try:
        return importlib.import_module(f"..blender.{part}", __package__)
    except ImportError as reason:
        raise SceneError(
            f"Blender's module bpy is not installed here ({reason}): install it with `pip install bpy`, run "
            "`blender --command lsf …`, or ask for --npz, --npy, --csv and --json only."
        ) from reason


def _require_space(kinds: tuple[str, ...], spaces: set[str]) -> None:
    """Refuse what no motion at hand can be written as, before anything is predicted."""
    if "csv" in kinds and "arkit" not in spaces:
        raise MotionError(
            "A .csv holds ARKit's blendshapes, which neither the model nor the head speaks: choose a model of the "
            "space 'arkit' with --model (`lsf models list` shows them)."
        )
    if "npy" in kinds and "flame" not in spaces:
        raise MotionError(
            "The published .npy layout holds FLAME's components: give the FLAME file that is to speak with --head, or "
            "a model of the space 'flame' with --model."
        )


def _write(path: Path, kind: str, motions: tuple[FaceMotion, FaceMotion], arguments: argparse.Namespace) -> None:
    """Write a motion as it is on the head, or as the model said it where only that fits the format."""
    wanted = {"csv": "arkit", "npy": "flame"}.get(kind)
    motion = next(motion for motion in motions if wanted in (None, motion.space))
    if kind in {"csv", "json"} and arguments.fps is not None and arguments.fps != motion.fps:
        motion = dataclasses.replace(motion.resampled(arguments.fps), origin=motion.origin)
    identity = np.asarray(face_shape(arguments.shape)) if kind == "npy" and arguments.shape else None
    write_motion(path, motion, identity)

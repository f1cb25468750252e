"""The whole way from a motion to files: an empty scene, a head, keyframes, the sound, and what was asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..errors import SceneError
from ..formats.facts import facts_of
from ..motion import FaceMotion
from . import compat, properties, render, strips
from .bake import BakeReport, BakeSettings, plan, write
from .export import export, save_blend
from .faces import Face
from .film import Facts
from .opening import AnyHead, SceneHead, doubt_of, opened, spoken_by
from .stage import set_stage

FIRST_FRAME = 1


OUTPUTS = ("blend", "glb", "fbx", "usd", "abc", "mp4")
"""What can be written, in the order in which it is: what is quick and kept first, the movie last."""

SHARES = {"scene": 0.02, "bake": 0.03, "blend": 0.05, "glb": 0.10, "fbx": 0.05, "usd": 0.04, "abc": 0.04, "mp4": 0.80}
"""Parts of the whole time, for a bar."""


@dataclass(frozen=True)
class AnimationReport:
    """What :func:`animate` wrote.

    Attributes:
        files: kind → the written file.
        bake: what was keyed.
        frames: length of the animation in frames of the scene.
        fps: the scene's rate.
        notes: what a person should know besides: keys whose range had to grow, a sound that had to stay out.
    """

    files: dict[str, Path]
    bake: BakeReport
    frames: int
    fps: float
    notes: tuple[str, ...] = ()


@properties.known()
def animate(
    audio_path: Path | None,
    motion: FaceMotion,
    head: AnyHead,
    out_dir: Path,
    *,
    name: str | None = None,
    fps: float | None = None,
    outputs: Collection[str] = ("blend", "glb", "mp4"),
    prune: bool = False,
    start_frame: int = FIRST_FRAME,
    picture: render.Picture | None = None,
    progress: Callable[[str, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> AnimationReport:
    """Animate a head in a fresh scene, or in a scene of its own, and write what is asked for.

    Whatever Blender has open in this process is closed without saving: call this where no person works.

    Args:
        audio_path: the sound; None makes a silent animation.
        motion: what the face does, in the head's space; on a head in a ``.blend`` or a folder also in another, see
            ``components.on_scene_head``.
        head: whose face; one that stands in a ``.blend`` is animated in that file's scene, with all that is in it.
        out_dir: where ``NAME.blend``, ``NAME.glb`` and the like go; made if missing.
        name: of the files, the objects and the Action; the sound's where None.
        fps: the scene's rate; where None, the motion's own, or that of the head's ``.blend``.
        outputs: which of :data:`OUTPUTS` to write.
        prune: whether ``.glb``, ``.fbx`` and ``.usd`` leave out the shape keys that do not move.
        start_frame: the scene's frame at which second 0 of the sound lies, and with which the animation begins.
        picture: how the movie looks; the defaults where None.
        progress: called with a stage and the share of the whole that is done, 0 to 1.
        cancelled: asked between frames of the movie.

    Raises:
        SceneError: something does not fit or cannot be written; files that were finished before stay.
        CancelledError: ``cancelled`` said so.
    """
    title = name or (audio_path.stem if audio_path is not None else "speech")
    if not title.strip() or title != Path(title).name:
        raise SceneError(f"{title!r} cannot be the name of a file; choose another name.")
    heard = audio_path is not None and compat.has_sound()
    if "mp4" in outputs and audio_path is not None and not heard:
        raise SceneError("This Blender was built without sound, so its movies are silent; use another version.")
    wanted = [kind for kind in OUTPUTS if kind in outputs]
    bar = _Bar(progress, {stage: SHARES[stage] for stage in ("scene", "bake", *wanted)})
    face, scene = opened(head, title)
    if not isinstance(head, SceneHead):
        set_stage(scene, face.mesh)
        scene.render.engine = compat.WORKBENCH
        compat.plain_colours(scene)
    motion = spoken_by(face, motion, head)
    if fps is not None or not isinstance(head, SceneHead):
        compat.set_rate(scene, fps or motion.fps)
    rate = float(compat.rate(scene))
    last = start_frame + max(1, math.ceil((motion.start + motion.seconds) * rate - 1e-6)) - 1
    scene.frame_start, scene.frame_end = start_frame, last
    if audio_path is not None and heard:
        strips.place_sound(scene, audio_path, start_frame)
        compat.show_in_sequencer(bpy.context, scene)
    bar.done("scene")
    baked = write(plan(face, motion, BakeSettings(start_frame=start_frame, name=title), scene))
    scene.frame_set(start_frame)
    bar.done("bake")
    files = {kind: out_dir / f"{title}.{kind}" for kind in wanted}
    for kind, path in files.items():
        if kind == "blend":
            save_blend(path)
        elif kind == "mp4":
            render.movie(
                scene,
                path,
                start_frame,
                last,
                picture,
                sound=audio_path,
                sound_frame=start_frame,
                subject=face.mesh,
                facts=Facts(title, facts_of(motion.origin)),
                progress=lambda stage, share: bar.at("mp4", share if stage == "render" else 1.0),
                cancelled=cancelled,
            )
        else:
            export(kind, face, path, scene, facts=facts_of(motion.origin), prune=prune)
        bar.done(kind)
    notes = _notes(face, baked, silent=audio_path is not None and not heard)
    return AnimationReport(files, baked, last - start_frame + 1, rate, notes)


def _notes(face: Face, baked: BakeReport, *, silent: bool) -> tuple[str, ...]:
    notes = [*doubt_of(face), *baked.remarks]
    if silent:
        notes.append("This Blender was built without sound: the scene has no sound strip.")
    return tuple(notes)


class _Bar:
    """Shares of stages → one share of the whole."""

    def __init__(self, progress: Callable[[str, float], None] | None, shares: dict[str, float]) -> None:
        self.progress = progress
        total = sum(shares.values())
        self.shares = {stage: share / total for stage, share in shares.items()}
        self.before = 0.0

    def at(self, stage: str, share: float) -> None:
        if self.progress is not None:
            self.progress(stage, min(1.0, self.before + self.shares[stage] * share))

    def done(self, stage: str) -> None:
        self.at(stage, 1.0)
        self.before += self.shares[stage]

"""The whole way from a motion to files: an empty scene, a head, keyframes, the sound, and what was asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..errors import SceneError
from ..head.flame import Head
from ..motion import FaceMotion
from . import compat, render, strips
from .bake import BakeReport, BakeSettings, plan, write
from .export import save_blend, save_glb
from .faces import face_of
from .rig import build_rig
from .stage import set_stage

FIRST_FRAME = 1

SHARES = {"scene": 0.02, "bake": 0.03, "blend": 0.05, "glb": 0.10, "mp4": 0.80}
"""Parts of the whole time, for a bar."""


@dataclass(frozen=True)
class AnimationReport:
    """What :func:`animate` wrote.

    Attributes:
        blend: the ``.blend``, or None where it was not asked for.
        glb: likewise.
        mp4: likewise.
        bake: what was keyed.
        frames: length of the animation in frames of the scene.
        fps: the scene's rate.
        notes: what a person should know besides: keys whose range had to grow, a sound that had to stay out.
    """

    blend: Path | None
    glb: Path | None
    mp4: Path | None
    bake: BakeReport
    frames: int
    fps: float
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The written files."""
        return tuple(path for path in (self.blend, self.glb, self.mp4) if path is not None)


def animate(
    audio_path: Path | None,
    motion: FaceMotion,
    head: Head,
    out_dir: Path,
    *,
    name: str | None = None,
    fps: float | None = None,
    glb: bool = True,
    mp4: bool = True,
    blend: bool = True,
    picture: render.Picture | None = None,
    progress: Callable[[str, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> AnimationReport:
    """Animate a head in a fresh, empty scene, and write what is asked for.

    Whatever Blender has open in this process is closed without saving: call this where no person works.

    Args:
        audio_path: the sound; None makes a silent animation.
        motion: what the face does, in the head's space.
        head: whose face.
        out_dir: where ``NAME.blend``, ``NAME.glb`` and ``NAME.mp4`` go; made if missing.
        name: of the files, the objects and the Action; the sound's where None.
        fps: the scene's rate; the motion's own where None.
        glb: whether to export a ``.glb``.
        mp4: whether to render a movie.
        blend: whether to save a ``.blend``.
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
    if mp4 and audio_path is not None and not heard:
        raise SceneError("This Blender was built without sound, so its movies are silent; use another version.")
    wanted = {"scene": True, "bake": True, "blend": blend, "glb": glb, "mp4": mp4}
    bar = _Bar(progress, {stage: SHARES[stage] for stage, on in wanted.items() if on})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    compat.set_rate(scene, fps or motion.fps)
    rate = float(compat.rate(scene))
    rig = build_rig(head, title)
    set_stage(scene, rig.mesh)
    scene.render.engine = compat.WORKBENCH
    compat.plain_colours(scene)
    last = FIRST_FRAME + max(1, math.ceil((motion.start + motion.seconds) * rate - 1e-6)) - 1
    scene.frame_start, scene.frame_end = FIRST_FRAME, last
    if audio_path is not None and heard:
        strips.place_sound(scene, audio_path, FIRST_FRAME)
        compat.show_in_sequencer(bpy.context, scene)
    bar.done("scene")
    face = face_of(rig.mesh)
    baked = write(plan(face, motion, BakeSettings(start_frame=FIRST_FRAME, name=title), scene))
    scene.frame_set(FIRST_FRAME)
    bar.done("bake")
    paths = {kind: out_dir / f"{title}.{kind}" for kind in ("blend", "glb", "mp4") if wanted[kind]}
    if blend:
        save_blend(paths["blend"])
        bar.done("blend")
    if glb:
        save_glb(face, paths["glb"], scene)
        bar.done("glb")
    if mp4:
        render.movie(
            scene,
            paths["mp4"],
            FIRST_FRAME,
            last,
            picture,
            sound=audio_path,
            sound_frame=FIRST_FRAME,
            progress=lambda stage, share: bar.at("mp4", share if stage == "render" else 1.0),
            cancelled=cancelled,
        )
        bar.done("mp4")
    return AnimationReport(
        paths.get("blend"),
        paths.get("glb"),
        paths.get("mp4"),
        baked,
        last - FIRST_FRAME + 1,
        rate,
        _notes(baked, silent=audio_path is not None and not heard),
    )


def _notes(baked: BakeReport, *, silent: bool) -> tuple[str, ...]:
    notes = []
    if baked.widened:
        notes.append(f"The slider range of {len(baked.widened)} shape keys had to grow: {', '.join(baked.widened)}.")
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

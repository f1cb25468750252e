"""Motion → keyframes: everything is planned and checked first, then written at once into a new Action."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..errors import SceneError
from ..motion import FaceMotion
from . import compat, crossing
from .channels import Curve, Values, check_face, check_free, curves_of_face, grown_ranges, with_fewer_keys
from .faces import Face
from .wording import few

MARK = "lsf_motion"
"""Custom property of an Action that we made: JSON with the motion's origin."""

LAST_FRAME = 1_048_574
"""Blender's own limit, both ways."""

REST_SECONDS = 0.2
"""How long a face takes from rest into a line, and back."""


@dataclass(frozen=True, eq=False)
class Line:
    """A motion on the timeline.

    Attributes:
        motion: what the face does.
        start_frame: the frame at which second 0 of the sound lies; may lie between frames.
        speed: seconds of the sound that pass in a second of the timeline.
        first: the first frame that is heard; from the motion's beginning where None.
        last: the last frame that is heard; to the motion's end where None.
    """

    motion: FaceMotion
    start_frame: float = 1.0
    speed: float = 1.0
    first: int | None = None
    last: int | None = None

    def seconds(self, frames: NDArray[np.int64], rate: float) -> NDArray[np.float64]:
        """(N,) seconds of the sound at frames of a timeline of ``rate`` frames a second."""
        return np.asarray((frames - self.start_frame) / rate * self.speed, np.float64)

    def span(self, rate: float) -> tuple[int, int]:
        """Its first and last whole frame.

        Raises:
            SceneError: there is no such frame on a timeline.
        """
        if not math.isfinite(self.start_frame):
            raise SceneError("The start frame must be a number.")
        times = self.motion.times
        close = 1e-6
        first = math.ceil(self.start_frame + times[0] * rate / self.speed - close)
        last = math.floor(self.start_frame + times[-1] * rate / self.speed + close)
        if self.first is not None:
            first = max(first, self.first)
        if self.last is not None:
            last = min(last, self.last)
        last = max(first, last)
        if first < -LAST_FRAME or last > LAST_FRAME:
            raise SceneError(f"The motion would reach frame {last}; Blender's timeline ends at {LAST_FRAME}.")
        return first, last


@dataclass(frozen=True)
class BakeSettings:
    """How a motion is put on a timeline.

    Attributes:
        start_frame: the frame at which second 0 of the sound lies; may lie between frames.
        name: of the Action; where None, the sound's name if the motion knows it.
        jaw: whether the jaw is keyed.
        rest: whether the face comes from rest before a line and goes back to it after.
        tolerance: millimetres that points of the face may lie beside where all keys would put them; None keeps a key
            on every frame.
    """

    start_frame: float = 1.0
    name: str | None = None
    jaw: bool = True
    rest: bool = False
    tolerance: float | None = None


@dataclass(frozen=True, eq=False)
class BakePlan:
    """Everything that :func:`write` will do, and nothing else.

    Attributes:
        face: whose.
        name: of the new Action.
        frames: (N,) whole frames that can get a key.
        curves: what is written.
        ranges: (shape keys, key) whose slider range must grow → the new range.
        origin: what the Action remembers.
    """

    face: Face
    name: str
    frames: NDArray[np.int64]
    curves: tuple[Curve, ...]
    ranges: dict[tuple[Any, str], tuple[float, float]]
    origin: dict[str, Any]

    @property
    def owners(self) -> tuple[Any, ...]:
        """Whose curves there are, each once."""
        return tuple(dict.fromkeys(curve.owner for curve in self.curves))

    @property
    def keys(self) -> int:
        """How many keys will be written."""
        return sum(curve.count for curve in self.curves)


@dataclass(frozen=True)
class BakeReport:
    """What was written.

    Attributes:
        actions: names of the new Actions: one, or one for each owner where Actions have no slots.
        first_frame: first frame with keys.
        last_frame: last frame with keys.
        curves: number of F-curves.
        keys: number of keyframes.
        keys_before: what they would be with one on every frame.
        widened: shape keys whose slider range had to grow.
        put_aside: names of Actions that animated the head before; they are kept, untouched, and no longer assigned.
        seconds: how long the writing took.
    """

    actions: tuple[str, ...]
    first_frame: int
    last_frame: int
    curves: int
    keys: int
    keys_before: int
    widened: tuple[str, ...]
    put_aside: tuple[str, ...]
    seconds: float

    @property
    def remarks(self) -> list[str]:
        """What a person should know of the writing itself."""
        if not self.widened:
            return []
        listed = few(self.widened)
        return [f"The slider range of {len(self.widened)} shape keys had to grow: {listed}."]


def plan(face: Face, motion: FaceMotion, settings: BakeSettings | None = None, scene: Any | None = None) -> BakePlan:
    """Gather all that the bake of one motion will write, at the scene's own frames.

    Frame n of the scene shows the motion at exactly (n - start frame) / rate seconds, so nothing drifts.

    Args:
        face: the head, see ``faces.face_of``.
        motion: what it does, in a space that the head understands.
        settings: how; the defaults where None.
        scene: whose rate counts; the current one where None.

    Raises:
        SceneError: the head cannot take this motion; the sentence says why and what to do. Nothing was changed.
    """
    settings = settings or BakeSettings()
    return plan_lines(face, [Line(motion, settings.start_frame)], settings, scene)


def plan_lines(
    face: Face, lines: Sequence[Line], settings: BakeSettings | None = None, scene: Any | None = None
) -> BakePlan:
    """Gather all that the bake of several lines into one Action will write.

    Args:
        face: the head.
        lines: what it says, where; at least one. Between two lines the face is at rest.
        settings: how; its ``start_frame`` is the lines' own matter.
        scene: whose rate counts; the current one where None.

    Raises:
        SceneError: the head cannot take these motions, or two of them lie on the same frames.
    """
    settings = settings or BakeSettings()
    rate = float(compat.rate(scene or bpy.context.scene))
    ordered = sorted(lines, key=lambda line: line.span(rate))
    spaces = {line.motion.space for line in ordered}
    for space in sorted(spaces):
        check_face(face, space)
    if len(spaces) > 1:
        raise SceneError("The lines speak different spaces, ARKit's and FLAME's: animate them one by one.")
    across = None if spaces == {face.space} else crossing.of(face)
    spans = [line.span(rate) for line in ordered]
    for (_, last), (first, _) in pairwise(spans):
        if first <= last:
            raise SceneError("Two of the lines overlap, and one head cannot say both at once: choose one of them.")
    ease = max(1, round(REST_SECONDS * rate)) if settings.rest or len(lines) > 1 else 0
    frames = np.unique(np.concatenate([np.arange(first - ease, last + ease + 1) for first, last in spans]))
    expression, jaw = _sampled(ordered, spans, frames, rate, ease)
    told: dict[str, float] = {}
    if across is not None:
        face = across.face
        expression, jaw, told = across.said(expression, jaw)
    curves = curves_of_face(face, expression, jaw, with_jaw=settings.jaw)
    check_free(curves)
    ranges = grown_ranges(curves)
    if settings.tolerance is not None:
        curves = with_fewer_keys(face, frames, curves, settings.tolerance)
    begin = ordered[0]
    return BakePlan(
        face=face,
        name=_name(begin.motion, settings.name),
        frames=frames,
        curves=tuple(curves),
        ranges=ranges,
        origin={
            **begin.motion.origin,
            "space": begin.motion.space,
            "fps": begin.motion.fps,
            "start": begin.motion.start,
            "start_frame": begin.start_frame,
            **({"retargeted": {"to": face.mesh.name, **told}} if across is not None else {}),
        },
    )


def write(planned: BakePlan) -> BakeReport:
    """Write a plan into one new Action with a slot for each owner, and assign it.

    What was assigned before stays as it is, is kept with the file, and is named in the report. When anything goes wrong
    on the way, all is put back and the error passes on.
    """
    begin = time.perf_counter()
    owners = planned.owners
    before = [(owner, compat.assignment(owner)) for owner in owners]
    spans = _spans(planned)
    actions: list[Any] = []
    try:
        parts, actions = compat.new_channels(planned.name, owners)
        for part, owner in zip(parts, owners, strict=True):
            for curve in planned.curves:
                if curve.owner == owner:
                    _write_curve(part.curve(curve.data_path, curve.index, curve.group), curve, planned.frames)
        for action in actions:
            action.use_fake_user = True
            action[MARK] = json.dumps(planned.origin)
        for (keys, name), span in planned.ranges.items():
            _set_span(keys.key_blocks[name], span)
        for part, owner in zip(parts, owners, strict=True):
            part.assign(owner)
    except BaseException:
        _put_back(before, spans, actions)
        raise
    aside = {action.name: action for _, (action, _) in before if action is not None}
    for action in aside.values():
        if action.users == 0:
            action.use_fake_user = True
    return _report(planned, tuple(action.name for action in actions), tuple(aside), time.perf_counter() - begin)


def rewrite(planned: BakePlan, parts: Sequence[compat.Channels]) -> BakeReport:
    """Write a plan into the Action of an earlier bake, in place of what that wrote.

    Args:
        planned: what to write.
        parts: the Action's channels, one for each of the plan's owners, in their order.
    """
    begin = time.perf_counter()
    for part, owner in zip(parts, planned.owners, strict=True):
        wanted = {(curve.data_path, curve.index): curve for curve in planned.curves if curve.owner == owner}
        there = {(curve.data_path, curve.array_index): curve for curve in part.curves}
        for place, curve in wanted.items():
            made = there.pop(place, None)
            if made is None:
                made = part.curve(curve.data_path, curve.index, curve.group)
            made.keyframe_points.clear()
            _write_curve(made, curve, planned.frames)
        for stray in there.values():
            part.curves.remove(stray)
    for (keys, name), span in planned.ranges.items():
        _set_span(keys.key_blocks[name], span)
    names = tuple(dict.fromkeys(part.action.name for part in parts))
    return _report(planned, names, (), time.perf_counter() - begin)


def _put_back(before: list[tuple[Any, Any]], spans: list[tuple[Any, tuple[float, float]]], actions: list[Any]) -> None:
    for owner, was in before:
        compat.restore(owner, was)
    for block, span in spans:
        _set_span(block, span)
    for action in actions:
        bpy.data.actions.remove(action)


def _report(planned: BakePlan, actions: tuple[str, ...], aside: tuple[str, ...], seconds: float) -> BakeReport:
    return BakeReport(
        actions=actions,
        first_frame=int(planned.frames[0]),
        last_frame=int(planned.frames[-1]),
        curves=len(planned.curves),
        keys=planned.keys,
        keys_before=len(planned.curves) * len(planned.frames),
        widened=tuple(dict.fromkeys(name for _, name in planned.ranges)),
        put_aside=aside,
        seconds=seconds,
    )


def _sampled(
    lines: Sequence[Line], spans: list[tuple[int, int]], frames: NDArray[np.int64], rate: float, ease: int
) -> tuple[Values, Values]:
    """Expression (N, 50) and jaw (N, 3) on every frame: each line in its span, rest beyond."""
    expression, jaw = np.zeros((len(frames), 50), np.float32), np.zeros((len(frames), 3), np.float32)
    for line, (first, last) in zip(lines, spans, strict=True):
        near = (frames >= first - ease) & (frames <= last + ease)
        spoken, opened = line.motion.sampled(line.seconds(np.clip(frames[near], first, last), rate))
        beyond = np.maximum(np.maximum(first - frames[near], frames[near] - last), 0) / max(ease, 1)
        part = (1 - beyond**2 * (3 - 2 * beyond)).astype(np.float32)[:, None]
        expression[near] += part * spoken
        jaw[near] += part * opened
    return expression, jaw


def _spans(planned: BakePlan) -> list[tuple[Any, tuple[float, float]]]:
    blocks = [keys.key_blocks[name] for keys, name in planned.ranges]
    return [(block, (block.slider_min, block.slider_max)) for block in blocks]


def _set_span(key: Any, span: tuple[float, float]) -> None:
    key.slider_min, key.slider_max = span


def _name(motion: FaceMotion, name: str | None) -> str:
    if name:
        return name
    source = str(motion.origin.get("audio") or motion.origin.get("source") or "Speech")
    return source.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0] or "Speech"


def _write_curve(made: Any, curve: Curve, frames: NDArray[np.int64]) -> None:
    points = made.keyframe_points
    points.add(curve.count)
    places = np.empty((curve.count, 2), np.float32)
    places[:, 0] = frames if curve.keys is None else frames[curve.keys.at]
    places[:, 1] = curve.values if curve.keys is None else curve.values[curve.keys.at]
    points.foreach_set("co", places.ravel())
    # new keys have whatever the person prefers for keys set by hand; a bake looks the same for everybody
    look = KEY_LOOK if curve.keys is None else REDUCED_LOOK
    for name, wanted in look.items():
        if getattr(points[0], name) != wanted:
            value = bpy.types.Keyframe.bl_rna.properties[name].enum_items[wanted].value
            points.foreach_set(name, np.full(curve.count, value, np.int32))
    if curve.keys is not None:
        reach = np.diff(places[:, 0], prepend=places[0, 0] - 1, append=places[-1, 0] + 1) / 3
        slopes = curve.keys.slopes.astype(np.float32)
        for name, length in (("handle_left", -reach[:-1]), ("handle_right", reach[1:])):
            points.foreach_set(name, (places + np.stack([length, slopes * length], axis=1)).ravel())
    made.update()


KEY_LOOK = {"interpolation": "BEZIER", "handle_left_type": "AUTO_CLAMPED", "handle_right_type": "AUTO_CLAMPED"}
"""Smooth between frames, for slow motion and motion blur, without passing the keys."""

REDUCED_LOOK = {"interpolation": "BEZIER", "handle_left_type": "ALIGNED", "handle_right_type": "ALIGNED"}
"""Few keys lie far apart: their handles say where the curve goes between them."""

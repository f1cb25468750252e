"""Motion → keyframes: everything is planned and checked first, then written at once into a new Action."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..errors import SceneError
from ..motion import FaceMotion
from . import compat
from .rig import WIDE, Face, bone_axes
from .rotation import DATA_PATHS, EULER_ORDERS, channels, matrices

MARK = "lsf_motion"
"""Custom property of an Action that we made: JSON with the motion's origin."""

LAST_FRAME = 1_048_574
"""Blender's own limit, both ways."""

NO_SHIFT = 1e-6
"""Metres of jaw movement that nobody sees, and that get no curves."""

EXPRESSION_GROUP = "Expression"

Values = NDArray[np.float32]


@dataclass(frozen=True)
class BakeSettings:
    """How a motion is put on a timeline.

    Attributes:
        start_frame: the frame at which second 0 of the sound lies; may lie between frames.
        name: of the Action; where None, the sound's name if the motion knows it.
        jaw: whether the jaw bone is keyed.
    """

    start_frame: float = 1.0
    name: str | None = None
    jaw: bool = True


@dataclass(frozen=True, eq=False)
class Curve:
    """One F-curve to be: whose, which property, and its value on every frame of the plan."""

    kind: str
    data_path: str
    index: int
    group: str
    values: Values


@dataclass(frozen=True, eq=False)
class BakePlan:
    """Everything that :func:`write` will do, and nothing else.

    Attributes:
        face: whose.
        name: of the new Action.
        frames: (N,) whole frames that get a key.
        curves: what is written.
        ranges: shape keys whose slider range must grow, and the new range.
        origin: what the Action remembers.
    """

    face: Face
    name: str
    frames: NDArray[np.int64]
    curves: tuple[Curve, ...]
    ranges: dict[str, tuple[float, float]]
    origin: dict[str, Any]


@dataclass(frozen=True)
class BakeReport:
    """What was written.

    Attributes:
        actions: names of the new Actions: one, or two where Actions have no slots.
        first_frame: first frame with keys.
        last_frame: last frame with keys.
        curves: number of F-curves.
        keys: number of keyframes.
        widened: shape keys whose slider range had to grow.
        put_aside: names of Actions that animated the head before; they are kept, untouched, and no longer assigned.
        seconds: how long the writing took.
    """

    actions: tuple[str, ...]
    first_frame: int
    last_frame: int
    curves: int
    keys: int
    widened: tuple[str, ...]
    put_aside: tuple[str, ...]
    seconds: float


def plan(face: Face, motion: FaceMotion, settings: BakeSettings | None = None, scene: Any | None = None) -> BakePlan:
    """Gather all that a bake will write, at the scene's own frames.

    Frame n of the scene shows the motion at exactly (n - start frame) / rate seconds, so nothing drifts.

    Args:
        face: the head, see ``rig.face_of``.
        motion: what it does; in the head's own space.
        settings: how; the defaults where None.
        scene: whose rate counts; the current one where None.

    Raises:
        SceneError: the head cannot take this motion; the sentence says why and what to do. Nothing was changed.
    """
    settings = settings or BakeSettings()
    scene = scene or bpy.context.scene
    _check_face(face, motion)
    frames = _frames(motion, settings.start_frame, float(compat.rate(scene)))
    expression, jaw = motion.sampled((frames - settings.start_frame) / float(compat.rate(scene)))
    curves = [
        Curve(compat.KEY, f'key_blocks["{bpy.utils.escape_identifier(key)}"].value', 0, EXPRESSION_GROUP, values)
        for key, values in zip(face.expressions, np.ascontiguousarray(expression.T), strict=True)
    ]
    if settings.jaw and (face.jaw is not None or np.abs(motion.jaw).max() > 0):
        curves += _jaw_curves(face, expression, jaw)
    _check_free(face, curves)
    return BakePlan(
        face=face,
        name=_name(motion, settings.name),
        frames=frames,
        curves=tuple(curves),
        ranges=_ranges(face, expression),
        origin={
            **motion.origin,
            "space": motion.space,
            "fps": motion.fps,
            "start": motion.start,
            "start_frame": settings.start_frame,
        },
    )


def write(planned: BakePlan) -> BakeReport:
    """Write a plan into one new Action with a slot for the shape keys and one for the armature, and assign it.

    What was assigned before stays as it is, is kept with the file, and is named in the report. When anything goes wrong
    on the way, all is put back and the error passes on.
    """
    begin = time.perf_counter()
    face = planned.face
    owners = {compat.KEY: face.keys}
    if any(curve.kind == compat.OBJECT for curve in planned.curves):
        owners[compat.OBJECT] = face.armature
    before = {kind: compat.assignment(owner) for kind, owner in owners.items()}
    spans = {key: _span(face.keys.key_blocks[key]) for key in planned.ranges}
    actions: list[Any] = []
    try:
        parts, actions = compat.new_channels(planned.name, {kind: owner.name for kind, owner in owners.items()})
        for curve in planned.curves:
            _write_curve(parts[curve.kind], curve, planned.frames)
        for action in actions:
            action.use_fake_user = True
            action[MARK] = json.dumps(planned.origin)
        for key, span in planned.ranges.items():
            _set_span(face.keys.key_blocks[key], span)
        for kind, owner in owners.items():
            parts[kind].assign(owner)
    except BaseException:
        for kind, owner in owners.items():
            compat.restore(owner, before[kind])
        for key, span in spans.items():
            _set_span(face.keys.key_blocks[key], span)
        for action in actions:
            bpy.data.actions.remove(action)
        raise
    aside = {action.name: action for action, _ in before.values() if action is not None}
    for action in aside.values():
        if action.users == 0:
            action.use_fake_user = True
    return BakeReport(
        actions=tuple(action.name for action in actions),
        first_frame=int(planned.frames[0]),
        last_frame=int(planned.frames[-1]),
        curves=len(planned.curves),
        keys=len(planned.curves) * len(planned.frames),
        widened=tuple(planned.ranges),
        put_aside=tuple(aside),
        seconds=time.perf_counter() - begin,
    )


def _check_face(face: Face, motion: FaceMotion) -> None:
    name = face.mesh.name
    if motion.space != face.space:
        raise SceneError(
            f"The motion speaks {motion.space!r} and the head {name!r} understands {face.space!r}: "
            "choose a model of the head's space, or retarget the motion."
        )
    keys = face.keys
    missing = [key for key in face.expressions if keys is None or key not in keys.key_blocks]
    if missing:
        listed = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")  # noqa: PLR2004 names in a sentence
        raise SceneError(f"{name!r} lacks {len(missing)} of its expression keys ({listed}); add or rename them.")
    owners: tuple[Any, ...] = (face.mesh, keys, face.armature)
    for thing in owners:
        if thing is not None and not thing.is_editable:
            raise SceneError(f"{thing.name!r} is linked from another file and cannot be keyed; make it local first.")
        data = getattr(thing, "animation_data", None)
        if data is not None and data.use_tweak_mode:
            raise SceneError(f"{thing.name!r} has an NLA strip in tweak mode; leave tweak mode first.")
    if face.mesh.show_only_shape_key:
        raise SceneError(f"{name!r} shows a single shape key only, so nothing would move; unpin it first.")


def _frames(motion: FaceMotion, start_frame: float, rate: float) -> NDArray[np.int64]:
    if not math.isfinite(start_frame):
        raise SceneError("The start frame must be a number.")
    times = motion.times
    close = 1e-6
    first = math.ceil(start_frame + times[0] * rate - close)
    last = max(first, math.floor(start_frame + times[-1] * rate + close))
    if first < -LAST_FRAME or last > LAST_FRAME:
        raise SceneError(f"The motion would reach frame {last}; Blender's timeline ends at {LAST_FRAME}.")
    return np.arange(first, last + 1, dtype=np.int64)


def _jaw_curves(face: Face, expression: Values, jaw: Values) -> list[Curve]:
    if face.armature is None or face.jaw is None:
        raise SceneError(
            f"{face.mesh.name!r} has no armature with a bone named 'jaw'; add one, or bake without the jaw."
        )
    bone = face.armature.pose.bones[face.jaw]
    if bone.rotation_mode not in (*DATA_PATHS, *EULER_ORDERS):
        raise SceneError(f"The rotation mode {bone.rotation_mode!r} of the bone {bone.name!r} is unknown.")
    own = face.axes.T @ bone_axes(face.armature, face.jaw)
    turns = jaw.astype(np.float64)
    path = f'pose.bones["{bpy.utils.escape_identifier(face.jaw)}"]'
    property_name, values = channels(turns @ own, bone.rotation_mode)
    made = {property_name: values}
    # FLAME's jaw joint moves with the expressions; turning about the moved joint is turning about the bone's own
    # head and then moving by (1 - R) times the joint's movement
    moved = expression.astype(np.float64) @ face.jaw_shift.T
    offset = moved - np.einsum("tij,tj->ti", matrices(turns), moved)
    if np.abs(offset).max() > NO_SHIFT:
        made["location"] = offset @ own
    return [
        Curve(compat.OBJECT, f"{path}.{name}", index, face.jaw, column.astype(np.float32))
        for name, table in made.items()
        for index, column in enumerate(table.T)
    ]


def _check_free(face: Face, curves: list[Curve]) -> None:
    owners: dict[str, Any] = {compat.KEY: face.keys, compat.OBJECT: face.armature}
    wanted = {(curve.kind, curve.data_path) for curve in curves}
    for kind, owner in owners.items():
        drivers = () if owner is None or owner.animation_data is None else owner.animation_data.drivers
        for driver in drivers:
            if (kind, driver.data_path) in wanted:
                raise SceneError(
                    f"A driver holds {driver.data_path} of {owner.name!r}, so keys on it would do nothing; "
                    "remove the driver first."
                )


def _ranges(face: Face, expression: Values) -> dict[str, tuple[float, float]]:
    """Sliders clamp what animates them, so their ranges must hold every value."""
    lowest, highest = expression.min(axis=0), expression.max(axis=0)
    grown = {}
    for key, low, high in zip(face.expressions, lowest, highest, strict=True):
        if low < WIDE[0] or high > WIDE[1]:
            raise SceneError(
                f"The motion moves {key!r} from {low:.3g} to {high:.3g}, beyond the -10 to 10 that a shape key holds; "
                "lower its strength."
            )
        now = _span(face.keys.key_blocks[key])
        needed = (min(now[0], float(math.floor(low))), max(now[1], float(math.ceil(high))))
        if needed != now:
            grown[key] = needed
    return grown


def _span(key: Any) -> tuple[float, float]:
    return key.slider_min, key.slider_max


def _set_span(key: Any, span: tuple[float, float]) -> None:
    key.slider_min, key.slider_max = span


def _name(motion: FaceMotion, name: str | None) -> str:
    if name:
        return name
    source = str(motion.origin.get("audio") or motion.origin.get("source") or "Speech")
    return source.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0] or "Speech"


def _write_curve(part: compat.Channels, curve: Curve, frames: NDArray[np.int64]) -> None:
    made = part.curve(curve.data_path, curve.index, curve.group)
    points = made.keyframe_points
    points.add(len(frames))
    places = np.empty((len(frames), 2), np.float32)
    places[:, 0] = frames
    places[:, 1] = curve.values
    points.foreach_set("co", places.ravel())
    # new keys have whatever the person prefers for keys set by hand; a bake looks the same for everybody
    for name, wanted in KEY_LOOK.items():
        if getattr(points[0], name) != wanted:
            value = bpy.types.Keyframe.bl_rna.properties[name].enum_items[wanted].value
            points.foreach_set(name, np.full(len(frames), value, np.int32))
    made.update()


KEY_LOOK = {"interpolation": "BEZIER", "handle_left_type": "AUTO_CLAMPED", "handle_right_type": "AUTO_CLAMPED"}
"""Smooth between frames, for slow motion and motion blur, without passing the keys."""

"""Motion per frame → the F-curves of one face: its own keys, its own bone, its own followers, checked beforehand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..errors import SceneError
from ..motion import Space
from ..reduction import Keys, reduced
from .faces import MILLIMETRES, Face, bone_axes, lip_vertices, placement, positions
from .rig import WIDE
from .rotation import AXIS_ANGLE, DATA_PATHS, EULER_ORDERS, QUATERNION, Doubles, channels, matrices
from .wording import few

NO_SHIFT = 1e-6
"""Metres of jaw movement that nobody sees, and that get no curves."""

SLIGHT = 0.05
"""How far beyond its range a blendshape may be without meaning it."""

EXPRESSION_GROUP = "Expression"

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Curve:
    """One F-curve to be.

    Attributes:
        owner: the shape keys or the object that it animates.
        data_path: the property.
        index: of an array's entry.
        group: the Action's group that it is listed under.
        values: (N,) on every frame of the plan.
        keys: the frames that get a key, and the slopes there; every frame where None.
    """

    owner: Any
    data_path: str
    index: int
    group: str
    values: Values
    keys: Keys | None = None

    @property
    def count(self) -> int:
        """How many keys it gets."""
        return len(self.values) if self.keys is None else len(self.keys.at)


def check_face(face: Face, space: Space) -> None:
    """Refuse what cannot be keyed.

    Args:
        face: whose.
        space: of the motion that it is to speak.

    Raises:
        SceneError: the sentence says why and what to do.
    """
    name = face.mesh.name
    if space not in face.understands:
        raise SceneError(
            f"The motion speaks {space!r} and the head {name!r} understands {' and '.join(face.understands)}: "
            "choose a model that speaks it, or retarget the motion."
        )
    keys = face.keys
    if face.table is not None and not face.opens:
        raise SceneError(_why_closed(face))
    missing = [key for key in face.expressions if key and (keys is None or key not in keys.key_blocks)]
    if missing:
        listed = few(missing, 5)
        raise SceneError(f"{name!r} lacks {len(missing)} of its expression keys ({listed}); add or rename them.")
    for thing in (face.mesh, *face.owners):
        if not thing.is_editable:
            what = f"The mesh data of {name!r}" if thing == keys else f"{thing.name!r}"
            raise SceneError(
                f"{what} is linked from another file and cannot be keyed; make a library override of "
                "it, or make it local."
            )
        check_tweak(thing)
    if face.mesh.show_only_shape_key:
        raise SceneError(f"{name!r} shows a single shape key only, so nothing would move; unpin it first.")


def check_tweak(owner: Any) -> None:
    """Refuse to change what animates an owner while one of its NLA strips is open.

    Raises:
        SceneError: it is in tweak mode.
    """
    if in_tweak(owner):
        raise SceneError(f"{owner.name!r} has an NLA strip in tweak mode; leave tweak mode first.")


def in_tweak(owner: Any) -> bool:
    """Whether one of an owner's NLA strips is open, so that its Action is what the owner plays."""
    data = owner.animation_data
    return data is not None and bool(data.use_tweak_mode)


def check_free(curves: list[Curve]) -> None:
    """Refuse what a driver holds.

    Raises:
        SceneError: keys there would do nothing.
    """
    for curve in curves:
        data = curve.owner.animation_data
        for driver in () if data is None else data.drivers:
            if driver.data_path == curve.data_path:
                raise SceneError(
                    f"A driver holds {driver.data_path} of {curve.owner.name!r}, so keys on it would do nothing; "
                    "remove the driver first."
                )


def curves_of_face(face: Face, expression: Values, jaw: Values, *, with_jaw: bool) -> list[Curve]:
    """The curves that make a face do this.

    Args:
        face: whose.
        expression: (N, K) of the face's own expressions; see ``crossing.py`` for motions in another space.
        jaw: (N, 3) axis times angle of its jaw bone, radians.
        with_jaw: whether the jaw is keyed.

    Raises:
        SceneError: the jaw moves and there is none.
    """
    if face.space == "arkit":
        expression = within(expression)
    values = {key: column for key, column in zip(face.expressions, expression.T, strict=True) if key}
    curves = [_key_curve(face.keys, key, column) for key, column in values.items()]
    if with_jaw and (face.jaw is not None or np.abs(jaw).max() > 0):
        curves += _jaw_curves(face, expression, jaw)
    for follower in face.followers:
        keys = follower.data.shape_keys
        curves += [_key_curve(keys, key, column) for key, column in values.items() if key in keys.key_blocks]
    return curves


def with_fewer_keys(face: Face, frames: NDArray[np.int64], curves: list[Curve], tolerance: float) -> list[Curve]:
    """The same curves with the fewest keys that leave every watched point within ``tolerance`` millimetres.

    Watched are the lips and, for every channel, what it moves farthest.
    """
    own = [curve for curve in curves if curve.owner in (face.keys, face.armature)]
    reach = _reach(face, own)
    able = [number for number, way in enumerate(reach) if way is not None]
    made = reduced(
        frames,
        np.stack([own[number].values for number in able], axis=1),
        np.stack([way for way in reach if way is not None]),
        tolerance,
    )
    keys = {
        (own[number].owner, own[number].data_path, own[number].index): found
        for number, found in zip(able, made, strict=True)
    }
    chosen = []
    for curve in curves:
        owner = face.keys if isinstance(curve.owner, bpy.types.Key) else curve.owner  # followers do what the face does
        chosen.append(replace(curve, keys=keys.get((owner, curve.data_path, curve.index))))
    return chosen


def grown_ranges(curves: list[Curve]) -> dict[tuple[Any, str], tuple[float, float]]:
    """Sliders clamp what animates them: (shape keys, key) → the range that holds every value, where it must grow.

    Raises:
        SceneError: a value lies beyond what a shape key can hold.
    """
    grown = {}
    for curve in curves:
        if not isinstance(curve.owner, bpy.types.Key):
            continue
        block = curve.owner.path_resolve(curve.data_path.removesuffix(".value"))
        low, high = float(curve.values.min()), float(curve.values.max())
        if low < WIDE[0] or high > WIDE[1]:
            raise SceneError(
                f"The motion moves {block.name!r} from {low:.3g} to {high:.3g}, beyond the -10 to 10 that a shape key "
                "holds; lower its strength."
            )
        now = (block.slider_min, block.slider_max)
        needed = (min(now[0], float(math.floor(low))), max(now[1], float(math.ceil(high))))
        if needed != now:
            grown[curve.owner, block.name] = needed
    return grown


def within(expression: Values) -> Values:
    """ARKit's values with what a network overshoots 0 and 1 by taken away; what is far beyond was meant."""
    held = np.clip(expression, 0.0, 1.0)
    return np.where(np.abs(held - expression) <= SLIGHT, held, expression)


def _why_closed(face: Face) -> str:
    name, rows = face.mesh.name, face.table.rows if face.table is not None else {}
    held = sum(bool(row.follows) and not row.used for row in rows.values())
    if held and not any(row.used and row.follows for row in rows.values()):
        return (
            f"Drivers hold the shape keys of {name!r}, so keys on them would do nothing: remove the drivers, or let a "
            "copy of the mesh speak."
        )
    return f"Nothing of {name!r} is known to open its mouth: say under Character which shape key follows 'jawOpen'."


def _key_curve(keys: Any, key: str, values: Values) -> Curve:
    path = f'key_blocks["{bpy.utils.escape_identifier(key)}"].value'
    return Curve(keys, path, 0, EXPRESSION_GROUP, np.ascontiguousarray(values))


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
        Curve(face.armature, f"{path}.{name}", index, face.jaw, column.astype(np.float32))
        for name, table in made.items()
        for index, column in enumerate(table.T)
    ]


def _reach(face: Face, curves: list[Curve]) -> list[Doubles | None]:
    """For every curve (P, 3) millimetres by which a unit moves the watched points; None where none can be told."""
    base = positions(face.keys.reference_key)
    placed = placement(face.mesh, face.armature)
    ways = {
        curve.data_path: positions(face.keys.path_resolve(curve.data_path.removesuffix(".value"))) - base
        for curve in curves
        if curve.owner == face.keys
    }
    farthest = {int(np.argmax(np.linalg.norm(way, axis=1))) for way in ways.values()}
    watched = sorted({*farthest, *lip_vertices(face)})
    reach: list[Doubles | None] = []
    jaw = _jaw_reach(face, base, watched)
    bone = face.armature.pose.bones[face.jaw] if face.armature is not None and face.jaw is not None else None
    for curve in curves:
        if curve.owner == face.keys:
            reach.append(ways[curve.data_path][watched] @ placed[:3, :3].T * (MILLIMETRES / face.unit))
            continue
        name = curve.data_path.rsplit(".", 1)[-1]
        if name == "location":
            reach.append(jaw[3][:, None] * np.eye(3)[curve.index])
        elif bone is None or bone.rotation_mode == AXIS_ANGLE:
            reach.append(None)
        elif bone.rotation_mode == QUATERNION and curve.index == 0:
            # at rest w does nothing; at the widest opening it turns the jaw as the other entries do, in part
            turned = max(float(np.sqrt(max(0.0, 1 - float(np.min(curve.values)) ** 2))), 1e-3)
            reach.append(2.0 * turned * jaw[0])
        else:
            reach.append(jaw[curve.index - 1] * 2.0 if bone.rotation_mode == QUATERNION else jaw[curve.index])
    return reach


def _jaw_reach(face: Face, base: Doubles, watched: list[int]) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """(P, 3) millimetres a radian about the jaw bone's own x, y and z, and (P,) millimetres a metre."""
    none = np.zeros((len(watched), 3))
    if face.armature is None or face.jaw is None:
        return none, none, none, none[:, 0]
    group = face.mesh.vertex_groups.get(face.jaw)
    weights = np.array(
        [
            next((item.weight for item in face.mesh.data.vertices[row].groups if item.group == group.index), 0.0)
            if group
            else 0.0
            for row in watched
        ]
    )
    frame = np.array(face.armature.data.bones[face.jaw].matrix_local, np.float64)
    placed = placement(face.mesh, face.armature)
    local = base[watched] @ placed[:3, :3].T + placed[:3, 3]
    arm = (local - frame[:3, 3]) @ frame[:3, :3] * (weights * MILLIMETRES / face.unit)[:, None]
    about = [np.cross(axis, arm) for axis in np.eye(3)]
    return about[0], about[1], about[2], weights * MILLIMETRES / face.unit

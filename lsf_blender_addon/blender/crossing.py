"""The way from ARKit to what a face in the scene has: measured once, kept in memory while the face stays as it is."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, SceneError
from ..head.by_names import promised_values
from ..head.fit import Fit
from ..head.flame import read_head
from ..head.known_names import OPEN
from ..head.model import Head
from ..head.picking import PICKED_NAMES
from ..head.retarget import character_fit, in_chunks, residuals
from ..head.sides import side_of
from ..head.tables import Picked
from ..models.store import bundled_head
from . import compat
from .channels import within
from .character import axes_of_character, read_character, resting_values
from .faces import Face, lip_rows, placement, said_of, settings_of
from .scene_flame import scene_head

Values = NDArray[np.float32]

FITTED, BY_NAMES = "FIT", "NAMES"
"""How a character is driven: fitted to its mesh, or by the values that names promise."""

BY_NAMES_ALONE = "Driven by names alone, so lips may not close exactly."


@dataclass(frozen=True, eq=False)
class Crossing:
    """How ARKit's motions are spoken by one face.

    Attributes:
        face: the face, with its jaw, axes, lips and unit as they were read off it.
        fit: the solver; None where names alone say what to do.
        reason: why names alone do; empty where they were asked for, or are not needed.
        kept: which of the solver's expressions are the face's.
        residuals: channel → millimetres that points lie from where they belong, and that they were to go, both on a
            face of a person's size; empty where nothing is measured.
    """

    face: Face
    fit: Fit | None
    reason: str = ""
    kept: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    residuals: dict[str, tuple[float, float]] = field(default_factory=dict)

    def said(self, expression: Values, jaw: Values) -> tuple[Values, Values, dict[str, float]]:
        """Frames of a motion in ``arkit`` in the face's own terms.

        Args:
            expression: (N, 50).
            jaw: (N, 3) axis-angle in head axes, radians.

        Returns:
            (N, K) of the face's expressions, (N, 3) of its jaw bone, and how far its points lie from where they belong
            over these frames: ``residual_mm`` (root mean square) and ``worst_mm``; empty where nothing is measured.
        """
        if self.fit is not None:
            solved = in_chunks(self.fit, expression, jaw)
            turned = solved.jaw if self.face.jaw is not None else np.zeros_like(solved.jaw)
            squares = solved.squares
            told = {"residual_mm": float(np.sqrt(squares.mean())), "worst_mm": float(np.sqrt(squares.max()))}
            return solved.expression[:, self.kept], turned, {name: round(value, 3) for name, value in told.items()}
        face = self.face
        if face.table is None:
            raise SceneError(f"{face.mesh.name!r} has no table of names to go by.")
        turns = face.jaw is not None
        values = promised_values(within(expression), jaw, face.expressions, face.table, turns=turns)
        return values, jaw if turns else np.zeros_like(jaw), {}

    @property
    def overall(self) -> float | None:
        """Millimetres, root of the mean square over all that ARKit can say; None where nothing is measured."""
        left = [left for left, _ in self.residuals.values()]
        return float(np.sqrt(np.mean(np.square(left)))) if left else None


_kept: dict[int, tuple[Hashable, Hashable, Crossing]] = {}
"""Session number of a mesh → what can be seen of it quickly, all of it, and the way across."""
_bundled: list[Head] = []


def of(face: Face, *, fresh: bool = False) -> Crossing:
    """The way across to a face, read off it where it has changed since it was last read.

    Args:
        face: one that is not of ARKit's own space.
        fresh: read it again in any case; weights of bones alone change without being noticed.

    Raises:
        LsfError: there is none; the sentence says why.
    """
    number = face.mesh.session_uid
    seen = (_quick(face), _whole(face))
    if not fresh and number in _kept and _kept[number][:2] == seen:
        return _on(face, _kept[number][2])
    found = _to_flame(face) if face.space == "flame" else _to_character(face)
    # objects are others after an undo: none of them is kept
    loose = dataclasses.replace(found.face, mesh=None, armature=None, followers=())
    _kept[number] = (*seen, dataclasses.replace(found, face=loose))
    return found


def known(face: Face) -> Crossing | None:
    """What was last read off a face, quick enough for drawing; None where nothing was, or names and settings differ."""
    entry = _kept.get(face.mesh.session_uid)
    return _on(face, entry[2]) if entry is not None and entry[0] == _quick(face) else None


def shown(face: Face) -> Crossing | None:
    """The same for a panel: while what was just changed is read, what was known before, so that it does not jump."""
    entry = _kept.get(face.mesh.session_uid)
    return _on(face, entry[2]) if entry is not None else None


def forget() -> None:
    """Another file is loaded."""
    _kept.clear()


def _on(face: Face, kept: Crossing) -> Crossing:
    """What was read off a face, with its objects as they are now."""
    read = kept.face
    return dataclasses.replace(
        kept, face=dataclasses.replace(face, jaw=read.jaw, axes=read.axes, lips=read.lips, unit=read.unit)
    )


def _to_flame(face: Face) -> Crossing:
    target = scene_head(face)
    fit = Fit.of(side_of(_reference(), "arkit"), side_of(target, "flame"))
    return Crossing(face, fit, kept=np.arange(len(face.expressions)))


def _to_character(face: Face) -> Crossing:
    name, table, said = face.mesh.name, face.table, settings_of(face.mesh)
    if table is None or not face.opens:
        raise SceneError(
            f"Nothing of {name!r} is known to open its mouth: say under Character which shape key follows {OPEN!r}."
        )
    if said is not None and said.driving == BY_NAMES:
        return Crossing(_as_it_stands(face), None)
    try:
        read = read_character(
            face.mesh,
            _reference(),
            table=table,
            picked=_all_picked(face),
            jaw_bone=face.jaw if said is not None and said.jaw_bone == face.jaw else None,
            turns=said is None or said.opening != "SHAPE",
        )
        fit = character_fit(_reference(), read.character)
    except HeadError as reason:
        return Crossing(_as_it_stands(face), None, reason=str(reason))
    names = read.character.names
    exact = dataclasses.replace(
        face,
        jaw=read.jaw,
        axes=read.axes,
        lips=tuple(lip_rows(dict(read.character.head.landmarks))),
        unit=read.character.unit,
    )
    return Crossing(
        exact,
        fit,
        kept=np.array([names.index(shape) for shape in face.expressions], np.int64),
        residuals=residuals(_reference(), read.character, fit=fit),
    )


def _all_picked(face: Face) -> Picked | None:
    """The points that a person picked, once there are enough of them."""
    points = said_of(face.mesh)[1]
    return points if set(PICKED_NAMES) <= set(points) else None


def _as_it_stands(face: Face) -> Face:
    """A face of which names alone are known: it opens by a shape key where there is one."""
    if face.table is None or face.table.opens or face.jaw is None:
        return dataclasses.replace(face, jaw=None)
    return dataclasses.replace(face, axes=axes_of_character(face.mesh, face.table))


def _reference() -> Head:
    if not _bundled:
        _bundled.append(read_head(bundled_head()))
    return _bundled[0]


def _quick(face: Face) -> Hashable:
    said = settings_of(face.mesh)
    rows = () if face.table is None else tuple(face.table.rows.items())
    told = tuple((shape, row.system, tuple(row.follows.items()), row.used) for shape, row in rows)
    settings = None if said is None else (said.driving, said.opening, said.jaw_bone, said.table)
    return (face.mesh.name, face.space, face.jaw, told, settings)


def _whole(face: Face) -> Hashable:
    mesh, keys, armature = face.mesh, face.keys, face.armature
    total = 0
    flat = np.empty(len(mesh.data.vertices) * 3, np.float32)
    for key in keys.key_blocks:
        compat.key_points(key).foreach_get("co", flat)
        total = zlib.crc32(flat.tobytes(), total)
    blocks = tuple((key.slider_min, key.slider_max, key.relative_key.name, key.vertex_group) for key in keys.key_blocks)
    rest = tuple(face.identity.tolist()) if face.table is None else tuple(resting_values(keys, face.table).items())
    placed = placement(mesh, armature).ravel()
    pivot = armature.data.bones[face.jaw].head_local if armature is not None and face.jaw is not None else ()
    return (total, len(mesh.data.polygons), blocks, rest, tuple(placed.round(5)), tuple(np.round(pivot, 6)))

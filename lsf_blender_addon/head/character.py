"""Any character with blendshapes, as retargeting sees it: a head of the size of a person's, in a space of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from .finding import Mesh, found_landmarks
from .landmarks import mouth_over
from .model import JAW, JOINT_NAMES, POSE_FEATURES, FloatArray, Head, IntArray, Landmark
from .naming import Table, recognised
from .picking import landmarks_from
from .topology import FACEKIT_POINTS, FACEKIT_SIZES, landmarks_of

Floats = NDArray[np.float64]

EYES_APART = 0.092
"""Metres between the outer corners of a person's eyes: characters of any size are brought to it."""

EYE_CORNERS = ("eye_left_outer", "eye_right_outer")


@dataclass(frozen=True, eq=False)
class JawBone:
    """A bone that turns the jaw.

    Attributes:
        name: the bone's.
        pivot: (3,) where it turns, in the unit and axes of the vertices.
        weights: (V,) how far each vertex goes with it and with the bones under it, 0 to 1.
    """

    name: str
    pivot: Floats
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class Character:
    """A character as retargeting sees it.

    Attributes:
        head: its mesh, blendshapes and landmarks in the space ``own``, in metres and of a person's size, y up,
            facing +z; its expressions are the blendshapes that the table uses or might use.
        low: (K,) the least each blendshape may be.
        high: (K,) the most.
        table: what each blendshape is known as.
        jaw_bone: the name of the bone that turns the jaw, or None: then a blendshape opens the mouth.
        found: how the landmarks were found: ``FLAME``, ``bundled``, ``ICT-FaceKit``, ``shapes`` or ``picked``.
        unit: the character's own units per metre of ``head``.
    """

    head: Head
    low: Floats
    high: Floats
    table: Table
    jaw_bone: str | None
    found: str
    unit: float

    @property
    def names(self) -> tuple[str, ...]:
        """The K blendshapes' names."""
        return self.head.expression_names


@dataclass(frozen=True, eq=False)
class Channels:
    """What a character's own blendshapes and jaw do, frame by frame.

    Attributes:
        names: the K blendshapes.
        values: (T, K) float32.
        jaw: (T, 3) float32 axis-angle of the jaw bone in the head's axes (x to its left, y up, z forward), radians;
            None where the character has no jaw bone.
        fps: frames a second.
        start: seconds of frame 0 on the clip.
        origin: where it comes from, as a motion's; JSON values.
    """

    names: tuple[str, ...]
    values: FloatArray
    jaw: FloatArray | None
    fps: float
    start: float
    origin: dict[str, Any]


def character_of(
    name: str,
    vertices: NDArray[np.floating[Any]],
    faces: NDArray[np.integer[Any]],
    shapes: Mapping[str, NDArray[np.floating[Any]]],
    *,
    reference: Head,
    table: Table | None = None,
    jaw: JawBone | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    picked: Mapping[str, int | Sequence[int]] | None = None,
) -> Character:
    """Make a character of a mesh with blendshapes.

    Args:
        name: what messages call it.
        vertices: (V, 3) the neutral face, any unit, y up, facing +z, its own left at +x.
        faces: (F, 4) polygons counter-clockwise from outside, triangles with -1 as their fourth.
        shapes: blendshape → (V, 3) displacements at 1, in the unit of the vertices.
        reference: the bundled head: its topology is known, and it says where points lie that no shape shows.
        table: what each blendshape is known as; recognised by the names where None.
        jaw: the bone that turns the jaw, if there is one.
        ranges: blendshape → least and greatest value; 0 to 1 where it is not named.
        picked: landmarks by vertex (see ``picking.py``), which go before all other ways of finding them.

    Raises:
        HeadError: shapes or table do not fit the mesh, there are none, or the landmarks cannot be found; the sentence
            says what to do.
    """
    places = np.ascontiguousarray(vertices, dtype=np.float64)
    _check(name, places, faces, shapes)
    table = recognised(tuple(shapes)) if table is None else table
    _require_table(name, table, shapes)
    known = _known_landmarks(places, faces, reference) if picked is None else None
    if picked is not None:
        marks, found = landmarks_from(picked, places, faces), "picked"
    elif known is not None:
        marks, found = known
    else:
        hung = None if jaw is None else jaw.weights
        mesh = Mesh(name, places, faces, shapes, table)
        marks, found = found_landmarks(mesh, reference, hung), "shapes"
    middle, unit = _measure(name, places, marks)
    directions = (
        np.stack([np.asarray(shape, np.float32) for shape in shapes.values()], axis=2) / np.float32(unit)
        if shapes
        else np.zeros((len(places), 3, 0), np.float32)
    )
    turns = jaw is not None and float(np.asarray(jaw.weights)[marks["chin"].vertices].max()) > 0.5  # noqa: PLR2004
    weights = np.zeros((len(places), len(JOINT_NAMES)), np.float32)
    joints = np.zeros((len(JOINT_NAMES), len(places)), np.float32)
    joints[:] = 1 / len(places)
    if jaw is not None and turns:
        weights[:, JAW] = np.clip(jaw.weights, 0.0, 1.0)
        joints[JAW] = _affine_weights((places - middle) / unit, (np.asarray(jaw.pivot, np.float64) - middle) / unit)
    weights[:, 0] = 1 - weights[:, JAW]
    head = Head(
        name=name,
        space="own",
        template=((places - middle) / unit).astype(np.float32),
        faces=np.ascontiguousarray(faces, dtype=np.int32),
        shape_directions=np.zeros((len(places), 3, 0), np.float32),
        expression_directions=directions,
        expression_names=tuple(shapes),
        pose_directions=np.zeros((len(places), 3, POSE_FEATURES), np.float32),
        joint_regressor=joints,
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        weights=weights,
        landmarks=marks,
    )
    spans = [(ranges or {}).get(shape, (0.0, 1.0)) for shape in shapes]
    return Character(
        head=head,
        low=np.array([min(low, 0.0) for low, _ in spans]),
        high=np.array([max(high, 0.0) for _, high in spans]),
        table=table,
        jaw_bone=jaw.name if jaw is not None and turns else None,
        found=found,
        unit=unit,
    )


def with_table(character: Character, table: Table) -> Character:
    """The same character under another table.

    Raises:
        HeadError: the table is of another character's blendshapes.
    """
    _require_table(character.head.name, table, character.names)
    return dataclasses.replace(character, table=table)


def _require_table(name: str, table: Table, shapes: Iterable[str]) -> None:
    strange = sorted(set(table.rows) ^ set(shapes))
    if strange:
        raise HeadError(
            f"The table is not of the character {name!r}: it and the mesh differ in {len(strange)} blendshapes, such "
            f"as {strange[0]!r}."
        )


def _check(
    name: str, places: Floats, faces: NDArray[np.integer[Any]], shapes: Mapping[str, NDArray[np.floating[Any]]]
) -> None:
    if places.ndim != 2 or places.shape[1] != 3 or not np.isfinite(places).all():  # noqa: PLR2004 (V, 3)
        raise HeadError(f"The vertices of {name!r} are no (V, 3) finite numbers.")
    if faces.ndim != 2 or faces.shape[1] != 4 or not len(faces):  # noqa: PLR2004 (F, 4)
        raise HeadError(f"The faces of {name!r} are no (F, 4) vertex numbers.")
    for shape, moved in shapes.items():
        if np.shape(moved) != places.shape or not np.isfinite(moved).all():
            raise HeadError(f"The blendshape {shape!r} of {name!r} does not fit its {len(places)} vertices.")


def _known_landmarks(
    places: Floats, faces: IntArray | NDArray[np.integer[Any]], reference: Head
) -> tuple[dict[str, Landmark], str] | None:
    """The landmarks of a mesh that is known by the number of its vertices and faces, and whose it is."""
    triangles = int(len(faces) + (faces[:, 3] >= 0).sum())
    flame = landmarks_of(len(places), triangles)
    if flame:
        return flame, "FLAME"
    if len(places) == reference.vertex_count and len(faces) == len(reference.faces):
        return dict(reference.landmarks), "bundled"
    if (len(places), len(faces)) in FACEKIT_SIZES:
        return landmarks_from(FACEKIT_POINTS, places, faces), "ICT-FaceKit"
    return None


def _measure(name: str, places: Floats, marks: Mapping[str, Landmark]) -> tuple[Floats, float]:
    """The point that becomes the origin, between the eyes sideways, and the character's units per metre."""
    left, right = (marks[corner].weights @ places[marks[corner].vertices] for corner in EYE_CORNERS)
    apart = float(left[0] - right[0])
    if not apart > 0:
        raise HeadError(
            f"The left eye of {name!r} does not lie at +x of its right eye: turn it to face +z with y up, or swap the "
            "picked points."
        )
    middle = np.array([(left[0] + right[0]) / 2, 0.0, 0.0])
    return middle, apart / EYES_APART


def _affine_weights(places: Floats, point: Floats) -> FloatArray:
    """(V,) the least weights, summing to 1, whose mean of the places is the point."""
    system = np.concatenate([places.T, np.ones((1, len(places)))])
    solved = system.T @ np.linalg.solve(system @ system.T, np.concatenate([point, [1.0]]))
    return np.asarray(solved, np.float32)


def mouth_track_of(
    character: Character, channels: Channels, samples_per_second: float = 100.0
) -> dict[str, NDArray[np.float64]]:
    """What ``landmarks.mouth_track`` measures, on a character: millimetres on a face of a person's size.

    Raises:
        HeadError: the channels are of another character.
    """
    if channels.names != character.names:
        raise HeadError(f"These channels are not of the character {character.head.name!r}.")
    times = channels.start + np.arange(len(channels.values)) / channels.fps
    return mouth_over(character.head, times, channels.values, channels.jaw, samples_per_second)

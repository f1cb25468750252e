"""What a head is: a mesh, the directions in which it can move, five joints, and named points on its skin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError

Space = Literal["flame", "arkit", "own"]
SPACES: tuple[Space, ...] = ("flame", "arkit", "own")
"""Bases of a head's expressions; ``own`` are a character's own blendshapes, which only retargeting can speak."""

JOINT_NAMES = ("root", "neck", "jaw", "left_eye", "right_eye")
JAW = JOINT_NAMES.index("jaw")
POSE_FEATURES = 9 * (len(JOINT_NAMES) - 1)
"""Entries of the four rotation matrices below the root, less the identity: what pose correctives multiply."""

WEIGHT_TOLERANCE = 1e-3

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Landmark:
    """A named point that follows the skin: the weighted mean of a few vertices.

    ``vertices`` (k,) int32 and ``weights`` (k,) float32 that sum to 1.
    """

    vertices: IntArray
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class Head:
    """A head in metres, y up, facing +z, its own left at +x (Li et al. 2017, FLAME's structure).

    Attributes:
        name: what a list shows.
        space: the basis of ``expression_directions``; a motion of another space must not be put on it.
        template: (V, 3) float32, the neutral face.
        faces: (F, 4) int32 polygons, counter-clockwise seen from outside; a triangle has -1 as its fourth.
        shape_directions: (V, 3, S) float32, metres per unit of identity.
        expression_directions: (V, 3, E) float32, metres per unit of expression.
        expression_names: E names: ``Exp1`` and on for FLAME, Apple's for ``arkit``.
        pose_directions: (V, 3, 36) float32, metres per unit of (rotation - identity) of joints 1 to 4.
        joint_regressor: (5, V) float32, joints from the shaped vertices.
        parents: (5,) int32, -1 for the root; a parent stands before its children.
        weights: (V, 5) float32, rows that sum to 1.
        landmarks: points by name (see ``landmarks.py``); may be empty where the topology is unknown.
        uv: (F, 4, 2) float32 per corner, or None.
        material_index: (F,) int32 into ``material_names``, or None.
        material_names: names of the materials.
        licence: under what terms the head may be used, in words; empty where the file does not say.
    """

    name: str
    space: Space
    template: FloatArray
    faces: IntArray
    shape_directions: FloatArray
    expression_directions: FloatArray
    expression_names: tuple[str, ...]
    pose_directions: FloatArray
    joint_regressor: FloatArray
    parents: IntArray
    weights: FloatArray
    landmarks: dict[str, Landmark] = field(default_factory=dict)
    uv: FloatArray | None = None
    material_index: IntArray | None = None
    material_names: tuple[str, ...] = ()
    licence: str = ""
    joint_names: tuple[str, ...] = JOINT_NAMES

    def __post_init__(self) -> None:
        """Check every shape, index and weight.

        Raises:
            HeadError: something does not fit; the sentence names it.
        """
        self._check_shapes()
        self._check_values()
        self._check_extras()

    @property
    def vertex_count(self) -> int:
        """V."""
        return len(self.template)

    @property
    def expression_count(self) -> int:
        """E."""
        return self.expression_directions.shape[2]

    @property
    def shape_count(self) -> int:
        """S."""
        return self.shape_directions.shape[2]

    @property
    def triangles(self) -> IntArray:
        """(F', 3) int32: the faces with every quad cut along its first diagonal, in the order of the faces."""
        quads = self.faces[:, 3] >= 0
        parts = np.stack([self.faces[:, [0, 1, 2]], self.faces[:, [0, 2, 3]]], axis=1)
        keep = np.stack([np.ones(len(self.faces), bool), quads], axis=1)
        return np.ascontiguousarray(parts[keep])

    def landmark(self, name: str) -> Landmark:
        """The named point.

        Raises:
            HeadError: this head has no such point.
        """
        try:
            return self.landmarks[name]
        except KeyError:
            raise HeadError(f"The head {self.name!r} has no landmark {name!r}.") from None

    def _check_shapes(self) -> None:
        joints = len(self.joint_names)
        vertices = len(self.template)
        expected: dict[str, tuple[int | None, ...]] = {
            "template": (None, 3),
            "faces": (None, 4),
            "shape_directions": (vertices, 3, None),
            "expression_directions": (vertices, 3, None),
            "pose_directions": (vertices, 3, POSE_FEATURES),
            "joint_regressor": (joints, vertices),
            "parents": (joints,),
            "weights": (vertices, joints),
        }
        if joints != len(JOINT_NAMES):
            raise HeadError(f"The head {self.name!r} has {joints} joints; a head has {len(JOINT_NAMES)}.")
        for key, shape in expected.items():
            value = getattr(self, key)
            dtype = np.int32 if key in ("faces", "parents") else np.float32
            if value.dtype != dtype:
                raise HeadError(f"{key} of the head {self.name!r} holds {value.dtype}, not {np.dtype(dtype)}.")
            if value.ndim != len(shape) or any(
                want not in (None, got) for want, got in zip(shape, value.shape, strict=True)
            ):
                wanted = ", ".join("any" if size is None else str(size) for size in shape)
                raise HeadError(f"{key} of the head {self.name!r} has shape {value.shape}, not ({wanted}).")
        if not vertices or not len(self.faces):
            raise HeadError(f"The head {self.name!r} has no vertices or no faces.")

    def _check_values(self) -> None:
        for key in (
            "template",
            "shape_directions",
            "expression_directions",
            "pose_directions",
            "joint_regressor",
            "weights",
        ):
            if not np.isfinite(getattr(self, key)).all():
                raise HeadError(f"{key} of the head {self.name!r} holds values that are not finite.")
        corners, fourth = self.faces[:, :3], self.faces[:, 3]
        if corners.min() < 0 or fourth.min() < -1 or self.faces.max() >= self.vertex_count:
            raise HeadError(f"faces of the head {self.name!r} name vertices that it does not have.")
        if self.parents[0] != -1 or any(not 0 <= parent < joint for joint, parent in enumerate(self.parents) if joint):
            raise HeadError(f"parents of the head {self.name!r} are {self.parents.tolist()}: no tree from the root.")
        if np.abs(self.weights.sum(axis=1) - 1).max() > WEIGHT_TOLERANCE:
            raise HeadError(f"weights of the head {self.name!r} do not sum to 1 at every vertex.")

    def _check_extras(self) -> None:
        if self.space not in SPACES:
            raise HeadError(f"The head {self.name!r} has space {self.space!r}; it must be one of: {', '.join(SPACES)}.")
        if len(self.expression_names) != self.expression_count or len(set(self.expression_names)) < len(
            self.expression_names
        ):
            raise HeadError(
                f"The head {self.name!r} has {self.expression_count} expressions and "
                f"{len(set(self.expression_names))} names for them."
            )
        faces = len(self.faces)
        if self.uv is not None and (self.uv.shape != (faces, 4, 2) or self.uv.dtype != np.float32):
            raise HeadError(f"uv of the head {self.name!r} has shape {self.uv.shape}, not ({faces}, 4, 2) float32.")
        if self.material_index is not None and (
            self.material_index.shape != (faces,)
            or self.material_index.min() < 0
            or self.material_index.max() >= len(self.material_names)
        ):
            raise HeadError(f"material_index of the head {self.name!r} does not name one material per face.")
        for name, point in self.landmarks.items():
            if (
                point.vertices.ndim != 1
                or not len(point.vertices)
                or point.vertices.shape != point.weights.shape
                or point.vertices.min() < 0
                or point.vertices.max() >= self.vertex_count
                or not abs(float(point.weights.sum()) - 1) <= WEIGHT_TOLERANCE
            ):
                raise HeadError(f"The landmark {name!r} of the head {self.name!r} does not lie on its vertices.")

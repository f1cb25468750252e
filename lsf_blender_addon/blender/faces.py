"""What the objects in a scene can do as faces: our own heads, FLAME's as any tool makes them, ARKit characters."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SceneError
from ..head.model import JAW, JOINT_NAMES, Head, Landmark
from ..head.topology import landmarks_of
from ..motion import ARKIT_EXPRESSIONS, CHANNELS, FLAME_EXPRESSIONS, Space
from .rotation import Doubles

AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Head axes → Blender axes, a quarter turn about x."""

MARK = "lsf_face"
"""Custom property of a mesh that we made: JSON that says what the face can do."""

FORMAT = 1
IDENTITY_NAME = "Shape{}"
JAW_BONE = "jaw"
JAW_KEY = "jawOpen"
JAW_OPEN_RADIANS = 0.35
"""The jaw's angle that ``jawOpen`` at 1 stands for: there ``mouthClose`` at 1 seals the bundled head's lips."""

FEWEST_KEYS = 8
"""A mesh with fewer of Apple's names is no ARKit character."""

FIRST_PREFIX = re.compile(r"^(?:arkit|a\d\d)")


@dataclass(frozen=True, eq=False)
class Face:
    """What a head in the scene can do.

    Attributes:
        mesh: the object with the shape keys.
        armature: the object with the jaw bone, or None.
        space: the space of the expressions.
        expressions: the 50 shape keys' names, in the space's order; empty where an ARKit character lacks one.
        jaw: the jaw bone's name, or None.
        axes: (3, 3), head axes → the armature's.
        jaw_shift: (3, 50) metres per unit in head axes: FLAME's jaw joint follows the expressions; zero on most heads.
        kind: what to call it: the head's name, ``FLAME`` or ``ARKit``.
        jaw_key: the shape key that opens the jaw where no bone does, or None.
        followers: other meshes of the same character with the same shape keys: teeth, tongue, lashes.
    """

    mesh: Any
    armature: Any | None
    space: Space
    expressions: tuple[str, ...]
    jaw: str | None
    axes: Doubles
    jaw_shift: Doubles
    kind: str = "FLAME"
    jaw_key: str | None = None
    followers: tuple[Any, ...] = ()

    @property
    def keys(self) -> Any:
        """The shape keys' datablock, which owns their animation."""
        return self.mesh.data.shape_keys

    @property
    def owners(self) -> tuple[Any, ...]:
        """All that carries this face's animation: shape keys first, then the armature, then the followers' keys."""
        bone = (self.armature,) if self.armature is not None and self.jaw is not None else ()
        return (self.keys, *bone, *(follower.data.shape_keys for follower in self.followers))

    @cached_property
    def identity_count(self) -> int:
        """How many identity keys it has: ``Shape1`` and on."""
        blocks = self.keys.key_blocks
        number = 0
        while IDENTITY_NAME.format(number + 1) in blocks:
            number += 1
        return number

    @property
    def identity(self) -> Doubles:
        """(S,) the values of its identity keys: whose face it is."""
        blocks = self.keys.key_blocks
        names = (IDENTITY_NAME.format(number + 1) for number in range(self.identity_count))
        return np.array([blocks[name].value for name in names], np.float64)

    @property
    def missing(self) -> tuple[str, ...]:
        """What a complete face of its kind has and this one lacks, in words."""
        names = ARKIT_EXPRESSIONS if self.space == "arkit" else FLAME_EXPRESSIONS
        lacking = tuple(name for name, key in zip(names, self.expressions, strict=True) if not key)
        return lacking if self.jaw or self.jaw_key else (*lacking, "a bone 'jaw' or a key 'jawOpen'")

    @property
    def described(self) -> str:
        """What it is, in one line."""
        found = sum(bool(name) for name in self.expressions)
        if self.space == "flame":
            total = sum(1 for key in self.keys.key_blocks if re.fullmatch(r"Exp\d+", key.name))
            keys = f"{self.identity_count} identity + {total} expression keys"
        else:
            keys = f"{found} of {CHANNELS} ARKit keys"
        jaw = "jaw bone" if self.jaw else "jaw key" if self.jaw_key else "no jaw"
        return f"{keys}, {jaw}"


def face_of(thing: Any) -> Face:
    """What a head can do, from its mesh or its armature.

    Known are our own heads, by their custom property; FLAME's as other add-ons make them, by the names of their keys
    (``Exp1`` to ``Exp50``) and their ``jaw`` bone; and characters with ARKit's blendshapes, by Apple's names in any
    usual spelling (``jawOpen``, ``eyeBlink_L``, ``Face.mouthSmileLeft``).

    Raises:
        SceneError: the object is no head that is known; the sentence says what is missing.
    """
    if thing is None:
        raise SceneError("Select a head first, a mesh with shape keys or its armature, or add one.")
    mesh = _mesh_of(thing)
    armature = next((m.object for m in mesh.modifiers if m.type == "ARMATURE" and m.object is not None), mesh.parent)
    if armature is not None and armature.type != "ARMATURE":
        armature = None
    jaw = JAW_BONE if armature is not None and JAW_BONE in armature.data.bones else None
    if MARK in mesh:
        return _marked(mesh, armature, jaw)
    blocks = mesh.data.shape_keys.key_blocks if mesh.data.shape_keys is not None else {}
    if all(name in blocks for name in FLAME_EXPRESSIONS):
        axes = AXES if armature is None else _axes_of(armature)
        return Face(mesh, armature, "flame", FLAME_EXPRESSIONS, jaw, axes, np.zeros((3, CHANNELS)))
    found = _apples_names(blocks)
    expressions = tuple(found.get(plain_name(name), "") for name in ARKIT_EXPRESSIONS)
    if sum(bool(key) for key in expressions) < FEWEST_KEYS:
        raise SceneError(
            f"{mesh.name!r} is no head that can speak: it has neither FLAME's keys (Exp1 to Exp50) nor ARKit's "
            "(jawOpen, mouthPucker …). Add a head, or select another."
        )
    jaw_key = found.get(plain_name(JAW_KEY))
    return Face(
        mesh,
        armature,
        "arkit",
        expressions,
        None if jaw_key else jaw,
        AXES,
        np.zeros((3, CHANNELS)),
        kind="ARKit",
        jaw_key=jaw_key,
        followers=_followers(mesh, armature, {*filter(None, expressions), *filter(None, [jaw_key])}),
    )


def plain_name(name: str) -> str:
    """A blendshape's name without its usual dressing: prefixes up to a dot, underscores, case, ``Left`` for ``_L``."""
    tail = re.split(r"[.:|]", re.sub(r"\.\d+$", "", name))[-1]
    plain = FIRST_PREFIX.sub("", re.sub(r"[^a-z0-9]", "", tail.lower()))
    for side in ("left", "right"):
        plain = plain.removesuffix(side) + side[0] if plain.endswith(side) else plain
    return plain


def scene_head(face: Face) -> Head:
    """A FLAME head as it stands in the scene, its identity and bones included, as numbers that retargeting takes.

    Raises:
        SceneError: the head has no armature with FLAME's bones, or its mesh is not FLAME's own.
    """
    mesh, blocks = face.mesh.data, face.keys.key_blocks
    mesh.calc_loop_triangles()
    points = landmarks_of(len(mesh.vertices), len(mesh.polygons))
    names = [name for name in JOINT_NAMES if face.armature is not None and name in face.armature.data.bones]
    if not points or {"neck", JAW_BONE} - set(names):
        raise SceneError(
            f"A model that speaks ARKit can be carried over to FLAME's own mesh with its bones only, and "
            f"{face.mesh.name!r} is another; choose a model that speaks FLAME."
        )
    armature = face.armature
    assert armature is not None  # noqa: S101 - names would be empty
    placed = armature.matrix_world.inverted() @ face.mesh.matrix_world
    turn = face.axes.T @ np.array(placed, np.float64)[:3, :3]
    shift = face.axes.T @ np.array(placed, np.float64)[:3, 3]
    base = positions(face.keys.reference_key)
    shaped = base.copy()
    for number, value in enumerate(face.identity.tolist()):
        if value:
            shaped += value * (positions(blocks[IDENTITY_NAME.format(number + 1)]) - base)
    directions = np.stack([positions(blocks[name]) - base for name in face.expressions], axis=-1)
    template = shaped @ turn.T + shift
    bones = {name: face.axes.T @ np.array(armature.data.bones[name].head_local, np.float64) for name in names}
    joints = np.array([bones.get(name, bones["neck"]) for name in JOINT_NAMES])
    return Head(
        name=face.mesh.name,
        space="flame",
        template=template.astype(np.float32),
        faces=_quads(mesh),
        shape_directions=np.zeros((len(template), 3, 0), np.float32),
        expression_directions=np.einsum("ij,vje->vie", turn, directions).astype(np.float32),
        expression_names=FLAME_EXPRESSIONS,
        pose_directions=np.zeros((len(template), 3, 36), np.float32),
        joint_regressor=_regressor(template, joints),
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        weights=_weights(face.mesh),
        landmarks=points,
    )


def jaw_shift(head: Head) -> Doubles:
    """(3, 50) metres per unit: how the jaw's joint follows the first 50 expressions, in head axes."""
    return np.asarray(
        np.einsum("v,vce->ce", head.joint_regressor[JAW].astype(np.float64), head.expression_directions[:, :, :50])
    )


def bone_axes(armature: Any, bone: str) -> Doubles:
    """(3, 3) the rest frame of a bone in its armature's axes: columns are the bone's own x, y and z."""
    return np.array(armature.data.bones[bone].matrix_local, np.float64)[:3, :3]


def lip_vertices(mesh: Any) -> tuple[int, ...]:
    """Vertices of the lips, where they are known: on our own heads and on FLAME's mesh."""
    try:
        own = json.loads(mesh.get(MARK, "{}")).get("lips", ())
    except (ValueError, AttributeError):
        own = ()
    named = landmarks_of(len(mesh.data.vertices), len(mesh.data.polygons))
    return tuple(int(row) for row in own) or tuple(lip_rows(named))


def lip_rows(landmarks: dict[str, Landmark]) -> list[int]:
    """The vertices that a head's landmarks of the lips are made of."""
    rows = {int(row) for name, point in landmarks.items() if name.startswith("lip_") for row in point.vertices}
    return sorted(rows)


def positions(block: Any) -> Doubles:
    """(V, 3) the points of a shape key, in its mesh's own axes."""
    places = np.empty(len(block.data) * 3, np.float32)
    block.data.foreach_get("co", places)
    return places.reshape(-1, 3).astype(np.float64)


def _mesh_of(thing: Any) -> Any:
    if thing.type == "MESH":
        return thing
    children = [child for child in thing.children_recursive if child.type == "MESH" and child.data.shape_keys]
    marked = [child for child in children if MARK in child] or _richest(children)
    if len(marked) != 1:
        raise SceneError(f"{thing.name!r} has {len(marked)} meshes with shape keys under it; select the head's mesh.")
    return marked[0]


def _richest(meshes: list[Any]) -> list[Any]:
    """The one mesh with the most of ARKit's keys, where there is one: teeth and lashes have fewer."""
    wanted = {plain_name(name) for name in ARKIT_EXPRESSIONS}
    counts = [len(wanted & set(_apples_names(mesh.data.shape_keys.key_blocks))) for mesh in meshes]
    best = max(counts, default=0)
    chosen = [mesh for mesh, count in zip(meshes, counts, strict=True) if count == best]
    return chosen if best >= FEWEST_KEYS and len(chosen) == 1 else meshes


def _apples_names(blocks: Any) -> dict[str, str]:
    """Plain names → the keys' own names; the first wins where two are alike."""
    found: dict[str, str] = {}
    for name in blocks.keys():  # noqa: SIM118 - a collection's own names
        found.setdefault(plain_name(name), name)
    return found


def _followers(mesh: Any, armature: Any | None, names: set[str]) -> tuple[Any, ...]:
    root = armature or mesh.parent
    if root is None:
        return ()
    return tuple(
        child
        for child in root.children_recursive
        if child.type == "MESH"
        and child != mesh
        and MARK not in child
        and child.data.shape_keys is not None
        and child.data != mesh.data
        and names & set(child.data.shape_keys.key_blocks.keys())
    )


def _marked(mesh: Any, armature: Any, jaw: str | None) -> Face:
    try:
        facts = json.loads(mesh[MARK])
        if facts["format"] != FORMAT:
            raise SceneError(f"{mesh.name!r} was made by a newer version of this add-on; update the add-on.")
        expressions = tuple(str(name) for name in facts["expressions"])
        shift = np.array(facts["jaw_shift"], np.float64).reshape(3, len(expressions))
        return Face(mesh, armature, facts["space"], expressions, jaw, AXES, shift, kind=str(facts.get("head", "LSF")))
    except (ValueError, KeyError, TypeError) as reason:
        raise SceneError(f"The property {MARK!r} of {mesh.name!r} is damaged; build the head again.") from reason


def _axes_of(armature: Any) -> Doubles:
    """Head axes → a foreign armature's: its eyes lie above and before its neck, at +y if it is y up, at -y if z is."""
    bones = armature.data.bones
    eyes = [bones[name] for name in ("left_eye", "right_eye") if name in bones]
    if not eyes or "neck" not in bones:
        return AXES
    y = np.mean([bone.head_local[1] for bone in eyes]) - bones["neck"].head_local[1]
    return np.eye(3) if y > 0 else AXES


def _quads(mesh: Any) -> NDArray[np.int32]:
    """(F, 4) polygons; FLAME's mesh has triangles alone."""
    triangles = np.empty(len(mesh.polygons) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    return np.concatenate([triangles.reshape(-1, 3), np.full((len(mesh.polygons), 1), -1, np.int32)], axis=1)


def _weights(mesh: Any) -> NDArray[np.float32]:
    """(V, 5) how far each vertex goes with each joint; what has no weight goes with the root."""
    columns = {group.index: JOINT_NAMES.index(group.name) for group in mesh.vertex_groups if group.name in JOINT_NAMES}
    weights = np.zeros((len(mesh.data.vertices), len(JOINT_NAMES)), np.float64)
    for vertex in mesh.data.vertices:
        for group in vertex.groups:
            if group.group in columns:
                weights[vertex.index, columns[group.group]] = group.weight
    weights[weights.sum(axis=1) <= 0, 0] = 1.0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _regressor(template: Doubles, joints: Doubles) -> NDArray[np.float32]:
    """(5, V) the least weights, summing to 1, that put the joints where the bones are."""
    system = np.concatenate([template.T, np.ones((1, len(template)))])
    goals = np.concatenate([joints, np.ones((len(joints), 1))], axis=1).T
    return np.asarray(np.linalg.lstsq(system, goals, rcond=None)[0].T, np.float32)

"""What the objects in a scene can do as faces: our own heads, FLAME's of any tool, any character by its names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import bpy
import numpy as np

from ..errors import LsfError, SceneError
from ..head.known_names import OPEN
from ..head.model import JAW, Head, Landmark
from ..head.model import Space as HeadSpace
from ..head.naming import Row, Table, recognised
from ..head.tables import PERSONAL, Picked, from_json, overlaid
from ..head.topology import landmarks_of
from ..motion import ARKIT_EXPRESSIONS, CHANNELS, FLAME_EXPRESSIONS, Space
from . import compat
from .rotation import Doubles

AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Head axes → Blender axes, a quarter turn about x."""

MARK = "lsf_face"
"""Custom property of a mesh that we made: JSON that says what the face can do."""

FORMAT = 1
IDENTITY_NAME = "Shape{}"
JAW_BONE = "jaw"

FEWEST_KEYS = 5
"""A mesh with fewer known names is no character unless a person says so: VRM's least are five vowels."""

MILLIMETRES = 1000.0


@dataclass(frozen=True, eq=False)
class Face:
    """What a head in the scene can do.

    Attributes:
        mesh: the object with the shape keys.
        armature: the object with the jaw bone, or None.
        space: the space of its own shape keys: ``arkit``, ``flame``, or ``own`` for a character's.
        expressions: the shape keys that are moved: in the space's order, empty where one is lacking; of a character
            those that its table uses.
        jaw: the jaw bone's name, or None.
        axes: (3, 3), head axes → the armature's.
        jaw_shift: (3, K) metres per unit in head axes: FLAME's jaw joint follows the expressions; zero on most heads.
        kind: what to call it: the head's name, ``FLAME``, or whose names a character's are: ``ARKit``, ``VRM`` …;
            empty where nobody's
        followers: other meshes of the same character with the same shape keys: teeth, tongue, lashes.
        table: what each shape key of a character is; None of other heads.
        lips: vertices of the lips, where they are known.
        unit: units of the armature (of the mesh where there is none) per metre of a face of a person's size.
    """

    mesh: Any
    armature: Any | None
    space: HeadSpace
    expressions: tuple[str, ...]
    jaw: str | None
    axes: Doubles
    jaw_shift: Doubles
    kind: str = "FLAME"
    followers: tuple[Any, ...] = ()
    table: Table | None = None
    lips: tuple[int, ...] = ()
    unit: float = 1.0

    @property
    def keys(self) -> Any:
        """The shape keys' datablock, which owns their animation."""
        return self.mesh.data.shape_keys

    @property
    def owners(self) -> tuple[Any, ...]:
        """All that carries this face's animation: shape keys first, then the armature, then the followers' keys."""
        bone = (self.armature,) if self.armature is not None and self.jaw is not None else ()
        return (self.keys, *bone, *(follower.data.shape_keys for follower in self.followers))

    @property
    def understands(self) -> tuple[Space, ...]:
        """The spaces of the motions that it can speak: its own first; ARKit's is carried over to any face."""
        return ("flame", "arkit") if self.space == "flame" else ("arkit",)

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
    def opens(self) -> bool:
        """Whether anything opens its mouth."""
        return self.jaw is not None or (self.table is not None and self.table.opens)

    def does(self, start: str) -> bool:
        """Whether it has shape keys of its own for what begins so in ARKit: ``eyeBlink``, ``eyeLook``."""
        if self.table is not None:
            followed = {channel for shape in self.table.matched for channel in self.table.rows[shape].follows}
        else:
            names = zip(ARKIT_EXPRESSIONS, self.expressions, strict=True) if self.space == "arkit" else ()
            followed = {name for name, key in names if key}
        return any(channel.startswith(start) for channel in followed)

    @property
    def missing(self) -> tuple[str, ...]:
        """What a complete face of its kind has and this one lacks, in words."""
        if self.table is not None:
            turned = (OPEN,) if self.jaw is not None else ()
            return tuple(channel for channel in self.table.unfollowed if channel not in turned)
        names = ARKIT_EXPRESSIONS if self.space == "arkit" else FLAME_EXPRESSIONS
        lacking = tuple(name for name, key in zip(names, self.expressions, strict=True) if not key)
        return lacking if self.jaw else (*lacking, "a bone 'jaw'")

    @property
    def described(self) -> str:
        """What it is, in one line."""
        if self.table is not None:
            jaw = f"jaw bone {self.jaw!r}" if self.jaw else "jaw by shape key" if self.opens else "no jaw"
            kind = f"{self.kind} character" if self.kind else "Character"
            return f"{kind}, {len(self.table.matched)} of {len(self.table.rows)} shapes matched, {jaw}"
        jaw = "jaw bone" if self.jaw else "no jaw"
        if self.space == "flame":
            total = sum(1 for key in self.keys.key_blocks if re.fullmatch(r"Exp\d+", key.name))
            return f"{self.identity_count:d} identity + {total:d} expression keys, {jaw}"
        return f"{sum(bool(name) for name in self.expressions)} of {CHANNELS:d} ARKit keys, {jaw}"


def face_of(thing: Any) -> Face:
    """What a head can do, from its mesh or its armature.

    Known are our own heads, by their custom property; FLAME's as other add-ons make them, by the names of their keys
    (``Exp1`` to ``Exp50``) and their ``jaw`` bone; and any character whose shape keys have names that
    ``head/naming.py`` knows, or of which a person has said what they are.

    Raises:
        SceneError: the object is no head that is known; the sentence says what is missing.
        HeadError: what is kept on it as a person's table is none.
    """
    if thing is None:
        raise SceneError("Select a head first, a mesh with shape keys or its armature, or add one.")
    mesh = _mesh_of(thing)
    armature = armature_of(mesh)
    if MARK in mesh:
        return _marked(mesh, armature)
    blocks = mesh.data.shape_keys.key_blocks if mesh.data.shape_keys is not None else {}
    if all(name in blocks for name in FLAME_EXPRESSIONS):
        axes = AXES if armature is None else _axes_of(armature)
        return Face(mesh, armature, "flame", FLAME_EXPRESSIONS, _own_jaw(armature), axes, np.zeros((3, CHANNELS)))
    if not blocks:
        raise SceneError(
            f"{mesh.name!r} is no head that can speak: it has no shape keys. Add a head, or select another."
        )
    table = table_of(mesh)
    known = sum(bool(row.follows) for row in table.rows.values())
    if known < FEWEST_KEYS and not said_of(mesh)[0].rows:
        raise SceneError(
            f"{mesh.name!r} is no head that can speak: it has neither FLAME's keys (Exp1 to Exp50) nor {FEWEST_KEYS} "
            "shape keys with names that are known (ARKit's, visemes, VRM's, MetaHuman's, Character Creator's), but "
            f"{known}. Say under Character what its shape keys are, add a head, or select another."
        )
    expressions = tuple(name for name, row in table.rows.items() if row.used)
    return Face(
        mesh,
        armature,
        "own",
        expressions,
        jaw_bone_of(mesh, armature),
        AXES,
        np.zeros((3, len(expressions))),
        kind="" if table.system == PERSONAL else table.system,
        followers=_followers(mesh, armature, set(expressions)),
        table=table,
    )


def heads_in(things: Any) -> list[Face]:
    """The heads among objects: of meshes that follow each other (teeth, lashes), the one with the most names."""
    found = [face for thing in things if thing.type == "MESH" and (face := face_or_none(thing)) is not None]
    found.sort(key=lambda face: (-len(face.table.matched if face.table else face.expressions), -_size(face)))
    heads: list[Face] = []
    for face in found:
        if not any(face.mesh in other.followers for other in heads):
            heads.append(face)
    return heads


def face_or_none(thing: Any) -> Face | None:
    """The same as :func:`face_of`, and None of what is no head."""
    try:
        return face_of(thing)
    except LsfError:
        return None


def is_shaped(thing: Any) -> bool:
    """Whether an object is a mesh with shape keys that could be a character's: none of ours, and none of FLAME's."""
    if thing is None or thing.type != "MESH" or thing.data.shape_keys is None or MARK in thing:
        return False
    return not all(name in thing.data.shape_keys.key_blocks for name in FLAME_EXPRESSIONS)


def table_of(mesh: Any) -> Table:
    """What each shape key of a character is: what a person said, else by its name; those with drivers are not used."""
    keys = mesh.data.shape_keys
    if keys is None:
        return Table({})
    table = overlaid(_recognised(shape_names(keys)), said_of(mesh)[0].rows)
    driven = driven_keys(keys)
    if not driven:
        return table
    held = {name: Row(row.system, row.follows, row.used and name not in driven) for name, row in table.rows.items()}
    return Table(held)


def said_of(mesh: Any) -> tuple[Table, Picked]:
    """What a person said of a character's shape keys and landmarks, kept on its object; empty where nothing."""
    settings = settings_of(mesh)
    return _said(settings.table) if settings is not None and settings.table else (Table({}), {})


def settings_of(mesh: Any) -> Any | None:
    """What a person set of a character (``properties_character.py``); None where the add-on is not switched on."""
    return getattr(mesh, "lsf", None)


def shape_names(keys: Any) -> tuple[str, ...]:
    """The names of all shape keys but the one that the others are measured from."""
    rest = keys.reference_key
    return tuple(key.name for key in keys.key_blocks if key != rest)


def driven_keys(keys: Any) -> frozenset[str]:
    """Names of the shape keys whose value a driver holds."""
    if keys.animation_data is None or not len(keys.animation_data.drivers):
        return frozenset()
    paths = {driver.data_path for driver in keys.animation_data.drivers}
    return frozenset(
        key.name for key in keys.key_blocks if f'key_blocks["{bpy.utils.escape_identifier(key.name)}"].value' in paths
    )


def armature_of(mesh: Any) -> Any | None:
    """The armature that bends a mesh, or that it hangs on."""
    armature = next((m.object for m in mesh.modifiers if m.type == "ARMATURE" and m.object is not None), mesh.parent)
    return armature if armature is not None and armature.type == "ARMATURE" else None


def jaw_bone_of(mesh: Any, armature: Any | None) -> str | None:
    """The bone that turns a character's jaw: the one that a person named, else the topmost with ``jaw`` in its name.

    A bone counts when the mesh has a vertex group for it or for a bone under it.
    """
    said = settings_of(mesh)
    if armature is None or (said is not None and said.opening == "SHAPE"):
        return None
    bones = armature.data.bones
    if said is not None and said.jaw_bone and said.jaw_bone in bones:
        return str(said.jaw_bone)
    groups = mesh.vertex_groups
    named = [
        bone
        for bone in bones
        if JAW_BONE in bone.name.lower() and any(one.name in groups for one in (bone, *bone.children_recursive))
    ]
    named.sort(key=lambda bone: len(bone.parent_recursive))
    return str(named[0].name) if named else None


def jaw_shift(head: Head) -> Doubles:
    """(3, 50) metres per unit: how the jaw's joint follows the first 50 expressions, in head axes."""
    return np.asarray(
        np.einsum("v,vce->ce", head.joint_regressor[JAW].astype(np.float64), head.expression_directions[:, :, :50])
    )


def bone_axes(armature: Any, bone: str) -> Doubles:
    """(3, 3) the rest frame of a bone in its armature's axes: columns are the bone's own x, y and z."""
    return np.array(armature.data.bones[bone].matrix_local, np.float64)[:3, :3]


def lip_vertices(face: Face) -> tuple[int, ...]:
    """Vertices of the lips, where they are known: on our own heads, on FLAME's mesh, on characters that were read."""
    if face.lips:
        return face.lips
    mesh = face.mesh
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


def placement(mesh: Any, armature: Any | None) -> Doubles:
    """(4, 4) from a mesh's own axes to its armature's; in its own size in the scene where there is none."""
    if armature is not None:
        return np.array(armature.matrix_world.inverted_safe() @ mesh.matrix_world, np.float64)
    return np.diag([*np.array(mesh.matrix_world.to_scale(), np.float64), 1.0])


def positions(block: Any) -> Doubles:
    """(V, 3) the points of a shape key, in its mesh's own axes."""
    places = np.empty(len(block.data) * 3, np.float32)
    compat.key_points(block).foreach_get("co", places)
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
    """The one mesh with the most known names, where there is one: teeth and lashes have fewer, or are smaller."""
    heads = heads_in(meshes)
    return [heads[0].mesh] if len(heads) == 1 else meshes


def _size(face: Face) -> int:
    return len(face.mesh.data.vertices)


@lru_cache(maxsize=64)
def _recognised(names: tuple[str, ...]) -> Table:
    return recognised(names)


@lru_cache(maxsize=64)
def _said(words: str) -> tuple[Table, Picked]:
    return from_json(words, "What is kept on the character")


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


def _own_jaw(armature: Any | None) -> str | None:
    return JAW_BONE if armature is not None and JAW_BONE in armature.data.bones else None


def _marked(mesh: Any, armature: Any | None) -> Face:
    try:
        facts = json.loads(mesh[MARK])
        if facts["format"] != FORMAT:
            raise SceneError(f"{mesh.name!r} was made by a newer version of this add-on; update the add-on.")
        expressions = tuple(str(name) for name in facts["expressions"])
        shift = np.array(facts["jaw_shift"], np.float64).reshape(3, len(expressions))
        kind = str(facts.get("head", "LSF"))
        return Face(mesh, armature, facts["space"], expressions, _own_jaw(armature), AXES, shift, kind=kind)
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

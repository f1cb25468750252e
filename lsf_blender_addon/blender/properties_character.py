"""What a person says of a character, kept on its mesh: what its shape keys are, what opens its mouth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..errors import LsfError
from ..head.naming import CHANNEL_NAMES, Row, Table
from ..head.tables import PERSONAL, Picked, as_json, from_words, in_words
from . import failures, takes, undoing
from .crossing import BY_NAMES, FITTED
from .faces import is_shaped, said_of, table_of

OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
NOTHING = "—"


def _reshape(group: Any, _: Any) -> None:
    """Bake the shown take again; what is wrong stands in the panel."""
    try:
        takes.reshape(group.id_data)
    except LsfError as error:
        failures.tell(error)


def _follows(group: Any) -> str:
    row = _active_row(group)
    return in_words(row.follows) if row is not None else ""


def _set_follows(group: Any, words: str) -> None:
    row = _active_row(group)
    if row is None:
        return
    try:
        follows = from_words("" if words.strip() == NOTHING else words)
    except LsfError as error:
        failures.tell(error)
        return
    failures.forget()
    say(group.id_data, {active_shape(group.id_data): Row(PERSONAL if follows else "", follows, bool(follows))})


def _used(group: Any) -> bool:
    row = _active_row(group)
    return row is not None and row.used


def _set_used(group: Any, used: bool) -> None:  # noqa: FBT001 - Blender's own form
    row = _active_row(group)
    if row is not None:
        say(group.id_data, {active_shape(group.id_data): Row(row.system, row.follows, used)})


def _channels(_group: Any, _context: Any, _typed: str) -> list[str]:
    return [*CHANNEL_NAMES]


class CharacterSettings:
    """What a person says of a character whose names do not say it; part of ``LsfHead``.

    No group of its own: Blender 5 loses what library overrides keep in groups within groups.
    """

    if TYPE_CHECKING:
        table: str
        driving: str
        opening: str
        jaw_bone: str
        follows: str
        used: bool
    else:
        table: StringProperty(override=OVERRIDABLE)
        driving: EnumProperty(
            name="Driven",
            description="How what ARKit says becomes the character's own shape keys. Changes the keys at once",
            items=(
                (
                    FITTED,
                    "Fitted",
                    "Lips, lids and skin go where they go on the bundled head, whatever the shape keys are",
                ),
                (
                    BY_NAMES,
                    "By Name",
                    "ARKit's plain values on the shape keys of those names, for faces and engines made for them",
                ),
            ),
            default=FITTED,
            override=OVERRIDABLE,
            update=_reshape,
        )
        opening: EnumProperty(
            name="Mouth Opens",
            description="What opens the mouth. Changes the keys at once",
            items=(
                ("BONE", "By Bone", "The jaw bone turns, where there is one that moves the chin; else a shape key"),
                ("SHAPE", "By Shape Key", "A shape key opens it, and the armature is left alone"),
            ),
            default="BONE",
            override=OVERRIDABLE,
            update=_reshape,
        )
        jaw_bone: StringProperty(
            name="Jaw Bone",
            description="The bone that turns the jaw; the topmost with 'jaw' in its name where this is empty",
            override=OVERRIDABLE,
            update=_reshape,
        )
        follows: StringProperty(
            name="Follows",
            description="What the chosen shape key is, in ARKit's names: 'jawOpen', 'mouthSmileLeft 0.5 + "
            "mouthSmileRight 0.5', or nothing. Changes the keys at once",
            get=_follows,
            set=_set_follows,
            search=_channels,
            search_options={"SUGGESTION"},
            update=_reshape,
        )
        used: BoolProperty(
            name="Used",
            description="Whether the chosen shape key may be moved at all. Changes the keys at once",
            get=_used,
            set=_set_used,
            update=_reshape,
        )


def active_shape(mesh: Any) -> str:
    """The name of the shape key that is chosen on a mesh; empty for the one that others are measured from."""
    key = mesh.active_shape_key
    return str(key.name) if key is not None and key != mesh.data.shape_keys.reference_key else ""


def say(mesh: Any, rows: dict[str, Row], picked: Picked | None = None) -> None:
    """Keep what a person says of some shape keys, and of landmarks, on the mesh's object."""
    said, points = said_of(mesh)
    content = Table({**said.rows, **rows})
    mesh.lsf.table = as_json(content, character=mesh.name, picked=points if picked is None else picked)
    undoing.keep_whole_file()


def _active_row(group: Any) -> Row | None:
    mesh = group.id_data  # Blender asks of every object when it compares overrides
    return table_of(mesh).rows.get(active_shape(mesh)) if is_shaped(mesh) else None

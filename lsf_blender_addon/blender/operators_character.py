"""What can be done with a character's table: forget it, write it, take it from a file; and points picked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from bpy.props import EnumProperty, StringProperty

from ..errors import HeadError, LsfError, SceneError
from ..head.picking import PICKED_NAMES, in_words
from ..head.tables import load_table, save_table
from . import crossing, orders, takes
from .faces import face_of, face_or_none, is_shaped, said_of, table_of
from .failures import told_in_panel
from .properties_character import say
from .translating import refuse, report


class _OnCharacter:
    """What operators on a character have in common."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether a mesh with shape keys of its own is there."""
        if character_mesh(context) is None:
            refuse(cls, "Select a character first: a mesh with shape keys of its own")
            return False
        return True


class _WithFile(_OnCharacter):
    """What needs a file."""

    if TYPE_CHECKING:
        filepath: str
        filter_glob: str
    else:
        filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
        filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Ask for the file."""
        if not self.filepath:
            self.filepath = f"{character_mesh(context).name}.lsf.json"  # type: ignore[union-attr]
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        return set(self.execute(context))  # type: ignore[attr-defined]


class LSF_OT_forget_table(_OnCharacter, bpy.types.Operator):
    """Forget what was said by hand of this character's shape keys and points; names count again"""

    bl_idname = "lsf.forget_table"
    bl_label = "Back to Names"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether anything was said."""
        if not super().poll(context):
            return False
        if not character_mesh(context).lsf.table:  # type: ignore[union-attr]
            refuse(cls, "Nothing was said by hand of this character: its names count already")
            return False
        return True

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Forget it, then bake once."""
        mesh = character_mesh(context)
        mesh.lsf.property_unset("table")  # type: ignore[union-attr]
        takes.reshape(mesh)


class LSF_OT_save_table(_WithFile, bpy.types.Operator):
    """Write what this character's shape keys are, and how well they do it, to a file: for its other versions"""

    bl_idname = "lsf.save_table"
    bl_label = "Save Table"

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Write it."""
        mesh = character_mesh(context)
        face = face_or_none(mesh)
        across = crossing.known(face) if face is not None else None
        left = {name: mm for name, (mm, _) in across.residuals.items()} if across is not None else {}
        picked = said_of(mesh)[1]
        save_table(Path(self.filepath), table_of(mesh), character=mesh.name, picked=picked, residuals=left)  # type: ignore[union-attr]


class LSF_OT_load_table(_WithFile, bpy.types.Operator):
    """Take what this character's shape keys are from a file, and keep it with this scene"""

    bl_idname = "lsf.load_table"
    bl_label = "Load Table"
    bl_options = {"UNDO"}

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Take it, then bake once."""
        mesh: Any = character_mesh(context)
        table, picked = load_table(Path(self.filepath))
        own = table_of(mesh).rows
        known = {name: row for name, row in table.rows.items() if name in own}
        if not known:
            raise HeadError(f"{Path(self.filepath).name} is of another character: no shape key has such a name.")
        say(mesh, known, picked)
        takes.reshape(mesh)
        strange = len(table.rows) - len(known)
        if strange:
            report(self, "WARNING", f"{strange:d} shape keys of the file are not on this mesh")


POINTS = [(name, name.replace("_", " ").capitalize(), f"Pick {in_words(name)}") for name in PICKED_NAMES]
"""For menus; made here, as 4.2 reads a class's settings where a loop in them sees no imports."""


class LSF_OT_pick_point(_OnCharacter, bpy.types.Operator):
    """Say that the selected vertex, or the middle of several, is this point of the face: for what no click reaches"""

    bl_idname = "lsf.pick_point"
    bl_label = "Pick Selected"
    bl_options = {"UNDO"}

    if TYPE_CHECKING:
        point: str
    else:
        point: EnumProperty(name="Point", items=POINTS)

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Keep it; once all are picked, they count."""
        mesh: Any = character_mesh(context)
        mesh.update_from_editmode()
        chosen = np.empty(len(mesh.data.vertices), bool)
        mesh.data.vertices.foreach_get("select", chosen)
        rows = [int(row) for row in np.flatnonzero(chosen)]
        if not rows:
            raise SceneError("Select the vertex in Edit Mode first, then pick it.")
        if len(rows) > MOST_VERTICES:
            raise SceneError(f"{len(rows)} vertices are selected: select one, or up to {MOST_VERTICES} around it.")
        say(mesh, {}, {**said_of(mesh)[1], self.point: rows if len(rows) > 1 else rows[0]})
        takes.reshape(mesh)


MOST_VERTICES = 8
"""Of a point that was picked as the middle of several: more are a forgotten selection."""

CLASSES = (LSF_OT_forget_table, LSF_OT_save_table, LSF_OT_load_table, LSF_OT_pick_point)


def character_mesh(context: Any) -> Any | None:
    """The mesh of the character that the panel is about, known or not yet; None for heads of other kinds."""
    thing = orders.head_object(context)
    try:
        mesh = face_of(thing).mesh
    except LsfError:
        mesh = thing
    return mesh if is_shaped(mesh) else None

"""The panel's table: what each shape key of a character is, how well it does it, and what a person says instead."""

from __future__ import annotations

from typing import Any

import bpy

from ..errors import LsfError
from ..head.picking import PICKED_NAMES
from ..head.tables import in_words
from . import crossing, drawing, measuring
from .crossing import BY_NAMES_ALONE, FITTED, Crossing
from .faces import Face, face_of, face_or_none, said_of, table_of
from .operators_character import character_mesh
from .properties_character import NOTHING, active_shape
from .wording import draw_sentence

WORST = 3
"""How many of what a character does least well are named."""

POOR = 1.0
"""Millimetres from which on a channel is worth naming."""


class Character:
    """The table of a character, and how it is driven."""

    bl_region_type = "UI"
    bl_category = "LSF"
    bl_label = "Character"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Where the head is a character, or might become one."""
        return character_mesh(context) is not None

    def draw(self, context: Any) -> None:
        """How well it does, the table, the shape key that is chosen, and how it is driven."""
        layout, mesh = self.layout, character_mesh(context)  # type: ignore[attr-defined]
        if mesh is None:
            return
        try:
            face = face_of(mesh)
        except LsfError as error:
            draw_sentence(layout, context, str(error), "INFO")
            _draw_table(layout, mesh)
            return
        across = known_or_soon(face)
        for words, icon in told_of(face, across):
            draw_sentence(layout, context, words, icon)
        _draw_table(layout, mesh)
        _draw_settings(layout, face)
        if mesh.lsf.driving == FITTED and ((across is not None and across.reason) or said_of(mesh)[1]):
            _draw_points(layout, context, mesh)


class LSF_UL_shapes(bpy.types.UIList):
    """Shape keys, what each follows, and how many millimetres what it does lies from where it belongs."""

    def draw_item(
        self,
        _context: Any,
        layout: Any,
        _data: Any,
        item: Any,
        _icon: int,
        active_data: Any,
        _active_property: str,
        _index: int = 0,
        _flag: int = 0,
    ) -> None:
        """One row."""
        row = table_of(active_data).rows.get(item.name)
        if row is None:
            return
        split = layout.split(factor=0.42)
        split.label(text=item.name, translate=False)
        rest = split.split(factor=0.75)
        rest.active = row.used
        rest.label(text=in_words(row.follows) or NOTHING, translate=False)
        face = face_or_none(active_data)
        across = crossing.known(face) if face is not None else None
        left = [across.residuals[channel][0] for channel in row.follows if across and channel in across.residuals]
        figure = rest.row()
        figure.alignment = "RIGHT"
        figure.label(text=f"{max(left):.1f}" if left and row.used else "", translate=False)

    def filter_items(self, _context: Any, data: Any, property_name: str) -> tuple[list[int], list[int]]:
        """All but the one that the others are measured from, and by name as typed."""
        keys = list(getattr(data, property_name))
        flags = [self.bitflag_filter_item] * len(keys)
        if self.filter_name:
            flags = bpy.types.UI_UL_list.filter_items_by_name(self.filter_name, self.bitflag_filter_item, keys)
        rest = data.reference_key
        return [0 if key == rest else flag for key, flag in zip(keys, flags, strict=True)], []


CLASSES = (LSF_UL_shapes,)


def known_or_soon(face: Face) -> Crossing | None:
    """What is known of the way across to a face; where that is of before a change, it is read a moment later."""
    if crossing.known(face) is None and face.opens:
        measuring.soon(face, drawing.panels)
    return crossing.shown(face) if face.opens else None


def told_of(face: Face, across: Crossing | None) -> list[tuple[str, str]]:
    """How well a character does, in sentences with their icons."""
    said = []
    if across is not None and across.reason:
        said += [(BY_NAMES_ALONE, "ERROR"), (across.reason, "BLANK1")]
    elif across is not None and across.overall is not None:
        worst = sorted(across.residuals.items(), key=lambda item: -item[1][0])[:WORST]
        named = ", ".join(f"{name} {left:.1f}" for name, (left, _) in worst if left > POOR)
        overall = f"Residual {across.overall:.1f} mm"
        said.append((f"Residual {across.overall:.1f} mm; most: {named}" if named else overall, "DRIVER_DISTANCE"))
    if face.missing:
        more = len(face.missing) - WORST
        listed = ", ".join(face.missing[:WORST])
        few = f"No shape key of its own: {listed}"
        said.append((f"No shape key of its own: {listed} and {more:d} more" if more > 0 else few, "INFO"))
    return said


def _draw_table(layout: Any, mesh: Any) -> None:
    keys, said = mesh.data.shape_keys, mesh.lsf
    layout.template_list("LSF_UL_shapes", "", keys, "key_blocks", mesh, "active_shape_key_index", rows=5)
    if active_shape(mesh):
        row = layout.row(align=True)
        row.prop(said, "used", text="")
        row.prop(said, "follows", text="", icon="FORWARD")
    row = layout.row(align=True)
    row.operator("lsf.load_table", text="Load…")
    row.operator("lsf.save_table", text="Save…")
    row.operator("lsf.forget_table", text="", icon="LOOP_BACK")


def _draw_settings(layout: Any, face: Face) -> None:
    said = face.mesh.lsf
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.row().prop(said, "driving", expand=True)
    if face.armature is None:
        return
    column.row().prop(said, "opening", expand=True)
    if said.opening == "BONE":
        column.prop_search(said, "jaw_bone", face.armature.data, "bones", icon="BONE_DATA")


def _draw_points(layout: Any, context: Any, mesh: Any) -> None:
    """Points that a person picks, where they are not found; what was picked can be picked anew, and forgotten."""
    count = len(said_of(mesh)[1])
    box = layout.box()
    draw_sentence(box, context, f"{count:d} of {len(PICKED_NAMES)} points of the face are picked.")
    row = box.row(align=True)
    if context.mode == "EDIT_MESH":
        row.operator_menu_enum("lsf.pick_point", "point", text="Selected Vertex Is", icon="VERTEXSEL")
    else:
        row.operator("lsf.pick_points", text="Pick Points" if count < len(PICKED_NAMES) else "Again", icon="EYEDROPPER")
        row.operator_menu_enum("lsf.pick_points", "point", text="Only One")
    row.operator("lsf.forget_points", text="", icon="X")

"""What can be done with takes: leave one, copy one, shape it anew, let it follow its strip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import IntProperty

from ..errors import LsfError
from . import failures, orders, takes
from .faces import face_of
from .failures import told_in_panel
from .translating import refuse, report

SHAPING = (
    *("expression", "mouth", "upper", "jaw", "smoothing", "lead", "use_reduction", "tolerance"),
    *("use_blinks", "use_gaze", "life_seed"),
)


class _OnTake:
    """What operators on the shown take have in common."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether a take of ours is shown."""
        mesh = mesh_of(context)
        take = takes.active(mesh) if mesh is not None else None
        if take is None:
            refuse(cls, "This head has no takes yet: press Animate from Audio")
            return False
        if not take.ours:
            refuse(cls, "This is animation of your own, which stays as it is")
            return False
        return True


class LSF_OT_remove_take(bpy.types.Operator):
    """Remove this take and its Action. Animation of your own leaves the list only, its Action stays"""

    bl_idname = "lsf.remove_take"
    bl_label = "Remove Take"
    bl_options = {"UNDO"}

    if TYPE_CHECKING:
        index: int
    else:
        index: IntProperty(default=-1, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether there is one."""
        mesh = mesh_of(context)
        if mesh is None or takes.active(mesh) is None:
            refuse(cls, "This head has no takes")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Remove it."""
        mesh = shown_mesh(context)
        try:
            takes.remove(mesh, mesh.lsf.active_take if self.index < 0 else self.index)
        except LsfError as error:
            failures.tell(error)
            report(self, "WARNING", str(error))
        return {"FINISHED"}


class LSF_OT_copy_take(_OnTake, bpy.types.Operator):
    """Bake the same prediction into a new take, as the sliders stand; this one keeps its keys"""

    bl_idname = "lsf.copy_take"
    bl_label = "Shape a Copy"
    bl_options = {"UNDO"}

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Bake it."""
        takes.copy(mesh_of(context), context.scene)


class LSF_OT_bake_over(_OnTake, bpy.types.Operator):
    """Bake this take again as the sliders stand, and lose what was edited by hand"""

    bl_idname = "lsf.bake_over"
    bl_label = "Discard Edits"
    bl_options = {"UNDO"}

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Bake it."""
        takes.reshape(mesh_of(context), anyway=True)


class LSF_OT_follow_strip(_OnTake, bpy.types.Operator):
    """Move the keys of this take to where its strips lie now: moved, trimmed, or at another speed"""

    bl_idname = "lsf.follow_strip"
    bl_label = "Follow Strip"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether a strip has moved."""
        if not super().poll(context):
            return False
        try:
            now, why = takes.moved(mesh_of(context))
        except LsfError as error:
            now, why = [], str(error)
        if why or not now:
            refuse(cls, why or "The strips lie where they were when this take was made")
            return False
        return True

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Move them."""
        for sentence in takes.follow(mesh_of(context)):
            report(self, "WARNING", sentence)


class LSF_OT_reset_shaping(bpy.types.Operator):
    """Put all sliders of the shaping back to where they were in the beginning"""

    bl_idname = "lsf.reset_shaping"
    bl_label = "Reset Shaping"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether there is a head, and a slider that was moved."""
        mesh = mesh_of(context)
        if mesh is None:
            refuse(cls, "Select a head first")
            return False
        if not any(mesh.lsf.is_property_set(name) for name in SHAPING):
            refuse(cls, "All sliders are where they were in the beginning")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Put them back, then bake once."""
        mesh = shown_mesh(context)
        for name in SHAPING:
            mesh.lsf.property_unset(name)
        try:
            takes.reshape(mesh)
        except LsfError as error:
            failures.tell(error)
            report(self, "WARNING", str(error))
        return {"FINISHED"}


class _LeftOut:
    """A setting that this head cannot have: drawn in its place, grey, with the reason where the mouse rests."""

    bl_options = {"INTERNAL"}
    why = ""

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """Never; and why."""
        refuse(cls, cls.why)
        return False

    def execute(self, _context: Any) -> set[str]:
        """Nothing can be done."""
        return {"CANCELLED"}


class LSF_OT_no_regions(_LeftOut, bpy.types.Operator):
    """Strengths of the mouth and of the upper face"""

    bl_idname = "lsf.no_regions"
    bl_label = "Mouth, Upper Face"
    why = (
        "This take is spoken in FLAME's components, and each of them moves the whole face: use Expression and Jaw, or "
        "a model that speaks ARKit"
    )


class LSF_OT_no_blinks(_LeftOut, bpy.types.Operator):
    """Blinks by chance"""

    bl_idname = "lsf.no_blinks"
    bl_label = "Blinks"
    why = "Nothing closes this head's eyes: FLAME's expressions cannot, and a character needs a shape key for it"


class LSF_OT_no_gaze(_LeftOut, bpy.types.Operator):
    """Small movements of the eyes by chance"""

    bl_idname = "lsf.no_gaze"
    bl_label = "Gaze"
    why = "No shape keys move this head's eyes (eyeLookUpLeft and the like)"


CLASSES = (
    *(LSF_OT_remove_take, LSF_OT_copy_take, LSF_OT_bake_over, LSF_OT_follow_strip, LSF_OT_reset_shaping),
    *(LSF_OT_no_regions, LSF_OT_no_blinks, LSF_OT_no_gaze),
)


def mesh_of(context: Any) -> Any | None:
    """The mesh of the head that the panel is about, or None."""
    try:
        return face_of(orders.head_object(context)).mesh
    except LsfError:
        return None


def shown_mesh(context: Any) -> Any:
    """The same, where a poll has made sure that there is one.

    Raises:
        SceneError: there is none.
    """
    return face_of(orders.head_object(context)).mesh

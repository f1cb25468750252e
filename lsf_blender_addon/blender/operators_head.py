"""A head for the scene: the bundled one, or FLAME from the user's own file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from mathutils import Vector

from ..head.facekit import read_facekit
from ..head.flame import read_head
from ..models.store import bundled_head, installed_models
from . import orders
from .facekit_mesh import build_facekit
from .failures import told_in_panel
from .rig import build_rig
from .translating import in_blenders_language, refuse

_items: list[tuple[str, str, str]] = []
"""What the menu of models shows; Blender wants the texts to live on."""


class LSF_OT_add_head(bpy.types.Operator):
    """Put a head into the scene, rigged and ready to speak"""

    bl_idname = "lsf.add_head"
    bl_label = "Add Head"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        filepath: str
        directory: str
        filter_glob: str
        kind: str
        use_frame: bool
    else:
        filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
        directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
        filter_glob: StringProperty(default="*.npz;*.pkl", options={"HIDDEN"})
        kind: EnumProperty(
            name="Head",
            items=(
                (
                    "BUNDLED",
                    "Bundled Head",
                    "Comes with the add-on, free for any use, ARKit's blendshapes",
                ),
                ("FLAME", "FLAME from File", "Your own FLAME file: .pkl or .npz from flame.is.tue.mpg.de"),
                (
                    "FACEKIT",
                    "ICT-FaceKit from Folder",
                    "The folder FaceXModel of github.com/ICT-VGL/ICT-FaceKit: a realistic head, MIT licence",
                ),
            ),
            options={"SKIP_SAVE"},
        )
        use_frame: BoolProperty(
            name="Look at It",
            description="Move the view so that the head fills it: a head is only as large as a head",
            default=True,
        )

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether objects can be made now."""
        if context.mode != "OBJECT":
            refuse(cls, "Leave the current mode first: a head is built in Object Mode")
            return False
        return True

    @classmethod
    def description(cls, _context: Any, properties: Any) -> str:
        """The tooltip, by what it will do."""
        if properties.kind == "FLAME":
            words = "Choose a FLAME file (.pkl or .npz) and put its head into the scene, with its identity sliders"
        elif properties.kind == "FACEKIT":
            words = "Choose ICT-FaceKit's folder of .obj files and put its head into the scene, with its identities"
        else:
            words = "Put the bundled head into the scene: free for any use, nothing to download"
        return in_blenders_language(words, "tooltips")

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Ask for the file where one is needed."""
        if self.kind != "BUNDLED" and not (self.directory if self.kind == "FACEKIT" else self.filepath):
            self.filter_glob = "*.obj" if self.kind == "FACEKIT" else "*.npz;*.pkl"
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        return self.execute(context)

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Build it at the 3D cursor, select it, and look at it."""
        if self.kind == "FACEKIT":
            mesh = build_facekit(read_facekit(Path(self.directory), identities=True), collection=context.collection)
            placed = mesh
        else:
            head = read_head(Path(self.filepath) if self.kind == "FLAME" else bundled_head())
            built = build_rig(head, collection=context.collection)
            mesh, placed = built.mesh, built.armature
        placed.location = _free_place(context, placed)
        for thing in context.selected_objects:
            thing.select_set(False)
        mesh.select_set(True)
        context.view_layer.objects.active = mesh
        if self.use_frame and not bpy.app.background:
            _look(context)

    def draw(self, _context: Any) -> None:
        """What can be adjusted afterwards."""
        self.layout.prop(self, "use_frame")


class LSF_OT_choose_model(bpy.types.Operator):
    """Choose which network listens and moves"""

    bl_idname = "lsf.choose_model"
    bl_label = "Choose Model"
    bl_options = {"UNDO"}

    def _models(self, _context: Any) -> list[tuple[str, str, str]]:
        _items[:] = [
            (model.folder.name, model.card.title, in_blenders_language(model.terms)) for model in installed_models()
        ]
        return _items

    if TYPE_CHECKING:
        model: str
    else:
        model: EnumProperty(name="Model", items=_models)

    def execute(self, context: Any) -> set[str]:
        """Note it."""
        context.scene.lsf.model = self.model
        return {"FINISHED"}


class LSF_OT_pin_head(bpy.types.Operator):
    """Let this head speak, whatever is selected"""

    bl_idname = "lsf.pin_head"
    bl_label = "Pin Head"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether there is something to pin or to let go."""
        if orders.head_object(context) is None:
            refuse(cls, "Select a head first")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Pin it, or let it go."""
        settings = context.scene.lsf
        settings.head = None if settings.head is not None else orders.head_object(context)
        return {"FINISHED"}


REACH = 0.12
"""Metres from the middle of a head to its outside."""

CLASSES = (LSF_OT_add_head, LSF_OT_choose_model, LSF_OT_pin_head)


def _free_place(context: Any, head: Any) -> Vector:
    """The 3D cursor, or beside what stands there already: a head inside a cube is not seen."""
    place = context.scene.cursor.location.copy()
    for thing in context.visible_objects:
        if thing.type != "MESH" or head in (thing, thing.parent):
            continue
        corners = [thing.matrix_world @ Vector(corner) for corner in thing.bound_box]
        low, high = (Vector(tuple(pick(column) for column in zip(*corners, strict=True))) for pick in (min, max))
        if all(low[axis] - REACH <= place[axis] <= high[axis] + REACH for axis in range(3)):
            place.x = max(place.x, high.x + 2 * REACH)
    return place


def _look(context: Any) -> None:
    """Frame the selection in the 3D view that the click came from, or the first one there is."""
    window = context.window
    area = context.area if context.area is not None and context.area.type == "VIEW_3D" else None
    area = area or next((area for area in window.screen.areas if area.type == "VIEW_3D"), None)
    region = next((region for region in area.regions if region.type == "WINDOW"), None) if area is not None else None
    if region is not None:
        with context.temp_override(window=window, area=area, region=region):
            bpy.ops.view3d.view_axis(type="FRONT")
            bpy.ops.view3d.view_selected()

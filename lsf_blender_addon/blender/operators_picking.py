"""Pick Points: the points of a face, clicked one after the other on the head itself, with a dot on each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import gpu
import numpy as np
from bpy.props import EnumProperty
from bpy_extras import view3d_utils
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from ..errors import LsfError, SceneError
from ..head.picking import PICKED_NAMES, in_words
from . import drawing, failures, takes
from .faces import said_of
from .failures import told_in_panel
from .operators_character import POINTS, character_mesh
from .properties_character import say
from .rotation import Doubles
from .surface import Surface, shown_points
from .translating import refuse, report

DOT, RING = 4.0, 6.0
"""Pixels from the middle of a dot, and of the dark ring about it, to its outside, at Blender's usual size."""

NEAR, MOST_NEAR = 12.0, 64
"""Pixels from a click within which a vertex in sight is meant, and how many are looked at."""

COLOUR, DARK = (1.0, 0.55, 0.1, 1.0), (0.0, 0.0, 0.0, 0.8)
CORNERS = 12


@dataclass(frozen=True)
class _View:
    """A 3D view under the mouse, and where in it the mouse is."""

    region: Any
    mouse: tuple[int, int]


class LSF_OT_pick_points(bpy.types.Operator):
    """Click the points of the face on the head, one after the other; each is named at the top of the 3D view"""

    bl_idname = "lsf.pick_points"
    bl_label = "Pick Points"
    bl_options = {"UNDO"}

    if TYPE_CHECKING:
        point: str
    else:
        point: EnumProperty(name="Point", items=POINTS, options={"SKIP_SAVE"})

    _mesh: int
    _before: str
    _picked: list[str]
    _wanted: list[str]
    _overwritten: bool
    """Whether another tool may have put its own words over ours since they were said."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether there is a character to click on."""
        if character_mesh(context) is None:
            refuse(cls, "Select a character first: a mesh with shape keys of its own")
        elif context.mode != "OBJECT":
            refuse(cls, "Leave the current mode first: points are picked in Object Mode")
        else:
            return True
        return False

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Take over the mouse above 3D views."""
        if not any(area.type == "VIEW_3D" for area in context.screen.areas):
            report(self, "WARNING", "Open a 3D view beside this editor first: points are clicked on the head.")
            return {"CANCELLED"}
        mesh: Any = character_mesh(context)
        self._mesh, self._before = mesh.session_uid, mesh.lsf.table
        self._picked = []
        one = self.properties.is_property_set("point")
        self._wanted = [self.point] if one else [name for name in PICKED_NAMES if name not in said_of(mesh)[1]]
        if not self._wanted:
            self._wanted = list(PICKED_NAMES)
        attach(self._mesh)
        context.window_manager.modal_handler_add(self)
        self._show(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """A click picks; what moves the view, and what lies outside of it, is Blender's own."""
        mesh = _character(self._mesh)
        if mesh is None or context.mode != "OBJECT":
            return self._end()
        pressed = event.value == "PRESS"
        if pressed and event.type in {"ESC", "RIGHTMOUSE", "RET", "NUMPAD_ENTER"}:
            return self._end()
        if pressed and (event.type == "BACK_SPACE" or (event.type == "Z" and (event.ctrl or event.oskey))):
            self._take_back(mesh)
            self._show(context)
            return {"RUNNING_MODAL"}
        view = _view(context, event)
        if view is None or event.type != "LEFTMOUSE" or event.alt:
            if pressed:
                self._overwritten = True
            elif self._overwritten and view is not None:
                self._show(context)
            return {"PASS_THROUGH"}
        if pressed:
            wrong = self._click(context, mesh, view)
            if not self._wanted:
                return self._end()
            self._show(context, wrong)
        return {"RUNNING_MODAL"}

    def cancel(self, _context: Any) -> None:
        """The window closes, or another file is loaded."""
        self._end()

    def _click(self, context: Any, mesh: Any, view: _View) -> str:
        """Keep the vertex under the mouse; why not, in a sentence, where that cannot be."""
        try:
            row = vertex_under(mesh, context.evaluated_depsgraph_get(), view.region, view.mouse)
            keep(mesh, self._wanted[0], row)
        except LsfError as error:
            return str(error)
        self._picked.append(self._wanted.pop(0))
        return ""

    def _take_back(self, mesh: Any) -> None:
        if self._picked:
            name = self._picked.pop()
            self._wanted.insert(0, name)
            say(mesh, {}, {other: rows for other, rows in said_of(mesh)[1].items() if other != name})

    def _show(self, context: Any, wrong: str = "") -> None:
        self._overwritten = False
        count = len(self._picked) + 1
        words = f"({count:d} of {count + len(self._wanted) - 1:d})  Click {in_words(self._wanted[0])}"
        drawing.say_above(context.screen, *([wrong] if wrong else []), words)
        drawing.say_below(
            context.workspace,
            "Click: Pick   |   Wheel, Middle Mouse: Move the View   |   Backspace: Take Back   |   Esc: End",
        )
        drawing.pictures()
        drawing.panels()

    def _end(self) -> set[str]:
        stop()
        mesh = _character(self._mesh)
        if mesh is None or mesh.lsf.table == self._before:
            return {"CANCELLED"}
        try:
            takes.reshape(mesh)
        except LsfError as error:  # the points are kept all the same
            failures.tell(error, operator=self.bl_idname)
            report(self, "WARNING", str(error))
        return {"FINISHED"}


class LSF_OT_forget_points(bpy.types.Operator):
    """Forget the points that were picked on this character; what was said of its shape keys stays"""

    bl_idname = "lsf.forget_points"
    bl_label = "Forget Points"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Whether any were picked."""
        mesh = character_mesh(context)
        if mesh is None or not said_of(mesh)[1]:
            refuse(cls, "No point was picked on this character")
            return False
        return True

    @told_in_panel
    def execute(self, context: Any) -> None:
        """Forget them, then bake once."""
        mesh = character_mesh(context)
        say(mesh, {}, {})
        takes.reshape(mesh)


CLASSES = (LSF_OT_pick_points, LSF_OT_forget_points)


_handle: list[Any] = []
"""What draws the dots, apart from the tool, which Blender throws away when another file is loaded."""


def attach(number: int) -> None:
    """Draw a dot on every point that is picked on the mesh of this session number, in whatever 3D view."""
    detach()
    _handle.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (number,), "WINDOW", "POST_PIXEL"))


def detach() -> None:
    """Draw them no more."""
    while _handle:
        bpy.types.SpaceView3D.draw_handler_remove(_handle.pop(), "WINDOW")


def stop() -> None:
    """Take away all that picking shows: it is over, or the add-on goes, with the tool in the midst of it."""
    detach()
    drawing.hush_above()
    drawing.hush_below()
    drawing.pictures()
    drawing.panels()


def vertex_under(mesh: Any, depsgraph: Any, region: Any, mouse: tuple[int, int]) -> int:
    """The vertex of a mesh at a place in a 3D view, in the region's pixels: the nearest in sight, as Blender selects.

    Raises:
        SceneError: the mesh is not there.
    """
    points = shown_points(mesh, depsgraph)
    surface = Surface(mesh, points)
    away = np.linalg.norm(_pixels(points, region) - np.array(mouse, np.float64), axis=1)
    near = np.argsort(away)[:MOST_NEAR]
    for row in near[away[near] < NEAR * bpy.context.preferences.system.ui_scale]:
        seen = view3d_utils.location_3d_to_region_2d(region, region.data, Vector(points[row].tolist()))
        if surface.shows(int(row), view3d_utils.region_2d_to_origin_3d(region, region.data, seen)):
            return int(row)
    eye = view3d_utils.region_2d_to_origin_3d(region, region.data, mouse)
    met = surface.met(eye, view3d_utils.region_2d_to_vector_3d(region, region.data, mouse))
    if met is None:
        raise SceneError(f"That click missed {mesh.name!r}: click on its face.")
    return met


def _pixels(points: Doubles, region: Any) -> Doubles:
    """(V, 2) where points of the world are drawn; far away where they are behind the view."""
    matrix = np.array(region.data.perspective_matrix, np.float64)
    drawn = points @ matrix[:, :3].T + matrix[:, 3]
    ahead = drawn[:, 3:] > 0
    places = drawn[:, :2] / np.where(ahead, drawn[:, 3:], 1.0)
    size = np.array([region.width, region.height], np.float64)
    found: Doubles = np.where(ahead, (places + 1) / 2 * size, np.inf)
    return found


def keep(mesh: Any, name: str, row: int) -> None:
    """Keep on a character's object that a vertex is one of ``PICKED_NAMES``.

    Raises:
        SceneError: the vertex is another point already.
    """
    picked = said_of(mesh)[1]
    other = next((other for other, rows in picked.items() if rows == row and other != name), None)
    if other is not None:
        raise SceneError(f"That vertex is {in_words(other)} already: click {in_words(name)}, or zoom in.")
    say(mesh, {}, {**picked, name: row})


def _character(number: int) -> Any | None:
    """The mesh, by what lives through an undo."""
    return next((thing for thing in bpy.data.objects if thing.session_uid == number), None)


def _draw(number: int) -> None:
    context, mesh = bpy.context, _character(number)
    if mesh is None:
        return
    points = shown_points(mesh, context.evaluated_depsgraph_get())
    scale = context.preferences.system.ui_scale
    for rows in said_of(mesh)[1].values():
        place = Vector(points[np.atleast_1d(rows)].mean(axis=0).tolist())
        seen = view3d_utils.location_3d_to_region_2d(context.region, context.region.data, place)
        if seen is not None:
            _disc(seen, RING * scale, DARK)
            _disc(seen, DOT * scale, COLOUR)


def _views(context: Any) -> list[Any]:
    return [area for area in context.screen.areas if area.type == "VIEW_3D"]


def _view(context: Any, event: Any) -> _View | None:
    """The 3D view under the mouse; None above its sidebar and other editors."""
    for area in _views(context):
        over = [region for region in area.regions if _holds(region, event)]
        if over and all(region.type == "WINDOW" for region in over):
            return _View(over[0], (event.mouse_x - over[0].x, event.mouse_y - over[0].y))
    return None


def _holds(region: Any, event: Any) -> bool:
    across, down = event.mouse_x - region.x, event.mouse_y - region.y
    return bool(0 <= across < region.width and 0 <= down < region.height and region.width > 1)


def _disc(middle: Any, radius: float, colour: tuple[float, float, float, float]) -> None:
    turns = np.linspace(0, 2 * np.pi, CORNERS + 1)
    rim = [(middle.x + radius * np.cos(turn), middle.y + radius * np.sin(turn)) for turn in turns]
    triangles = [place for one, other in itertools.pairwise(rim) for place in (tuple(middle), one, other)]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "TRIS", {"pos": triangles}).draw(shader)

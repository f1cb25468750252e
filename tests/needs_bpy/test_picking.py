"""Points picked on a character: which vertex a look meets, what is kept, taken back and said."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Vector

import lsf_blender_addon
from lsf_blender_addon.blender import crossing, drawing, faces, failures, operators, operators_picking
from lsf_blender_addon.blender.operators_picking import keep
from lsf_blender_addon.blender.surface import Surface, shown_points
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.picking import PICKED_NAMES
from tests.head.bundled import head
from tests.head.characters import shapes_of
from tests.needs_bpy.scene_characters import character

pytestmark = pytest.mark.usefixtures("add_on")

AHEAD = Vector((0.0, 1.0, 0.0))
"""From before a face into it."""


@pytest.fixture
def hero() -> Any:
    """A face without blinks, whose points nothing tells."""
    mesh = character({name: move for name, move in shapes_of(opening=True).items() if "Blink" not in name})
    bpy.context.view_layer.objects.active = mesh
    return mesh


def points(mesh: Any) -> np.ndarray:
    return shown_points(mesh, bpy.context.evaluated_depsgraph_get())


def row(name: str) -> int:
    landmark = head().landmarks[name]
    return int(landmark.vertices[np.argmax(landmark.weights)])


def before(place: np.ndarray) -> Vector:
    return Vector((place[0], place[1] - 1.0, place[2]))


def test_a_look_meets_the_vertex_that_it_is_aimed_at_and_passes_beside_the_head(hero: Any) -> None:
    hero.location = (0.3, -2.0, 1.0)
    bpy.context.view_layer.update()
    places = points(hero)
    surface = Surface(hero, places)
    for name in ("nose_tip", "chin", "brow_left_middle"):
        met = surface.met(before(places[row(name)]), AHEAD)
        assert met is not None
        assert np.linalg.norm(places[met] - places[row(name)]) < 0.005
    assert surface.met(before(places[row("chin")] + [0.5, 0, 0]), AHEAD) is None


def test_what_lies_behind_the_face_is_not_seen(hero: Any) -> None:
    places = points(hero)
    surface = Surface(hero, places)
    nape = int(np.argmax(places[:, 1]))
    assert surface.shows(row("nose_tip"), before(places[row("nose_tip")]))
    assert not surface.shows(nape, before(places[nape]))


def test_points_lie_where_the_face_is_shown(hero: Any) -> None:
    rest = points(hero)
    hero.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    bpy.context.view_layer.update()
    moved = points(hero)
    assert rest[row("chin"), 2] - moved[row("chin"), 2] > 0.01
    hero.modifiers.new("Finer", "SUBSURF").levels = 1
    bpy.context.view_layer.update()
    np.testing.assert_allclose(points(hero), rest, atol=1e-6)


def test_one_vertex_is_one_point(hero: Any) -> None:
    keep(hero, "nose_tip", 7)
    keep(hero, "nose_tip", 8)
    with pytest.raises(SceneError, match="is the tip of the nose already: click the chin"):
        keep(hero, "chin", 8)
    assert faces.said_of(hero)[1] == {"nose_tip": 8}


def test_points_are_forgotten_and_what_was_said_of_shapes_stays(hero: Any) -> None:
    hero.active_shape_key_index = hero.data.shape_keys.key_blocks.find("cheekPuff")
    hero.lsf.follows = "jawOpen"
    assert not bpy.ops.lsf.forget_points.poll()
    for name in PICKED_NAMES:
        keep(hero, name, row(name))
    assert crossing.of(faces.face_of(hero)).reason == ""
    assert bpy.ops.lsf.forget_points() == {"FINISHED"}
    assert faces.said_of(hero)[1] == {}
    assert faces.table_of(hero).rows["cheekPuff"].follows == {"jawOpen": 1.0}


def test_a_panel_keeps_showing_what_was_known_until_the_change_is_read(hero: Any) -> None:
    first = crossing.of(faces.face_of(hero)).reason
    keep(hero, "chin", row("chin"))
    changed = faces.face_of(hero)
    shown = crossing.shown(changed)
    assert (crossing.known(changed), shown is not None and shown.reason) == (None, first)


def test_a_failure_leaves_the_panel_when_the_same_is_done_well_and_only_then(hero: Any) -> None:
    assert bpy.ops.lsf.pick_point(point="chin") == {"CANCELLED"}
    keep(hero, "nose_tip", row("nose_tip"))
    assert bpy.ops.lsf.forget_points() == {"FINISHED"}
    assert failures.last() is not None
    select = np.zeros(len(hero.data.vertices), bool)
    select[row("chin")] = True
    hero.data.vertices.foreach_set("select", select)
    assert bpy.ops.lsf.pick_point(point="chin") == {"FINISHED"}
    assert failures.last() is None


def test_one_undo_in_edit_mode_takes_back_one_picked_selection(hero: Any) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.context.view_layer.objects.active = hero
    keep(hero, "nose_tip", row("nose_tip"))
    import bmesh  # noqa: PLC0415 only there once bpy is

    name = hero.name
    bpy.ops.ed.undo_push(message="one point")
    bpy.ops.object.mode_set("EXEC_DEFAULT", True, mode="EDIT")
    edited = bmesh.from_edit_mesh(hero.data)
    for part in (*edited.verts, *edited.faces):
        part.select_set(False)
    edited.verts.ensure_lookup_table()
    edited.verts[row("chin")].select_set(True)
    assert bpy.ops.lsf.pick_point("EXEC_DEFAULT", True, point="chin") == {"FINISHED"}
    assert set(faces.said_of(bpy.data.objects[name])[1]) == {"nose_tip", "chin"}
    bpy.ops.ed.undo()
    hero = bpy.data.objects[name]
    assert (hero.mode, set(faces.said_of(hero)[1])) == ("EDIT", {"nose_tip"})


def test_an_add_on_that_goes_takes_its_words_its_dots_and_its_timer_out_of_the_window(hero: Any) -> None:
    """Blender drops the tools of an add-on that is switched off, and asks none of them to tidy up."""
    window, screen = bpy.context.window_manager.windows[0], bpy.context.screen
    operators_picking.attach(hero.session_uid)
    drawing.say_above(screen, "Click the nose")
    drawing.say_below(bpy.context.workspace, "Esc: End")
    operators._timers.append(bpy.context.window_manager.event_timer_add(1.0, window=window))
    lsf_blender_addon.unregister()
    left = (drawing.speaking(), operators_picking._handle, operators._timers)
    lsf_blender_addon.register()
    assert left == (set(), [], [])

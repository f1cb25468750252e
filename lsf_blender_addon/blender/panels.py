"""The panel: tab LSF in the sidebars of the 3D view and of the sequencer, and an entry in the strip menu."""

from __future__ import annotations

import json
from typing import Any

import bpy

from ..errors import LsfError
from ..head.basis import SPOKEN
from ..models.store import installed_models
from . import compat, components, failures, jobs, operators, orders, panels_character, preferences, strips, takes
from .faces import Face, face_of
from .operators_takes import mesh_of, shown_mesh
from .translating import in_blenders_language
from .unseen import spoken_with
from .wording import draw_sentence, few

TAB = "LSF"
IDENTITY_SLIDERS = 10


class _Sidebar:
    """Where a panel stands; each is there twice, in the 3D view and in the sequencer."""

    bl_region_type = "UI"
    bl_category = TAB


class _Main(_Sidebar):
    bl_label = "LSF Animation"

    def draw(self, context: Any) -> None:
        """What an artist needs for the first click, from top to bottom."""
        layout = self.layout  # type: ignore[attr-defined]
        if preferences.why_not_ready(context):
            preferences.draw_notice(layout, context)
        _draw_sound(layout, context)
        _draw_head(layout, context)
        layout.separator()
        _draw_run(layout, context)
        _draw_failure(layout, context)


class _Takes(_Sidebar):
    bl_label = "Takes"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Once there are any."""
        mesh = mesh_of(context)
        return mesh is not None and len(mesh.lsf.takes) > 0

    def draw(self, context: Any) -> None:
        """The list, what is wrong with the shown one, and what can be done with it."""
        layout, mesh = self.layout, shown_mesh(context)  # type: ignore[attr-defined]
        row = layout.row()
        row.template_list("LSF_UL_takes", "", mesh.lsf, "takes", mesh.lsf, "active_take", rows=3)
        side = row.column(align=True)
        side.operator("lsf.copy_take", text="", icon="DUPLICATE")
        side.operator("lsf.remove_take", text="", icon="X")
        take = takes.active(mesh)
        if take is not None and take.edited:
            box = layout.box()
            draw_sentence(box, context, "You edited this take by hand, so shaping leaves it alone.", "INFO")
            row = box.row(align=True)
            row.operator("lsf.copy_take")
            row.operator("lsf.bake_over")
        if take is not None and take.ours:
            try:
                now, why = takes.moved(mesh)
            except LsfError as error:
                now, why = [], str(error)
            if now:
                layout.operator("lsf.follow_strip", text="Strip Moved: Follow It", icon="UV_SYNC_SELECT")
            elif why:
                draw_sentence(layout, context, why, "INFO")


class _Shaping(_Sidebar):
    bl_label = "Shaping"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Once there is a head."""
        return mesh_of(context) is not None

    def draw(self, context: Any) -> None:
        """Strengths, time, keys and life, all at once on the head."""
        layout, mesh = self.layout, shown_mesh(context)  # type: ignore[attr-defined]
        face, head = face_of(mesh), mesh.lsf
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        column.prop(head, "expression", slider=True)
        if takes.has_regions(context, face):
            column.prop(head, "mouth", slider=True)
            column.prop(head, "upper", slider=True)
        else:
            column.operator("lsf.no_regions", text="Mouth, Upper Face")
        column.prop(head, "jaw", slider=True)
        column = layout.column(align=True)
        column.prop(head, "smoothing", slider=True)
        column.prop(head, "lead", slider=True)
        row = layout.row(heading="Fewer Keys", align=True)
        row.prop(head, "use_reduction", text="")
        within = row.row(align=True)
        within.active = head.use_reduction
        within.prop(head, "tolerance", text="mm")
        row = layout.row(heading="Life", align=True)
        for name, shape, without in (("use_blinks", "eyeBlink", "no_blinks"), ("use_gaze", "eyeLook", "no_gaze")):
            if face.does(shape):
                row.prop(head, name, toggle=True)
            else:
                row.operator(f"lsf.{without}")
        if (head.use_blinks and face.does("eyeBlink")) or (head.use_gaze and face.does("eyeLook")):
            layout.prop(head, "life_seed")
        layout.operator("lsf.reset_shaping", icon="LOOP_BACK")


class _Voice(_Sidebar):
    bl_label = "Model and Takes"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        """What the next run does."""
        layout, settings = self.layout, context.scene.lsf  # type: ignore[attr-defined]
        layout.use_property_split = True
        layout.use_property_decorate = False
        model = next((model for model in installed_models() if model.folder.name == settings.model), None)
        split = layout.split(factor=0.4)
        label = split.row()
        label.alignment = "RIGHT"
        label.label(text="Model")
        title = model.card.title if model is not None else settings.model
        split.operator_menu_enum("lsf.choose_model", "model", text=title, translate=False)
        if model is None:
            draw_sentence(
                layout, context, f"The model {settings.model!r} is not installed here: choose another.", "ERROR"
            )
        else:
            draw_sentence(layout, context, model.terms, "INFO")
        layout.prop(settings, "feeling", slider=True)
        editor = compat.sequencer_scene(context).sequence_editor
        if editor is not None:
            layout.prop_search(settings, "feeling_strip", editor, compat.all_strips_name(editor), icon="SEQUENCE")
        column = layout.column(align=True)
        column.prop(settings, "takes")
        column.prop(settings, "seed")
        row = layout.row(heading="Temperature", align=True)
        row.prop(settings, "use_temperature", text="")
        own = row.row(align=True)
        own.active = settings.use_temperature
        own.prop(settings, "temperature", text="", slider=True)
        layout.prop(settings, "bake_to", expand=True)


class _Report(_Sidebar):
    bl_label = "Report"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Once something was written."""
        mesh = mesh_of(context)
        return mesh is not None and bool(mesh.lsf.report)

    def draw(self, context: Any) -> None:
        """What the last run wrote, and every warning."""
        layout, told = self.layout, json.loads(shown_mesh(context).lsf.report)  # type: ignore[attr-defined]
        column = layout.column(align=True)
        reduced = told["keys"] < told["keys_before"]
        _draw_fact(column, "Channels", f"{told['channels']}")
        keys = f"{told['keys']:,} of {told['keys_before']:,}" if reduced else f"{told['keys']:,}"
        _draw_fact(column, "Keys", in_blenders_language(keys))
        _draw_fact(column, "Frames", in_blenders_language(f"{told['first']:d} to {told['last']:d}"))
        _draw_fact(column, "Took", f"{told['seconds']:g} s" if "seconds" in told else "—")
        _draw_fact(column, "Model", str(told.get("model", "—")))
        _draw_fact(column, "Seed", str(told.get("seed", "—")))
        if "residual_mm" in told:
            _draw_fact(column, "Residual", f"{told['residual_mm']:.1f} mm")
        for warning in told.get("warnings", ()):
            draw_sentence(layout, context, warning, "INFO")


class LSF_UL_takes(bpy.types.UIList):
    """Takes, and what was there before them."""

    def draw_item(
        self,
        _context: Any,
        layout: Any,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        _index: int = 0,
        _flag: int = 0,
    ) -> None:
        """One row."""
        row = layout.row(align=True)
        icon = "ACTION" if item.ours else "ARMATURE_DATA"
        if item.id_data.override_library is None:
            row.prop(item, "title", text="", emboss=False, icon=icon)
        else:  # the name of an override cannot be changed, and a grey one looks as if the take could not be shown
            row.label(text=item.name, icon=icon, translate=False)
        if not item.ours:
            row.label(text="your own")
        elif item.edited:
            row.label(text="", icon="GREASEPENCIL")


def _panel(kind: type, space: str, parent: str | None = None) -> type:
    """A panel class for one editor."""
    prefix = "VIEW3D" if space == "VIEW_3D" else "SEQUENCER"
    name = f"{prefix}_PT_lsf{kind.__name__.lower()}"
    facts = {"bl_idname": name, "bl_space_type": space, "__doc__": kind.__doc__}
    if parent is not None:
        facts["bl_parent_id"] = parent
    return type(name, (kind, bpy.types.Panel), facts)


def _panels(space: str) -> list[type]:
    main = _panel(_Main, space)
    below = (panels_character.Character, _Takes, _Shaping, _Voice, _Report)
    return [main, *(_panel(kind, space, main.bl_idname) for kind in below)]  # type: ignore[attr-defined]


CLASSES = (LSF_UL_takes, *panels_character.CLASSES, *_panels("VIEW_3D"), *_panels("SEQUENCE_EDITOR"))


def draw_in_strip_menu(menu: Any, _context: Any) -> None:
    """The same operator in the sequencer's Strip menu."""
    menu.layout.separator()
    menu.layout.operator("lsf.animate", icon="OUTLINER_OB_SPEAKER")


def attach() -> None:
    """Put the operator into the strip menu."""
    bpy.types.SEQUENCER_MT_strip.append(draw_in_strip_menu)


def detach() -> None:
    """Take it out."""
    bpy.types.SEQUENCER_MT_strip.remove(draw_in_strip_menu)


def _draw_fact(column: Any, name: str, value: str) -> None:
    """A line of the report; the value is in Blender's language already."""
    split = column.split(factor=0.4)
    label = split.row()
    label.alignment = "RIGHT"
    label.label(text=name)
    split.label(text=value, translate=False)


def _draw_sound(layout: Any, context: Any) -> None:
    settings = context.scene.lsf
    column = layout.column(align=True)
    column.row(align=True).prop(settings, "source", expand=True)
    box = column.box()
    if settings.source == "FILE":
        box.prop(settings, "sound_file", text="", placeholder="Sound File")
        if settings.sound_file:
            draw_sentence(box, context, f"Is placed at frame {context.scene.frame_current:d}.", "INFO")
        return
    found = strips.chosen(compat.sequencer_scene(context))
    for strip in found[:4]:
        icon = "FILE_MOVIE" if strip.type == "MOVIE" else "PLAY_SOUND"
        first, after = compat.shown(strip)
        row = box.row()
        row.label(text=strip.name, icon=icon, translate=False)
        frames = row.row()
        frames.alignment = "RIGHT"
        frames.label(text=in_blenders_language(f"{first:.0f} to {after - 1:.0f}"), translate=False)
    if len(found) > 4:  # noqa: PLR2004 - more would push the button out of sight
        box.label(text=in_blenders_language(f"and {len(found) - 4:d} more"), translate=False)
    if not found:
        draw_sentence(box, context, "Select a sound strip in the sequencer, or choose a file.", "INFO")


def _draw_head(layout: Any, context: Any) -> None:
    thing = orders.head_object(context)
    box = layout.box()
    try:
        face = face_of(thing)
    except LsfError as error:
        if thing is not None:
            box.row().label(text=thing.name, icon="OBJECT_DATA", translate=False)
        draw_sentence(box, context, str(error), "INFO")
        row = box.row(align=True)
        row.operator("lsf.add_head", text="Add Head", icon="ADD").kind = "BUNDLED"
        row.operator("lsf.add_head", text="FLAME…", icon="FILE_FOLDER").kind = "FLAME"
        box.operator("lsf.add_head", text="ICT-FaceKit…", icon="FILE_FOLDER").kind = "FACEKIT"
        return
    row = box.row(align=True)
    row.label(text=face.mesh.name, icon="USER", translate=False)
    pinned = context.scene.lsf.head is not None
    row.operator("lsf.pin_head", text="", icon="PINNED" if pinned else "UNPINNED", emboss=False)
    row.operator("lsf.add_head", text="", icon="ADD", emboss=False).kind = "BUNDLED"
    twin = spoken_with(face)
    if twin:
        draw_sentence(box, context, twin, "INFO")
    if face.table is not None:
        across = panels_character.known_or_soon(face)
        residual = None if across is None else across.overall
        words = face.described if residual is None else f"{face.described}, residual {residual:.1f} mm"
        draw_sentence(box, context, words)
        return
    draw_sentence(box, context, face.described)
    if face.missing:
        listed = few(face.missing)
        draw_sentence(box, context, f"Missing: {listed}", "INFO")
    if face.space == "flame":
        _draw_release(box, context, face)
    _draw_identity(box, context, face)


def _draw_release(box: Any, context: Any, face: Face) -> None:
    """Which FLAME it is, as long as nothing but a guess tells."""
    split = box.split(factor=0.4)
    split.label(text="Release")
    split.prop(face.mesh.lsf, "release", text="")
    if not components.release(face):
        guessed = f"Taken for FLAME {SPOKEN}: its name gives no year. Choose the release if it is 2023."
        draw_sentence(box, context, guessed, "INFO")


def _draw_identity(box: Any, context: Any, face: Face) -> None:
    if not face.identity_count or not hasattr(box, "panel"):
        return
    header, body = box.panel("lsf_identity", default_closed=True)
    header.label(text="Identity")
    if body is not None:
        column = body.column(align=True)
        for number in range(1, min(face.identity_count, IDENTITY_SLIDERS) + 1):
            block = face.keys.key_blocks[f"Shape{number}"]
            column.prop(block, "value", text=f"{number}", slider=True)
        if face.identity_count > IDENTITY_SLIDERS:
            draw_sentence(
                body, context, f"{face.identity_count - IDENTITY_SLIDERS:d} more among the mesh's shape keys."
            )


def _draw_run(layout: Any, context: Any) -> None:
    job = jobs.current()
    if job is not None:
        left = job.status.seconds_left
        column = layout.column(align=True)
        column.progress(
            factor=job.status.share, type="BAR", text=in_blenders_language(job.status.stage), translate=False
        )
        row = column.row(align=True)
        row.label(text="" if left is None else in_blenders_language(f"{left:.0f} s left"), translate=False)
        row.operator("lsf.cancel", icon="X")
        if job.silent:
            draw_sentence(
                layout, context, "The network has said nothing for a minute. Wait, or cancel: nothing is lost.", "INFO"
            )
        return
    row = layout.row()
    row.scale_y = 1.6
    row.operator("lsf.animate", icon="OUTLINER_OB_SPEAKER")
    why = operators.why_not(context)
    if why and not preferences.why_not_ready(context) and mesh_of(context) is not None and _has_sound(context):
        draw_sentence(layout, context, why, "INFO")


def _has_sound(context: Any) -> bool:
    """Whether something was chosen to be heard; if not, the panel says so higher up."""
    settings = context.scene.lsf
    return bool(settings.sound_file if settings.source == "FILE" else strips.chosen(compat.sequencer_scene(context)))


def _draw_failure(layout: Any, context: Any) -> None:
    failure = failures.last()
    if failure is None:
        return
    box = layout.box()
    box.alert = True
    draw_sentence(box, context, failure.sentence, "ERROR")
    row = box.row(align=True)
    if jobs.unbaked() is not None:
        row.operator("lsf.bake_kept", text="Bake Again")
    elif failure.kind == "worker":
        row.operator("lsf.animate", text="Try Again")
    row.operator("lsf.details")
    row.operator("lsf.dismiss", text="", icon="X")

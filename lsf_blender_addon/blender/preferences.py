"""The extension's preferences: the Python that runs the network, and the models.

The rest of the extension asks here: ``worker_python``, ``why_not_ready``, ``draw_notice``, ``why_model_locked``.
"""

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..errors import LsfError
from ..installing.machine import AUTOMATIC
from ..installing.requirements import worker_requirements
from ..jobs.client import RunningJob
from ..models.consent import needs_consent
from ..models.store import broken_models, installed_models
from . import job_watch, model_operators, setup_operators
from .model_operators import MODEL, fetchable, why_model_locked
from .places import TOP_PACKAGE
from .setup_operators import check_chosen, why_offline
from .translating import in_blenders_language
from .wording import draw_sentence, duration, letters_of, size
from .worker_choice import (
    INSPECT,
    SET_UP,
    chosen_python,
    own_environment,
    preferences_of,
    verdict,
    why_not_chosen,
    why_not_ready,
    worker_python,
)

__all__ = ["CLASSES", "LsfPreferences", "draw_notice", "why_model_locked", "why_not_ready", "worker_python"]

LETTERS_OF_BAR = 60
"""What is being done and the time left: the bar of a sidebar has no place for so many, and they stand below it."""

SPACES = {"arkit": "ARKit", "flame": "FLAME"}

_build_items: list[tuple[str, str, str]] = []


def _item(key: str, *, name: str, description: str) -> tuple[str, str, str]:
    """An entry of a menu; Blender looks its texts up."""
    return key, name, description


def _builds(_self: Any, _context: Any) -> list[tuple[str, str, str]]:
    """The menu of builds; kept, because Blender does not keep the texts itself."""
    if not _build_items:
        found = "The build for the graphics card that is found, if any"
        _build_items.append(_item(AUTOMATIC, name="Automatic", description=found))
        _build_items.extend(
            (build.name, build.title, f"PyTorch {worker_requirements().torch}{build.label}")
            for build in worker_requirements().builds.values()
        )
    return _build_items


def _chosen(_self: Any, context: Any) -> None:
    """Another Python was named: check it at once, unless one is being checked."""
    preferences = preferences_of(context)
    if preferences is None or chosen_python(preferences) is None or job_watch.running(INSPECT) is not None:
        return
    try:
        check_chosen(context)
    except LsfError as error:
        preferences.existing_verdict = ""
        print(f"LSF Animation: {error}")


class LsfPreferences(bpy.types.AddonPreferences):
    """What a person chooses once."""

    bl_idname = TOP_PACKAGE

    source: EnumProperty(  # type: ignore[valid-type]
        name="Worker",
        description="Which Python runs the network",
        items=[
            ("OWN", "Its Own", "A Python with PyTorch that the extension sets up in its own folder"),
            ("EXISTING", "Use an Existing Python", "A Python on this computer that has PyTorch already"),
        ],
    )
    existing_python: StringProperty(  # type: ignore[valid-type]
        name="Python",
        description="The program (python or python.exe), or the folder of its environment",
        subtype="FILE_PATH",
        update=_chosen,
    )
    existing_verdict: StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    build: EnumProperty(  # type: ignore[valid-type]
        name="PyTorch for", description="Which build of PyTorch is installed", items=_builds
    )
    lists: StringProperty(  # type: ignore[valid-type]
        name="PyTorch Lists",
        description=(
            "Where PyTorch's lists of wheels are: the address from PyTorch's “Get Started” page, up to the last slash. "
            "Empty: pip's usual index alone"
        ),
    )
    wheels: StringProperty(  # type: ignore[valid-type]
        name="Folder of Wheels",
        description="Install from this folder, without any network; empty downloads what is needed",
        subtype="DIR_PATH",
    )
    show_options: BoolProperty(  # type: ignore[valid-type]
        name="Options", description="Which PyTorch, from where, and with which Python; most people need none of it"
    )
    build_with: StringProperty(  # type: ignore[valid-type]
        name="Build with",
        description="The Python to make the worker's from; empty takes Blender's own, or another that fits",
        subtype="FILE_PATH",
    )

    @classmethod
    def unregister(cls) -> None:
        """Blender calls it before the class goes: nothing runs on when the extension is switched off."""
        job_watch.stop_all()

    def draw(self, context: Any) -> None:
        """The worker above, the models below."""
        box = self.layout.box()
        box.label(text="Worker", icon="MEMORY")
        box.row().prop(self, "source", expand=True)
        if self.source == "OWN":
            _draw_own(box, context, self)
        else:
            _draw_existing(box, context, self)
        box = self.layout.box()
        box.label(text="Models", icon="OUTLINER_DATA_ARMATURE")
        try:
            _draw_models(box, context)
        except LsfError as error:  # what came with the extension is missing or damaged
            draw_sentence(box, context, str(error), icon="ERROR")


def draw_notice(layout: Any, context: Any) -> None:
    """In a panel: why nothing can be animated yet, and the button that changes it; nothing when all is ready."""
    reason = why_not_ready(context)
    if not reason:
        return
    box = layout.box()
    job = job_watch.running(SET_UP)
    if job is not None:
        _draw_job(box, context, SET_UP, job)
        return
    draw_sentence(box, context, reason, icon="INFO")
    _draw_failure(box, context, SET_UP)
    preferences = preferences_of(context)
    if preferences is not None and preferences.source == "OWN":
        _draw_online(box, context, preferences)
        box.operator("lsf.set_up_worker", icon="IMPORT")
    box.operator("lsf.show_preferences", icon="PREFERENCES")


def _draw_own(layout: Any, context: Any, preferences: Any) -> None:
    environment = own_environment()
    job = job_watch.running(SET_UP)
    if job is not None:
        _draw_job(layout, context, SET_UP, job)
        return
    if environment is not None:
        row = layout.row()
        column = row.column()
        draw_sentence(column, context, environment.inspection.words, icon="CHECKMARK")
        draw_sentence(column, context, environment.reason, icon="BLANK1")
        row.operator("lsf.remove_worker", text="", icon="TRASH")
    else:
        draw_sentence(layout, context, why_not_ready(context) or "Ready.", icon="INFO")
    _draw_failure(layout, context, SET_UP, log=False)
    _draw_online(layout, context, preferences)
    row = layout.row()
    words = "Set Up the Worker" if environment is None else "Set Up Again"
    row.operator("lsf.set_up_worker", text=words, icon="IMPORT")
    row.operator("lsf.open_log", text="Log", icon="TEXT").slot = SET_UP
    shown = preferences.show_options
    row = layout.row()
    row.alignment = "LEFT"
    row.prop(preferences, "show_options", icon="DOWNARROW_HLT" if shown else "RIGHTARROW", emboss=False)
    if not shown:
        return
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(preferences, "build")
    column.prop(preferences, "lists")
    column.prop(preferences, "wheels")
    column.prop(preferences, "build_with")


def _draw_online(layout: Any, context: Any, preferences: Any) -> None:
    """Ask for the network as Blender wants it asked for."""
    if preferences.wheels.strip() or not why_offline():
        return
    draw_sentence(layout, context, why_offline(), icon="INTERNET_OFFLINE")
    if not bpy.app.online_access_override:
        layout.prop(context.preferences.system, "use_online_access", text="Allow Online Access")


def _draw_existing(layout: Any, context: Any, preferences: Any) -> None:
    row = layout.row(align=True)
    row.prop(preferences, "existing_python", text="Python")
    row.operator("lsf.check_python", text="", icon="FILE_REFRESH")
    job = job_watch.running(INSPECT)
    if job is not None:
        _draw_job(layout, context, INSPECT, job)
        return
    found = verdict(preferences)
    if found and not found["reason"]:
        draw_sentence(layout, context, str(found["words"]), icon="CHECKMARK")
    else:
        draw_sentence(layout, context, why_not_chosen(preferences), icon="ERROR" if found else "INFO")
        _draw_failure(layout, context, INSPECT)


def _draw_models(layout: Any, context: Any) -> None:
    for model in installed_models():
        card = model.card
        box = layout.box()
        row = box.row()
        row.label(text=card.title, icon="CHECKMARK" if not needs_consent(card) else "LOCKED", translate=False)
        buttons = row.row(align=True)
        if needs_consent(card):
            buttons.operator("lsf.accept_terms").model = model.folder.name
        if not model.ours:
            buttons.operator("lsf.remove_model", text="", icon="TRASH").model = model.folder.name
        name, space, much = card.licence.name, SPACES.get(card.space, card.space), size(model.size)
        facts = f"{name}, commercial use: no, {space}, {card.fps:g} fps, {much}"
        if card.licence.commercial_use:
            facts = f"{name}, commercial use: yes, {space}, {card.fps:g} fps, {much}"
        draw_sentence(box, context, facts)  # below the buttons, which would take half of its line
    for broken in broken_models():
        draw_sentence(layout, context, broken.reason, icon="ERROR")
    for entry in fetchable():
        box = layout.box()
        row = box.row()
        row.label(text=entry.name, icon="URL", translate=False)
        row.operator("lsf.fetch_model").model = entry.name
        draw_sentence(box, context, f"{in_blenders_language(entry.terms)}, {size(entry.size or 0)}.")
        draw_sentence(box, context, entry.note)
    job = job_watch.running(MODEL)
    if job is not None:
        _draw_job(layout, context, MODEL, job)
    else:
        _draw_failure(layout, context, MODEL)
    row = layout.row()
    row.operator("lsf.import_model", icon="FILE_FOLDER")
    row.operator("lsf.open_models", icon="FILEBROWSER")


def _draw_job(layout: Any, context: Any, slot: str, job: RunningJob) -> None:
    """A bar with what is being done and the time left, Cancel, and the log."""
    progress = job.progress
    words = in_blenders_language("Cancelling") if job.cancelling else in_blenders_language(progress.stage)
    if progress.seconds_left is not None and not job.cancelling:
        left = in_blenders_language(f"{duration(progress.seconds_left)} left")
        words = f"{words}, {left}"
    narrow = letters_of(context) < LETTERS_OF_BAR
    row = layout.row(align=True)
    row.progress(factor=progress.share, text=f"{progress.share:.0%}" if narrow else words, translate=False)
    row.operator("lsf.cancel_job", text="", icon="CANCEL").slot = slot
    row.operator("lsf.open_log", text="", icon="TEXT").slot = slot
    if narrow:
        draw_sentence(layout, context, words)
    if progress.note:
        draw_sentence(layout, context, progress.note)


def _draw_failure(layout: Any, context: Any, slot: str, *, log: bool = True) -> None:
    """Why the last job of a slot came to nothing, on the whole width, and a button for its log where none is near."""
    job = job_watch.last(slot)
    if job is None or job.error is None or job.error.kind == "cancelled":
        return
    draw_sentence(layout, context, str(job.error), icon="ERROR")
    if log:
        layout.operator("lsf.open_log", text="Log", icon="TEXT").slot = slot


CLASSES: tuple[type, ...] = (LsfPreferences, *setup_operators.CLASSES, *model_operators.CLASSES)

"""Buttons that bring models here, ask for consent to their terms, and remove them."""

import re
import shutil
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ..errors import ModelError
from ..jobs.client import RunningJob
from ..models.card import CARD_NAME
from ..models.consent import give_consent, needs_consent, terms_question
from ..models.registry import REGISTRY_NAME, RegistryEntry, entry_of, read_registry
from ..models.store import InstalledModel, installed_models, user_folder, vendor_folder
from . import drawing, job_watch
from .failures import told_in_box
from .setup_operators import why_offline
from .translating import refuse, report
from .wording import draw_sentence

MODEL = "model"
QUESTION_WIDTH = 420


def fetchable() -> tuple[RegistryEntry, ...]:
    """What may be fetched and is not here yet."""
    entries = read_registry(vendor_folder() / REGISTRY_NAME)
    return tuple(entry for entry in entries if entry.how == "fetch" and not (user_folder() / entry.name).exists())


def why_model_locked(name: str) -> str:
    """Why the model of a name (its folder's) must not be used yet, with the next step; empty where it may."""
    model = _model(name)
    if model is not None and needs_consent(model.card):
        return f"“{model.card.title}” may not be used commercially: accept its terms in the preferences first."
    return ""


def _model(name: str) -> InstalledModel | None:
    return next((model for model in installed_models() if model.folder.name == name), None)


def _ended(_job: RunningJob) -> None:
    """The lists are drawn anew from the disk: nothing is left to do."""


class LSF_OT_import_model(bpy.types.Operator, ImportHelper):  # noqa: N801
    """Take in a model."""

    bl_idname = "lsf.import_model"
    bl_label = "Import Model…"
    bl_description = (
        "Take in a model: a published checkpoint (.ckpt), a zip of a model's folder, or the model.json of one. "
        "Nothing inside a checkpoint is run"
    )
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    filter_glob: StringProperty(default="*.ckpt;*.pt;*.pth;*.zip;*.json", options={"HIDDEN"})  # type: ignore[valid-type]
    model_name: StringProperty(  # type: ignore[valid-type]
        name="Name", description="What to call the model; after the file where empty"
    )
    prior: StringProperty(  # type: ignore[valid-type]
        name="Prior", description="The checkpoint of stage 1, where this one does not hold it", subtype="FILE_PATH"
    )

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """One at a time."""
        if job_watch.running(MODEL) is not None:
            refuse(cls, "A model is being brought here already")
            return False
        return True

    @told_in_box
    def execute(self, _context: Any) -> None:
        """Start it."""
        source = Path(bpy.path.abspath(self.filepath))
        if source.name == CARD_NAME:
            source = source.parent
        words = self.model_name or source.stem
        name = re.sub(r"[^a-z0-9_]+", "-", words.lower()).strip("-") or "imported"
        folder = user_folder() / name
        if folder.exists():
            raise ModelError(f"There is a model “{name}” already: remove it, or give another name.")
        prior = bpy.path.abspath(self.prior) if self.prior else None
        order = {"source": str(source), "folder": str(folder), "prior": prior}
        job_watch.start(MODEL, "import", order, _ended)


class LSF_OT_fetch_model(bpy.types.Operator):  # noqa: N801
    """Fetch a model of the registry."""

    bl_idname = "lsf.fetch_model"
    bl_label = "Fetch"
    bl_description = "Download this model, check it against its pinned SHA-256, and install it"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    model: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    @classmethod
    def poll(cls, _context: Any) -> bool:
        """One at a time, and with the network."""
        if job_watch.running(MODEL) is not None:
            refuse(cls, "A model is being brought here already")
        elif why_offline():
            refuse(cls, why_offline())
        else:
            return True
        return False

    @told_in_box
    def execute(self, _context: Any) -> None:
        """Start it."""
        registry = vendor_folder() / REGISTRY_NAME
        _ = entry_of(registry, self.model).remote
        order = {"registry": str(registry), "name": self.model, "models": str(user_folder())}
        job_watch.start(MODEL, "fetch", order, _ended)


class LSF_OT_accept_terms(bpy.types.Operator):  # noqa: N801
    """Agree to the terms of a model that forbids commercial use."""

    bl_idname = "lsf.accept_terms"
    bl_label = "Accept Terms…"
    bl_description = "Read what this model's licence allows, and agree to it once; then it can be used"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    model: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    agreed: BoolProperty(  # type: ignore[valid-type]
        name="I use it, and what it makes, for no commercial purpose",
        description="Without this the model stays locked; it is asked once",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Any, _event: Any) -> set[str]:
        """Show the terms."""
        asked: set[str] = context.window_manager.invoke_props_dialog(self, width=QUESTION_WIDTH)
        return asked

    def draw(self, context: Any) -> None:
        """The terms and the box to tick."""
        model = _model(self.model)
        for line in terms_question(model.card) if model is not None else ():
            draw_sentence(self.layout, context, line, width=QUESTION_WIDTH)
        self.layout.prop(self, "agreed")

    @told_in_box
    def execute(self, _context: Any) -> set[str] | None:
        """Keep the answer."""
        model = _model(self.model)
        if model is None or not self.agreed:
            report(self, "INFO", "Not agreed: the model stays unused.")
            return {"CANCELLED"}
        give_consent(model.card)
        drawing.jobs()
        return None


class LSF_OT_remove_model(bpy.types.Operator):  # noqa: N801
    """Delete a model that the person brought."""

    bl_idname = "lsf.remove_model"
    bl_label = "Remove Model"
    bl_description = "Delete this model from this computer, for every Blender on it"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    model: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask first."""
        asked: set[str] = context.window_manager.invoke_confirm(self, event)
        return asked

    @told_in_box
    def execute(self, _context: Any) -> None:
        """Delete it, unless it came with the extension."""
        folder = user_folder() / Path(self.model).name
        if not self.model or not (folder / CARD_NAME).is_file():
            raise ModelError(f"There is no model “{self.model}” of yours.")
        try:
            (folder / CARD_NAME).unlink()  # first: without it, it is no model, whatever happens on the way
            shutil.rmtree(folder)
        except OSError as reason:
            raise ModelError(f"{folder} cannot be removed ({reason.strerror}).") from reason
        drawing.jobs()


class LSF_OT_open_models(bpy.types.Operator):  # noqa: N801
    """Show the folder of models."""

    bl_idname = "lsf.open_models"
    bl_label = "Open Folder"
    bl_description = "Show the folder of your own models; every Blender and the command line use the same"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, _context: Any) -> set[str]:
        """Open it."""
        user_folder().mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.path_open(filepath=str(user_folder()))
        return {"FINISHED"}


CLASSES = (
    LSF_OT_import_model,
    LSF_OT_fetch_model,
    LSF_OT_accept_terms,
    LSF_OT_remove_model,
    LSF_OT_open_models,
)

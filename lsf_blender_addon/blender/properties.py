"""What the panel sets, saved with the file: on the scene what is run next, on a head its takes and their shaping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..errors import LsfError
from ..models.store import DEFAULT_MODEL
from ..worker.protocol import STRONGEST_EMOTION
from . import compat, faces, failures, properties_character, takes

MOST_TAKES = 8
OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
GROWING = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
"""A linked head has takes too, through its library override."""


def _is_head(_: Any, thing: Any) -> bool:
    return faces.face_or_none(thing) is not None


def _reshape(head: Any, _: Any) -> None:
    """Bake the shown take again from its kept prediction; what is wrong stands in the panel."""
    try:
        takes.reshape(head.id_data)
    except LsfError as error:
        failures.tell(error)


def _strength(name: str, description: str) -> Any:
    """A slider of how much of a part of the face there is: 0 is rest, 1 as predicted."""
    return FloatProperty(
        name=name,
        description=description,
        default=1.0,
        min=0.0,
        max=3.0,
        soft_max=2.0,
        subtype="FACTOR",
        override=OVERRIDABLE,
        update=_reshape,
    )


def _show(head: Any, _: Any) -> None:
    try:
        takes.show(head.id_data, head.active_take)
    except LsfError as error:
        failures.tell(error)


def _title(take: Any) -> str:
    return str(take.name)


def _set_title(take: Any, title: str) -> None:
    try:
        takes.rename(take.id_data, take, title)
    except LsfError as error:
        failures.tell(error)


class LsfPart(bpy.types.PropertyGroup):
    """What a take gives to one of a head's owners: shape keys, armature, another mesh's shape keys."""

    if TYPE_CHECKING:
        action: Any
        slot: int
        role: str
    else:
        action: PointerProperty(type=bpy.types.Action, override=OVERRIDABLE)
        slot: IntProperty(override=OVERRIDABLE)
        role: StringProperty(override=OVERRIDABLE)


class LsfTake(bpy.types.PropertyGroup):
    """One performance, or what animated the head before the first one.

    Its name is kept where Blender has a place for it, which lists search by; ``title`` is the same with a tooltip.
    """

    if TYPE_CHECKING:
        title: str
        ours: bool
        parts: Any
        edited: bool
    else:
        title: StringProperty(
            name="Take",
            description="Click to see this take; double-click to call it otherwise. The Action and the NLA strip of a "
            "take are renamed with it, an Action of your own is not",
            get=_title,
            set=_set_title,
        )
        ours: BoolProperty(override=OVERRIDABLE)
        parts: CollectionProperty(type=LsfPart, override=GROWING)
        edited: BoolProperty(override=OVERRIDABLE)


class LsfHead(properties_character.CharacterSettings, bpy.types.PropertyGroup):
    """A head's takes, and how the shown one is shaped."""

    if TYPE_CHECKING:
        takes: Any
        active_take: int
        report: str
        release: str
        expression: float
        mouth: float
        upper: float
        jaw: float
        smoothing: float
        lead: float
        use_reduction: bool
        tolerance: float
        use_blinks: bool
        use_gaze: bool
        life_seed: int
    else:
        takes: CollectionProperty(type=LsfTake, override=GROWING)
        active_take: IntProperty(
            name="Take",
            description="The performance that is on the head; click another to see it",
            override=OVERRIDABLE,
            update=_show,
        )
        report: StringProperty(override=OVERRIDABLE)
        release: EnumProperty(
            name="Release",
            description="Which FLAME this head is of. 2020 and 2023 make another face of the same numbers",
            items=(
                ("NAME", "As Named", "The year in the head's name; without one it is taken for FLAME 2020"),
                ("2020", "2019 or 2020", "The release that the published network speaks"),
                ("2023", "2023", "A head with other expression components, which the published network does not speak"),
            ),
            default="NAME",
            override=OVERRIDABLE,
        )
        expression: _strength(
            "Expression", "Strength of the whole face: 0 is rest, 1 as predicted. Changes the keys at once"
        )
        mouth: _strength("Mouth", "Strength of lips and cheeks: 0 is rest, 1 as predicted. Changes the keys at once")
        upper: _strength(
            "Upper Face", "Strength of brows, eyes and nose: 0 is rest, 1 as predicted. Changes the keys at once"
        )
        jaw: _strength("Jaw", "How far the jaw opens: 0 is shut, 1 as predicted. Changes the keys at once")
        smoothing: FloatProperty(
            name="Smoothing",
            description="How far the motion is blurred over time. A little takes jitter away, much makes mumbling",
            default=0.0,
            min=0.0,
            max=1.0,
            soft_max=0.2,
            step=1,
            precision=3,
            subtype="TIME_ABSOLUTE",
            override=OVERRIDABLE,
            update=_reshape,
        )
        lead: FloatProperty(
            name="Lead",
            description="How long the face runs ahead of the sound; below zero it lags behind. Animators often lead "
            "by 40 ms",
            default=0.0,
            min=-1.0,
            max=1.0,
            soft_min=-0.2,
            soft_max=0.2,
            step=1,
            precision=3,
            subtype="TIME_ABSOLUTE",
            override=OVERRIDABLE,
            update=_reshape,
        )
        use_reduction: BoolProperty(
            name="Fewer Keys",
            description="Leave out keys that the face does not need, so that the curves are easy to edit",
            default=False,
            override=OVERRIDABLE,
            update=_reshape,
        )
        tolerance: FloatProperty(
            name="Tolerance",
            description="How far the lips may lie beside where a key on every frame would put them, in millimetres of "
            "the head's own size",
            default=0.3,
            min=0.01,
            max=5.0,
            soft_max=1.0,
            precision=2,
            step=5,
            override=OVERRIDABLE,
            update=_reshape,
        )
        use_blinks: BoolProperty(
            name="Blinks",
            description="Add blinks by chance, unless the model has made its own",
            default=False,
            override=OVERRIDABLE,
            update=_reshape,
        )
        use_gaze: BoolProperty(
            name="Gaze",
            description="Add small movements of the eyes by chance, unless the model has made its own",
            default=False,
            override=OVERRIDABLE,
            update=_reshape,
        )
        life_seed: IntProperty(
            name="Seed",
            description="Another number gives other blinks and other movements of the eyes",
            default=0,
            min=0,
            override=OVERRIDABLE,
            update=_reshape,
        )


class LsfScene(bpy.types.PropertyGroup):
    """What the next run takes."""

    if TYPE_CHECKING:
        source: str
        sound_file: str
        head: Any
        model: str
        takes: int
        seed: int
        use_temperature: bool
        temperature: float
        bake_to: str
        feeling: float
        feeling_strip: str
    else:
        source: EnumProperty(
            name="Sound",
            description="Where the voice comes from",
            items=(
                (
                    "STRIPS",
                    "Strips",
                    "The selected strips in the sequencer: sound, or movies with it",
                    "SEQUENCE",
                    0,
                ),
                (
                    "FILE",
                    "File",
                    "A sound file, put into the sequencer at the current frame",
                    "FILE_SOUND",
                    1,
                ),
            ),
            default="STRIPS",
        )
        sound_file: StringProperty(
            name="Sound File",
            description="Any format that Blender plays",
            subtype="FILE_PATH",
            options={"ANIMATABLE"} | compat.relative_path(),
        )
        head: PointerProperty(
            name="Head",
            description="Which head speaks; the active object where this is empty",
            type=bpy.types.Object,
            poll=_is_head,
        )
        model: StringProperty(name="Model", description="The network that listens and moves", default=DEFAULT_MODEL)
        takes: IntProperty(
            name="Takes",
            description="How many performances of the same sound are made; you choose among them afterwards",
            default=1,
            min=1,
            max=MOST_TAKES,
        )
        seed: IntProperty(
            name="Seed",
            description="The same number gives the same takes again; another gives others",
            default=0,
            min=0,
        )
        use_temperature: BoolProperty(
            name="Own Temperature",
            description="Set how bold the takes are, instead of what the model does best",
            default=False,
        )
        temperature: FloatProperty(
            name="Temperature",
            description="How bold the takes are: 0 plays safe and gives the same every time, 1 varies freely",
            default=0.5,
            min=0.0,
            max=2.0,
            soft_max=1.0,
            subtype="FACTOR",
        )
        feeling: FloatProperty(
            name="Feeling",
            description="How much of the feeling in the voice is shown: 0 is neutral, 1 as heard, 2 exaggerated. "
            "The network runs again for it",
            default=1.0,
            min=0.0,
            max=STRONGEST_EMOTION,
            subtype="FACTOR",
        )
        feeling_strip: StringProperty(
            name="Feeling From",
            description="Take the feeling from this strip, and the words from the selected one; empty takes both there",
        )
        bake_to: EnumProperty(
            name="Bake To",
            description="Where the keys go",
            items=(
                ("ACTION", "Action", "The head's active Action: plays at once, best for editing keys", "ACTION", 0),
                (
                    "NLA",
                    "NLA",
                    "A strip on a track of its own, to blend with other animation",
                    "NLA",
                    1,
                ),
            ),
            default="ACTION",
        )


class LsfKept(bpy.types.PropertyGroup):
    """What an Action of ours was baked from, so that it can be shaped again without the network."""

    if TYPE_CHECKING:
        prediction: str
        take: str
    else:
        prediction: StringProperty()
        take: StringProperty()


CLASSES = (LsfPart, LsfTake, LsfHead, LsfScene, LsfKept)


def attach() -> None:
    """Give scenes, objects and Actions their settings."""
    bpy.types.Scene.lsf = PointerProperty(type=LsfScene, name="LSF Animation")
    bpy.types.Object.lsf = PointerProperty(type=LsfHead, name="LSF Animation", override=OVERRIDABLE)
    bpy.types.Action.lsf = PointerProperty(type=LsfKept, name="LSF Animation")


def remember_overrides() -> None:
    """Let library overrides keep their takes and settings when the file is saved.

    Blender 5 compares an override with the linked object property by property only where that has the group of them
    in memory, which asking for it makes; otherwise it writes down a change of the whole group, and cannot redo it.
    """
    for thing in bpy.data.objects:
        reference = thing.override_library.reference if thing.override_library is not None else None
        if reference is not None:
            getattr(reference.lsf, "table", "")


@contextmanager
def known() -> Iterator[None]:
    """What files keep of heads can be read and written, whether the add-on is switched on or not."""
    if hasattr(bpy.types.Object, "lsf"):
        yield
        return
    for entry in CLASSES:
        bpy.utils.register_class(entry)
    attach()
    try:
        yield
    finally:
        detach()
        for entry in reversed(CLASSES):
            bpy.utils.unregister_class(entry)


def detach() -> None:
    """Take them away; what files hold stays in them."""
    del bpy.types.Action.lsf, bpy.types.Object.lsf, bpy.types.Scene.lsf

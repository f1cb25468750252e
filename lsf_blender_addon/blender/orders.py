"""What a run is asked for: head, strips and model looked at, and held in values before anything begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..errors import ModelError, MotionError, SceneError
from ..head.basis import SPOKEN
from ..models.card import ModelCard, read_card
from ..models.store import model_folder
from ..motion import FaceMotion, Space
from ..worker.protocol import SHAPE_SIZE
from . import bake, compat, crossing, preferences, strips
from .channels import check_face, check_free, curves_of_face
from .components import require_own_components
from .faces import Face, face_of, face_or_none, heads_in
from .kept import Where
from .parts import require_own_voice
from .prediction import Wish
from .strips import Recording

SLOWEST_LINE = 0.1
"""Seconds of the shortest line that is planned for."""


@dataclass(frozen=True, eq=False)
class Order:
    """All that a run was asked for, in values that outlive undo and a deleted head.

    Attributes:
        wish: what goes to the worker.
        head: the mesh's session number.
        head_name: what to call it when it is gone.
        places: where the lines lie.
        name: of the Actions.
        sound_file: a file that is placed in the sequencer with the bake, or None.
        to_nla: whether takes become NLA strips.
        model: the model's title.
    """

    wish: Wish
    head: int
    head_name: str
    places: tuple[Where, ...]
    name: str
    sound_file: Path | None
    to_nla: bool
    model: str


def head_object(context: Any) -> Any | None:
    """Which object speaks: the one that was set, the active one, or the only head in the scene."""
    chosen = context.scene.lsf.head
    if chosen is not None:
        return chosen
    active = context.view_layer.objects.active
    if active is not None and face_or_none(active) is not None:
        return active
    heads = heads_in(context.scene.objects)
    return heads[0].mesh if len(heads) == 1 else active


def looked_at(context: Any) -> tuple[Face, Any, tuple[Recording, ...], Path | None, Path, ModelCard]:
    """The quick look, for greyed buttons: head, sequencer's scene, what is heard, its file, the model.

    Raises:
        LsfError: the first thing that does not fit, with the next step.
    """
    settings = context.scene.lsf
    face = face_of(head_object(context))
    scene = compat.sequencer_scene(context)
    if scene != context.scene and compat.rate(scene) != compat.rate(context.scene):
        raise SceneError(
            f"The sequencer plays the scene {scene.name!r} at another rate than {context.scene.name!r}; give both the "
            "same frame rate."
        )
    recordings, file = _recordings(settings, scene)
    folder = model_folder(settings.model)
    card = read_card(folder)
    locked = preferences.why_model_locked(settings.model)
    if locked:
        raise ModelError(locked)
    _feeling_from(settings, scene)
    if card.space not in face.understands:
        raise ModelError(
            f"The model {card.title!r} speaks FLAME and {face.mesh.name!r} has blendshapes of its own: choose a model "
            "that speaks ARKit, or a FLAME head."
        )
    try:
        require_own_components(face, FaceMotion.still(2, 25.0, card.space))
    except MotionError as reason:
        raise ModelError(
            f"The model {card.title!r} speaks FLAME {SPOKEN}'s expression components, and the head {face.mesh.name!r} "
            f"has others: they would make a wrong face. Choose a FLAME {SPOKEN} head or a model that speaks ARKit, or "
            "put the head's release right in the panel."
        ) from reason
    check_face(face, card.space)
    require_own_voice(face)
    rest = np.zeros((2, len(face.expressions)), np.float32)
    check_free(curves_of_face(face, rest, np.zeros((2, 3), np.float32), with_jaw=True))
    return face, scene, recordings, file, folder, card


def ordered(context: Any) -> Order:
    """Look at everything that a run needs, down to the last frame that it will write.

    Raises:
        LsfError: the first thing that does not fit, with the next step.
    """
    settings = context.scene.lsf
    face, scene, recordings, file, folder, card = looked_at(context)
    if settings.source == "STRIPS":
        for strip in strips.chosen(scene):
            strips.require_recorded_speed(strip, scene)
    places = tuple(Where.of(recording, scene.name) for recording in recordings)
    if card.space != face.space:
        crossing.of(face, fresh=True)
    bake.plan_lines(face, [_held(place, card.space) for place in places], bake.BakeSettings(rest=True), scene)
    return Order(
        wish=Wish(
            recordings=recordings,
            model=folder,
            takes=settings.takes,
            seed=settings.seed,
            temperature=settings.temperature if settings.use_temperature else None,
            feeling=settings.feeling,
            feeling_from=_feeling_from(settings, scene),
            shape=_shape(face, card),
        ),
        head=face.mesh.session_uid,
        head_name=face.mesh.name,
        places=places,
        name=_name(recordings),
        sound_file=file,
        to_nla=settings.bake_to == "NLA",
        model=card.title,
    )


def _recordings(settings: Any, scene: Any) -> tuple[tuple[Recording, ...], Path | None]:
    if settings.source == "STRIPS":
        found = strips.chosen(scene)
        if not found:
            raise SceneError("Select a sound strip in the sequencer, or choose a sound file.")
        return tuple(strips.recording(strip, scene) for strip in found), None
    if not settings.sound_file:
        raise SceneError("Choose a sound file, or select a sound strip.")
    path = Path(bpy.path.abspath(settings.sound_file))
    seconds = strips.length(path)
    first = scene.frame_current
    last = first + max(round(seconds * float(compat.rate(scene))) - 1, 0)
    return (Recording(path, 0.0, seconds, float(first), first, last, name=path.stem),), path


def _feeling_from(settings: Any, scene: Any) -> Recording | None:
    if not settings.feeling_strip:
        return None
    strip = strips.strip_named(scene, settings.feeling_strip)
    if strip is None:
        raise SceneError(
            f"The strip {settings.feeling_strip!r}, which the feeling comes from, is gone: choose another."
        )
    return strips.recording(strip, scene)


def _held(place: Where, space: Space) -> bake.Line:
    """A face at rest as long as the line, so that its frames can be planned before they are known."""
    seconds = max(place.end - place.begin, SLOWEST_LINE)
    return place.line(FaceMotion.still(max(2, round(seconds * 25)), 25.0, space, start=place.begin))


def _shape(face: Face, card: ModelCard) -> tuple[float, ...] | None:
    """Who speaks, in FLAME's numbers, which only FLAME's models understand."""
    if face.space != "flame" or card.space != "flame":
        return None
    numbers = np.zeros(SHAPE_SIZE)
    own = face.identity[:SHAPE_SIZE]
    numbers[: len(own)] = own
    return tuple(numbers.tolist())


def _name(recordings: tuple[Recording, ...]) -> str:
    first, more = recordings[0].path.stem, len(recordings) - 1
    return f"{first} and {more:d} more" if more else first

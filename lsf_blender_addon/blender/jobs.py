"""The one run that may be under way: planned, stepped by a timer, cancelled, and at its end baked. Main thread only."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..errors import CancelledError, LsfError, ModelError, MotionError, SceneError, WorkerError
from ..head.basis import SPOKEN
from ..models.card import ModelCard, read_card
from ..models.store import model_folder
from ..motion import FaceMotion, Space
from ..worker.client import Worker
from ..worker.protocol import SHAPE_SIZE
from . import bake, compat, crossing, failures, preferences, strips, takes
from .channels import check_face, check_free, curves_of_face
from .components import require_own_components
from .faces import Face, face_of, face_or_none, heads_in
from .kept import Kept, Where
from .parts import require_own_voice
from .prediction import Predicted, Status, Wish, predicting
from .strips import Recording
from .unseen import unseen

BREATH = 0.03
"""Seconds of work between two looks at the window's events."""

PATIENCE = 5.0
"""Seconds that a cancelled worker may take to answer before it is ended."""

SILENT = 60.0
"""Seconds without a word from the worker after which the panel says so."""

HUNG = 300.0
"""Seconds without a word after which a script's run is ended. Every layer of the network and every piece of sound is a
word; the longest silence seen of a worker that lives is the first import of torch from a cold disk, a minute."""

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


class Job:
    """A run under way."""

    def __init__(self, order: Order, worker: Worker) -> None:
        self.order = order
        self.status = Status("Starting", 0.0)
        self.predicted: Predicted | None = None
        self.error: LsfError | None = None
        self.changed = time.monotonic()
        self._worker = worker
        self._work: Generator[Status, None, Predicted] = predicting(order.wish, worker)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.predicted is not None or self.error is not None

    @property
    def silent(self) -> bool:
        """Whether so long nothing was heard of it that the person should know."""
        return not self.over and time.monotonic() - self.changed > SILENT

    def step(self, seconds: float = BREATH) -> None:
        """Work a little."""
        until = time.monotonic() + seconds
        stage = None
        while not self.over and time.monotonic() < until:
            try:
                status = next(self._work)
            except StopIteration as end:
                self.predicted = end.value
            except LsfError as error:
                self.error = error
            else:
                waiting = status == self.status and status.stage == stage
                if status != self.status:
                    self.changed = time.monotonic()
                self.status, stage = status, status.stage
                if waiting:
                    return  # the worker has said nothing new: no use in asking again at once

    def end_if_hung(self) -> None:
        """End it, and the worker, when nothing was heard for so long: a script has nobody to press Cancel."""
        if self.over or time.monotonic() - self.changed <= HUNG:
            return
        self.error = WorkerError(
            f"The network said nothing for {HUNG:g} s and was stopped; nothing was changed. Run it again: the next run "
            "starts a new one. If it happens again, choose a shorter strip."
        )
        self._work.close()
        self._worker.kill()

    def cancel(self) -> None:
        """End it; the worker is told, and is ended itself when it does not answer."""
        if self.over:
            return
        self.error = CancelledError("Cancelled; nothing was changed.")
        self._work.close()
        if self._worker.busy and not bpy.app.background:
            bpy.app.timers.register(_watch(self._worker), first_interval=0.2)


_current: list[Job] = []
_unbaked: list[tuple[Order, Predicted]] = []
_workers: dict[Path, Worker] = {}


def current() -> Job | None:
    """The run under way, or None."""
    return _current[0] if _current else None


def unbaked() -> Order | None:
    """What was predicted and could not be baked, kept until it is; None where there is nothing."""
    return _unbaked[0][0] if _unbaked else None


def start(context: Any) -> Job:
    """Plan a run and begin it.

    Raises:
        LsfError: something does not fit; nothing was begun.
    """
    if _current:
        raise SceneError("A run is under way: wait for it, or cancel it.")
    order = ordered(context)
    python = preferences.worker_python(context)
    if python is None:
        raise WorkerError(preferences.why_not_ready(context))
    failures.forget()
    _unbaked.clear()
    for other in [path for path in _workers if path != python]:
        _workers.pop(other).stop()
    worker = _workers.setdefault(python, Worker(python, background=not bpy.app.background))
    _current[:] = [Job(order, worker)]
    return _current[0]


def finish(context: Any) -> dict[str, Any]:
    """Bake what the run predicted, and let go of it.

    Returns:
        The report that the panel shows.

    Raises:
        LsfError: why there is nothing to bake, or why it cannot be baked; then the prediction is kept.
    """
    job = _current.pop()
    if job.error is not None or job.predicted is None:
        raise job.error or SceneError("The run is not over yet.")
    _unbaked[:] = [(job.order, job.predicted)]
    return bake_kept(context)


def bake_kept(context: Any) -> dict[str, Any]:
    """Bake what was predicted last; see :func:`finish`."""
    if not _unbaked:
        raise SceneError("No prediction is waiting to be baked.")
    order, predicted = _unbaked[0]
    report = _baked(context, order, predicted)
    _unbaked.clear()
    failures.forget()
    return report


def drop() -> None:
    """Forget the run and what it predicted: another file is loaded, or the add-on goes."""
    for job in _current:
        job.cancel()
    _current.clear()
    _unbaked.clear()
    failures.forget()
    crossing.forget()


def stop_workers() -> None:
    """End every worker process."""
    for worker in _workers.values():
        worker.stop()
    _workers.clear()


def last_words() -> str:
    """What the workers wrote to their standard error last."""
    return "\n".join(worker.last_words for worker in _workers.values())


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


def _baked(context: Any, order: Order, predicted: Predicted) -> dict[str, Any]:
    mesh = next((thing for thing in bpy.data.objects if thing.session_uid == order.head), None)
    if mesh is None:
        raise SceneError(
            f"The head {order.head_name!r} was deleted while the network was at work. The prediction is kept: undo the "
            "deletion and bake it."
        )
    face = face_of(mesh)
    scene = bpy.data.scenes.get(order.places[0].scene) or context.scene
    facts = {"model": order.model, "seed": order.wish.seed}
    many = len(predicted.takes) > 1
    made = []
    titles = _titles(mesh, order.name, len(predicted.takes))
    for title, motions, packed in zip(titles, predicted.takes, predicted.packed, strict=True):
        kept = Kept(motions, order.places, facts=facts, packed=packed)
        made.append((kept, takes.planned(face, kept, title, scene)))
    if order.sound_file is not None:
        strips.place_sound(scene, order.sound_file, int(order.places[0].start_frame), name=order.places[0].strip)
    said: list[str] = []
    for kept, planned in made:
        report, uncovered = takes.add(face, planned, kept, to_nla=order.to_nla)
        said += uncovered
    shown = len(made) - 1
    if many:
        shown = 0
        head = face.mesh.lsf
        head.active_take = len(head.takes) - len(made)
    kept, planned = made[shown]
    said = [*predicted.notes, *takes.Shaping.of(mesh).notes(kept.motions, face), *said, *_remarks(face, report)]
    told = {
        "channels": len(planned.curves),
        "keys": planned.keys,
        "keys_before": len(planned.curves) * len(planned.frames),
        "first": int(planned.frames[0]),
        "last": int(planned.frames[-1]),
        "seconds": round(predicted.seconds, 1),
        "takes": len(made),
        "warnings": list(dict.fromkeys(said)),
        **facts,
        **{name: mm for name, mm in planned.origin.get("retargeted", {}).items() if name != "to"},
    }
    mesh.lsf.report = json.dumps(told)
    return told


def _titles(mesh: Any, name: str, count: int) -> list[str]:
    """What the new takes are called: numbered on from those that the head has of the same sound.

    Where Actions of other heads are called so, the head's name goes with it: Blender would make "hello.001" of "hello".
    """
    taken = {take.name for take in mesh.lsf.takes}
    titles: list[str] = []
    for called in (name, f"{name} ({mesh.name})"):
        if count == 1 and called not in taken:
            titles = [called]
        else:
            free = (title for number in itertools.count(1) if (title := f"{called} take {number}") not in taken)
            titles = list(itertools.islice(free, count))
        if not any(title in bpy.data.actions for title in titles):
            break
    return titles


def _remarks(face: Face, report: bake.BakeReport) -> list[str]:
    said = []
    if face.missing:
        listed = ", ".join(face.missing[:3]) + (" …" if len(face.missing) > 3 else "")  # noqa: PLR2004 in a sentence
        said.append(
            f"Left out, as the head has no such keys: {listed}."
            if face.table is None
            else f"No shape key of its own has: {listed}; others do of it what they can."
        )
    across = None if face.space == "arkit" else crossing.known(face)
    if across is not None and across.reason:
        said += [crossing.BY_NAMES_ALONE, across.reason]
    if report.widened:
        listed = ", ".join(report.widened[:3]) + (" …" if len(report.widened) > 3 else "")  # noqa: PLR2004 in a sentence
        said.append(f"The slider range of {len(report.widened)} shape keys had to grow: {listed}.")
    return said + unseen(face)


def _watch(worker: Worker) -> Any:
    """A timer that ends a worker which does not answer to a cancellation."""
    until = time.monotonic() + PATIENCE

    def look() -> float | None:
        worker.poll()
        if not worker.busy or _current:
            return None
        if time.monotonic() > until:
            worker.kill()
            return None
        return 0.2

    return look

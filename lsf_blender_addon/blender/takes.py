"""A head's takes: each an Action of its own that keeps its prediction; shown, shaped again, moved with their strips."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .. import eyes
from ..errors import LsfError, SceneError
from ..models.card import read_card
from ..models.store import model_folder
from ..motion import FaceMotion
from . import bake, compat, drawing, nla, strips, undoing
from .bake import BakePlan, BakeReport, BakeSettings
from .faces import Face, face_of, face_or_none
from .kept import Kept, Where, digest, keep, kept_in, mark, places_in, spaces_in
from .parts import action_of, add_part, channels_of, fit, make_own, owner_of, role_of, settle


@dataclass(frozen=True)
class Shaping:
    """What an artist sets on a head; see ``properties.LsfHead`` for the meaning and the units."""

    expression: float = 1.0
    mouth: float = 1.0
    upper: float = 1.0
    jaw: float = 1.0
    smoothing: float = 0.0
    lead: float = 0.0
    tolerance: float | None = None
    blinks: bool = False
    gaze: bool = False
    seed: int = 0

    @classmethod
    def of(cls, mesh: Any) -> Shaping:
        """As the head's sliders stand."""
        head = mesh.lsf
        return cls(
            head.expression,
            head.mouth,
            head.upper,
            head.jaw,
            head.smoothing,
            head.lead,
            head.tolerance if head.use_reduction else None,
            head.use_blinks,
            head.use_gaze,
            head.life_seed,
        )

    def shaped(self, motion: FaceMotion, face: Face) -> FaceMotion:
        """A motion with all of it but the keys' reduction, for a face."""
        parts = {"mouth": self.mouth, "upper": self.upper} if motion.space == "arkit" else {}
        made = motion.shaped(
            expression=self.expression, jaw=self.jaw, smoothing=self.smoothing, lead=self.lead, **parts
        )
        if self.blinks and face.does("eyeBlink") and not eyes.has_blinks(motion):
            made = eyes.with_blinks(made, self.seed)
        if self.gaze and face.does("eyeLook") and not eyes.has_looks(motion):
            made = eyes.with_looks(made, self.seed)
        return made

    def notes(self, motions: Sequence[FaceMotion], face: Face) -> list[str]:
        """What of it could not be done on a face, in words."""
        said = []
        for wanted, shape, what in ((self.blinks, "eyeBlink", "Blinks"), (self.gaze, "eyeLook", "Gaze")):
            if wanted and not face.does(shape):
                said.append(f"{what}: left out, as the head has no shape keys for it.")
        motions = [motion for motion in motions if motion.space == "arkit"]
        if self.blinks and any(eyes.has_blinks(motion) for motion in motions):
            said.append("The model blinks by itself: no blinks were added.")
        if self.gaze and any(eyes.has_looks(motion) for motion in motions):
            said.append("The model moves the eyes by itself: no gaze was added.")
        return said


def has_regions(context: Any, face: Face) -> bool:
    """Whether mouth and upper face have strengths of their own: in all that ARKit says, on whatever head."""
    take = active(face.mesh)
    action = take.parts[0].action if take is not None and take.ours and len(take.parts) else None
    if action is not None:
        return spaces_in(action) == {"arkit"}
    try:
        return face.space != "flame" or read_card(model_folder(context.scene.lsf.model)).space == "arkit"
    except LsfError:
        return False


def planned(face: Face, kept: Kept, name: str, scene: Any) -> BakePlan:
    """All that a take will write, as its head's sliders stand.

    Raises:
        SceneError, MotionError: it cannot be written; nothing was changed.
    """
    shaping = Shaping.of(face.mesh)
    lines = [dataclasses.replace(line, motion=shaping.shaped(line.motion, face)) for line in kept.lines]
    jaw = face.opens
    return bake.plan_lines(face, lines, BakeSettings(name=name, jaw=jaw, rest=True, tolerance=shaping.tolerance), scene)


def remember_former(face: Face) -> None:
    """List what animates a head now, unless it is a take of ours, so that it stays one click away."""
    now = [(owner, *compat.assignment(owner)) for owner in face.owners]
    theirs = [item for item in now if item[1] is not None and bake.MARK not in item[1]]
    head = face.mesh.lsf
    known = {part.action for take in head.takes if not take.ours for part in take.parts}
    if not theirs or all(action in known for _, action, _ in theirs):
        return
    take = head.takes.add()
    take.ours = False
    take.name = theirs[0][1].name
    for owner, action, slot in now:
        add_part(take, face, owner, action, slot)


def add(face: Face, made: BakePlan, kept: Kept, *, to_nla: bool) -> tuple[BakeReport, list[str]]:
    """Bake a take into an Action of its own and list it; the last one added is the one on the head.

    Returns:
        What was written, and what was done to let it be seen.
    """
    settle(face)
    remember_former(face)
    before = [(owner, compat.assignment(owner)) for owner in made.owners]
    report = bake.write(made)
    head = face.mesh.lsf
    take = head.takes.add()
    take.ours = True
    take.name = report.actions[0] if compat.has_slots() else made.name
    for owner in made.owners:
        add_part(take, face, owner, *compat.assignment(owner))
    keep(action_of(take), dataclasses.replace(kept, digest=digest(channels_of(take))))
    _point_at(head, len(head.takes) - 1)
    if to_nla:
        return report, nla.lay(take.name, made.owners, before)
    aside = [name for name in report.put_aside if bake.MARK not in bpy.data.actions[name]]
    said = [f"The Action {name!r} was put aside as it is: the list of takes brings it back." for name in aside]
    return report, said + nla.uncover(made.owners)


def show(mesh: Any, index: int) -> None:
    """Put a take, or what was there before, on its head; its sliders shape it at once.

    Raises:
        SceneError: its Action is gone, or the head cannot be changed.
    """
    head = mesh.lsf
    if _pointing or not 0 <= index < len(head.takes):
        return
    face = face_of(mesh)
    settle(face)
    remember_former(face)
    take = head.takes[index]
    parts = {part.role: part for part in take.parts}
    if take.ours and any(part.action is None for part in take.parts):
        raise SceneError(f"The Action of the take {take.name!r} was deleted; remove the take from the list.")
    for owner in face.owners:
        part = parts.get(role_of(face, owner))
        if part is None and take.ours:
            continue
        nla.show(owner, part.action if part else None, part.slot if part else 0)
    if take.ours:
        reshape(mesh)
    _refresh(face)


def reshape(mesh: Any, *, anyway: bool = False) -> None:
    """Bake the take that is on a head again, from its kept prediction, as the sliders stand.

    A take whose keys were edited by hand stays as it is, and is marked so, unless ``anyway``.

    Raises:
        SceneError, MotionError: what is kept is damaged, or does not go with the head any more.
    """
    take = active(mesh)
    if take is not None and take.ours:
        rebake(mesh, take, kept_in(action_of(take)), anyway=anyway)


def copy(mesh: Any, scene: Any) -> BakeReport | None:
    """Bake the shown take's prediction into a new take, as the sliders stand.

    Raises:
        SceneError, MotionError: as :func:`reshape`.
    """
    take = active(mesh)
    if take is None or not take.ours:
        return None
    face, kept = face_of(mesh), kept_in(action_of(take))
    home = bpy.data.scenes.get(kept.places[0].scene) or scene
    made = planned(face, kept, take.name, home)
    return add(face, made, kept, to_nla=nla.lies_there(face.owners))[0]


def rebake(mesh: Any, take: Any, kept: Kept, *, anyway: bool = False) -> BakeReport | None:
    """Write a take's keys again; None where they were edited by hand, unless ``anyway``."""
    face = face_of(mesh)
    settle(face)
    if not anyway and digest(channels_of(take)) != kept.digest:
        take.edited = True
        return None
    scene = bpy.data.scenes.get(kept.places[0].scene) or bpy.context.scene
    made = planned(face, kept, take.name, scene)
    make_own(face, take)
    parts = channels_of(take)
    by_owner = {owner_of(face, part.role): channels for part, channels in zip(take.parts, parts, strict=True)}
    lacking = [owner.name for owner in made.owners if owner not in by_owner]
    if lacking:
        raise SceneError(f"The take {take.name!r} was made without {', '.join(lacking)}: animate again.")
    report = bake.rewrite(made, [by_owner[owner] for owner in made.owners])
    take.edited = False
    mark(action_of(take), dataclasses.replace(kept, digest=digest(parts)))
    fit(face, take)
    _tell(mesh, report)
    _refresh(face)
    return report


def active(mesh: Any) -> Any | None:
    """The take that the list points at, or None."""
    head = mesh.lsf
    return head.takes[head.active_take] if 0 <= head.active_take < len(head.takes) else None


def remove(mesh: Any, index: int) -> None:
    """Take a take out of the list, and its Action out of the file where it is ours and no other head has it.

    Raises:
        SceneError: another head has it, and this one is in an NLA tweak.
    """
    take, face = mesh.lsf.takes[index], face_or_none(mesh)
    if take.ours and face is not None:
        settle(face)
        make_own(face, take)
    actions = {part.action for part in take.parts if part.action is not None} if take.ours else set()
    for action in actions:
        nla.forget(action)
        bpy.data.actions.remove(action)
    mesh.lsf.takes.remove(index)
    count = len(mesh.lsf.takes)
    _point_at(mesh.lsf, min(mesh.lsf.active_take, max(count - 1, 0)))
    if count:
        show(mesh, mesh.lsf.active_take)


def rename(mesh: Any, take: Any, title: str) -> None:
    """Call a take otherwise, and its Action and strips with it; an artist's own Action keeps its name.

    Nothing happens where the title is empty.
    """
    title = title.strip()
    if not title:
        return
    face = face_of(mesh) if take.ours else None
    if face is not None:
        settle(face)
        make_own(face, take)
    take.name = title
    if face is None:
        return
    for part in take.parts:
        owner = owner_of(face, part.role)
        if owner is None or part.action is None or not part.action.is_editable:
            continue
        part.action.name = compat.action_name(title, owner)
        nla.rename(owner, part.action, title)
    undoing.keep_whole_file()


def moved(mesh: Any) -> tuple[list[Where], str]:
    """Where the strips of the shown take lie now, and why that cannot be followed; both empty where nothing moved."""
    take = active(mesh)
    if take is None or not take.ours:
        return [], ""
    places = places_in(action_of(take))
    now = []
    for place in places:
        scene = bpy.data.scenes.get(place.scene)
        strip = strips.strip_named(scene, place.strip)
        if strip is None:
            return [], f"The strip {place.strip!r} is gone or renamed; the keys stay where they are."
        try:
            now.append(Where.of(strips.recording(strip, scene), place.scene))
        except LsfError as error:
            return [], str(error)
    return ([], "") if tuple(now) == places else (now, "")


def follow(mesh: Any) -> list[str]:
    """Move the shown take's keys to where its strips lie now.

    Keys that were edited by hand move along where the strips were only moved, all by the same way.

    Returns:
        What a person should know.

    Raises:
        SceneError: a strip is gone, or edited keys would have to be stretched.
    """
    take, (now, why) = active(mesh), moved(mesh)
    if why:
        raise SceneError(why)
    if take is None or not now:
        return []
    face = face_of(mesh)
    settle(face)
    kept = kept_in(action_of(take))
    heard = [
        f"{place.strip!r} now plays sound that was not listened to: animate again to move the lips there."
        for place, was in zip(now, kept.places, strict=True)
        if place.begin < was.begin - NEARLY or place.end > was.end + NEARLY
    ]
    after = dataclasses.replace(kept, places=tuple(now))
    parts = channels_of(take)
    if digest(parts) != kept.digest:
        ways = {place.start_frame - was.start_frame for place, was in zip(now, kept.places, strict=True)}
        same = [dataclasses.replace(place, start_frame=0, first=0, last=0) for place in now]
        before = [dataclasses.replace(place, start_frame=0, first=0, last=0) for place in kept.places]
        if len(ways) > 1 or not all(_alike(one, other) for one, other in zip(same, before, strict=True)):
            raise SceneError(
                f"The take {take.name!r} was edited by hand and its strip was trimmed or stretched: the keys can "
                "follow a moved strip only. Animate again, or move the keys yourself."
            )
        make_own(face, take)
        _shift(channels_of(take), ways.pop())
        mark(action_of(take), after)
        fit(face, take)
        _refresh(face)
    else:
        make_own(face, take)
        mark(action_of(take), after)
        rebake(mesh, take, after)
    return heard


NEARLY = 0.05
"""Seconds that do not matter."""


def _alike(one: Where, other: Where) -> bool:
    numbers = ((one.begin, other.begin), (one.end, other.end), (one.speed, other.speed))
    return all(abs(a - b) < NEARLY for a, b in numbers)


def _shift(parts: Sequence[compat.Channels], frames: float) -> None:
    for part in parts:
        for curve in part.curves:
            points = curve.keyframe_points
            for name in ("co", "handle_left", "handle_right"):
                places = np.empty(len(points) * 2, np.float32)
                points.foreach_get(name, places)
                places[::2] += frames
                points.foreach_set(name, places)
            curve.update()


_pointing: list[Any] = []
"""Whose list is moved to the take that is on the head already: nothing has to be shown then."""


def _point_at(head: Any, index: int) -> None:
    """Let the list point at a take, without showing it."""
    _pointing.append(head)
    try:
        head.active_take = index
    finally:
        _pointing.clear()


def _tell(mesh: Any, report: BakeReport) -> None:
    """Bring the figures of the panel's report up to date."""
    told = json.loads(mesh.lsf.report) if mesh.lsf.report else {}
    told |= {"channels": report.curves, "keys": report.keys, "keys_before": report.keys_before}
    told |= {"first": report.first_frame, "last": report.last_frame}
    mesh.lsf.report = json.dumps(told)


def _refresh(face: Face) -> None:
    """Let the viewport show what the curves say on this frame, nothing else evaluated again, and undo take it back."""
    for owner in face.owners:
        owner.update_tag(refresh={"TIME"})
    drawing.pictures()  # 5.2 evaluates it, and leaves the old picture standing
    undoing.keep_whole_file()

"""What comes of a run: takes on the head, what they are called, and the report."""

from __future__ import annotations

import itertools
import json
from typing import Any

import bpy

from ..errors import SceneError
from . import bake, crossing, strips, takes
from .faces import Face, face_of
from .kept import Kept
from .orders import Order
from .prediction import Predicted
from .unseen import unseen
from .wording import few


def bake_takes(context: Any, order: Order, predicted: Predicted) -> dict[str, Any]:
    """Put what was predicted on the head, a take each, and its report into the panel.

    Returns:
        The report.

    Raises:
        LsfError: why it cannot be baked; nothing was changed.
    """
    mesh = next((thing for thing in bpy.data.objects if thing.session_uid == order.head), None)
    if mesh is None:
        raise SceneError(
            f"The head {order.head_name!r} was deleted while the network was at work. The prediction is kept: undo the "
            "deletion and bake it."
        )
    face = face_of(mesh)
    scene = bpy.data.scenes.get(order.places[0].scene) or context.scene
    facts = {"model": order.model, "seed": order.wish.seed}
    made = []
    titles = titles_of(mesh, order.name, len(predicted.takes))
    for title, motions, packed in zip(titles, predicted.takes, predicted.packed, strict=True):
        kept = Kept(motions, order.places, facts=facts, packed=packed)
        made.append((kept, takes.planned(face, kept, title, scene)))
    if order.sound_file is not None:
        strips.place_sound(scene, order.sound_file, int(order.places[0].start_frame), name=order.places[0].strip)
    said: list[str] = []
    for kept, planned in made:
        report, uncovered = takes.add(face, planned, kept, to_nla=order.to_nla)
        said += uncovered
    if len(made) > 1:  # the first of them is shown
        head = face.mesh.lsf
        head.active_take = len(head.takes) - len(made)
    kept, planned = made[0]
    said = [*predicted.notes, *takes.Shaping.of(mesh).notes(kept.motions, face), *said, *remarks_on(face, report)]
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


def titles_of(mesh: Any, name: str, count: int) -> list[str]:
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


def remarks_on(face: Face, report: bake.BakeReport) -> list[str]:
    """What a person should know of a bake: what the head lacks, what had to grow, what keeps it from being seen."""
    said = []
    if face.missing:
        listed = few(face.missing)
        said.append(
            f"Left out, as the head has no such keys: {listed}."
            if face.table is None
            else f"No shape key of its own has: {listed}; others do of it what they can."
        )
    across = None if face.space == "arkit" else crossing.known(face)
    if across is not None and across.reason:
        said += [crossing.BY_NAMES_ALONE, across.reason]
    return said + report.remarks + unseen(face)

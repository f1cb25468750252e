"""What a take is made of: for each of a head's owners its part of an Action, the head's own where it was duplicated.

Blender's Duplicate Objects copies a head's list of takes. Their Actions stay those of the original, but for the shown
one, which it copies for each owner anew (Preferences > Editing > Duplicate Data can switch that off). So before a take
is written or removed it gets Actions of its own: nothing that is done to one head reaches the other.
"""

from __future__ import annotations

import re
from typing import Any

import bpy

from ..errors import SceneError
from . import compat, nla
from .bake import MARK
from .channels import check_tweak, in_tweak
from .faces import Face, face_or_none
from .kept import digest


def role_of(face: Face, owner: Any) -> str:
    """What an owner is to its head; stays when things are renamed, but for other meshes."""
    if owner == face.keys:
        return "face"
    if owner == face.armature:
        return "armature"
    return next(f"mesh {other.name}" for other in face.followers if other.data.shape_keys == owner)


def owner_of(face: Face, role: str) -> Any | None:
    """The owner with that role, or None."""
    return next((owner for owner in face.owners if role_of(face, owner) == role), None)


def add_part(take: Any, face: Face, owner: Any, action: Any, slot: Any) -> None:
    """List what a take gives to an owner."""
    part = take.parts.add()
    part.role, part.action = role_of(face, owner), action
    part.slot = slot.handle if slot is not None else 0


def action_of(take: Any) -> Any:
    """The Action that keeps a take's prediction.

    Raises:
        SceneError: it was deleted.
    """
    action = take.parts[0].action if len(take.parts) else None
    if action is None:
        raise SceneError(f"The Action of the take {take.name!r} was deleted; remove the take from the list.")
    return action


def channels_of(take: Any) -> list[compat.Channels]:
    """A take's channels, one for each of its parts, in their order.

    Raises:
        SceneError: an Action was deleted, or emptied.
    """
    made = [compat.channels_of(part.action, part.slot) if part.action is not None else None for part in take.parts]
    if any(part is None for part in made):
        raise SceneError(f"The Action of the take {take.name!r} was deleted or emptied; remove the take from the list.")
    return [part for part in made if part is not None]


def fit(face: Face, take: Any) -> None:
    """Let a take's NLA strips reach as far as its keys do, after those were written again."""
    for part in take.parts:
        owner = owner_of(face, part.role)
        if owner is not None and part.action is not None:
            nla.fit(owner, part.action)


def require_own_voice(face: Face) -> None:
    """Refuse a second speaker on shape keys or on a jaw that already speak for another head.

    Raises:
        SceneError: what plays there is a take that the other head lists and this one does not.
    """
    own = {part.action for take in face.mesh.lsf.takes for part in take.parts}
    for owner in face.owners:
        for action in nla.played(owner) - own:
            speaker = _speaker(face, owner, action) if MARK in action else None
            if speaker is not None:
                raise SceneError(_spoken_for(face, owner, speaker))


def settle(face: Face) -> None:
    """Put right what Blender's Duplicate Objects left of the takes: nothing that plays changes by it.

    Other meshes are found by their new names. An owner that plays a copy of a take's Action made for it alone plays the
    take's own again, or, where that copy was edited by hand, the copy becomes the take's.
    """
    takes = [take for take in face.mesh.lsf.takes if take.ours]
    for take in takes:
        _follow_names(face, take)
    listed = {part.action for take in face.mesh.lsf.takes for part in take.parts}
    for owner in face.owners:
        played, slot = compat.assignment(owner)
        if played is None or played in listed or not played.lsf.take or MARK not in played or in_tweak(owner):
            continue
        if _is_shared(face, played):
            continue  # another head's take
        for take in takes:
            part = next((part for part in take.parts if owner_of(face, part.role) == owner), None)
            if part is not None and part.action is not None and _are_twins(part.action, played):
                _join(part, owner, played, slot)
                break


def make_own(face: Face, take: Any) -> None:
    """Give a take Actions of its own, where a duplicate of its head has them too, or the file that it is linked from.

    The head plays those from now on.

    Raises:
        SceneError: an NLA strip is in tweak mode, so nothing can be exchanged.
    """
    shared = {part.action for part in take.parts if part.action is not None and _is_shared(face, part.action)}
    if not shared:
        return
    for owner in face.owners:
        check_tweak(owner)
    for action in shared:
        own = action.copy()
        own.use_fake_user = True
        parts = [part for part in take.parts if part.action == action]
        own.name = compat.action_name(f"{take.name} ({face.mesh.name})", owner_of(face, parts[0].role) or face.keys)
        for part in parts:
            part.action = own
            owner = owner_of(face, part.role)
            if owner is not None:
                nla.exchange(owner, action, own, part.slot)


def _speaker(face: Face, owner: Any, action: Any) -> Any | None:
    """Another head that lists a take and has an owner in common with this face, or None."""
    for user in compat.animated_by(action):
        if user == face.mesh or compat.kind_of(user) == compat.KEY or user.type != "MESH":
            continue
        if any(part.action == action for take in user.lsf.takes for part in take.parts):
            other = face_or_none(user)
            if other is not None and owner in other.owners:
                return user
    return None


def _spoken_for(face: Face, owner: Any, speaker: Any) -> str:
    if compat.kind_of(owner) == compat.KEY:
        return (
            f"{face.mesh.name!r} shares its mesh data with {speaker.name!r}, which speaks already, and both say the "
            f"same: choose Object > Relations > Make Single User > Object & Data, or animate {speaker.name!r}."
        )
    return (
        f"{face.mesh.name!r} has the jaw of {speaker.name!r}, which speaks already: give it an armature of its own "
        "(duplicate head and armature together)."
    )


def _is_shared(face: Face, action: Any) -> bool:
    """Whether an Action is another file's, or another head plays or lists it; objects of one mesh data are one head."""
    known = (None, *face.owners)
    return action.library is not None or any(_keys_of(user) not in known for user in compat.animated_by(action))


def _keys_of(user: Any) -> Any | None:
    """The shape keys that a user of an Action is or has; None without, and of mesh data that nothing uses any more."""
    if compat.kind_of(user) == compat.KEY:
        return user if user.user.users else None
    return user.data.shape_keys if user.type == "MESH" else None


def _follow_names(face: Face, take: Any) -> None:
    """Find the other meshes of a duplicated head again: ``teeth`` is ``teeth.001`` now."""
    roles = {role_of(face, owner) for owner in face.owners}
    free = roles - {part.role for part in take.parts}
    for part in take.parts:
        alike = [role for role in free if _stem(role) == _stem(part.role)]
        if part.role not in roles and len(alike) == 1:
            part.role = alike[0]


def _stem(name: str) -> str:
    return re.sub(r"\.\d{3,}$", "", name)


def _are_twins(one: Any, other: Any) -> bool:
    """Whether Blender copied both from one Action; takes of one prediction keep the same, and differ in name."""
    return bool(one.lsf.take == other.lsf.take) and _stem(one.name) == _stem(other.name)


def _join(part: Any, owner: Any, played: Any, slot: Any) -> None:
    handle = slot.handle if slot is not None else 0
    ways = [compat.channels_of(part.action, part.slot), compat.channels_of(played, handle)]
    own, copied = [digest([channels]) if channels is not None else "" for channels in ways]
    if own == copied:
        compat.restore(owner, (part.action, compat.slot_with(part.action, part.slot)))
        if not played.users:
            bpy.data.actions.remove(played)
    else:
        played.use_fake_user = True
        part.action, part.slot = played, handle

"""Takes as NLA strips: laid on a track of their own, swapped, moved; nothing of the artist's is removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import compat
from .bake import MARK

TRACK = "LSF"


def lay(name: str, owners: Sequence[Any], before: Sequence[tuple[Any, tuple[Any, Any]]]) -> list[str]:
    """Turn what was just assigned to owners into strips, and give them back what they had.

    Args:
        name: of the strips.
        owners: shape keys and objects that carry the take.
        before: each of them with the Action and slot that it had.

    Returns:
        What was done so that the take is seen, in words.
    """
    said = []
    was = {owner: assigned for owner, assigned in before}  # noqa: C416 - a Blender pointer is its own key
    for owner in owners:
        action, slot = compat.assignment(owner)
        wanted = _places(compat.curves_of(owner))
        compat.unassign(owner)
        over = _hiding(owner, wanted)
        _strip(owner, name, action, slot, above=bool(over))
        said += [f"The track {track.name!r} would have hidden the strip: ours lies above it now." for track in over]
        former = was.get(owner, (None, None))
        if former[0] is None:
            continue
        compat.restore(owner, former)
        if _cleared(owner, wanted):
            said.append(f"The Action {former[0].name!r} would have hidden the strip: it is kept, no longer assigned.")
    for owner in owners:
        if not owner.animation_data.use_nla:
            owner.animation_data.use_nla = True
            said.append(f"The NLA of {owner.name!r} was switched off, with all its tracks: it is on now.")
    return said + uncover(owners)


def uncover(owners: Sequence[Any]) -> list[str]:
    """End what keeps a new take from being seen: a track that plays alone."""
    said = []
    for owner in owners:
        data = owner.animation_data
        for track in data.nla_tracks if data is not None else ():
            if track.is_solo and not _is_ours(track):
                track.is_solo = False
                said.append(f"The NLA track {track.name!r} of {owner.name!r} played alone: it does no longer.")
    return said


def show(owner: Any, action: Any | None, handle: int) -> None:
    """Let an Action animate an owner: as a strip where our takes lie in the NLA, as its active Action otherwise."""
    tracks = [track for track in _tracks(owner) if _is_ours(track)]
    ours = action is not None and MARK in action
    for track in tracks:
        track.mute = not ours
    if tracks and ours:
        slot = compat.slot_with(action, handle)
        if all(strip.action != action for track in tracks for strip in track.strips):
            name = tracks[-1].strips[0].name
            _clear(tracks[-1])
            _strip(owner, name, action, slot)
        channels = compat.channels_of(action, handle)
        _cleared(owner, _places(channels.curves if channels is not None else ()))
        return
    if action is None:
        compat.unassign(owner)
    else:
        owner.animation_data_create()
        compat.restore(owner, (action, compat.slot_with(action, handle)))


def lies_there(owners: Sequence[Any]) -> bool:
    """Whether takes of ours lie in the NLA of any of these."""
    return any(_is_ours(track) for owner in owners for track in _tracks(owner))


def played(owner: Any) -> set[Any]:
    """The Actions that animate an owner, assigned or as strips."""
    actions = {strip.action for track in _tracks(owner) for strip in track.strips}
    return (actions | {compat.assignment(owner)[0]}) - {None}


def rename(owner: Any, action: Any, name: str) -> None:
    """Call the strips of an Action otherwise."""
    for track in _tracks(owner):
        for strip in track.strips:
            if strip.action == action:
                strip.name = name


def exchange(owner: Any, action: Any, other: Any, handle: int) -> None:
    """Let an owner play another Action wherever it played this one; the other has a slot of the same handle."""
    if compat.assignment(owner)[0] == action:
        compat.restore(owner, (other, compat.slot_with(other, handle)))
    for track in _tracks(owner):
        for strip in track.strips:
            if strip.action != action:
                continue
            strip.action = other
            slot = compat.slot_with(other, handle)
            if slot is not None:
                strip.action_slot = slot


def fit(owner: Any, action: Any) -> None:
    """Let strips reach as far as their Action's keys do, after those were written again."""
    for track in _tracks(owner):
        for strip in track.strips:
            if strip.action == action:
                _stretch(strip, action)


def forget(action: Any) -> None:
    """Remove the strips of an Action that is about to go; empty tracks of ours go with them."""
    for owner in compat.animated_by(action):
        for track in [track for track in _tracks(owner) if _is_ours(track)]:
            for strip in [strip for strip in track.strips if strip.action == action]:
                track.strips.remove(strip)
            if not len(track.strips):
                owner.animation_data.nla_tracks.remove(track)


def _tracks(owner: Any) -> Iterator[Any]:
    data = owner.animation_data
    yield from () if data is None else data.nla_tracks


def _is_ours(track: Any) -> bool:
    return len(track.strips) > 0 and all(strip.action is not None and MARK in strip.action for strip in track.strips)


def _clear(track: Any) -> None:
    for strip in list(track.strips):
        track.strips.remove(strip)


def _places(curves: Iterable[Any]) -> set[tuple[str, int]]:
    return {(curve.data_path, curve.array_index) for curve in curves}


def _cleared(owner: Any, wanted: set[tuple[str, int]]) -> bool:
    """Unassign, and keep, an Action that moves what strips below it are to move; whether there was one."""
    action, _ = compat.assignment(owner)
    if action is None or not wanted & _places(compat.curves_of(owner)):
        return False
    compat.unassign(owner)
    if action.users == 0:
        action.use_fake_user = True
    return True


def _hiding(owner: Any, wanted: set[tuple[str, int]]) -> list[Any]:
    """The artist's tracks above ours that take its channels over; those that blend with it are there on purpose."""
    tracks = list(_tracks(owner))
    lowest = next((number for number, track in enumerate(tracks) if _is_ours(track)), len(tracks))
    return [
        track
        for track in tracks[lowest + 1 :]
        if not track.mute
        and not _is_ours(track)
        and any(not strip.mute and strip.blend_type == "REPLACE" and wanted & _moved(strip) for strip in track.strips)
    ]


def _moved(strip: Any) -> set[tuple[str, int]]:
    """What a strip animates."""
    if strip.action is None:
        return set()
    slot = getattr(strip, "action_slot", None)
    channels = compat.channels_of(strip.action, slot.handle if slot is not None else 0)
    return _places(channels.curves if channels is not None else ())


def _strip(owner: Any, name: str, action: Any, slot: Any, *, above: bool = False) -> None:
    data = owner.animation_data_create()
    track = next((track for track in data.nla_tracks if _is_ours(track)), None)
    if track is not None and above:
        data.nla_tracks.remove(track)
        track = None
    if track is None:
        track = next((track for track in data.nla_tracks if track.name == TRACK and not len(track.strips)), None)
    if track is None:
        track = data.nla_tracks.new(prev=data.nla_tracks[-1] if len(data.nla_tracks) else None)
        track.name = TRACK
    _clear(track)
    strip = track.strips.new(name, int(action.frame_range[0]), action)
    if slot is not None:
        strip.action_slot = slot
    strip.extrapolation = "NOTHING"
    strip.blend_type = "REPLACE"
    _stretch(strip, action)
    track.mute = False


def _stretch(strip: Any, action: Any) -> None:
    first, last = action.frame_range
    strip.action_frame_start, strip.action_frame_end = min(first, strip.action_frame_end - 1), last
    strip.action_frame_start = first
    strip.frame_start_ui = first
    strip.scale = 1.0
    strip.frame_end_ui = last

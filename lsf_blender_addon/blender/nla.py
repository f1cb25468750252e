"""Takes as NLA strips: laid on a track of their own, swapped, moved; nothing of the artist's is removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        wanted = {(curve.data_path, curve.array_index) for curve in compat.curves_of(owner)}
        compat.unassign(owner)
        _strip(owner, name, action, slot)
        former = was.get(owner, (None, None))
        if former[0] is None:
            continue
        compat.restore(owner, former)
        if wanted & {(curve.data_path, curve.array_index) for curve in compat.curves_of(owner)}:
            compat.unassign(owner)
            if former[0].users == 0:
                former[0].use_fake_user = True
            said.append(f"The Action {former[0].name!r} would have hidden the strip: it is kept, no longer assigned.")
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
        return
    if action is None:
        compat.unassign(owner)
    else:
        owner.animation_data_create()
        compat.restore(owner, (action, compat.slot_with(action, handle)))


def lies_there(owners: Sequence[Any]) -> bool:
    """Whether takes of ours lie in the NLA of any of these."""
    return any(_is_ours(track) for owner in owners for track in _tracks(owner))


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


def _strip(owner: Any, name: str, action: Any, slot: Any) -> None:
    data = owner.animation_data_create()
    track = next((track for track in data.nla_tracks if _is_ours(track)), None)
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

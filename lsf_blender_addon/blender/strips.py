"""Sound on the timeline: where a file is put, and which of its seconds lie where."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..arrays import whole_file
from ..errors import SceneError
from . import compat


@dataclass(frozen=True)
class Recording:
    """Which part of a sound file a strip plays, and where.

    Attributes:
        path: the sound file.
        begin: first second of the file that is heard.
        end: last second of the file that is heard (the strip's right end; may lie beyond the file's).
        start_frame: the frame, possibly between whole frames, at which second 0 of the file lies, heard or not.
        first_frame: first frame of the strip that is heard.
        last_frame: last frame of the strip that is heard.
        speed: seconds of the file that pass in a second of the timeline.
        name: of the strip.
        packed: name of the sound datablock that holds the file, where the file itself is not on the disk.
    """

    path: Path
    begin: float
    end: float
    start_frame: float
    first_frame: int
    last_frame: int
    speed: float = 1.0
    name: str = ""
    packed: str | None = None


def place_sound(scene: Any, path: Path, frame: int = 1, *, name: str | None = None) -> Any:
    """Put a sound file on the first free channel of a scene's sequencer.

    Args:
        scene: whose sequencer.
        path: any format that Blender reads.
        frame: where its second 0 lies.
        name: of the strip; the file's own where None.

    Returns:
        The new strip.

    Raises:
        SceneError: the file is missing, or Blender cannot read it as sound.
    """
    if not path.is_file():
        raise SceneError(f"There is no sound file {path}.")
    if not compat.has_sound():
        raise SceneError("This Blender was built without sound; use another version.")
    strips = compat.strips(scene)
    taken = {strip.channel for strip in strips}
    channel = next(number for number in range(1, len(taken) + 2) if number not in taken)
    try:
        strip = strips.new_sound(name or path.stem, str(path.resolve()), channel, frame)
    except RuntimeError as reason:
        raise SceneError(f"Blender cannot read {path} as sound.") from reason
    sound = strip.sound
    if not sound.samplerate:
        strips.remove(strip)
        if not sound.users:
            bpy.data.sounds.remove(sound)
        raise SceneError(f"Blender finds no sound in {path}.")
    return strip


def recording(strip: Any, scene: Any) -> Recording:
    """What a sound or movie strip plays of its file, and where.

    Args:
        strip: a sound strip, or a movie strip whose file has sound.
        scene: the scene that it is in, whose rate counts.

    Raises:
        SceneError: it is no such strip, its file is missing, or it plays at more than one speed.
    """
    if strip is None or strip.type not in PLAYABLE or (strip.type == "SOUND" and strip.sound is None):
        raise SceneError("Select a sound strip in the sequencer first.")
    rate = float(compat.rate(scene))
    path, packed = _source(strip)
    speed = _speed(strip, path, packed, rate)
    if speed == 1.0 or strip.type != "SOUND":
        start_frame = compat.content_start(strip) - compat.trimmed_start(strip) + compat.sound_offset(strip) * rate
    else:
        lie = compat.lie(strip, scene)
        if lie.is_lost:
            raise SceneError(
                f"The retimed strip {strip.name!r} is cut for good, and shifted or before frame 0, where Blender plays "
                "it out of time: switch on Preserve Pitch in its Sound panel."
            )
        if lie.is_anywhere:
            further = next((frames for frames in range(1, 11) if not lie.trimmed(frames).is_anywhere), None)
            raise _retimed(strip) if further is None else _starts_anywhere(strip, further)
        start_frame = lie.second_zero(speed)
    first, after = compat.shown(strip)
    return Recording(
        path=path,
        begin=max(0.0, (first - start_frame) / rate * speed),
        end=(after - start_frame) / rate * speed,
        start_frame=start_frame,
        first_frame=int(first),
        last_frame=int(after) - 1,
        speed=speed,
        name=strip.name,
        packed=packed,
    )


def chosen(scene: Any) -> list[Any]:
    """The strips that an artist means: the selected ones that can sound, or the only sound that there is.

    Of a movie and its own sound, put in together, the sound alone is taken.
    """
    if scene is None or scene.sequence_editor is None:
        return []
    shown = compat.shown_strips(scene)
    able = [strip for strip in shown if strip.type in PLAYABLE and strip.select]
    if not able:
        sounds = [strip for strip in shown if strip.type == "SOUND"]
        return sounds if len(sounds) == 1 else []
    files = {_file(strip) for strip in able if strip.type == "SOUND"}
    taken = [strip for strip in able if strip.type == "SOUND" or _file(strip) not in files]
    return sorted(taken, key=lambda strip: compat.shown(strip)[0])


def strip_named(scene: Any, name: str) -> Any | None:
    """A strip of a scene by its name, or None."""
    if scene is None or scene.sequence_editor is None:
        return None
    return next((strip for strip in compat.all_strips(scene) if strip.name == name), None)


def length(path: Path, packed: str | None = None) -> float:
    """How many seconds of sound a file holds.

    Raises:
        SceneError: Blender finds no sound in it.
    """
    sound = opened(path, packed)
    try:
        rate, seconds = sound.specs[0], sound.length / max(sound.specs[0], 1.0)
    except Exception as reason:
        raise SceneError(f"Blender finds no sound in {path}.") from reason
    if not rate or seconds <= 0:
        raise SceneError(f"Blender finds no sound in {path}.")
    return float(seconds)


def opened(path: Path, packed: str | None = None) -> Any:
    """An ``aud.Sound`` of a file, or of the sound datablock that holds it.

    Raises:
        SceneError: this Blender cannot read sound, or the file or the datablock is gone.
    """
    if not compat.can_decode():
        raise SceneError(
            "This build of Blender does not let add-ons read sound: put the file into the sequencer as a "
            "plain sound strip."
        )
    import aud  # noqa: PLC0415 - not every build has it

    if packed is None:
        if not path.is_file():
            raise SceneError(f"The file {path} is missing.")
        return aud.Sound(str(path))
    held = bpy.data.sounds.get(packed)
    if held is None or held.packed_file is None:
        raise SceneError(f"The packed sound {packed!r} is gone.")
    return aud.Sound(str(_unpacked(bytes(held.packed_file.data), path.suffix)))


def _unpacked(data: bytes, suffix: str) -> Path:
    """A packed file in Blender's own temporary folder, which goes with Blender."""
    place = Path(bpy.app.tempdir) / f"lsf_{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
    if not place.is_file():
        with whole_file(place) as part:
            part.write_bytes(data)
    return place


def require_recorded_speed(strip: Any, scene: Any) -> None:
    """Where neither keys nor decoding tell whether a sound strip is retimed: compare it with a fresh one.

    Makes a scene for a moment, so it is nothing for drawing code.

    Raises:
        SceneError: it plays at another speed than recorded.
    """
    if strip.type != "SOUND" or compat.speed_keys(strip) is not None or compat.can_decode():
        return
    trial = bpy.data.scenes.new("LSF trial")
    trial.render.fps, trial.render.fps_base = scene.render.fps, scene.render.fps_base
    before = set(bpy.data.sounds)
    try:
        fresh = compat.strips(trial).new_sound("trial", strip.sound.filepath, 1, 1)
        frames = compat.content_frames(fresh) - compat.trimmed_start(strip) - compat.trimmed_end(strip)
    finally:
        bpy.data.scenes.remove(trial)
        for sound in set(bpy.data.sounds) - before:
            bpy.data.sounds.remove(sound)
    if abs(frames - compat.content_frames(strip)) > 1:
        raise _retimed(strip)


def _retimed(strip: Any) -> SceneError:
    return SceneError(
        f"The strip {strip.name!r} plays at another speed than recorded, and this version of Blender does not tell "
        "exactly where. Take its retiming away, or use Blender 5.0 or newer."
    )


def _starts_anywhere(strip: Any, frames: int = 1) -> SceneError:
    preserving = "switch on Preserve Pitch in its Sound panel, " if compat.has_stretching(strip) else ""
    further = "a frame" if frames == 1 else f"{frames:d} frames"
    return SceneError(
        f"The strip {strip.name!r} plays at another speed than recorded, and this version of Blender begins it now "
        f"earlier, now later: drag its left handle {further} to the right, {preserving}or use Blender 5.2."
    )


def _file(strip: Any) -> Path:
    if strip.type == "SOUND":
        return Path(bpy.path.abspath(strip.sound.filepath, library=strip.sound.library))
    return Path(bpy.path.abspath(strip.filepath))


def _source(strip: Any) -> tuple[Path, str | None]:
    path = _file(strip)
    if path.is_file():
        return path, None
    if strip.type == "SOUND" and strip.sound.packed_file is not None:
        return path, str(strip.sound.name)
    raise SceneError(f"The file {path} of the strip {strip.name!r} is missing; find it or choose another strip.")


def _speed(strip: Any, path: Path, packed: str | None, rate: float) -> float:
    """Seconds of the file in a second of the timeline.

    Raises:
        SceneError: it changes on the way, or cannot be told.
    """
    keys = compat.speed_keys(strip)
    if strip.type == "MOVIE":
        length(path)
        if keys:
            raise SceneError(f"The movie strip {strip.name!r} is retimed: select the sound strip beside it instead.")
        return rate / strip.fps if strip.fps > 0 else 1.0  # a movie's pictures lie one on each frame of the scene
    if keys is not None and len(keys) == 0:
        return 1.0
    if keys and not compat.tells_where_it_begins(strip):
        raise _retimed(strip)
    if keys and not compat.begins_in_time(strip):
        raise _starts_anywhere(strip)
    if keys is not None and len(keys) > 2:  # noqa: PLR2004 - the beginning and the end
        raise SceneError(
            f"The strip {strip.name!r} plays at more than one speed. Split it where the speed changes, or render it to "
            "a new sound file and use that."
        )
    if keys is None and not compat.can_decode():
        return 1.0  # require_recorded_speed looks at it when the click comes: it needs a scene to try it in
    whole = math.floor(length(path, packed) * rate + 0.5)  # a half is rounded up, as Blender does
    frames = whole - compat.trimmed_start(strip) - compat.trimmed_end(strip)
    if keys is None:
        if abs(frames - compat.content_frames(strip)) > 1:
            raise _retimed(strip)
        return 1.0
    if keys[1] <= keys[0] or frames <= 0:
        raise SceneError(f"The strip {strip.name!r} is retimed in a way that cannot be followed; take it away.")
    return float((frames - compat.frames_uncounted(strip)) / (keys[1] - keys[0]))


PLAYABLE = ("SOUND", "MOVIE")
"""Types of strips that can carry a voice."""

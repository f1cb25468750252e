"""Sound on the timeline: where a file is put, and which of its seconds lie where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

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
    """

    path: Path
    begin: float
    end: float
    start_frame: float
    first_frame: int
    last_frame: int


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
    """What a sound strip plays of its file, and where.

    Args:
        strip: a sound strip.
        scene: the scene that it is in, whose rate counts.

    Raises:
        SceneError: it is no sound strip, its file is missing, or it plays at another speed than recorded.
    """
    if strip is None or strip.type != "SOUND" or strip.sound is None:
        raise SceneError("Select a sound strip in the sequencer first.")
    if compat.is_retimed(strip):
        raise SceneError(
            f"The strip {strip.name!r} plays at another speed than recorded. Take its retiming away, or render it to a "
            "new sound file and use that."
        )
    path = Path(bpy.path.abspath(strip.sound.filepath, library=strip.sound.library))
    if not path.is_file():
        raise SceneError(
            f"The file {path} of the strip {strip.name!r} is missing; find it or unpack it to a file first."
        )
    rate = float(compat.rate(scene))
    start_frame = compat.content_start(strip) - compat.trimmed_start(strip) + compat.sound_offset(strip) * rate
    first, after = compat.shown(strip)
    return Recording(
        path=path,
        begin=max(0.0, (first - start_frame) / rate),
        end=(after - start_frame) / rate,
        start_frame=start_frame,
        first_frame=int(first),
        last_frame=int(after) - 1,
    )

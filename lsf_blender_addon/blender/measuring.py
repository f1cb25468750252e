"""A character is read when the panel first shows it: not while drawing, but a moment later."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..errors import LsfError
from . import crossing
from .faces import Face, face_of

_waiting: set[int] = set()


def soon(face: Face, shown: Callable[[], None]) -> None:
    """Read a face a moment from now, then call ``shown``; nothing happens without a window."""
    number = face.mesh.session_uid
    if number in _waiting or bpy.app.background:
        return
    _waiting.add(number)

    def read() -> None:
        _waiting.discard(number)
        mesh = next((thing for thing in bpy.data.objects if thing.session_uid == number), None)
        try:
            if mesh is not None:
                crossing.of(face_of(mesh))
        except LsfError:
            return  # it is told when the panel asks for it
        shown()

    bpy.app.timers.register(read, first_interval=0.05)

"""LSF Animation: a voice in the sequencer and a head in the scene become lips, jaw, brows and feeling as keyframes."""

from __future__ import annotations

__version__ = "0.1.0"


def register() -> None:
    """Blender switches the add-on on."""
    from . import cli  # noqa: PLC0415 - importable without bpy
    from .blender import registration  # noqa: PLC0415

    registration.register(cli.main)


def unregister() -> None:
    """Blender switches the add-on off."""
    from .blender import registration  # noqa: PLC0415

    registration.unregister()

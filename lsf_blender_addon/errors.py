"""The project's own errors: each carries a sentence that a person can act on.

Every error has a ``kind``, a short stable word that crosses the worker's pipe and that an interface can switch on.
"""

from __future__ import annotations

from typing import ClassVar


class LsfError(Exception):
    """The base of all errors that this project raises on purpose; ``str(error)`` is meant for the person."""

    kind: ClassVar[str] = "error"


class AudioError(LsfError):
    """A sound file that cannot be used: missing, empty, truncated, too short, not audio, or not finite."""

    kind: ClassVar[str] = "audio"


class ModelError(LsfError):
    """A model folder or checkpoint that does not hold together: a missing file, a wrong shape, an unknown field."""

    kind: ClassVar[str] = "model"


class HeadError(LsfError):
    """A head file that cannot be read, or lacks what is asked of it."""

    kind: ClassVar[str] = "head"


class MotionError(LsfError):
    """A motion whose shape, rate or space does not fit what is asked of it."""

    kind: ClassVar[str] = "motion"


class UntrustedFileError(LsfError):
    """A file that asks for more than reading: a pickle naming something outside the allow-list, or past its bounds."""

    kind: ClassVar[str] = "untrusted"


class DeviceError(LsfError):
    """A device that is not there, or that has no memory left for even the smallest step."""

    kind: ClassVar[str] = "device"


class WorkerError(LsfError):
    """The worker process could not start, died, or broke the protocol."""

    kind: ClassVar[str] = "worker"


class DownloadError(LsfError):
    """A file that could not be brought here whole, or that is not the one that was asked for."""

    kind: ClassVar[str] = "download"


class InstallError(LsfError):
    """The worker's Python could not be set up, or the one that was chosen does not fit."""

    kind: ClassVar[str] = "install"


class SceneError(LsfError):
    """A Blender scene or object that does not allow what is asked of it."""

    kind: ClassVar[str] = "scene"


class CancelledError(LsfError):
    """The person cancelled; nothing was changed."""

    kind: ClassVar[str] = "cancelled"

"""A motion out of, or into, any file that holds one, by the ending of its name."""

from __future__ import annotations

from pathlib import Path

from numpy.typing import ArrayLike

from ..errors import MotionError
from ..motion import FaceMotion
from .live_link import read_csv, write_csv
from .motion_json import read_json, write_json
from .published import read_npy, write_npy

KINDS = ("npz", "npy", "csv", "json")
"""Endings of files that hold a motion and nothing else."""


def kind_of(path: Path) -> str:
    """The kind of a motion's file.

    Raises:
        MotionError: its name ends otherwise.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise MotionError(f"{path} does not end in one of .{', .'.join(KINDS)}, so it is no motion.")
    return kind


def read_motion(path: Path, fps: float | None = None) -> FaceMotion:
    """Read a motion.

    Args:
        path: a file of one of :data:`KINDS`.
        fps: frames a second of a ``.csv``, which does not say it; where None, what its timecodes count to.

    Raises:
        MotionError: the file cannot be read; or a rate is given for a file that says its own.
    """
    kind = kind_of(path)
    if kind == "csv":
        return read_csv(path, fps)
    if fps is not None:
        raise MotionError(f"{path} says its own frame rate; another can only be given for a .csv.")
    if kind == "json":
        return read_json(path)
    return read_npy(path).motion if kind == "npy" else FaceMotion.load(path)


def write_motion(path: Path, motion: FaceMotion, identity: ArrayLike | None = None) -> None:
    """Write a motion, whole or not at all.

    Args:
        path: where to, of one of :data:`KINDS`.
        motion: in the space that the format holds: ``arkit`` for ``.csv``, ``flame`` for ``.npy``, any for the others.
        identity: up to 300 identity components, which only ``.npy`` has a place for.

    Raises:
        MotionError: the format cannot hold the motion, or the file cannot be written.
    """
    kind = kind_of(path)
    if kind == "npz":
        motion.save(path)
    elif kind == "npy":
        write_npy(path, motion, identity)
    elif kind == "csv":
        write_csv(path, motion)
    else:
        write_json(path, motion)

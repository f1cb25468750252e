"""``lsf convert``: a motion out of one program's file into another's."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import MotionError
from ..formats.files import KINDS, kind_of, read_motion, write_motion
from ..motion import Space
from .carrying import across_to_space, add_made_for
from .speech import described, face_shape, require_folder

SPACES: dict[str, Space] = {"csv": "arkit", "npy": "flame"}
"""Kinds of files that hold one space only."""


def add_arguments(parser: argparse.ArgumentParser, rate: Callable[[str], float]) -> None:
    """Give ``lsf convert`` its words; ``rate`` is what understands a frame rate."""
    endings = ", ".join(f".{kind}" for kind in KINDS)
    parser.description = (
        f"Write a motion as another kind of file, by the ending of its name: {endings} (.npy is the published layout "
        "of (1, T, 403), .csv what Live Link Face writes)."
    )
    parser.add_argument("motion", type=_motion, metavar="MOTION", help=f"the motion: {endings}")
    parser.add_argument("-o", "--output", type=_motion, required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--fps", type=rate, help="frames a second of the new file (default: as it is; .npy: 25)")
    parser.add_argument("--read-fps", type=rate, help="frames a second of a .csv, which does not say it itself")
    parser.add_argument(
        "--head",
        type=Path,
        metavar="FILE",
        help="the head that is to speak: a FLAME file (.pkl, .npz), for FLAME's components, .npy among them",
    )
    add_made_for(parser)
    parser.add_argument(
        "--shape", type=Path, metavar="FILE", help="whose face: up to 300 FLAME shape numbers, into a .npy"
    )


def convert(arguments: argparse.Namespace) -> None:
    """``lsf convert``.

    Raises:
        LsfError: the motion cannot be read, or not be written as that kind of file.
    """
    kind = kind_of(arguments.output)
    motion = read_motion(arguments.motion, arguments.read_fps)
    shape = face_shape(arguments.shape) if arguments.shape else None
    if shape is not None and kind != "npy":
        raise MotionError(f"A .{kind} has no place for a face shape; only .npy has.")
    carried = across_to_space(
        motion.space, SPACES.get(kind), arguments.head, arguments.made_for, shape=shape, origin=motion.origin
    )
    motion = carried(motion)
    if arguments.fps is not None and arguments.fps != motion.fps:
        motion = motion.resampled(arguments.fps)
    require_folder(arguments.output.absolute().parent)
    write_motion(arguments.output, motion, None if shape is None else np.asarray(shape))
    print(f"{arguments.output}  {described(motion)}")


def _motion(word: str) -> Path:
    if Path(word).suffix.lower().removeprefix(".") not in KINDS:
        raise argparse.ArgumentTypeError(f"{word!r} must end in one of .{', .'.join(KINDS)}")
    return Path(word)

"""``lsf convert``: a motion out of one program's file into another's, on another's face, or as points."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, MotionError
from ..formats.files import KINDS, kind_of, write_motion
from ..formats.points import at_rate, write_points
from ..head.flame import read_head
from ..models.store import bundled_head
from ..motion import FaceMotion, Space
from .carrying import across_to_space, add_made_for
from .sources import Source, neutral_face, points_of, read_source
from .speech import described, face_shape, require_folder

SPACES: dict[str, Space] = {"csv": "arkit", "npy": "flame"}
"""Kinds of files that hold one space only."""

VERTICES = "vertices"


def add_arguments(parser: argparse.ArgumentParser, rate: Callable[[str], float]) -> None:
    """Give ``lsf convert`` its words; ``rate`` is what understands a frame rate."""
    endings = ", ".join(f".{kind}" for kind in KINDS)
    parser.description = (
        f"Write a motion as another kind of file, by the ending of its name: {endings} (.npy is the published layout "
        "of (1, T, 403), .csv what Live Link Face writes); or, with --to vertices, where every point of the head lies: "
        "(T, V, 3) in a .npy, metres, y up. Such a file is also a source: its points move to another face."
    )
    parser.add_argument("motion", type=_motion, metavar="MOTION", help=f"the motion: {endings}")
    parser.add_argument("-o", "--output", type=_motion, required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--to", choices=("motion", VERTICES), help="what a .npy is to hold (default: as the source)")
    parser.add_argument("--fps", type=rate, help="frames a second of the new file (default: as it is; .npy: 25)")
    parser.add_argument(
        "--read-fps", type=rate, help="frames a second of a .csv or of points, which do not say it (points: 25)"
    )
    parser.add_argument(
        "--head",
        type=Path,
        metavar="FILE",
        help="the head that is to speak: a FLAME file (.pkl, .npz), for FLAME's components, .npy among them; of points "
        "the head that they were made on",
    )
    add_made_for(parser)
    group = parser.add_argument_group("whose face")
    chosen = group.add_mutually_exclusive_group()
    chosen.add_argument(
        "--shape",
        type=Path,
        metavar="FILE",
        help="this one's: up to 300 FLAME shape numbers (.npy, .npz, .json); for points also a face's own (.obj, .npy "
        "of (V, 3))",
    )
    chosen.add_argument("--no-shape", action="store_true", help="nobody's: the head's own neutral")
    group.add_argument(
        "--from-shape",
        type=Path,
        metavar="FILE",
        help="whose face points have (default: the head's own neutral)",
    )
    group.add_argument("--z-up", action="store_true", help="files of a face's points are in Blender's axes")


def convert(arguments: argparse.Namespace) -> None:
    """``lsf convert``.

    Raises:
        LsfError: the motion cannot be read, or not be written as that kind of file.
    """
    source = read_source(arguments.motion, arguments.read_fps)
    if source.points is not None:
        _convert_points(arguments, source)
    elif source.motion is not None:
        _convert_motion(arguments, source, source.motion)


def _convert_motion(arguments: argparse.Namespace, source: Source, motion: FaceMotion) -> None:
    kind = kind_of(arguments.output)
    for option in ("from_shape", "z_up"):
        if getattr(arguments, option):
            raise MotionError(
                f"--{option.replace('_', '-')} goes with a source of points; {arguments.motion} is a motion."
            )
    to_points = arguments.to == VERTICES
    if to_points and kind != "npy":
        raise MotionError(f"Points go into a .npy; a .{kind} has no place for them.")
    shape = face_shape(arguments.shape) if arguments.shape else None
    if (shape is not None or arguments.no_shape) and kind != "npy":
        raise MotionError(f"A .{kind} has no place for a face shape; only .npy has.")
    who = None if arguments.no_shape else source.identity if shape is None else np.asarray(shape)
    head_file = arguments.head or (bundled_head() if to_points and motion.space == "arkit" else None)
    wanted = None if to_points else SPACES.get(kind)
    if to_points and head_file is None:
        raise HeadError(
            "Where the points of a face lie is known only to its head: give the FLAME file that is to speak as --head."
        )
    carried = across_to_space(motion.space, wanted, head_file, arguments.made_for, shape=shape, origin=motion.origin)
    motion = carried(motion)
    if arguments.fps is not None and arguments.fps != motion.fps:
        motion = motion.resampled(arguments.fps)
    require_folder(arguments.output.absolute().parent)
    if to_points and head_file is not None:
        points = points_of(read_head(head_file), motion, who)
        write_points(arguments.output, points)
        print(f"{arguments.output}  {points.shape[1]} points, {described(motion)}")
    else:
        write_motion(arguments.output, motion, who)
        print(f"{arguments.output}  {described(motion)}")


def _convert_points(arguments: argparse.Namespace, source: Source) -> None:
    points = source.points
    assert points is not None  # noqa: S101 - convert() looked
    if kind_of(arguments.output) != "npy" or arguments.to == "motion":
        raise MotionError(
            f"{arguments.motion} holds points, which nobody knows the expressions of: they can go to another face and "
            "into another .npy only."
        )
    if arguments.made_for is not None:
        raise MotionError("--made-for goes with expression components; points have none.")
    head = None if arguments.head is None else read_head(arguments.head)
    if arguments.shape is not None or arguments.no_shape:
        before = neutral_face(arguments.from_shape, head, z_up=arguments.z_up)
        after = neutral_face(arguments.shape, head, z_up=arguments.z_up)
        points = points + _moved(before, after, points.shape[1]).astype(np.float32)
    elif arguments.from_shape is not None or head is not None:
        raise MotionError("Say whose face is to move: --shape FILE, or --no-shape for the head's own neutral.")
    fps = arguments.fps or source.fps
    points = at_rate(points, source.fps, fps)
    require_folder(arguments.output.absolute().parent)
    write_points(arguments.output, points)
    print(f"{arguments.output}  {points.shape[1]} points, {len(points)} frames at {fps:g} a second")


def _moved(before: NDArray[np.float64], after: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(V, 3) from one face at rest to another of the same mesh."""
    for face in (before, after):
        if len(face) != count:
            raise HeadError(f"The motion has {count} points and a face {len(face)}: they must be one mesh.")
    return after - before


def _motion(word: str) -> Path:
    if Path(word).suffix.lower().removeprefix(".") not in KINDS:
        raise argparse.ArgumentTypeError(f"{word!r} must end in one of .{', '.join(KINDS)}")
    return Path(word)

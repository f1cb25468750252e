"""A head that stands in a ``.blend``, as the command line names it: ``--head FILE.blend``, ``--object NAME``."""

from __future__ import annotations

import argparse

from ..errors import MotionError, SceneError

SCENE = ".blend"


def add_object(parser: argparse.ArgumentParser) -> None:
    """Give a command the word that says which head of a ``.blend`` is meant."""
    parser.add_argument("--object", metavar="NAME", help="the head's object in a .blend with several")


def in_scene(arguments: argparse.Namespace) -> bool:
    """Whether the head stands in a ``.blend``.

    Raises:
        MotionError: an object is named, and no such file.
        SceneError: there is no such file.
    """
    if arguments.head is None or arguments.head.suffix.lower() != SCENE:
        if arguments.object is not None:
            raise MotionError("--object names a head in a .blend: give that file with --head.")
        return False
    if not arguments.head.is_file():
        raise SceneError(f"There is no file {arguments.head}.")
    return True

"""A head that Blender alone reads: it stands in a ``.blend`` (``--object NAME``), or is ICT-FaceKit's folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import HeadError, MotionError, SceneError
from ..head.facekit import NEUTRAL, facekit_files
from ..head.model import Head

SCENE = ".blend"


def add_object(parser: argparse.ArgumentParser) -> None:
    """Give a command the word that says which head of a ``.blend`` is meant."""
    parser.add_argument("--object", metavar="NAME", help="the head's object in a .blend with several")


def is_scene(head: Path | None) -> bool:
    """Whether a head is named by a ``.blend``."""
    return head is not None and head.suffix.lower() == SCENE


def in_scene(arguments: argparse.Namespace) -> bool:
    """Whether the head stands in a ``.blend``, or in a folder that becomes a scene.

    Raises:
        MotionError: an object is named, and no such file.
        SceneError: there is no such file.
        HeadError: the folder holds no head.
    """
    head: Path | None = arguments.head
    if not is_scene(head) and arguments.object is not None:
        raise MotionError("--object names a head in a .blend: give that file with --head.")
    if head is None:
        return False
    if is_scene(head):
        if not head.is_file():
            raise SceneError(f"There is no file {head}.")
        return True
    if head.is_dir() and not facekit_files(head):
        raise HeadError(f"The folder {head} holds no head that is known: ICT-FaceKit's has a {NEUTRAL}.")
    return head.is_dir()


def scene_head(opening: Any, arguments: argparse.Namespace, made_for: Head | None) -> Any:
    """The head of :func:`in_scene`, as Blender's part takes it; ``opening`` is that module."""
    if is_scene(arguments.head):
        return opening.SceneHead(arguments.head, arguments.object, made_for)
    return opening.FolderHead(arguments.head, made_for)

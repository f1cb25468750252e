"""``.json``: a motion that any language reads, names and all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import whole_file
from ..errors import MotionError
from ..motion import EXPRESSIONS, FaceMotion
from ..texts import read_text
from .facts import facts_of

FORMAT = 1
KIND = "lsf-motion"
LARGEST = 1 << 30
"""Bytes of a file that is read."""


def write_json(path: Path, motion: FaceMotion) -> None:
    """Write a motion as one JSON object; read back by :func:`read_json`, it is the same.

    ``kind`` and ``format`` name the layout; ``space``, ``fps`` and ``start`` are the motion's; ``names`` are the 50
    expressions'; ``expression`` holds a list of 50 numbers a frame and ``jaw`` three (axis times angle, radians);
    ``facts`` says in short what ``origin`` says in full: model, licence, seed.

    Raises:
        MotionError: the file cannot be written, or the origin is not JSON.
    """
    content = {
        "kind": KIND,
        "format": FORMAT,
        "facts": facts_of(motion.origin),
        "space": motion.space,
        "fps": motion.fps,
        "start": motion.start,
        "names": EXPRESSIONS[motion.space],
        "expression": _short(motion.expression),
        "jaw": _short(motion.jaw),
        "origin": motion.origin,
    }
    try:
        text = json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n"
        with whole_file(path) as part:
            part.write_text(text, encoding="utf-8", newline="")
    except OSError as reason:
        raise MotionError(f"{path} cannot be written ({reason.strerror or reason}).") from reason
    except (TypeError, ValueError) as reason:
        raise MotionError(f"A motion's origin must be JSON values ({reason}).") from reason


def read_json(path: Path) -> FaceMotion:
    """Read what :func:`write_json` wrote; the file may come from anybody.

    Raises:
        MotionError: the file is missing, damaged, no motion, of a newer format, or its expressions are others.
    """
    try:
        content: Any = json.loads(read_text(path, LARGEST, "motion", MotionError))
        if not isinstance(content, dict) or content.get("kind") != KIND:
            raise MotionError(f"{path} is no motion: it does not say that it is of the kind {KIND!r}.")
        if content["format"] != FORMAT:
            raise MotionError(f"{path} has the format {content['format']}, and this version reads {FORMAT}.")
        space, origin = content["space"], content["origin"]
        if space not in EXPRESSIONS or tuple(content["names"]) != EXPRESSIONS[space] or not isinstance(origin, dict):
            raise MotionError(f"{path} holds other expressions than those of the spaces {', '.join(EXPRESSIONS)}.")
        return FaceMotion(
            content["expression"], content["jaw"], float(content["fps"]), space, float(content["start"]), origin
        )
    except (KeyError, ValueError, TypeError, RecursionError) as reason:
        raise MotionError(f"{path} is damaged or no motion ({reason!r}).") from reason


def _short(values: NDArray[np.float32]) -> list[list[float]]:
    """Numbers of the fewest digits that are still the same in float32."""
    made: list[list[float]] = values.astype("U").astype(np.float64).tolist()
    return made

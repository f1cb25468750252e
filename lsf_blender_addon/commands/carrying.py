"""From the space that a model or a file speaks to the one that is wanted: the way, or the reason why there is none.

What the command line says about it is ``--head``, the head that is to speak, and ``--made-for``, the FLAME file whose
components a motion speaks. Everything is tried on a face at rest first, so that nothing slow is begun in vain.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, MotionError
from ..head.basis import release_of
from ..head.crossing import to_head
from ..head.flame import read_head
from ..head.model import Head
from ..models.store import bundled_head
from ..motion import FaceMotion, Space

Carried = Callable[[FaceMotion], FaceMotion]


def as_it_is(motion: FaceMotion) -> FaceMotion:
    """Carry a motion over to where it already belongs."""
    return motion


def add_made_for(parser: argparse.ArgumentParser) -> None:
    """Give a command the word that says whose components a FLAME motion speaks."""
    parser.add_argument(
        "--made-for",
        type=Path,
        metavar="FILE",
        help="the FLAME file whose components the model or motion speaks (the published weights': FLAME 2020's), where "
        "another head is to speak: the motion is converted through the vertices",
    )


def across_to_head(
    spoken: Space,
    head: Head,
    made_for: Head | None = None,
    *,
    identity: NDArray[np.float64] | None = None,
    origin: dict[str, Any] | None = None,
) -> Carried:
    """What takes motions to a head.

    Args:
        spoken: the motions' space.
        head: the head that is to speak, in ``arkit`` or ``flame``.
        made_for: the FLAME file whose components motions in ``flame`` speak.
        identity: coefficients of the FLAME head that is to speak.
        origin: what the motions remember, where it is known before they are made.

    Raises:
        MotionError: a FLAME file is needed and not given, or not needed and given.
        HeadError: a head does not do.
    """
    if spoken == "arkit":
        if made_for is not None:
            raise MotionError(
                "--made-for names the FLAME file whose components a motion speaks, and this one speaks ARKit's: leave "
                "it out."
            )
        if head.space == "arkit":
            return as_it_is
    if (spoken, head.space, made_for) == ("flame", "arkit", None):
        raise MotionError(
            f"The motion speaks FLAME's components and the head {head.name!r} is in 'arkit': give the FLAME file that "
            "it was made for with --made-for FILE, or another head with --head, or choose a model of the head's space "
            "with --model (`lsf models list` shows them)."
        )
    ours = read_head(bundled_head())
    who = None if identity is None else np.trim_zeros(identity, "b")

    def carried(motion: FaceMotion) -> FaceMotion:
        return to_head(motion, head, bundled=ours, made_for=made_for, identity=who)

    carried(FaceMotion.still(1, 25.0, spoken, origin=origin or {}))
    return carried


def across_to_space(
    spoken: Space,
    wanted: Space | None,
    head_file: Path | None,
    made_for_file: Path | None,
    *,
    shape: tuple[float, ...] | None = None,
    origin: dict[str, Any] | None = None,
) -> Carried:
    """What takes motions to the space asked for, on that very head.

    Args:
        spoken: the motions' space.
        wanted: the space asked for; None where the head decides.
        head_file: the head that is to speak; the bundled one, where ``arkit`` is wanted.
        made_for_file: the FLAME file whose components motions in ``flame`` speak.
        shape: identity coefficients of the FLAME head that is to speak.
        origin: what the motions remember, where it is known before they are made.

    Raises:
        LsfError: a file is needed and not given, not needed and given, or cannot be read.
    """
    made_for = None if made_for_file is None else read_head(made_for_file)
    if head_file is None and (wanted is None or wanted == spoken):
        if made_for is not None:
            raise MotionError(
                "--made-for says where a motion comes from; say with --head or --space where it is to go."
            )
        return as_it_is
    if head_file is None and wanted == "flame":
        raise MotionError(
            f"The motion is in the space {spoken!r}; what FLAME's components are is known only to a FLAME file: "
            "give yours with --head FILE (FLAME's .pkl or .npz, from flame.is.tue.mpg.de)."
        )
    head = read_head(head_file or bundled_head())
    if wanted not in (None, head.space):
        needs = "a FLAME file" if wanted == "flame" else "a head with ARKit's expressions"
        raise HeadError(f"The head {head.name!r} is in the space {head.space!r}: for {wanted!r} it needs {needs}.")
    identity = None if shape is None else np.asarray(shape, np.float64)
    return across_to_head(spoken, head, made_for, identity=identity, origin=origin)


def doubt(spoken: Space, head: Head, made_for: Head | None) -> str:
    """What a person should know where nothing says whether the components are the head's own; else empty."""
    if spoken != "flame" or head.space != "flame" or made_for is not None or release_of(head.name):
        return ""
    return (
        f"The name of {head.name!r} does not say which release of FLAME it is; the model's components were taken for "
        "its own. If the model was made for another release, give that FLAME file with --made-for."
    )

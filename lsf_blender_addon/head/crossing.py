"""From a motion to a head, whatever spaces they are in: the way across, or the sentence that says why there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionError
from ..motion import FaceMotion
from .basis import basis_of, release_of, require_basis, require_known_release, same_basis, with_basis
from .model import Head
from .releases import to_release
from .retarget import to_arkit, to_flame

WAY_OUT = (
    "Give the FLAME file that the motion was made for as --made-for (the same file, if it is that one), or a name with "
    "the year to the head's file, such as FLAME2020.pkl."
)


def to_head(
    motion: FaceMotion,
    target: Head,
    *,
    bundled: Head,
    made_for: Head | None = None,
    identity: NDArray[np.floating[Any]] | None = None,
) -> FaceMotion:
    """What a motion is on a head of a known space.

    Args:
        motion: T frames.
        target: the head that is to speak, in ``arkit`` or ``flame``.
        bundled: the bundled head, which says what ``arkit`` means.
        made_for: the FLAME file whose components a motion in ``flame`` speaks; needed to leave them.
        identity: (S,) identity coefficients of the FLAME head that is to speak.

    Returns:
        The motion itself where it fits as it is; where only ``made_for`` tells that it does, one that remembers so.

    Raises:
        MotionError: a FLAME file is needed and not given, or another one; or nothing tells whether one is needed.
        HeadError: a head does not do, see ``retarget``.
    """
    if motion.space == "arkit":
        return motion if target.space == "arkit" else to_flame(motion, bundled, target, identity)
    if target.space == "flame":
        if made_for is None or same_basis(motion.origin.get("basis"), target):
            require_known_release(motion, target.name, release_of(target.name), WAY_OUT)
            require_basis(motion, target)
            return motion
        if "basis" not in motion.origin and same_basis(basis_of(made_for), target):
            return with_basis(motion, target)
        return to_release(motion, made_for, target)
    if made_for is None:
        raise MotionError(
            "The motion speaks FLAME's components, which only a FLAME file explains: give the FLAME file that it was "
            f"made for, and it is carried over to {target.name!r}."
        )
    return to_arkit(motion, made_for, target)

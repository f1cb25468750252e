"""Whose components a motion in ``flame`` speaks: FLAME's releases share a mesh and not a basis.

FLAME 2019, 2020, 2023 and 2023 Open have the same 5023 vertices, but their expression components were learnt anew. A
motion's 50 numbers mean something only with the file that they were fitted to; put on another, they make a wrong face
without any error. ``releases.to_release`` carries them over through the vertices, when both files are at hand.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionError
from ..motion import FaceMotion
from .model import Head

SPOKEN = "2020"
"""The release that ``flame`` means where a motion does not say: the published network's."""

SIGNATURE, WAVE = 12, 1.7
MICROMETRES = 1e6
ALIKE = 0.02
"""How far two signatures of one basis may differ, in parts of the largest number."""

PUBLISHED_NAMES = frozenset({"generic_model", "female_model", "male_model"})
"""What FLAME 2019's and 2020's files are called as they are published, without a year."""

YEAR = re.compile(r"20(?:19|20|23)")


def basis_of(head: Head) -> list[float]:
    """Twelve numbers, of the first twelve components, that tell one basis from another, see :func:`signature_of`."""
    return signature_of(head.expression_directions)


def signature_of(directions: NDArray[np.floating[Any]]) -> list[float]:
    """Twelve numbers that tell one basis from another.

    Each is the mean over the mesh of a component's displacements, in micrometres, weighted by waves that no file
    knows: it hardly changes when a head goes through a scene or a half-precision file, and much from basis to basis.

    Args:
        directions: (V, 3, 12 or more) metres per unit of the components, in head axes.
    """
    spoken = directions[:, :, :SIGNATURE].astype(np.float64) * MICROMETRES
    waves = np.cos(np.arange(spoken[:, :, 0].size) * WAVE + 1.0).reshape(-1, 3)
    return [round(float(value), 3) for value in np.einsum("vc,vce->e", waves, spoken) / np.sqrt(len(waves))]


def same_basis(remembered: object, head: Head) -> bool:
    """Whether what a motion remembers is a head's basis."""
    return same_signature(remembered, basis_of(head))


def same_signature(remembered: object, signature: list[float]) -> bool:
    """Whether what a motion remembers is the basis with this signature."""
    own = np.array(signature)
    try:
        given = np.asarray(remembered, np.float64)
    except (TypeError, ValueError):
        return False
    return given.shape == own.shape and bool(np.abs(given - own).max() <= ALIKE * np.abs(own).max(initial=0.0))


def with_basis(motion: FaceMotion, head: Head) -> FaceMotion:
    """The same motion, which from now on remembers in ``origin`` whose components it speaks."""
    return dataclasses.replace(motion, origin={**motion.origin, "basis": basis_of(head), "basis_name": head.name})


def release_of(name: str) -> str:
    """The year that a head's name says it was released in; empty where it says none."""
    year = YEAR.search(name)
    return "" if year is None else year.group()


def require_known_release(motion: FaceMotion, name: str, release: str, way_out: str) -> None:
    """Refuse a motion in ``flame`` on a head where nothing tells whether its components are the head's.

    Args:
        motion: one that may remember its basis.
        name: the head's; a file's as FLAME 2019 and 2020 are published is taken at its word.
        release: the head's year, empty where nothing says it.
        way_out: how a person says it.

    Raises:
        MotionError: nothing tells.
    """
    if motion.space == "flame" and "basis" not in motion.origin and not release and name not in PUBLISHED_NAMES:
        raise MotionError(
            f"Nothing says whether the motion's expression components are those of the head {name!r}: FLAME's releases "
            "make other faces of the same numbers, the motion does not remember its own, and the head's name gives no "
            f"year. {way_out}"
        )


def require_basis(motion: FaceMotion, head: Head) -> None:
    """Refuse a motion in ``flame`` on a head whose components are others, see :func:`require_signature`."""
    if motion.space == "flame":
        require_signature(motion, basis_of(head), head.name)


def require_signature(motion: FaceMotion, signature: list[float], name: str, release: str | None = None) -> None:
    """Refuse a motion in ``flame`` on a head of this name whose components have another signature.

    A motion that remembers its basis must have the head's very own. One that does not is FLAME 2020's, as the
    published network's are: it is refused where the head is of another release, by ``release`` (a year, or empty where
    unknown) or, where that is None, by its name.

    Raises:
        MotionError: they do not fit, with what to do.
    """
    remembered = motion.origin.get("basis")
    if remembered is not None:
        fits = same_signature(remembered, signature)
        whose = f"those of {motion.origin.get('basis_name', 'another file')!r}"
    else:
        fits = (release_of(name) if release is None else release) in {"", SPOKEN, "2019"}
        whose = f"FLAME {SPOKEN}'s, as far as the motion says"
    if not fits:
        raise MotionError(
            f"The motion's expression components are {whose}, and the head {name!r} has others: copied, they would "
            "make a wrong face. Give both FLAME files, the one it was made for with --made-for, and they are converted "
            "through the vertices."
        )


def without_basis(origin: dict[str, Any]) -> dict[str, Any]:
    """What a motion remembers, less whose components it spoke."""
    return {name: value for name, value in origin.items() if name not in {"basis", "basis_name"}}

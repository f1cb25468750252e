"""From one head's space to another's: the only way across.

``to_flame`` lets what is spoken in ``arkit`` be spoken by a FLAME head, and ``to_arkit`` goes back; ``to_character``
lets a character with blendshapes of its own speak either, and ``from_character`` reads them off it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError, MotionError
from ..motion import CHANNELS, FaceMotion
from .basis import require_basis, with_basis, without_basis
from .character import Channels, Character
from .fit import Fit, Solved
from .known_names import OPEN
from .model import Head
from .naming import CHANNEL_NAMES
from .sides import FIRMNESS, NAMED_FIRMNESS, character_side, firm, identity_of, promised, shaped, side_of

Floats = NDArray[np.float64]

WIDE_JAW = 0.35
"""Radians at which the bundled head's jaw is wide open."""

MOVING = 0.1
"""Millimetres that a point must go to count as moved."""

CHUNK = 1000


def to_flame(
    motion: FaceMotion, source: Head, target: Head, identity: NDArray[np.floating[Any]] | None = None
) -> FaceMotion:
    """What a motion in ``arkit`` is on a FLAME head.

    Args:
        motion: T frames in ``arkit``.
        source: the head whose lips, lids and brows say what that means, in ``arkit``: the bundled one.
        target: the head that is to speak, in ``flame``.
        identity: (S,) the target's identity coefficients; its own neutral where None.

    Returns:
        T frames in ``flame``: FLAME's first 50 expression components, each within ±3, and the jaw's axis-angle.
        ``origin`` gets ``retargeted``: from and to which head, how far named points lie from where they belong
        (``residual_mm``, root mean square, and ``worst_mm``), and the share of values that the bounds hold back; and
        ``basis``, whose components these are.

    Raises:
        MotionError: the motion is not in ``arkit``.
        HeadError: a head is in the wrong space, has too few expressions, or lacks the landmarks; or the identity does
            not fit.
    """
    if motion.space != "arkit":
        raise MotionError(
            f"Only motions in the space 'arkit' can be retargeted to FLAME; this one is {motion.space!r}."
        )
    who = identity_of(target, identity)
    fit = Fit.of(side_of(source, "arkit"), dataclasses.replace(side_of(target, "flame"), identity=who))
    solved = in_chunks(fit, motion.expression, motion.jaw)
    spoken = dataclasses.replace(
        motion,
        expression=solved.expression,
        jaw=solved.jaw,
        space="flame",
        origin={**motion.origin, "retargeted": report(source, target, solved, fit)},
    )
    return with_basis(spoken, target)


def to_arkit(
    motion: FaceMotion, source: Head, target: Head, identity: NDArray[np.floating[Any]] | None = None
) -> FaceMotion:
    """What a motion in ``flame`` is in ``arkit``.

    Args:
        motion: T frames in ``flame``.
        source: the FLAME head whose components the motion speaks.
        target: the bundled head.
        identity: (S,) the source's identity coefficients; its own neutral where None.

    Returns:
        T frames in ``arkit``, each value between 0 and 1, and the jaw's axis-angle; ``origin`` as in ``to_flame``.

    Raises:
        MotionError: the motion is not in ``flame``, or speaks other components than the source's.
        HeadError: as in ``to_flame``.
    """
    if motion.space != "flame":
        raise MotionError(
            f"Only motions in the space 'flame' can be retargeted to ARKit; this one is {motion.space!r}."
        )
    require_basis(motion, source)
    speaker = shaped(source, identity_of(source, identity))
    fit = Fit.of(side_of(speaker, "flame"), firm(side_of(target, "arkit")))
    solved = in_chunks(fit, motion.expression, motion.jaw)
    return dataclasses.replace(
        motion,
        expression=solved.expression,
        jaw=solved.jaw,
        space="arkit",
        origin={**without_basis(motion.origin), "retargeted": report(source, target, solved, fit)},
    )


def to_character(motion: FaceMotion, source: Head, target: Character) -> Channels:
    """What a motion is in a character's own blendshapes, and in its jaw bone where it has one.

    Args:
        motion: T frames in ``arkit`` or ``flame``.
        source: the head whose points say what that means: the bundled one for ``arkit``, the FLAME file whose
            components the motion speaks for ``flame``.
        target: the character.

    Returns:
        T frames for every blendshape, within its range; those that the table does not use stay at 0. ``origin`` gets
        ``retargeted`` as in ``to_flame``, in millimetres on a face of a person's size.

    Raises:
        MotionError: the motion is not in the source's space, or speaks another FLAME file's components.
        HeadError: a head lacks landmarks, or nothing of the character opens its mouth.
    """
    if motion.space != source.space:
        raise MotionError(
            f"The motion is in the space {motion.space!r} and the head {source.name!r} in {source.space!r}: "
            "they must be the same."
        )
    require_basis(motion, source)
    fit = character_fit(source, target)
    solved = in_chunks(fit, motion.expression, motion.jaw)
    return Channels(
        names=target.names,
        values=solved.expression,
        jaw=solved.jaw if target.jaw_bone is not None else None,
        fps=motion.fps,
        start=motion.start,
        origin={**without_basis(motion.origin), "retargeted": report(source, target.head, solved, fit)},
    )


def from_character(channels: Channels, source: Character, target: Head) -> FaceMotion:
    """What a character does, as a motion in ``arkit`` or ``flame``.

    Args:
        channels: T frames of the character's blendshapes and jaw.
        source: the character.
        target: the bundled head for ``arkit``, a FLAME file for ``flame``.

    Raises:
        MotionError: the channels are of another character, or hold numbers that are not finite.
        HeadError: as in ``to_character``.
    """
    if channels.names != source.names or (channels.jaw is None) != (source.jaw_bone is None):
        raise MotionError(f"These channels are not of the character {source.head.name!r}.")
    jaw = np.zeros((len(channels.values), 3), np.float32) if channels.jaw is None else channels.jaw
    if not (np.isfinite(channels.values).all() and np.isfinite(jaw).all()):
        raise MotionError("The channels hold numbers that are not finite.")
    side, named = side_of(target, target.space), None
    if target.space == "arkit":
        expressions = promised(source.names, source.table)[:, :CHANNELS]
        side = firm(side, np.where(expressions.any(axis=0), NAMED_FIRMNESS, FIRMNESS))
        # the jaw is found from where the chin goes: what opens the mouth promises no expression
        named = np.concatenate([expressions, np.zeros((1, CHANNELS))])
    fit = Fit.of(character_side(source), side, named)
    solved = in_chunks(fit, channels.values, jaw)
    motion = FaceMotion(
        expression=solved.expression,
        jaw=solved.jaw,
        fps=channels.fps,
        space="arkit" if target.space == "arkit" else "flame",
        start=channels.start,
        origin={**channels.origin, "retargeted": report(source.head, target, solved, fit)},
    )
    return with_basis(motion, target) if target.space == "flame" else motion


def character_fit(source: Head, target: Character) -> Fit:
    """The fit of a character's blendshapes to a head of a known space.

    Raises:
        HeadError: as in ``to_character``.
    """
    side = side_of(source, source.space)
    own = character_side(target)
    if target.jaw_bone is None and not target.table.opens:
        raise HeadError(
            f"Nothing of {target.head.name!r} is known to open its mouth: say in its table which blendshape follows "
            f"{OPEN!r}."
        )
    named = promised(target.names, target.table).T
    if source.space == "flame":
        named[:CHANNELS] = 0.0
    shifts = any({"jawLeft", "jawRight"} & set(row.follows) for row in target.table.rows.values() if row.used)
    return Fit.of(side, own, named.astype(np.float64), yaw=not shifts)


def residuals(
    source: Head, target: Character, strength: float = 0.5, *, fit: Fit | None = None
) -> dict[str, tuple[float, float]]:
    """How well a character can do each thing that ``arkit`` can say.

    Args:
        source: the bundled head.
        target: the character.
        strength: of each expression, 0 to 1, and of the jaw in parts of 0.35 radians; ``mouthClose`` is measured over
            a jaw as far open.
        fit: of the two, where it is at hand.

    Returns:
        Each of ``CHANNEL_NAMES`` → how far its points lie from where they belong, and how far they were to go: root
        of the mean square over the points that move, millimetres on a face of a person's size.
    """
    count = len(CHANNEL_NAMES)
    expression = np.concatenate([np.eye(CHANNELS) * strength, np.zeros((1, CHANNELS))]).astype(np.float32)
    jaw = np.zeros((count, 3), np.float32)
    # lips are closed over an open jaw: without it the one lip would be pushed through the other
    jaw[[CHANNEL_NAMES.index("mouthClose"), -1], 0] = strength * WIDE_JAW
    fit = character_fit(source, target) if fit is None else fit
    solved = fit.solved(expression, jaw)
    ways = fit.wanted_squares(expression, jaw)
    moving = ways > MOVING**2
    weight = np.maximum(moving.sum(axis=1), 1)
    left, way = (np.sqrt((squares * moving).sum(axis=1) / weight) for squares in (solved.squares, ways))
    return {name: (float(left[row]), float(way[row])) for row, name in enumerate(CHANNEL_NAMES)}


def in_chunks(fit: Fit, expression: NDArray[np.float32], jaw: NDArray[np.float32]) -> Solved:
    """Any number of frames, a few at a time: what the processor works on stays near it."""
    parts = [
        fit.solved(expression[begin : begin + CHUNK], jaw[begin : begin + CHUNK]) for begin in range(0, len(jaw), CHUNK)
    ]
    return Solved(
        np.concatenate([part.expression for part in parts]),
        np.concatenate([part.jaw for part in parts]),
        np.concatenate([part.squares for part in parts]),
    )


def report(source: Head, target: Head, solved: Solved, fit: Fit) -> dict[str, Any]:
    """What a motion's origin remembers of the way across: JSON values."""
    low, high = fit.parted.low, fit.parted.high
    held = ((solved.expression >= high - 1e-6) & (high > low)) | ((solved.expression <= low + 1e-6) & (low < 0))
    return {
        "from": source.name,
        "to": target.name,
        "residual_mm": round(float(np.sqrt(solved.squares.mean())), 4),
        "worst_mm": round(float(np.sqrt(solved.squares.max())), 4),
        "at_bounds": round(float(held.mean()), 6),
    }

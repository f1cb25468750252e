"""Heads and characters as sides of a fit: what of them moves, how far it may, and what moving it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import HeadError
from ..motion import CHANNELS
from .character import Character
from .fit import Side
from .known_names import OPEN
from .model import Head, Space
from .naming import CHANNEL_NAMES, Table

Floats = NDArray[np.float64]

LIMIT = 3.0
"""Standard deviations that an expression component may reach: beyond, FLAME's faces are none."""

SHRINKAGE = 0.05
"""Square millimetres that a component's square costs."""

FIRMNESS = 0.01
"""What a blendshape's square costs besides, in parts of all the squared millimetres that it moves."""

NAMED_FIRMNESS = 0.3
"""The same where a name says what it is expected to be, from which it then takes as much to depart."""


def side_of(head: Head, space: Space) -> Side:
    """A head of a known space as one side of a fit: 50 expressions, and a jaw that turns.

    Raises:
        HeadError: the head is in another space, or has fewer expressions.
    """
    if head.space != space:
        raise HeadError(f"The head {head.name!r} is in the space {head.space!r}, and {space!r} is needed here.")
    if head.expression_count < CHANNELS:
        raise HeadError(
            f"The head {head.name!r} has {head.expression_count} expression directions; {CHANNELS} are needed."
        )
    low, high = (-LIMIT, LIMIT) if space == "flame" else (0.0, 1.0)
    return Side(
        head=head,
        count=CHANNELS,
        turns=True,
        low=np.full(CHANNELS, low),
        high=np.full(CHANNELS, high),
        costs=np.full(CHANNELS, SHRINKAGE),
        mates=mirror_names(head.expression_names[:CHANNELS]) if space == "arkit" else None,
    )


def character_side(character: Character) -> Side:
    """A character as one side of a fit: blendshapes that the table does not use are held at 0."""
    rows = [character.table.rows[name] for name in character.names]
    free = np.array(
        [row.used and not (character.jaw_bone is not None and set(row.follows) == {OPEN}) for row in rows], bool
    )
    head = character.head
    hanging = None
    if character.jaw_bone is None:
        shares = np.array([row.follows.get(OPEN, 0.0) * row.used for row in rows])
        opening = np.linalg.norm(head.expression_directions @ shares.astype(np.float32), axis=1)
        hanging = opening.astype(np.float64) / max(float(opening.max()), 1e-9)
    mates = [
        character.names.index(mate) if mate is not None and mate in character.names else -1
        for mate in character.table.mates()
    ]
    return firm(
        Side(
            head=head,
            count=len(rows),
            turns=character.jaw_bone is not None,
            low=np.where(free, character.low, 0.0),
            high=np.where(free, character.high, 0.0),
            costs=np.full(len(rows), SHRINKAGE),
            mates=np.array(mates, np.int64),
            hanging=hanging,
        ),
        np.array([NAMED_FIRMNESS if row.follows else FIRMNESS for row in rows]),
    )


def promised(names: Sequence[str], table: Table) -> Floats:
    """(K, 51) what each of K blendshapes is expected to be of each of ``CHANNEL_NAMES``."""
    shares = np.zeros((len(names), len(CHANNEL_NAMES)))
    for number, name in enumerate(names):
        row = table.rows[name]
        for channel, share in row.follows.items() if row.used else ():
            shares[number, CHANNEL_NAMES.index(channel)] = share
    return shares


def firm(side: Side, firmness: Floats | float = FIRMNESS) -> Side:
    """The same side with costs in proportion to what its expressions move: few strong ones before many weak ones."""
    return dataclasses.replace(side, firmness=np.broadcast_to(np.asarray(firmness, np.float64), (side.count,)))


def identity_of(head: Head, identity: NDArray[np.floating[Any]] | None) -> Floats | None:
    """Identity coefficients as float64 (S,), checked against the head.

    Raises:
        HeadError: they are too many, or not finite.
    """
    who = None if identity is None else np.asarray(identity, np.float64).reshape(-1)
    if who is not None and (who.size > head.shape_count or not np.isfinite(who).all()):
        raise HeadError(
            f"{who.size} identity numbers do not fit the head {head.name!r}: it takes up to {head.shape_count}, "
            "all finite."
        )
    return who


def shaped(head: Head, identity: Floats | None) -> Head:
    """A head whose neutral face is that of an identity."""
    if identity is None:
        return head
    shaped = head.template + head.shape_directions[:, :, : len(identity)] @ identity
    return dataclasses.replace(head, template=shaped.astype(np.float32))


def mirror_names(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Which of ARKit's expressions is each one's mirror image, -1 for none."""
    swapped = [name.replace("Left", "#").replace("Right", "Left").replace("#", "Right") for name in names]
    return np.array([names.index(name) if name in names else -1 for name in swapped], np.int64)

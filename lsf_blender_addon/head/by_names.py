"""What names alone promise: a character's values for a motion where nobody knows where its lips and lids lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .known_names import OPEN
from .naming import Table
from .retarget import WIDE_JAW
from .sides import promised

Floats = NDArray[np.float64]


def promised_values(
    expression: NDArray[np.floating[Any]],
    jaw: NDArray[np.floating[Any]],
    names: Sequence[str],
    table: Table,
    *,
    turns: bool,
) -> NDArray[np.float32]:
    """What each blendshape follows, added up: for ARKit's own the very values of the motion.

    Args:
        expression: (T, 50) in ``arkit``.
        jaw: (T, 3) axis-angle, radians; ``jawOpen`` is the angle about x in parts of 0.35.
        names: K blendshapes.
        table: what they are known as.
        turns: whether a bone turns the jaw: what follows ``jawOpen`` alone then rests.

    Returns:
        (T, K), as far beyond the blendshapes' ranges as the motion is beyond 0 and 1.
    """
    shares = promised(names, table)
    if turns:
        shares[[set(table.rows[name].follows) == {OPEN} for name in names]] = 0.0
    opening = np.maximum(jaw[:, :1] / WIDE_JAW, 0.0)
    return np.asarray(np.concatenate([expression, opening], axis=1) @ shares.T, np.float32)

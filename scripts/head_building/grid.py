"""Where the grid's points lie: rays from inside the head, row by row, and the nose's points by hand."""

from __future__ import annotations

import numpy as np

from .curves import Array, through
from .surface import cast
from .topology import CAP, COLUMNS, ROWS, HalfSkin, Key

# Every second column's direction around the head, in degrees from straight ahead.
TURNS = (0, 4.5, 9, 15.5, 23.5, 32, 41, 50, 60, 71, 82, 93, 104, 118, 136, 157, 180)

# Every second row: height of the ray's start before, beside and behind the head, its depth before and behind, and its
# slope (degrees) before and behind.
LINES: tuple[tuple[float, float, float, float, float, float, float], ...] = (
    (5.0, 5.0, 5.0, -1, -1, 58, 58),
    (5.0, 5.0, 5.0, -1, -1, 44, 44),
    (5.0, 5.0, 5.0, -1, -1, 29, 29),
    (5.0, 5.0, 5.0, -1, -1, 15, 15),
    (4.8, 4.8, 5.0, -1, -1, 3.5, 3.5),
    (3.75, 4.0, 4.2, -1, -1, 0, 0),
    (2.0, 2.6, 3.0, -1, -1, 0, 0),
    (0.45, 1.1, 1.8, -1, -1, 0, 0),
    (-0.45, -0.1, 0.9, -1, -1, 0, 0),
    (-1.25, -1.2, 0.0, -1, -1, 0, 0),
    (-2.1, -2.2, -0.9, -1, -1, 0, 0),
    (-2.75, -2.8, -1.8, -1, -1, 0, 0),
    (-3.45, -3.3, -2.6, -1, -1, 0, 0),
    (-5.0, -3.9, -3.6, -1, -1, 0, 0),
    (-6.55, -4.5, -4.6, -1, -1, 0, 0),
    (-7.4, -5.0, -5.4, -1, -1.5, 0, 0),
    (-8.2, -5.2, -6.2, 0, -2, -4, 0),
    (-7.2, -5.0, -7.2, 2.5, -2.5, -32, 0),
    (-7.0, -5.2, -8.1, 2.5, -3, -56, 0),
    (-9.9, -8.6, -9.0, -3, -3, 0, 0),
    (-11.6, -11.2, -11.2, -3, -3, 0, 0),
    (-13.8, -13.8, -13.8, -3.5, -3.5, 0, 0),
    (-16.2, -16.2, -16.2, -4, -4, 0, 0),
)

# The nose by hand: (column, row) → point before it is laid onto the clay.
NOSE: dict[tuple[int, int], tuple[float, float, float]] = {
    (0, 18): (0, -1.15, 10.7),
    (1, 18): (0.36, -1.15, 10.6),
    (2, 18): (0.72, -1.18, 10.2),
    (3, 18): (1.1, -1.2, 9.5),
    (4, 18): (1.55, -1.25, 9.0),
    (5, 18): (1.95, -1.3, 8.3),
    (0, 19): (0, -1.75, 10.7),
    (1, 19): (0.38, -1.75, 10.6),
    (2, 19): (0.78, -1.75, 10.2),
    (3, 19): (1.2, -1.72, 9.6),
    (4, 19): (1.7, -1.7, 9.1),
    (5, 19): (2.0, -1.8, 8.4),
    (0, 20): (0, -2.3, 10.2),
    (1, 20): (0.36, -2.3, 10.1),
    (2, 20): (0.75, -2.25, 9.8),
    (3, 20): (1.2, -2.15, 9.4),
    (4, 20): (1.72, -2.1, 9.0),
    (5, 20): (2.05, -2.15, 8.4),
    (0, 21): (0, -2.65, 9.6),
    (1, 21): (0.38, -2.55, 9.5),
    (3, 21): (1.3, -2.4, 9.0),
    (4, 21): (1.7, -2.45, 8.7),
    (5, 21): (2.0, -2.55, 8.3),
    (0, 22): (0, -2.85, 9.0),
    (1, 22): (0.42, -2.75, 9.0),
    (2, 22): (0.85, -2.6, 8.9),
    (3, 22): (1.25, -2.6, 8.75),
    (4, 22): (1.6, -2.75, 8.5),
    (5, 22): (1.95, -2.85, 8.2),
}


def _rays(columns: Array, rows: Array) -> tuple[Array, Array]:
    turn = np.deg2rad(through(range(0, COLUMNS + 1, 2), TURNS, columns))
    lines = through(range(0, ROWS + 1, 2), LINES, rows)
    forward = (1 + np.cos(turn)) / 2
    side = np.sin(turn) ** 2
    height = (lines[:, 0] * forward + lines[:, 2] * (1 - forward)) * (1 - side) + lines[:, 1] * side
    depth = lines[:, 3] * forward + lines[:, 4] * (1 - forward)
    slope = np.deg2rad(lines[:, 5] * forward + lines[:, 6] * (1 - forward))
    direction = np.stack([np.sin(turn) * np.cos(slope), np.sin(slope), np.cos(turn) * np.cos(slope)], axis=-1)
    centre = np.stack([np.zeros_like(height), height, depth], axis=-1)
    return centre, direction


def laid_grid(skin: HalfSkin) -> dict[Key, Array]:
    """First places of the grid's and the crown patch's points, on the clay."""
    keys = [k for k in skin.index if k[0] == "grid"]
    columns = np.array([float(str(k[1])) for k in keys])
    rows = np.array([float(str(k[2])) for k in keys])
    centre, direction = _rays(columns, rows)
    hits = cast(centre + 22.0 * direction, -direction)
    places = dict(zip(keys, hits, strict=True))
    for (column, row), point in NOSE.items():
        places["grid", column, row] = np.array(point, dtype=np.float64)
    crown = [k for k in skin.index if k[0] == "cap"]
    start = []
    for _, a, b in crown:
        across, along = float(str(a)) / CAP, float(str(b)) / CAP - 1.0
        # the square's rim lies on the crown's ring: squeeze the square into the disc
        reach = max(across, abs(along))
        length = float(np.hypot(across, along))
        disc = np.array([across, -along]) * (reach / length if length else 0.0)
        start.append([disc[0] * 4.3, 0.0, -1.0 + disc[1] * 4.3])
    above = np.array(start) + np.array([0.0, 30.0, 0.0])
    down = np.tile(np.array([0.0, -1.0, 0.0]), (len(crown), 1))
    places.update(zip(crown, cast(above, down), strict=True))
    return places

"""Ways along a mesh's edges."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Edges:
    """Part of a mesh as a graph.

    Attributes:
        places: (V, 3) of its vertices.
        neighbours: of each vertex that takes part.
        toll: (V,) how many times as long ways count that lead to a vertex; None for all alike.
    """

    places: Floats
    neighbours: dict[int, frozenset[int]]
    toll: Floats | None = None

    @classmethod
    def of(
        cls, places: Floats, faces: NDArray[np.integer[Any]], near: NDArray[np.bool_], toll: Floats | None = None
    ) -> Edges:
        """The faces (F, 4), triangles with -1, of which some vertex is in ``near`` (V,)."""
        found: dict[int, set[int]] = {}
        for face in faces[(near[faces] & (faces >= 0)).any(axis=1)]:
            ring = [int(vertex) for vertex in face if vertex >= 0]
            for first, second in zip(ring, [*ring[1:], ring[0]], strict=True):
                found.setdefault(first, set()).add(second)
                found.setdefault(second, set()).add(first)
        return cls(places, {vertex: frozenset(others) for vertex, others in found.items()}, toll)

    def way(self, begin: int, end: int, allowed: Callable[[int], bool] = lambda _: True) -> list[int]:
        """The vertices of the shortest way over allowed ones (Dijkstra 1959); empty where there is none."""
        length, before, waiting = {begin: 0.0}, {begin: begin}, [(0.0, begin)]
        while waiting:
            so_far, here = heapq.heappop(waiting)
            if here == end:
                break
            if so_far > length[here]:
                continue
            for there in self.neighbours.get(here, ()):
                if not allowed(there):
                    continue
                length_there = float(np.linalg.norm(self.places[here] - self.places[there]))
                longer = so_far + length_there * (1.0 if self.toll is None else float(self.toll[there]))
                if longer < length.get(there, np.inf):
                    length[there], before[there] = longer, here
                    heapq.heappush(waiting, (longer, there))
        if end not in before:
            return []
        line = [end]
        while line[-1] != begin:
            line.append(before[line[-1]])
        return line[::-1]

"""A small, strict reader of binary glTF: what a game engine would make of a head, in plain numpy."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb:
    """A parsed ``.glb``: ``tree`` is its JSON, ``array(i)`` an accessor as (count, width)."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size = struct.unpack_from("<I", data, 12)[0]
        self.tree: dict[str, Any] = json.loads(data[20 : 20 + size])
        self.bytes = data[28 + size :]

    def array(self, index: int) -> np.ndarray:
        """(count, width) values of an accessor, sparse ones filled in."""
        accessor = self.tree["accessors"][index]
        kind, width, count = TYPES[accessor["componentType"]], WIDTHS[accessor["type"]], accessor["count"]
        if "bufferView" in accessor:
            values = self._view(accessor["bufferView"], kind, count * width, accessor.get("byteOffset", 0))
        else:
            values = np.zeros(count * width, kind)
        values = values.reshape(count, width).copy()
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            where, what = sparse["indices"], sparse["values"]
            rows = self._view(
                where["bufferView"], TYPES[where["componentType"]], sparse["count"], where.get("byteOffset", 0)
            )
            given = self._view(what["bufferView"], kind, sparse["count"] * width, what.get("byteOffset", 0))
            values[rows] = given.reshape(-1, width)
        return values

    def _view(self, index: int, kind: Any, count: int, offset: int) -> np.ndarray:
        view = self.tree["bufferViews"][index]
        return np.frombuffer(self.bytes, kind, count, view.get("byteOffset", 0) + offset)

    def channel(self, node: int, path: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Times and values of the one animation's channel for a node, or None."""
        (animation,) = self.tree["animations"]
        for channel in animation["channels"]:
            if (channel["target"]["node"], channel["target"]["path"]) == (node, path):
                sampler = animation["samplers"][channel["sampler"]]
                return self.array(sampler["input"])[:, 0], self.array(sampler["output"])
        return None

    def value(self, node: int, path: str, second: float) -> np.ndarray:
        """A node's property at a time that has a key, or its rest value."""
        here = self.tree["nodes"][node]
        rest = {"translation": [0, 0, 0], "rotation": [0, 0, 0, 1], "scale": [1, 1, 1]}
        found = self.channel(node, path)
        if found is None:
            return np.array(here.get(path, rest.get(path)), float)
        times, values = found
        key = int(np.argmin(np.abs(times - second)))
        if len(times) > 1:
            assert abs(times[key] - second) < 1e-4
        return values.reshape(len(times), -1)[key].astype(float)

    def matrices(self, second: float) -> dict[int, np.ndarray]:
        """Every node's 4 x 4 world matrix at a time."""
        nodes = self.tree["nodes"]
        parents = {child: parent for parent, node in enumerate(nodes) for child in node.get("children", ())}

        def local(node: int) -> np.ndarray:
            x, y, z, w = self.value(node, "rotation", second)
            turn = np.array(
                [
                    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
                ]
            )
            matrix = np.eye(4)
            matrix[:3, :3] = turn * self.value(node, "scale", second)
            matrix[:3, 3] = self.value(node, "translation", second)
            return matrix

        def world(node: int) -> np.ndarray:
            return world(parents[node]) @ local(node) if node in parents else local(node)

        return {node: world(node) for node in range(len(nodes))}

    def vertices(self, second: float) -> tuple[np.ndarray, np.ndarray]:
        """(N, 3) rest positions and (N, 3) positions at a time, of the one skinned mesh, all its parts together."""
        (place,) = (index for index, node in enumerate(self.tree["nodes"]) if "mesh" in node)
        node = self.tree["nodes"][place]
        mesh, skin = self.tree["meshes"][node["mesh"]], self.tree["skins"][node["skin"]]
        weights = (
            self.value(place, "weights", second)
            if self.channel(place, "weights")
            else np.array(mesh.get("weights", []))
        )
        world = self.matrices(second)
        inverse = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        joints = np.stack([world[joint] for joint in skin["joints"]]) @ inverse
        rest, posed = [], []
        for part in mesh["primitives"]:
            base = self.array(part["attributes"]["POSITION"]).astype(float)
            moved = base.copy()
            for weight, target in zip(weights, part.get("targets", ()), strict=True):
                moved += weight * self.array(target["POSITION"])
            total = np.zeros((len(base), 4, 4))
            for number in range(4):
                if f"JOINTS_{number}" in part["attributes"]:
                    which = self.array(part["attributes"][f"JOINTS_{number}"])
                    much = self.array(part["attributes"][f"WEIGHTS_{number}"])
                    total += np.einsum("vk,vkij->vij", much, joints[which])
            rest.append(base)
            posed.append(np.einsum("vij,vj->vi", total, np.c_[moved, np.ones(len(moved))])[:, :3])
        return np.concatenate(rest), np.concatenate(posed)

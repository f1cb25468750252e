"""All parts of the head in one mesh, with what later steps ask of every point: its part, its side, its mirror image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import eyes, lids, teeth
from .curves import Array, Indices
from .skin import Skin, build_skin
from .topology import EYE, MOUTH, Faces

MATERIALS = (
    "skin",
    "lips",
    "mouth_inside",
    "mouth_lining",
    "mouth_middle",
    "mouth_back",
    "mouth_deep",
    "eye_rim",
    "eye_white",
    "limbus",
    "iris",
    "pupil",
    "teeth",
    "teeth_back",
    "teeth_deep",
    "gums",
    "gums_middle",
    "gums_back",
    "tongue",
    "tongue_middle",
    "tongue_back",
    "tongue_deep",
    "brows",
    "lashes",
)
NOSTRIL_DARK = 2
LIP_BACK = 11  # the mouth's rings: lips, then their and the cheeks' lining, darker step by step
LINING = (  # beyond which ring it is so dark
    (LIP_BACK, "mouth_lining"),
    (13, "mouth_middle"),
    (15, "mouth_back"),
    (17, "mouth_deep"),
    (18, "mouth_inside"),
)
LID_MARGIN = 7  # the ring where the lids' skin ends and their moist edge begins
FLIP = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Body:
    """The head at rest, in centimetres.

    Attributes:
        points: Places (V, 3).
        quads: Faces (F, 4), counter-clockwise from outside.
        material: Number into MATERIALS for every face (F,).
        mirror: The number of every point's mirror image (V,).
        parts: Part name → the numbers of its points on the left and the middle, as the part was made.
        skin: The skin; its points are the first.
    """

    points: Array
    quads: Faces
    material: Indices
    mirror: Indices
    parts: dict[str, Indices]
    skin: Skin

    def both(self, part: str) -> Indices:
        """The numbers of a part's points on both sides."""
        own = self.parts[part]
        return np.asarray(np.unique(np.concatenate([own, self.mirror[own]])))

    def mirrored(self, field: Array) -> Array:
        """A left field (V, 3) as the right side's."""
        return np.asarray(field[self.mirror] * FLIP)


def _volume(points: Array, quads: Faces) -> float:
    q = points[quads] - points.mean(axis=0)
    return float(np.einsum("ij,ij->", np.cross(q[:, 2] - q[:, 0], q[:, 3] - q[:, 1]), q.mean(axis=1)))


def _outward(piece: eyes.Piece) -> eyes.Piece:
    if _volume(piece.points, piece.quads) >= 0:
        return piece
    return eyes.Piece(piece.points, piece.quads[:, ::-1], piece.materials)


def lid_ring(points: Array, skin: Skin) -> Array:
    """The lid margin's outer ring that lashes grow from (24, 3)."""
    return np.asarray(points[skin.ring(EYE, 6)])


def lash_pieces(ring: Array) -> tuple[eyes.Piece, eyes.Piece]:
    """Upper and lower lashes on a lid ring."""
    upper, lower = eyes.lash_rims(ring)
    return eyes.lashes(upper, upper=True), eyes.lashes(lower, upper=False)


def _skin_materials(skin: Skin) -> Indices:
    names = np.zeros(len(skin.quads), dtype=np.int64)
    kind = []
    for key in skin.keys:
        if key[0] == "mouth":
            kind.append(int(str(key[1])))
        elif key[0] == "eye" and int(str(key[1])) >= LID_MARGIN:
            kind.append(-2 - int(str(key[1])))
        else:
            deep = key[0] in {"mouth_patch", "nostril_patch", "ear_patch"} or (
                key[0] == "nostril" and int(str(key[1])) >= NOSTRIL_DARK
            )
            kind.append(100 if deep else -1)
    rings = np.array(kind)[skin.quads]
    deepest, nearest = rings.max(axis=1), rings.min(axis=1)
    names[(nearest >= 4) & (deepest <= LIP_BACK)] = MATERIALS.index("lips")
    names[(nearest < -1) & (deepest < -1)] = MATERIALS.index("eye_rim")
    for last, name in LINING:
        names[deepest > last] = MATERIALS.index(name)
    return names


def build_body() -> Body:
    """The head at rest with all its parts."""
    skin = build_skin()
    upper_lash, lower_lash = lash_pieces(lid_ring(skin.points, skin))
    pieces = {
        "eyeball": _outward(eyes.eyeball()),
        "teeth_upper": teeth.arch_teeth(upper=True),
        "teeth_lower": teeth.arch_teeth(upper=False),
        "gum_upper": _outward(teeth.gum(upper=True)),
        "gum_lower": _outward(teeth.gum(upper=False)),
        "tongue": _outward(teeth.tongue()),
        "brow": eyes.brow(),
        "lash_upper": upper_lash,
        "lash_lower": lower_lash,
    }
    points, quads, material = [skin.points], [skin.quads], [_skin_materials(skin)]
    mirror = [skin.mirror]
    parts = {"skin": np.flatnonzero(skin.left)}
    total = len(skin.points)
    for name, piece in pieces.items():
        count = len(piece.points)
        aside = np.flatnonzero(np.abs(piece.points[:, 0]) > 1e-9)
        twin = np.arange(count)
        twin[aside] = count + np.arange(len(aside))
        points += [piece.points, piece.points[aside] * FLIP]
        quads += [piece.quads + total, twin[piece.quads][:, ::-1] + total]
        number = np.array([MATERIALS.index(m) for m in piece.materials], dtype=np.int64)
        material += [number, number]
        mirror.append(np.concatenate([twin, aside]) + total)
        parts[name] = np.arange(total, total + count)
        total += count + len(aside)
    return Body(
        points=np.concatenate(points),
        quads=np.concatenate(quads).astype(np.int32),
        material=np.concatenate(material),
        mirror=np.concatenate(mirror),
        parts=parts,
        skin=skin,
    )


def mouth_rings(body: Body, number: int) -> Indices:
    """One ring of the left half mouth (21,), upper middle to lower middle."""
    return body.skin.ring(MOUTH, number)


def lid_half() -> int:
    """Points of one lid from corner to corner, less one."""
    return lids.HALF

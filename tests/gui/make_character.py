"""A character whose face is found by nothing but a person's clicks: ``BLENDERS_PYTHON make_character.py FOLDER``.

Writes ``unknown.blend``, a head without blinks on a mesh of its own, its mouth open as an artist would open it to see
the inner rims of the lips; and ``unknown.json``, which vertex is which point.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from lsf_blender_addon.head.picking import PICKED_NAMES
from tests.head.bundled import head
from tests.head.characters import shapes_of
from tests.needs_bpy.scene_characters import character


def main(folder: Path) -> None:
    """Make both files."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    shapes = {name: move for name, move in shapes_of(opening=True).items() if "Blink" not in name}
    mesh = character(shapes, "unknown")
    mesh.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    bpy.context.view_layer.objects.active = mesh
    mesh.select_set(state=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "unknown.blend"))
    marks = head().landmarks
    main_rows = {name: int(marks[name].vertices[np.argmax(marks[name].weights)]) for name in PICKED_NAMES}
    (folder / "unknown.json").write_text(json.dumps(main_rows), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

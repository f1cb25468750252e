#!/usr/bin/env python3
"""Make the README's picture: eight moments of the demo's head, as far from each other as its speech goes.

Run scripts/demo.py first; then, with .venv's Python:

    .venv/bin/python scripts/make_picture.py [out/hello] [docs/pictures/speaking.png]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import bpy

from environment import REPOSITORY
from lsf_blender_addon.blender import film, render
from lsf_blender_addon.errors import LsfError
from lsf_blender_addon.moments import moments, poses_of
from lsf_blender_addon.motion import FaceMotion

MOMENTS, COLUMNS = 8, 4
PICTURE = render.Picture(width=320, height=360, smooth="16")


def main() -> int:
    """Choose the moments, render them, put them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("take", nargs="?", type=Path, default=REPOSITORY / "out" / "hello", help="path without ending")
    parser.add_argument("picture", nargs="?", type=Path, default=REPOSITORY / "docs" / "pictures" / "speaking.png")
    arguments = parser.parse_args()
    try:
        motion = FaceMotion.load(arguments.take.with_suffix(".npz"))
        bpy.ops.wm.open_mainfile(filepath=str(arguments.take.with_suffix(".blend").resolve()))
        scene = bpy.context.scene
        rate = scene.render.fps / scene.render.fps_base
        frames = [
            scene.frame_start + round(moment / motion.fps * rate) for moment in moments(poses_of(motion), MOMENTS)
        ]
        with tempfile.TemporaryDirectory() as folder:
            wanted = {Path(folder) / f"{frame:06d}.png": frame for frame in frames}
            film.sheet(render.stills(scene, wanted, PICTURE), arguments.picture.resolve(), COLUMNS)
    except (LsfError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments.picture}: frames {', '.join(map(str, frames))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

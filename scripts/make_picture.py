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
import numpy as np
from numpy.typing import NDArray

from environment import REPOSITORY
from lsf_blender_addon.blender import render
from lsf_blender_addon.errors import LsfError
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
        frames = [scene.frame_start + round(moment / motion.fps * rate) for moment in moments(motion, MOMENTS)]
        with tempfile.TemporaryDirectory() as folder:
            wanted = {Path(folder) / f"{frame:06d}.png": frame for frame in frames}
            render.sheet(render.stills(scene, wanted, PICTURE), arguments.picture.resolve(), COLUMNS)
    except (LsfError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments.picture}: frames {', '.join(map(str, frames))}")
    return 0


def moments(motion: FaceMotion, count: int) -> list[int]:
    """Frames of the motion, in order of time, each chosen as the one least like those chosen before."""
    poses = np.concatenate([motion.expression, 4.0 * motion.jaw], axis=1)
    chosen = [int(np.argmax(np.linalg.norm(poses, axis=1)))]
    far: NDArray[np.floating] = np.linalg.norm(poses - poses[chosen[0]], axis=1)
    while len(chosen) < min(count, motion.frames):
        chosen.append(int(np.argmax(far)))
        far = np.minimum(far, np.linalg.norm(poses - poses[chosen[-1]], axis=1))
    return sorted(chosen)


if __name__ == "__main__":
    raise SystemExit(main())

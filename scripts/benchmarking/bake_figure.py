"""Keyframes into Blender: 50 channels of 15,000 frames."""

from __future__ import annotations

import statistics
import time
from typing import Any

import bpy
import numpy as np

from lsf_blender_addon.blender import bake, faces, rig
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.models.store import bundled_head
from lsf_blender_addon.motion import FaceMotion

CHANNELS = 50
FRAMES = 15_000
RUNS = 3


def measure() -> dict[str, Any]:
    """Bake ten minutes at 25 frames a second onto the bundled head; planning is reported apart."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 25
    head = read_head(bundled_head())
    made = rig.build_rig(head)
    dice = np.random.default_rng(0)
    motion = FaceMotion(
        dice.random((FRAMES, CHANNELS), np.float32), np.zeros((FRAMES, 3), np.float32), 25.0, head.space
    )
    plans, writes = [], []
    keys = 0
    for _ in range(RUNS):
        begin = time.perf_counter()
        planned = bake.plan(faces.face_of(made.mesh), motion, bake.BakeSettings(jaw=False))
        between = time.perf_counter()
        report = bake.write(planned)
        writes.append(time.perf_counter() - between)
        plans.append(between - begin)
        keys = report.keys
    return {
        "seconds": round(statistics.median(writes), 3),
        "planning": round(statistics.median(plans), 3),
        "keys": keys,
        "blender": bpy.app.version_string,
    }

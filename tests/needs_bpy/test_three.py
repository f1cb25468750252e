"""A browser's engine, three.js in a headless Chromium, shows a ``.glb`` as Blender shows the scene."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, faces, rig
from lsf_blender_addon.blender.export import export
from tests.head.bundled import head
from tests.head.speaking import spoken
from tests.needs_bpy.npm_packages import packages

cKDTree = pytest.importorskip("scipy.spatial", reason="points are found again with it").cKDTree  # noqa: N816 its name

HERE = Path(__file__).parent
NO_BROWSER = 3
"""What ``vertices.js`` returns where Chromium does not start, or does not answer in time."""

SAME_POINT = 1e-6
MILLIMETRE = 1e-3
BACK = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""glTF's axes → Blender's."""


def seen_by_three(file: Path, seconds: list[float]) -> dict[str, Any]:
    folder = packages(HERE / "three", "three")
    words = [str(second) for second in seconds]
    done = subprocess.run(
        ["node", HERE / "three" / "vertices.js", folder, file, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode == NO_BROWSER:
        pytest.skip(f"Chromium does not run here: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert "failed" not in found, found["failed"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("prune", [False, True])
def test_three_js_shows_blenders_vertices_at_three_times(tmp_path: Path, *, prune: bool, evaluated: Any) -> None:
    motion = spoken(60)[0]
    scene = bpy.context.scene
    compat.set_rate(scene, motion.fps)
    face = faces.face_of(rig.build_rig(head()).mesh)
    report = bake.write(bake.plan(face, motion, bake.BakeSettings(start_frame=1)))
    scene.frame_start, scene.frame_end = 1, report.last_frame
    rest = np.array([point.co for point in face.keys.reference_key.data])
    frames = [1, 17, 43]
    shown = np.stack([evaluated(face.mesh, frame) for frame in frames])
    path = export("glb", face, tmp_path / "head.glb", scene, prune=prune)
    found = seen_by_three(path, [(frame - 1) / motion.fps for frame in frames])
    assert found["clips"] == 1
    theirs = np.array(found["frames"]).reshape(len(frames), -1, 3) @ BACK.T
    places = np.array(found["rest"]).reshape(-1, 3) @ BACK.T
    assert len(places) >= len(rest)
    # a vertex of the file is every vertex of the mesh that lies there at rest: the file splits some and joins none
    candidates = cKDTree(rest).query_ball_point(places, SAME_POINT)
    assert all(candidates)
    away = [
        min(np.linalg.norm(theirs[:, row] - shown[:, vertex], axis=1).max() for vertex in same)
        for row, same in enumerate(candidates)
    ]
    assert max(away) < 0.1 * MILLIMETRE
    assert np.linalg.norm(shown[1] - shown[0], axis=1).max() > 2 * MILLIMETRE  # it does move

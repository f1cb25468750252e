"""A third party's character speaks from the command line, and reads as well on it as on the bundled head."""

from __future__ import annotations

import importlib.util
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.cli import main
from lsf_blender_addon.head.character import mouth_track_of
from lsf_blender_addon.head.landmarks import mouth_track
from lsf_blender_addon.head.retarget import to_character
from lsf_blender_addon.motion import FaceMotion
from tests.head.bundled import head
from tests.head.characters import facekit
from tests.head.facekit_folder import facekit_folder

AS_WELL = 0.05 + 1e-9
"""How far two scores of the six recordings may lie apart: one of their twenty closures, which is just .05."""


@pytest.mark.slow
def test_scores_on_a_third_party_face_are_those_on_ours(shared: Path, tmp_path: Path) -> None:
    """Six recordings of real voices, scored on both faces by a scorer that is not ours."""
    scorer = runpy.run_path(str(shared / "tools" / "lipsync_score.py"))
    character = facekit(shared)
    ours, theirs = [], []
    for aligned in sorted((shared / "wav").glob("*.align.json")):
        name = aligned.name.removesuffix(".align.json")
        sound, made = shared / "wav" / f"{name}.wav", tmp_path / f"{name}.npz"
        assert main(["predict", str(sound), "-o", str(made), "--device", "cpu"]) == 0
        motion, phones = FaceMotion.load(made), json.loads(aligned.read_text(encoding="utf-8"))
        ours.append(scorer["score"](mouth_track(head(), motion), phones))
        said = to_character(motion, head(), character)
        theirs.append(scorer["score"](mouth_track_of(character, said), phones))
    assert len(ours) == 6
    before, after = scorer["pool"](ours), scorer["pool"](theirs)
    for measure in set(before) - {"lag_ms"}:
        assert after[measure] == pytest.approx(before[measure], abs=AS_WELL), measure
    assert abs(after["lag_ms"] - before["lag_ms"]) <= 10


@pytest.mark.slow
def test_the_published_folder_speaks_what_its_arrays_would(shared: Path, repository: Path, tmp_path: Path) -> None:
    """``--head FOLDER``, all 57 units, the bundled starter; what is keyed is what retargeting says of the npz."""
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("a folder as head needs bpy")
    import bpy  # noqa: PLC0415

    from lsf_blender_addon.blender import compat  # noqa: PLC0415

    folder = facekit_folder(shared, tmp_path / "ICT-FaceKit", identities=1)
    words = ["animate", str(repository / "samples" / "hello.wav"), "--head", str(folder), "-o", str(tmp_path / "out")]
    assert main([*words, "--blend", "--glb", "--device", "cpu"]) == 0
    assert (tmp_path / "out" / "hello.glb").read_bytes()[:4] == b"glTF"
    motion, character = FaceMotion.load(tmp_path / "out" / "hello.npz"), facekit(shared)
    said = to_character(motion, head(), character)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "hello.blend"))
    (mesh,) = (thing for thing in bpy.data.objects if thing.type == "MESH")
    assert len(mesh.data.shape_keys.key_blocks) == 1 + 57
    frames = np.arange(1, 1 + motion.frames)
    curves = {curve.data_path.split('"')[1]: curve for curve in compat.curves_of(mesh.data.shape_keys)}
    assert len(curves) >= 50
    for name, curve in curves.items():
        keyed = [curve.evaluate(frame) for frame in frames]
        np.testing.assert_allclose(keyed, said.values[:, said.names.index(name)], atol=2e-3, err_msg=name)
    bpy.ops.wm.read_factory_settings(use_empty=True)

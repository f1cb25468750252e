"""The starter reads as well on a third party's character as on the bundled head."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from lsf_blender_addon.cli import main
from lsf_blender_addon.head.character import mouth_track_of
from lsf_blender_addon.head.landmarks import mouth_track
from lsf_blender_addon.head.retarget import to_character
from lsf_blender_addon.motion import FaceMotion
from tests.head.bundled import head
from tests.head.characters import facekit


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
        assert after[measure] == pytest.approx(before[measure], abs=0.05), measure
    assert abs(after["lag_ms"] - before["lag_ms"]) <= 10

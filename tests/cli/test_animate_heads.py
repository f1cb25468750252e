"""``lsf animate --head``: what goes with a head in a .blend, and what is refused before anything is begun."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Refused


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--object", "Face"], "--object names a head in a .blend"),
        (["--head", "scene.blend", "--npz"], "changes nothing about a motion alone"),
        (["--head", "missing.blend"], "no file missing.blend"),
        (["--head", "scene.blend", "--name", "scene", "--blend", "-o", "."], "would be written over"),
        (["--head", "kit", "--npz"], "ICT-FaceKit's head changes nothing about a motion alone"),
        (["--head", "empty"], "The folder empty holds no head that is known"),
        (["--head", "kit", "--object", "Face"], "--object names a head in a .blend"),
        (["--npy"], "--head"),
        (["--name", "../up"], "cannot be the name"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(words: list[str], complaint: str, refused: Refused) -> None:
    soundfile.write("a.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    Path("scene.blend").write_bytes(b"BLENDER")
    Path("kit").mkdir()
    Path("kit", "generic_neutral_mesh.obj").write_text("v 0 0 0\n", encoding="utf-8")
    Path("empty").mkdir()
    refused(["animate", "a.wav", "-o", "out", *words], complaint)

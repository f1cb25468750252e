"""A FLAME head as other tools make it, from sound to keys, with a model that speaks FLAME under terms like FLAME's."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import compat, faces, failures, kept, operators, rig, strips
from lsf_blender_addon.blender.bake import MARK
from lsf_blender_addon.models.card import CARD_NAME, LicenceCard, RangesCard, read_card
from lsf_blender_addon.models.store import MODELS_VARIABLE

pytestmark = pytest.mark.usefixtures("_needs_sound", "_switched_on")

VOICE = Path(__file__).parents[2] / "samples" / "hello.wav"
NARROW = RangesCard((-0.5, 0.5), (-0.02, 0.02))
"""Random weights else reach farther than shape keys can."""


@pytest.fixture
def mesh(make_head: Callable[..., Any]) -> Any:
    """Keys ``Shape1`` and ``Exp1`` and on, a bone ``jaw``, and nothing that says who made it."""
    mesh = rig.build_rig(make_head("flame", correctives=False), "FLAME2020-generic", identity=[1.5, -2.0]).mesh
    del mesh[faces.MARK]
    return mesh


@pytest.fixture
def scene(mesh: Any, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """That head, a voice, and a model of random weights, licensed as the published ones."""
    folder = tmp_path / "models" / "published"
    shutil.copytree(tiny_model, folder)
    licence = LicenceCard("CC BY-NC-SA 4.0", commercial_use=False)
    card = dataclasses.replace(read_card(folder), name="published", title="Published", licence=licence, ranges=NARROW)
    (folder / CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    monkeypatch.setenv(MODELS_VARIABLE, str(folder.parent))
    scene = bpy.context.scene
    scene.render.fps = 25
    bpy.context.view_layer.objects.active = mesh
    strips.place_sound(scene, VOICE, 11)
    compat.show_in_sequencer(bpy.context, scene)
    scene.lsf.model = "published"
    return scene


def spoken(mesh: Any) -> Any:
    """The prediction of the take that was made last."""
    assert bpy.ops.lsf.animate() == {"FINISHED"}, failures.last()
    return kept.kept_in(mesh.lsf.takes[-1].parts[0].action).motions[0]


@pytest.mark.usefixtures("scene")
def test_terms_are_agreed_to_once_and_what_is_made_carries_them(mesh: Any) -> None:
    assert "accept its terms" in operators.why_not(bpy.context)
    with pytest.raises(RuntimeError, match="accept its terms"):
        bpy.ops.lsf.animate()
    assert bpy.ops.lsf.accept_terms(model="published", agreed=True) == {"FINISHED"}
    motion = spoken(mesh)
    spoken(mesh)
    assert (motion.origin["licence"], motion.origin["commercial_use"]) == ("CC BY-NC-SA 4.0", False)
    for take in mesh.lsf.takes:
        for part in take.parts:
            stamp = json.loads(part.action[MARK])
            assert (stamp["licence"], stamp["commercial_use"], stamp["model"]) == (
                "CC BY-NC-SA 4.0",
                False,
                "published",
            )


@pytest.mark.usefixtures("scene")
def test_its_expressions_and_jaw_are_keyed_and_move_it_and_its_identity_stays(
    mesh: Any, evaluated: Callable[..., np.ndarray]
) -> None:
    bpy.ops.lsf.accept_terms(model="published", agreed=True)
    rest = evaluated(mesh, 1)
    motion = spoken(mesh)
    face = faces.face_of(mesh)
    paths = {curve.data_path for curve in compat.curves_of(face.keys)}
    assert paths == {f'key_blocks["Exp{number}"].value' for number in range(1, 51)}
    assert {curve.data_path.split('"')[1] for curve in compat.curves_of(face.armature)} == {"jaw"}
    assert max(np.abs(evaluated(mesh, frame) - rest).max() for frame in range(12, 40, 3)) > 1e-4
    bpy.context.scene.frame_set(21)
    blocks = face.keys.key_blocks
    np.testing.assert_allclose(
        [blocks[f"Exp{number}"].value for number in range(1, 51)], motion.sampled([0.4])[0][0], atol=1e-5
    )
    np.testing.assert_allclose(face.identity[:2], [1.5, -2.0])


@pytest.mark.usefixtures("scene")
def test_the_network_hears_whose_face_it_is(mesh: Any) -> None:
    bpy.ops.lsf.accept_terms(model="published", agreed=True)
    own, again = spoken(mesh), spoken(mesh)
    np.testing.assert_array_equal(own.expression, again.expression)
    mesh.data.shape_keys.key_blocks["Shape1"].value = -3.0
    assert not np.array_equal(spoken(mesh).expression, own.expression)

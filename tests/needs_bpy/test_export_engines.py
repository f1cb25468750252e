"""``.fbx``, ``.usd`` and ``.abc``, opened again by Blender: the head moves as before, negative weights included."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest

from lsf_blender_addon.blender import bake, compat, export_engines, faces, rig
from lsf_blender_addon.blender.export import export
from lsf_blender_addon.blender.export_selection import LABEL
from lsf_blender_addon.blender.wholeness import is_whole
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.head.flame import Head
from lsf_blender_addon.motion import FaceMotion

Maker = Callable[..., Head]
Motions = Callable[..., FaceMotion]
Evaluated = Callable[[Any, int], np.ndarray]

EXACT = 1e-4
"""Metres."""

FRAMES = (1, 14, 38, 50)
FACTS = {"generator": "LSF Animation", "model": "starter", "licence": "CC0-1.0", "seed": 3}

SHIFT = {"fbx": 1, "usd": 0, "abc": 0}
"""Frames that Blender's importer adds."""


@pytest.fixture
def files(make_head: Maker, make_motion: Motions) -> SimpleNamespace:
    """``head(space)`` and ``motion(space, …)``."""
    return SimpleNamespace(head=make_head, motion=make_motion)


def spoken(head: Head, motion: FaceMotion, **more: Any) -> faces.Face:
    scene = bpy.context.scene
    compat.set_rate(scene, 25.0)
    face = faces.face_of(rig.build_rig(head, "Head", **more).mesh)
    report = bake.write(bake.plan(face, motion, bake.BakeSettings(start_frame=1)))
    scene.frame_start, scene.frame_end = 1, report.last_frame
    return face


def opened(path: Path) -> Any:
    """The mesh of a file, alone in a new scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    compat.set_rate(bpy.context.scene, 25.0)
    if path.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path))
    elif path.suffix == ".usd":
        bpy.ops.wm.usd_import(filepath=str(path))
    else:
        bpy.ops.wm.alembic_import(filepath=str(path), as_background_job=False)
    (mesh,) = (thing for thing in bpy.data.objects if thing.type == "MESH")
    if path.suffix == ".usd":
        for key in mesh.data.shape_keys.key_blocks:
            key.slider_min, key.slider_max = -10.0, 10.0  # Blender's importer leaves 0 to 1, which clamps the values
    return mesh


@pytest.mark.parametrize("kind", ["fbx", "usd", "abc", "fbx pruned", "usd pruned"])
@pytest.mark.parametrize("space", ["arkit", "flame"])
def test_a_head_opened_again_moves_as_it_did(
    files: SimpleNamespace, tmp_path: Path, evaluated: Evaluated, kind: str, space: str
) -> None:
    waves = files.motion(space)
    motion = FaceMotion(waves.expression - 0.3, waves.jaw, waves.fps, space)
    assert motion.expression.min() < -0.2
    face = spoken(files.head(space), motion, identity=[0.0, 1.0])
    wanted = {frame: evaluated(face.mesh, frame) for frame in FRAMES}
    kind, _, prune = kind.partition(" ")
    mesh = opened(export(kind, face, tmp_path / f"head.{kind}", facts=FACTS, prune=bool(prune)))
    for frame in FRAMES:
        np.testing.assert_allclose(evaluated(mesh, frame + SHIFT[kind]), wanted[frame], atol=EXACT)


@pytest.mark.parametrize("kind", ["fbx", "usd"])
def test_the_file_says_where_the_motion_comes_from(
    make_head: Maker, make_motion: Motions, tmp_path: Path, kind: str
) -> None:
    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    path = export(kind, face, tmp_path / f"head.{kind}", facts=FACTS)
    assert LABEL not in face.mesh
    assert json.loads(opened(path)[LABEL]) == FACTS


def test_a_usd_layer_says_it_too_where_blender_lends_its_library(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    """Where a pipeline looks first, each fact under its own name; also the largest seed there is."""
    files = compat.usd_files()
    if files is None:
        pytest.skip("this Blender keeps its USD library to itself")
    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    facts = {**FACTS, "seed": (1 << 63) - 1, "commercial_use": True, "audio": "Grüße.wav"}
    path = export("usd", face, tmp_path / "head.usd", facts=facts)
    assert files.Layer.OpenAsAnonymous(str(path)).customLayerData["lsf"] == facts
    assert is_whole(path)
    assert "pxr" not in {entry.name for folder in sys.path for entry in Path(folder).glob("pxr")}


def test_an_alembic_file_holds_the_facts_though_blenders_importer_leaves_them_out(
    make_head: Maker, make_motion: Motions, tmp_path: Path
) -> None:
    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    path = export("abc", face, tmp_path / "head.abc", facts=FACTS)
    assert json.dumps(FACTS).encode() in path.read_bytes()
    assert LABEL.encode() in path.read_bytes()
    bare = export("abc", face, tmp_path / "bare.abc")
    assert LABEL.encode() not in bare.read_bytes()


def test_the_bundled_head_survives_fbx(
    make_motion: Motions, tmp_path: Path, repository: Path, evaluated: Evaluated
) -> None:
    from lsf_blender_addon.head.flame import read_head  # noqa: PLC0415

    face = spoken(
        read_head(repository / "vendor_models" / "head" / "head.npz"), make_motion("arkit", frames=20, size=0.3)
    )
    wanted = evaluated(face.mesh, 13)
    mesh = opened(export("fbx", face, tmp_path / "head.fbx"))
    np.testing.assert_allclose(evaluated(mesh, 14), wanted, atol=EXACT)


@pytest.mark.parametrize(("kind", "name"), [("usd", "USD"), ("abc", "Alembic")])
def test_a_blender_built_without_a_format_says_so(
    files: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    """As Debian's is; its answer is put in the mouth of this one."""
    face = spoken(files.head("arkit"), files.motion("arkit", frames=3))
    poor = SimpleNamespace(**{name: getattr(bpy, name) for name in ("ops", "context")})
    poor.app = SimpleNamespace(build_options=SimpleNamespace(usd=False, alembic=False))
    monkeypatch.setattr(export_engines, "bpy", poor)
    with pytest.raises(SceneError, match=f"built without {name}"):
        export(kind, face, tmp_path / f"head.{kind}")
    assert not list(tmp_path.iterdir())


def test_an_fbx_exporter_that_is_switched_off_is_named(make_head: Maker, make_motion: Motions, tmp_path: Path) -> None:
    import addon_utils  # noqa: PLC0415

    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    addon_utils.disable("io_scene_fbx", default_set=True)
    with pytest.raises(SceneError, match="FBX exporter is switched off"):
        export("fbx", face, tmp_path / "head.fbx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["glb", "fbx", "usd", "abc"])
def test_a_folder_that_cannot_be_made_leaves_the_scene_as_it_was(
    make_head: Maker, make_motion: Motions, tmp_path: Path, kind: str
) -> None:
    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    before = sorted(thing.name for thing in bpy.data.objects), sorted(data.name for data in bpy.data.meshes)
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(SceneError, match=rf"head\.{kind} could not be exported"):
        export(kind, face, tmp_path / "taken" / f"head.{kind}", facts=FACTS, prune=True)
    assert (sorted(thing.name for thing in bpy.data.objects), sorted(data.name for data in bpy.data.meshes)) == before
    assert LABEL not in face.mesh


@pytest.mark.parametrize("kind", ["fbx", "usd", "abc"])
def test_a_file_that_a_full_disk_cut_short_is_told_from_a_whole_one(
    make_head: Maker, make_motion: Motions, tmp_path: Path, kind: str
) -> None:
    face = spoken(make_head("arkit"), make_motion("arkit", frames=3))
    path = export(kind, face, tmp_path / f"head.{kind}")
    whole = path.read_bytes()
    assert is_whole(path)
    for size in (0, 10, len(whole) // 2, len(whole) - 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert not is_whole(path), size

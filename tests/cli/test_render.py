"""``lsf render``: movies and sheets of recordings, motions, published results and points, alone and side by side."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsf_blender_addon.cli import main
from lsf_blender_addon.formats.mp4_facts import read_mp4_facts
from lsf_blender_addon.formats.points import write_points
from lsf_blender_addon.formats.published import write_npy
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import FaceMotion
from tests.cli.conftest import Refused
from tests.cli.flame_pair import flame_pair
from tests.head.bundled import head
from tests.head.characters import shapes_of

SMALL = ("--resolution", "64")

if importlib.util.find_spec("bpy") is None:
    pytest.skip("render needs bpy", allow_module_level=True)


def run(*words: str | Path) -> int:
    return main(["render", *map(str, words)])


def opening(frames: int = 4, widest: float = 0.6) -> FaceMotion:
    """A jaw that opens."""
    jaw = np.zeros((frames, 3))
    jaw[:, 0] = np.linspace(0, widest, frames)
    origin = {"model": "made", "licence": "CC0-1.0", "seed": 7}
    return FaceMotion(np.zeros((frames, 50)), jaw, 25.0, "arkit", origin=origin)


def standing(path: Path, *names: str, camera: bool = False) -> Path:
    """A .blend at 50 frames a second with bundled heads in it, and if asked a camera behind them."""
    import bpy  # noqa: PLC0415

    from lsf_blender_addon.blender import compat, export, rig  # noqa: PLC0415

    bpy.ops.wm.read_factory_settings(use_empty=True)
    compat.set_rate(bpy.context.scene, 50.0)
    for name in names or ("Anna",):
        rig.build_rig(head(), name)
    if camera:
        eye = bpy.data.objects.new("Behind", bpy.data.cameras.new("Behind"))
        eye.location, eye.rotation_euler = (0.0, 1.2, 0.0), (math.pi / 2, 0.0, math.pi)
        bpy.context.scene.collection.objects.link(eye)
        bpy.context.scene.camera = eye
    export.save_blend(path)
    return path


def pixels(path: Path) -> np.ndarray:
    import bpy  # noqa: PLC0415

    image = bpy.data.images.load(str(path))
    values = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)[::-1, :, :3]
    bpy.data.images.remove(image)
    return values


def probed(path: Path) -> dict[str, Any]:
    if not shutil.which("ffprobe"):
        pytest.skip("reading a movie's streams needs ffprobe")
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", path]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def test_motions_play_side_by_side_with_labels_and_say_where_they_come_from(tmp_path: Path) -> None:
    opening().save(tmp_path / "wide.npz")
    opening(6, 0.1).save(tmp_path / "shy.npz")
    movie, sheet = tmp_path / "new" / "both.mp4", tmp_path / "both.png"
    words = ("-o", movie, "--sheet", sheet, "--moments", "2", *SMALL)
    assert run(tmp_path / "wide.npz", tmp_path / "shy.npz", *words, "--label", "Wide", "--label", "Shy") == 0
    shown = pixels(sheet)
    assert shown.shape == (128, 128, 3)
    corner = shown[:10, :40]
    assert corner.max() > 0.6  # the label's ink over a dark background
    opened, shut = shown[:64, 64:], shown[:64, :64]
    assert np.abs(opened - shut)[20:].max() > 0.2
    facts = read_mp4_facts(movie)
    assert [face["label"] for face in facts["faces"]] == ["Wide", "Shy"]
    assert (facts["licence"], facts["faces"][0]["seed"]) == ("CC0-1.0", 7)
    found = probed(movie)
    pictures = [stream for stream in found["streams"] if stream["codec_type"] == "video"]
    assert [(stream["width"], stream["height"], stream["nb_frames"]) for stream in pictures] == [(128, 64, "6")]
    assert found["format"]["tags"]["copyright"] == "CC0-1.0"


def test_a_recording_is_spoken_by_two_models_and_heard(light_model: Path, tmp_path: Path) -> None:
    import bpy  # noqa: PLC0415

    if not bpy.app.build_options.audaspace:
        pytest.skip("this build of Blender has no sound")
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 6_400), 16_000)
    other = shutil.copytree(light_model, tmp_path / "other")
    words = ("--model", light_model, "--model", other, "--device", "cpu", *SMALL)
    assert run(tmp_path / "a.wav", "-o", tmp_path / "a.mp4", *words) == 0
    assert [face["label"] for face in read_mp4_facts(tmp_path / "a.mp4")["faces"]] == [light_model.name, "other"]
    kinds = {stream["codec_type"]: stream for stream in probed(tmp_path / "a.mp4")["streams"]}
    assert (kinds["video"]["width"], kinds["audio"]["codec_name"]) == (128, "aac")


def test_points_look_like_the_motion_that_they_come_from(tmp_path: Path) -> None:
    motion = opening()
    motion.save(tmp_path / "m.npz")
    write_points(tmp_path / "p.npy", vertices(head(), motion.expression, motion.jaw))
    words = ("--moments", "2", *SMALL, "--label")
    assert run(tmp_path / "m.npz", "--sheet", tmp_path / "m.png", *words, "face") == 0
    assert run(tmp_path / "p.npy", "--sheet", tmp_path / "p.png", *words, "face") == 0
    one, other = pixels(tmp_path / "m.png"), pixels(tmp_path / "p.png")
    assert np.abs(one[:, :64] - one[:, 64:]).max() > 0.2
    assert np.abs(one - other).mean() < 0.01


def test_a_mouth_is_seen_close(tmp_path: Path) -> None:
    opening().save(tmp_path / "m.npz")
    words = (tmp_path / "m.npz", "--sheet", tmp_path / "m.png", "--moments", "2", *SMALL, "--camera", "mouth")
    assert run(*words) == 0
    shown = pixels(tmp_path / "m.png")
    assert np.abs(shown[:, :64] - shown[:, 64:]).max(axis=2)[16:].mean() > 0.05  # most of a mouth is what opens


def test_a_head_in_a_scene_is_shown_there_by_its_own_camera_or_by_ours(tmp_path: Path) -> None:
    """The file's camera sees it from behind and at its rate; the file itself stays as it is."""
    scene = standing(tmp_path / "scene.blend", camera=True)
    opening().save(tmp_path / "m.npz")
    before, words = scene.read_bytes(), (tmp_path / "m.npz", "--head", scene, "--moments", "2", *SMALL)
    movie = tmp_path / "m.mp4"
    assert run(*words, "--sheet", tmp_path / "own.png", "-o", movie) == 0
    assert run(*words, "--sheet", tmp_path / "ours.png", "--camera", "front") == 0
    own, ours = pixels(tmp_path / "own.png"), pixels(tmp_path / "ours.png")
    assert np.abs(own[:, :64] - own[:, 64:])[12:].max() < 0.15 < np.abs(ours[:, :64] - ours[:, 64:])[12:].max()
    assert read_mp4_facts(movie)["seed"] == 7
    streams = {stream["codec_type"]: stream for stream in probed(movie)["streams"]}
    assert streams["video"]["nb_frames"] == "8"  # 0.16 s at the scene's 50 a second
    assert scene.read_bytes() == before


def test_a_scene_is_opened_once_for_every_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scene may be gigabytes."""
    from lsf_blender_addon.blender import preview  # noqa: PLC0415

    scene = standing(tmp_path / "scene.blend")
    opening(2).save(tmp_path / "m.npz")
    opened, really = list[Path](), preview.opened
    monkeypatch.setattr(preview, "opened", lambda head, **more: opened.append(head.path) or really(head, **more))
    words = ("--head", scene, "--moments", "1", *SMALL, "--sheet", tmp_path / "m.png")
    assert run(tmp_path / "m.npz", *words) == 0
    assert opened == [scene]
    assert run(tmp_path / "m.npz", tmp_path / "m.npz", *words) == 0
    assert opened == [scene] * 3


def test_a_label_is_read_over_a_pale_face_and_fits_its_picture(tmp_path: Path) -> None:
    """Pale on a dark plate; a long one is written smaller instead of running out of its picture."""
    opening(2).save(tmp_path / "m.npz")
    words = (tmp_path / "m.npz", "--moments", "1", "--resolution", "192", "--camera", "mouth", "--fps", "25")
    shown = {}
    for name in ("Take 1", "A name that would run out of the picture, were it written as large as the other"):
        assert run(*words, "--sheet", tmp_path / "m.png", "--label", name) == 0
        shown[name] = pixels(tmp_path / "m.png").mean(axis=2)
    short, long = shown.values()
    corner = short[3:16, 4:40]
    assert corner.max() > 0.6
    assert np.median(corner) < 0.35 < np.median(short[3:16, 100:180])
    plates = [(picture[3:10] < 0.35).mean(axis=0) > 0.2 for picture in (short, long)]
    assert plates[0].sum() < 130
    assert plates[1][:180].mean() > 0.9
    assert not plates[1][-3:].any()


def test_a_character_is_looked_in_the_face_wherever_it_stands_and_leans(tmp_path: Path) -> None:
    """Turned, in centimetres, over a floor that is the scene's first mesh: seen as where it stands plainly."""
    import bpy  # noqa: PLC0415

    from lsf_blender_addon.blender.export import save_blend  # noqa: PLC0415
    from tests.needs_bpy.scene_characters import character  # noqa: PLC0415

    opening().save(tmp_path / "m.npz")
    shown = []
    for name, turn, unit in (("plain", 0.0, 1.0), ("turned", 2.0, 100.0)):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        floor = bpy.data.meshes.new("A floor")
        floor.from_pydata([(-9, -9, 0), (9, -9, 0), (9, 9, 0)], [], [(0, 1, 2)])
        bpy.context.scene.collection.objects.link(bpy.data.objects.new("A floor", floor))
        mesh = character(shapes_of(opening=False), bone="CC_Base_JawRoot", unit=unit)
        mesh.parent.location = (5 * unit, 3 * unit, unit)
        mesh.parent.pose.bones["Head"].rotation_mode = "XYZ"
        mesh.parent.pose.bones["Head"].rotation_euler = (0.0, turn, 0.0)
        save_blend(tmp_path / f"{name}.blend")
        picture = tmp_path / f"{name}.png"
        words = ("--sheet", picture, "--moments", "2", *SMALL)
        assert run(tmp_path / "m.npz", "--head", tmp_path / f"{name}.blend", *words, "--camera", "front") == 0
        shown.append(pixels(picture))
    assert np.abs(shown[0][:, :64] - shown[0][:, 64:])[12:].max() > 0.1
    assert np.abs(shown[0] - shown[1]).mean() < 0.01


def test_several_heads_in_a_scene_are_told_apart_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = standing(tmp_path / "scene.blend", "Anna", "Bert")
    opening().save(tmp_path / "m.npz")
    words = (tmp_path / "m.npz", "--head", scene, "--sheet", tmp_path / "m.png", "--moments", "1", *SMALL)
    assert run(*words) == 1
    assert "not one head but 2 (Anna, Bert): name the object with --object" in capsys.readouterr().err
    assert run(*words, "--object", "Carl") == 1
    assert "no object 'Carl'" in capsys.readouterr().err
    assert run(*words, "--object", "Bert") == 0


def test_a_published_result_is_shown_with_its_shape_or_without(shared: Path, tmp_path: Path) -> None:
    flame = flame_pair(shared, tmp_path)[0]
    still = FaceMotion.still(2, 25.0, "flame")
    who = np.zeros(300)
    who[:3] = (3.0, -3.0, 3.0)
    write_npy(tmp_path / "who.npy", still, who)
    write_npy(tmp_path / "nobody.npy", still)
    np.save(tmp_path / "shape.npy", who)
    words = ("--head", flame, "--moments", "1", *SMALL)
    for name, *more in (("who",), ("nobody",), ("who", "--no-shape"), ("nobody", "--shape", tmp_path / "shape.npy")):
        place = tmp_path / f"{name}{len(more)}.png"
        assert run(tmp_path / f"{name}.npy", "--sheet", place, *words, *more) == 0
    shaped, plain = pixels(tmp_path / "who0.png"), pixels(tmp_path / "nobody0.png")
    assert np.abs(shaped - plain).mean() > 0.005
    np.testing.assert_allclose(pixels(tmp_path / "who1.png"), plain, atol=1 / 255)
    np.testing.assert_allclose(pixels(tmp_path / "nobody2.png"), shaped, atol=1 / 255)


def test_cycles_and_a_camera_are_chosen(tmp_path: Path) -> None:
    opening(2).save(tmp_path / "m.npz")
    words = (tmp_path / "m.npz", "--moments", "1", "--resolution", "64x96")
    assert run(*words, "--sheet", tmp_path / "c.png", "--engine", "cycles", "--samples", "1") == 0
    assert run(*words, "--sheet", tmp_path / "w.png", "--samples", "8", "--camera", "profile") == 0
    cycles, side = pixels(tmp_path / "c.png"), pixels(tmp_path / "w.png")
    assert cycles.shape == side.shape == (96, 64, 3)
    assert np.abs(cycles - side).mean() > 0.02


def test_more_samples_come_nearer_to_the_true_picture(tmp_path: Path) -> None:
    opening(2).save(tmp_path / "m.npz")
    words = (tmp_path / "m.npz", "--moments", "1", *SMALL, "--engine", "cycles")
    shown = []
    for samples in ("1", "32", "256"):
        assert run(*words, "--sheet", tmp_path / f"{samples}.png", "--samples", samples) == 0
        shown.append(pixels(tmp_path / f"{samples}.png"))
    rough, fine = (float(np.abs(picture - shown[2]).mean()) for picture in shown[:2])
    assert rough > 2 * fine > 0


def test_samples_count_in_workbench_as_well(tmp_path: Path) -> None:
    opening(2).save(tmp_path / "m.npz")
    shown = []
    for samples in ("1", "32", "16", ""):
        place = tmp_path / f"w{samples}.png"
        more = ("--samples", samples) if samples else ()
        assert run(tmp_path / "m.npz", "--moments", "1", *SMALL, "--sheet", place, *more) == 0
        shown.append(pixels(place))
    rough, fine, finer_than_movies, unsaid = shown
    assert 0 < np.abs(rough - fine).mean() < 0.05
    np.testing.assert_array_equal(finer_than_movies, unsaid)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["eevee", "cycles"])
def test_a_head_that_stands_in_a_scene_is_lit_and_moves_in_every_renderer(engine: str, tmp_path: Path) -> None:
    """Minutes where EEVEE has no graphics card to make its shaders."""
    opening(4).save(tmp_path / "m.npz")
    words = ("--head", standing(tmp_path / "scene.blend"), "--moments", "2", *SMALL, "--engine", engine)
    assert run(tmp_path / "m.npz", "--sheet", tmp_path / "m.png", *words, "--samples", "4") == 0
    shown = pixels(tmp_path / "m.png")
    assert shown.shape == (64, 128, 3)
    shut, opened = shown[:, :64], shown[:, 64:]
    skin = shut[16:24, 24:40]
    assert skin.min() > 0.25
    assert (skin[..., 0] > skin[..., 2] + 0.1).all()
    moved = np.abs(opened - shut).mean(axis=2)
    assert moved[40:].mean() > 3 * moved[16:32].mean()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["m.npz"], "Say what to make"),
        (["m.npz", "-o", "m.mov"], "must end in .mp4"),
        (["m.npz", "-o", "a.mp4", "--resolution", "63"], "no picture's size"),
        (["m.npz", "-o", "a.mp4", "--model", "starter"], "there is none among the sources"),
        (["m.npz", "-o", "a.mp4", "--label", "A", "--label", "B"], "1 faces and 2 labels"),
        (["m.npz", "-o", "a.mp4", "--sound", "none.wav"], "none.wav"),
        (["m.npz", "-o", "a.mp4", "--head", "none.npz"], "none.npz cannot be read"),
        (["m.npz", "-o", "a.mp4", "--made-for", "BUNDLED"], "nothing here speaks them"),
        (["m.npz", "-o", "a.mp4", "--head", "none.blend"], "no file none.blend"),
        (["m.npz", "-o", "a.mp4", "--head", "text.blend"], "Blender cannot open text.blend"),
        (["m.npz", "-o", "a.mp4", "--object", "Face"], "--object names a head in a .blend"),
        (["few.npy", "-o", "a.mp4", "--head", "text.blend"], "moves by its shape keys and bones"),
        (["flame.npz", "-o", "a.mp4"], "--made-for FILE"),
        (["few.npy", "-o", "a.mp4"], "holds 5 points"),
        (["odd.npy", "-o", "a.mp4"], "neither a vertex sequence"),
        (["nan.npy", "-o", "a.mp4"], "no place on a face"),
        (["broken.npz", "-o", "a.mp4"], "damaged"),
        (["gone.wav", "-o", "a.mp4"], "gone.wav"),
        (["text.txt", "-o", "a.mp4"], "must end in one of"),
        (["m.npz"] * 17 + ["-o", "a.mp4"], "17 faces"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence_and_no_file(words: list[str], complaint: str, refused: Refused) -> None:
    opening().save(Path("m.npz"))
    FaceMotion.still(2, 25.0, "flame").save(Path("flame.npz"))
    np.save("few.npy", np.zeros((2, 5, 3)))
    np.save("odd.npy", np.zeros((2, 5, 4)))
    np.save("nan.npy", np.full((2, 5, 3), np.nan))
    Path("broken.npz").write_bytes(b"PK")
    Path("text.blend").write_bytes(b"no scene")
    refused(["render", *words], complaint)

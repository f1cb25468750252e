"""Motions in other programs' files: what is read equals what was written, and what cannot be held is refused."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsf_blender_addon import __version__
from lsf_blender_addon.errors import MotionError
from lsf_blender_addon.formats.files import read_motion, write_motion
from lsf_blender_addon.formats.live_link import COLUMNS, SHAPES, TURNS, read_csv, write_csv
from lsf_blender_addon.formats.motion_json import read_json, write_json
from lsf_blender_addon.formats.published import read_npy, write_npy
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion

ORIGIN = {"model": "starter", "licence": "CC0-1.0", "commercial_use": True, "seed": 7, "take": 1, "window": 20.0}


def moving(space: str = "arkit", frames: int = 60, fps: float = 25.0, seed: int = 0, **more: Any) -> FaceMotion:
    random = np.random.default_rng(seed)
    jaw = random.normal(0, 0.1, (frames, 3))
    if space == "arkit":
        jaw[:, 1:] = 0.0
    scale = 10.0 ** random.integers(-12, 1, (frames, 50))
    return FaceMotion(random.normal(size=(frames, 50)) * scale, jaw, fps, space, **more)


def same(one: FaceMotion, other: FaceMotion) -> bool:
    return (
        np.array_equal(one.expression, other.expression)
        and np.array_equal(one.jaw, other.jaw)
        and (one.fps, one.space) == (other.fps, other.space)
    )


@given(
    seed=st.integers(0, 1 << 20),
    frames=st.integers(1, 90),
    fps=st.sampled_from([24.0, 25.0, 30.0, 50.0, 60.0]),
    begin=st.integers(0, 10_000),
)
@settings(deadline=None, max_examples=40)
def test_a_csv_read_back_is_the_motion_that_was_written(
    tmp_path_factory: pytest.TempPathFactory, seed: int, frames: int, fps: float, begin: int
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    motion = moving(frames=frames, fps=fps, seed=seed, start=begin / fps)
    write_csv(path, motion)
    back = read_csv(path, fps)
    assert same(back, motion)
    assert back.start == pytest.approx(motion.start)


def test_a_csv_tells_its_own_rate_where_it_is_longer_than_a_second(tmp_path: Path) -> None:
    for fps in (25.0, 50.0, 60.0):
        write_csv(tmp_path / "a.csv", moving(frames=130, fps=fps))
        assert read_csv(tmp_path / "a.csv").fps == fps
    write_csv(tmp_path / "a.csv", moving(frames=20, fps=25.0))
    with pytest.raises(MotionError, match="--read-fps"):
        read_csv(tmp_path / "a.csv")


@pytest.mark.parametrize("fps", [30000 / 1001, 60000 / 1001])
@pytest.mark.parametrize("start", [0.0, 58.0, 599.0, 3661.0])
def test_a_csv_with_drop_frame_timecodes_is_at_televisions_rate(tmp_path: Path, fps: float, start: float) -> None:
    """Of a minute's first numbers two are left out, at 59.94 four; of each tenth minute's none."""
    ramp = np.repeat(np.linspace(0, 1, round(75 * fps))[:, None], 50, axis=1)
    write_csv(tmp_path / "a.csv", FaceMotion(ramp, np.zeros((len(ramp), 3)), 60.0, "arkit"))
    first = round(start * fps)
    codes = [drop_frame(first + frame, math.ceil(fps)) for frame in range(len(ramp))]
    recode(tmp_path / "a.csv", codes)
    back = read_csv(tmp_path / "a.csv")
    assert back.fps == pytest.approx(fps, abs=1e-9)
    assert back.start == pytest.approx(first / fps, abs=1e-9)
    np.testing.assert_array_equal(back.expression, ramp.astype(np.float32))
    assert read_csv(tmp_path / "a.csv", fps).start == pytest.approx(back.start)


def drop_frame(frame: int, counted: int) -> str:
    """SMPTE's drop-frame timecode of a frame, by its own definition: numbers are counted until it is reached."""
    dropped = counted // 15
    in_ten = counted * 600 - 9 * dropped
    tens, rest = divmod(frame, in_ten)
    minute = 0 if rest < counted * 60 else 1 + (rest - counted * 60) // (counted * 60 - dropped)
    number = rest + dropped * minute + tens * counted * 600
    second, inside = divmod(number, counted)
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}:{inside:02d}.000"


def recode(path: Path, codes: list[str]) -> None:
    """Other timecodes for the same frames."""
    header, *rows = path.read_text().splitlines()
    path.write_text(
        "\n".join([header, *(f"{code},{row.split(',', 1)[1]}" for code, row in zip(codes, rows, strict=True))])
    )


@pytest.mark.parametrize("jitter", [0.0, 0.1])
@pytest.mark.parametrize(("fps", "told"), [(60000 / 1001, 60000 / 1001), (30000 / 1001, 30000 / 1001), (60.0, 60.0)])
def test_a_csv_whose_sub_frames_follow_the_clock_tells_its_rate(
    tmp_path: Path, fps: float, told: float, jitter: float
) -> None:
    """A clock that counts 60 in a second goes on by 1.001 for every frame at 59.94; some frames were dropped."""
    write_csv(tmp_path / "a.csv", moving(frames=600, fps=60.0))
    counted = math.ceil(fps)
    noise = np.random.default_rng(0).uniform(-jitter, jitter, 600)
    places = (17 * 3600 + np.arange(600) / fps) * counted + 0.3 + noise
    codes = []
    for place in places:
        second, frame = divmod(round(float(place) * 1000), counted * 1000)
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        codes.append(f"{clock}:{frame // 1000:02d}.{frame % 1000:03d}")
    recode(tmp_path / "a.csv", codes)
    back = read_csv(tmp_path / "a.csv")
    assert back.fps == pytest.approx(told, abs=1e-9)
    assert back.frames == 600
    assert back.start == pytest.approx(17 * 3600 + 0.3 / counted, abs=2 * (jitter + 0.002) / counted)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    (tmp_path / "a.csv").write_text("\n".join(lines[:200] + lines[207:]))
    assert (read_csv(tmp_path / "a.csv").fps, read_csv(tmp_path / "a.csv").frames) == (back.fps, 600)


def test_a_csv_that_counts_every_frame_tells_no_television_rate(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", moving(frames=4000, fps=30000 / 1001))
    assert read_csv(tmp_path / "a.csv").fps == 30.0
    assert read_csv(tmp_path / "a.csv", 29.97).fps == pytest.approx(30000 / 1001)


def test_a_csv_has_the_columns_of_live_link_face(tmp_path: Path) -> None:
    """Apple's names with a capital, the app's order, timecodes that count frames, 61 values, no exponents."""
    write_csv(tmp_path / "a.csv", moving(frames=61, fps=60.0, start=3725.0))
    rows = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert rows[0][:3] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft"]
    assert {name[0].lower() + name[1:] for name in SHAPES} == {*ARKIT_EXPRESSIONS, "jawOpen", "tongueOut"}
    assert rows[0][2 + SHAPES.index("JawForward") :][:4] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert rows[0][-9:] == list(TURNS)
    assert {len(row) for row in rows} == {63}
    assert {row[1] for row in rows[1:]} == {str(len(COLUMNS))}
    assert [rows[1][0], rows[60][0], rows[61][0]] == ["01:02:05:00.000", "01:02:05:59.000", "01:02:06:00.000"]
    assert not any("e" in value for row in rows[1:] for value in row[2:])


def test_jaw_open_is_one_where_mouth_close_seals_the_lips(tmp_path: Path) -> None:
    jaw = np.zeros((30, 3), np.float32)
    jaw[:, 0] = 0.35
    write_csv(tmp_path / "a.csv", FaceMotion(np.zeros((30, 50), np.float32), jaw, 25.0, "arkit"))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert float(rows[0]["JawOpen"]) == pytest.approx(1.0, abs=1e-6)


def test_frames_that_the_app_dropped_are_filled_in(tmp_path: Path) -> None:
    """A recording of 121 frames that lost five of them keeps its length, and its later frames their time."""
    ramp = np.repeat(np.linspace(0, 1, 121)[:, None], 50, axis=1)
    write_csv(tmp_path / "a.csv", FaceMotion(ramp, np.zeros((121, 3)), 60.0, "arkit"))
    lines = (tmp_path / "a.csv").read_text().splitlines()
    (tmp_path / "a.csv").write_text("\n".join(lines[:40] + lines[45:]))
    back = read_csv(tmp_path / "a.csv")
    np.testing.assert_allclose(back.expression, ramp, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no .csv of Live Link Face"),
        ("a,b\n1,2\n", "no .csv of Live Link Face"),
        ("Timecode,BlendShapeCount,EyeBlinkLeft\n00:00:00:00.0,61,0\n", "lacks 50"),
        ("Timecode,BlendShapeCount\n", "no frames"),
        ("Timecode,BlendShapeCount\nnow,61\n", "timecode"),
        ("Timecode,BlendShapeCount\n00:00:00:00.0,many\n", "damaged"),
        ("Timecode,BlendShapeCount\n00:00:00:00.0\n", "line 2"),
    ],
)
def test_a_csv_of_something_else_is_refused_with_the_reason(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(MotionError, match=words):
        read_csv(tmp_path / "a.csv", 25.0)


def test_timecodes_that_go_back_are_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", moving())
    lines = (tmp_path / "a.csv").read_text().splitlines()
    (tmp_path / "a.csv").write_text("\n".join([*lines, lines[1]]))
    with pytest.raises(MotionError, match="go forward"):
        read_csv(tmp_path / "a.csv", 25.0)


@pytest.mark.parametrize("space", ["arkit", "flame"])
@given(seed=st.integers(0, 1 << 20), frames=st.integers(1, 30), start=st.floats(-5, 5))
@settings(deadline=None, max_examples=20)
def test_a_json_read_back_is_the_motion_that_was_written(
    tmp_path_factory: pytest.TempPathFactory, space: str, seed: int, frames: int, start: float
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    motion = moving(space, frames, seed=seed, start=start, origin=ORIGIN)
    write_json(path, motion)
    back = read_json(path)
    assert same(back, motion)
    assert (back.start, back.origin) == (motion.start, motion.origin)


def test_a_json_says_model_licence_seed_and_version_and_names_its_numbers(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", moving(origin=ORIGIN))
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["facts"]["generator"] == f"LSF Animation {__version__}"
    assert (content["facts"]["model"], content["facts"]["licence"], content["facts"]["seed"]) == (
        "starter",
        "CC0-1.0",
        7,
    )
    assert content["names"] == list(ARKIT_EXPRESSIONS)
    assert len(content["expression"]) == len(content["jaw"]) == 60


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "song"},
        {"format": 2},
        {"space": "smplx"},
        {"names": ["Exp1"]},
        {"origin": []},
        {"expression": [[0.0] * 49]},
        {"jaw": "open"},
        {"fps": None},
    ],
)
def test_a_json_of_something_else_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    write_json(tmp_path / "a.json", moving())
    content = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(MotionError, match=r"a\.json|motion"):
        read_json(tmp_path / "a.json")


def test_a_published_file_has_shape_expression_nothing_and_jaw(tmp_path: Path) -> None:
    motion = moving("flame")
    write_npy(tmp_path / "a.npy", motion, [1.0, 2.0])
    table = np.load(tmp_path / "a.npy")
    assert (table.shape, table.dtype) == ((1, 60, 403), np.float64)
    assert (table[0, :, :2] == [1.0, 2.0]).all()
    assert not table[0, :, 2:300].any()
    assert np.array_equal(table[0, :, 300:350], motion.expression)
    assert not table[0, :, 350:400].any()
    assert np.array_equal(table[0, :, 400:], motion.jaw)
    back = read_npy(tmp_path / "a.npy")
    assert same(back.motion, motion)
    assert back.identity[:3].tolist() == [1.0, 2.0, 0.0]


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2"])
def test_published_files_of_other_tools_are_read(tmp_path: Path, dtype: str) -> None:
    table = np.random.default_rng(0).normal(0, 0.1, (20, 403)).astype(dtype)
    if dtype.startswith(">"):
        table = table.astype("<f8")
    np.save(tmp_path / "a.npy", np.asfortranarray(table))
    assert np.array_equal(read_npy(tmp_path / "a.npy").motion.jaw, table[:, -3:].astype(np.float32))


def test_a_published_file_is_always_at_25_frames_a_second(tmp_path: Path) -> None:
    motion = moving("flame", frames=100, fps=50.0)
    write_npy(tmp_path / "a.npy", motion)
    assert np.array_equal(read_npy(tmp_path / "a.npy").motion.expression, motion.expression[::2])


def test_an_npy_of_something_else_is_refused(tmp_path: Path) -> None:
    for table in (np.zeros((1, 5, 400)), np.zeros(403), np.zeros((2, 5, 403)), np.zeros((5, 403), int), np.zeros(())):
        np.save(tmp_path / "a.npy", table)
        with pytest.raises(MotionError, match="published layout"):
            read_npy(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.full((5, 403), np.nan))
    with pytest.raises(MotionError, match="finite"):
        read_npy(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object))
    with pytest.raises(MotionError, match="plain"):
        read_npy(tmp_path / "a.npy")


def test_a_format_of_the_other_space_refuses_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="'flame'"):
        write_csv(tmp_path / "a.csv", moving("flame"))
    with pytest.raises(MotionError, match="--head"):
        write_npy(tmp_path / "a.npy", moving("arkit"))
    with pytest.raises(MotionError, match="before second 0"):
        write_csv(tmp_path / "a.csv", moving(start=-1.0))
    with pytest.raises(MotionError, match="300"):
        write_npy(tmp_path / "a.npy", moving("flame"), np.zeros(301))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "space"), [("npz", "arkit"), ("npz", "flame"), ("csv", "arkit"), ("json", "flame"), ("npy", "flame")]
)
def test_every_kind_is_known_by_its_ending_and_written_alike_twice(tmp_path: Path, kind: str, space: str) -> None:
    motion = moving(space, origin=ORIGIN)
    for name in ("a", "b"):
        write_motion(tmp_path / f"{name}.{kind}", motion)
    assert same(read_motion(tmp_path / f"a.{kind}"), motion)
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_an_unknown_ending_is_named(tmp_path: Path) -> None:
    for do in (read_motion, lambda path: write_motion(path, moving())):
        with pytest.raises(MotionError, match=r"a\.bvh"):
            do(tmp_path / "a.bvh")
    moving().save(tmp_path / "a.npz")
    with pytest.raises(MotionError, match="its own frame rate"):
        read_motion(tmp_path / "a.npz", 30.0)


@pytest.mark.parametrize("kind", ["npz", "npy", "csv", "json"])
def test_a_missing_or_unwritable_file_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(MotionError, match="missing"):
        read_motion(tmp_path / f"missing.{kind}")
    (tmp_path / "taken").write_text("a file where a folder should be")
    motion = moving("flame" if kind == "npy" else "arkit")
    with pytest.raises(MotionError, match="cannot be written"):
        write_motion(tmp_path / "taken" / f"a.{kind}", motion)

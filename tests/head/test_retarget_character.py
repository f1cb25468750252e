"""Any character speaks: in its own blendshapes, with its own jaw, and its lips close where they are meant to."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsf_blender_addon.errors import HeadError, MotionError
from lsf_blender_addon.head.character import Channels, Character, character_of, mouth_track_of, with_table
from lsf_blender_addon.head.landmarks import mouth_track, positions
from lsf_blender_addon.head.naming import Row, Table
from lsf_blender_addon.head.retarget import from_character, residuals, to_arkit, to_character, to_flame
from lsf_blender_addon.head.skinning import vertices
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion
from tests.head.bundled import LOWER_LINE, UPPER_LINE, head
from tests.head.carried_flame import carried_flame
from tests.head.characters import WIDE, facekit, made, shapes_of
from tests.head.speaking import FPS, spoken
from tests.head.test_retarget import MM, one

SEALED = 0.999


@pytest.fixture(scope="module")
def ict(shared: Path) -> Character:
    return facekit(shared)


@pytest.fixture(scope="module")
def speech() -> tuple[FaceMotion, np.ndarray]:
    return spoken(1000)


@pytest.fixture(scope="module")
def said(speech: tuple[FaceMotion, np.ndarray], ict: Character) -> Channels:
    return to_character(speech[0], head(), ict)


def lip_heights(character: Character, channels: Channels) -> np.ndarray:
    """(T, 7) millimetres by which the upper inner lip stands over the lower, on a face of a person's size."""
    names = (*UPPER_LINE[1:-1], *LOWER_LINE[1:-1])
    on = character.head
    used = np.unique(np.concatenate([on.landmarks[name].vertices for name in names]))
    posed = np.zeros((len(channels.values), on.vertex_count, 3), np.float32)
    posed[:, used] = vertices(on, channels.values, channels.jaw, only=used)
    heights = positions(on, posed, names)[..., 1] * MM
    return np.asarray(heights[:, :7] - heights[:, 7:])


def value(channels: Channels, name: str) -> np.ndarray:
    return np.asarray(channels.values[:, channels.names.index(name)])


def test_lips_that_were_closed_are_closed_on_a_third_party_face(
    speech: tuple[FaceMotion, np.ndarray], said: Channels, ict: Character
) -> None:
    """Its lips stand 0.8 mm apart at rest: in speech they come together all the same."""
    closed = speech[1] > SEALED
    assert closed.sum() > 100
    assert lip_heights(ict, said)[closed].max() < 0.5
    assert lip_heights(ict, replace(said, values=said.values[:1] * 0)).max() > 0.7


def test_its_mouth_opens_and_widens_as_ours_did(
    speech: tuple[FaceMotion, np.ndarray], said: Channels, ict: Character
) -> None:
    ours, theirs = mouth_track(head(), speech[0], FPS), mouth_track_of(ict, said, FPS)
    assert np.corrcoef(ours["aperture"], theirs["aperture"])[0, 1] > 0.995
    assert np.corrcoef(ours["width"], theirs["width"])[0, 1] > 0.95
    assert theirs["aperture"].max() == pytest.approx(ours["aperture"].max(), rel=0.25)


@pytest.mark.parametrize(
    ("unit", "own"),
    [
        ("eyeBlinkLeft", "eyeBlink_L"),
        ("mouthSmileRight", "mouthSmile_R"),
        ("mouthPucker", "mouthPucker"),
        ("mouthFunnel", "mouthFunnel"),
        ("browDownLeft", "browDown_L"),
        ("browInnerUp", "browInnerUp_R"),
        ("jawLeft", "jawLeft"),
        ("eyeLookInRight", "eyeLookIn_R"),
    ],
)
def test_what_has_a_name_of_its_own_is_done_by_that_blendshape(ict: Character, unit: str, own: str) -> None:
    got = to_character(one(**{unit: 1.0}), head(), ict)
    assert value(got, own)[0] > 0.6
    assert value(got, own)[0] == pytest.approx(got.values[0].max())


def test_the_jaw_opens_by_a_blendshape_where_there_is_no_bone(ict: Character) -> None:
    opened = to_character(one(0.2), head(), ict)
    assert opened.jaw is None
    assert ict.jaw_bone is None
    assert 0.3 < value(opened, "jawOpen")[0] < 0.7


def test_the_jaw_turns_the_bone_where_there_is_one() -> None:
    character = made(bone=True, shapes=shapes_of(opening=True))
    opened = to_character(one(0.2), head(), character)
    assert character.jaw_bone == "Jaw"
    assert opened.jaw is not None
    np.testing.assert_allclose(opened.jaw[0], [0.2, 0, 0], atol=0.01)
    assert value(opened, "jawOpen")[0] == 0


def test_a_copy_of_our_head_does_what_ours_does(speech: tuple[FaceMotion, np.ndarray]) -> None:
    ours = replace(head(), pose_directions=head().pose_directions * 0)
    got = to_character(speech[0], ours, made(bone=True))
    np.testing.assert_allclose(got.values, speech[0].expression, atol=0.05)
    np.testing.assert_allclose(got.jaw, speech[0].jaw, atol=1e-3)
    assert got.origin["retargeted"]["residual_mm"] < 0.05


def test_a_character_in_centimetres_does_what_it_does_in_metres(speech: tuple[FaceMotion, np.ndarray]) -> None:
    small, large = (to_character(speech[0].sliced(0, 2), head(), made(bone=False, unit=unit)) for unit in (1.0, 100.0))
    np.testing.assert_allclose(small.values, large.values, atol=2e-3)


def test_a_face_with_visemes_alone_opens_and_rounds(speech: tuple[FaceMotion, np.ndarray]) -> None:
    ours = shapes_of(opening=True)
    visemes = {
        "viseme_aa": ours["jawOpen"] * 0.5,
        "viseme_O": ours["mouthFunnel"] * 0.7 + ours["jawOpen"] * 0.2,
        "viseme_U": ours["mouthPucker"],
        "viseme_I": ours["mouthSmileLeft"] * 0.5 + ours["mouthSmileRight"] * 0.5,
        "viseme_PP": ours["mouthPressLeft"] + ours["mouthPressRight"],
        "eyeBlinkLeft": ours["eyeBlinkLeft"],
        "eyeBlinkRight": ours["eyeBlinkRight"],
    }
    character = made(bone=False, shapes=visemes)
    got = to_character(speech[0], head(), character)
    ours_track, theirs = mouth_track(head(), speech[0], FPS), mouth_track_of(character, got, FPS)
    assert np.corrcoef(ours_track["aperture"], theirs["aperture"])[0, 1] > 0.97
    assert lip_heights(character, got)[speech[1] > SEALED].max() < 0.5
    assert value(to_character(one(mouthPucker=1.0), head(), character), "viseme_U")[0] > 0.8


def test_what_is_alike_on_both_sides_stays_alike(said: Channels) -> None:
    """The motion is symmetric; so is what the character does, to the last digit that shows."""
    for name in said.names:
        if name.endswith("_L"):
            np.testing.assert_allclose(value(said, name), value(said, f"{name[:-1]}R"), atol=1e-4)
    np.testing.assert_allclose(value(said, "jawLeft"), value(said, "jawRight"), atol=1e-4)


def test_a_mirrored_motion_gives_mirrored_channels(ict: Character) -> None:
    left = to_character(one(0.1, mouthSmileLeft=0.8, browOuterUpLeft=0.5, jawLeft=0.3), head(), ict)
    right = to_character(one(0.1, mouthSmileRight=0.8, browOuterUpRight=0.5, jawRight=0.3), head(), ict)
    assert value(left, "mouthSmile_L")[0] > 2 * value(left, "mouthSmile_R")[0] + 0.3
    for name, mate in zip(ict.names, ict.table.mates(), strict=True):
        if mate is not None:
            assert value(left, name)[0] == pytest.approx(value(right, mate)[0], abs=1e-3)


def test_frames_do_not_depend_on_their_neighbours(
    speech: tuple[FaceMotion, np.ndarray], said: Channels, ict: Character
) -> None:
    part = to_character(speech[0].sliced(10.0, 11.0), head(), ict)
    np.testing.assert_allclose(part.values, said.values[500:550], atol=1e-3)


def test_noise_too_small_to_see_stays_so(speech: tuple[FaceMotion, np.ndarray], said: Channels, ict: Character) -> None:
    rng = np.random.default_rng(0)
    noisy = replace(speech[0], expression=speech[0].expression + rng.normal(0, 1e-3, (1000, 50)))
    assert np.sqrt(((to_character(noisy, head(), ict).values - said.values) ** 2).mean()) < 2e-3


def test_nothing_jumps_that_did_not(speech: tuple[FaceMotion, np.ndarray], said: Channels) -> None:
    steps = np.abs(np.diff(said.values, axis=0)).max()
    ours = max(np.abs(np.diff(speech[0].expression, axis=0)).max(), np.abs(np.diff(speech[0].jaw, axis=0)).max() / WIDE)
    assert steps < 1.5 * ours


def test_blendshapes_stay_in_their_ranges_and_out_of_the_way(said: Channels, ict: Character) -> None:
    assert said.values.min() >= 0
    assert said.values.max() <= 1
    unused = [name for name, row in ict.table.rows.items() if not row.used]
    assert unused == ["PupilDilate_L", "PupilDilate_R", "cheekRaiser_L", "cheekRaiser_R"]
    assert all(np.abs(value(said, name)).max() == 0 for name in unused)


def test_rest_stays_rest(ict: Character) -> None:
    got = to_character(FaceMotion.still(3, FPS, "arkit", start=2.0, origin={"seed": 4}), head(), ict)
    assert np.abs(got.values).max() < 1e-4
    assert (got.start, got.fps, got.origin["seed"]) == (2.0, FPS, 4)


def test_what_a_character_does_is_read_back(
    speech: tuple[FaceMotion, np.ndarray], said: Channels, ict: Character
) -> None:
    back = from_character(said, ict, head())
    assert back.space == "arkit"
    ours, theirs = mouth_track(head(), speech[0], FPS), mouth_track(head(), back, FPS)
    assert np.corrcoef(ours["aperture"], theirs["aperture"])[0, 1] > 0.995
    assert theirs["aperture"].max() == pytest.approx(ours["aperture"].max(), rel=0.2)
    for unit in ("eyeBlinkLeft", "mouthPucker", "browInnerUp"):
        row = ARKIT_EXPRESSIONS.index(unit)
        assert np.corrcoef(back.expression[:, row], speech[0].expression[:, row])[0, 1] > 0.95
    assert back.expression.min() >= 0


def test_each_blendshape_is_read_back_as_what_its_name_says(ict: Character) -> None:
    rows = ict.table.rows
    meant = {name: unit for name in ict.names for unit in rows[name].follows if unit in ARKIT_EXPRESSIONS}
    alone = [name for name, unit in meant.items() if list(meant.values()).count(unit) == 1]
    assert len(alone) > 40
    values = np.array([[own == name for own in ict.names] for name in alone], np.float32)
    back = from_character(Channels(ict.names, values, None, FPS, 0.0, {}), ict, head()).expression
    told = {name: float(row[ARKIT_EXPRESSIONS.index(meant[name])]) for name, row in zip(alone, back, strict=True)}
    assert {name: value for name, value in told.items() if value < 0.5} == {}


def test_what_is_alike_on_both_sides_is_read_back_alike(said: Channels, ict: Character) -> None:
    back = from_character(said, ict, head()).expression
    for number, name in enumerate(ARKIT_EXPRESSIONS):
        if name.endswith("Left"):
            other = ARKIT_EXPRESSIONS.index(name.removesuffix("Left") + "Right")
            assert np.abs(back[:, number] - back[:, other]).max() < 0.01, name


def test_flame_and_the_character_understand_each_other(
    speech: tuple[FaceMotion, np.ndarray], ict: Character, shared: Path
) -> None:
    flame = carried_flame(shared, head())
    spoken_by_flame = to_flame(speech[0], head(), flame)
    got = to_character(spoken_by_flame, flame, ict)
    assert lip_heights(ict, got)[speech[1] > SEALED].max() < 0.5
    ours, theirs = mouth_track(head(), speech[0], FPS), mouth_track_of(ict, got, FPS)
    assert np.corrcoef(ours["aperture"], theirs["aperture"])[0, 1] > 0.99
    back = from_character(got, ict, flame)
    assert back.space == "flame"
    assert np.corrcoef(ours["aperture"], mouth_track(flame, back, FPS)["aperture"])[0, 1] > 0.98


@pytest.mark.slow
def test_ten_thousand_frames_take_two_seconds(ict: Character, shared: Path) -> None:
    """Of processor time, so that what else the machine does is not counted."""
    motion = spoken(10_000)[0]
    flame = carried_flame(shared, head())
    in_flame = to_flame(motion, head(), flame)
    said = to_character(motion, head(), ict)
    ways = {
        "arkit to a character": lambda: to_character(motion, head(), ict),
        "a character to arkit": lambda: from_character(said, ict, head()),
        "arkit to flame": lambda: to_flame(motion, head(), flame),
        "flame to arkit": lambda: to_arkit(in_flame, flame, head()),
        "flame to a character": lambda: to_character(in_flame, flame, ict),
    }
    for name, way in ways.items():
        begin = time.process_time()
        way()
        assert time.process_time() - begin < 2.0, name


def test_residuals_tell_what_a_character_can_do(ict: Character) -> None:
    found = residuals(head(), ict)
    assert set(found) == {*ARKIT_EXPRESSIONS, "jawOpen"}
    left, way = found["jawOpen"]
    assert 0 < left < 0.15 * way
    without = Table({name: replace(row, used="brow" not in name) for name, row in ict.table.rows.items()})
    left, way = residuals(head(), with_table(ict, without))["browInnerUp"]
    assert left > 0.7 * way


def test_what_cannot_be_is_refused_with_the_reason(ict: Character, said: Channels) -> None:
    with pytest.raises(MotionError, match="they must be the same"):
        to_character(FaceMotion.still(2, FPS, "flame"), head(), ict)
    silent = Table({name: Row(row.system, {}, row.used) for name, row in ict.table.rows.items()})
    with pytest.raises(HeadError, match="which blendshape follows 'jawOpen'"):
        to_character(one(0.1), head(), with_table(ict, silent))
    with pytest.raises(HeadError, match="not of the character"):
        with_table(ict, Table({"jawOpen": Row("ARKit", {"jawOpen": 1.0})}))
    with pytest.raises(MotionError, match="not of the character"):
        from_character(replace(said, names=said.names[1:]), ict, head())
    with pytest.raises(MotionError, match="not finite"):
        from_character(replace(said, values=said.values * np.nan), ict, head())
    with pytest.raises(HeadError, match="does not fit its"):
        made(bone=False, shapes={"jawOpen": np.zeros((4, 3), np.float32)})


def test_a_table_of_other_blendshapes_is_refused() -> None:
    table = Table({**made(bone=True).table.rows, "smirk": Row()})
    with pytest.raises(HeadError, match="differ in 1 blendshapes, such as 'smirk'"):
        character_of("made", head().template, head().faces, shapes_of(opening=False), reference=head(), table=table)

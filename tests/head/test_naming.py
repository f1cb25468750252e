"""Blendshapes are recognised by the names that their makers gave them, and the table is a file to edit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsf_blender_addon.errors import HeadError
from lsf_blender_addon.head.naming import CHANNEL_NAMES, Row, Table, recognised
from lsf_blender_addon.head.tables import load_table, save_table
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS


@pytest.mark.parametrize(
    ("name", "system", "follows"),
    [
        ("mouthSmileLeft", "ARKit", {"mouthSmileLeft": 1.0}),
        ("mouthSmile_L", "ARKit", {"mouthSmileLeft": 1.0}),
        ("MouthSmileL", "ARKit", {"mouthSmileLeft": 1.0}),
        ("mouth_smile_left", "ARKit", {"mouthSmileLeft": 1.0}),
        ("mouthsmileleft", "ARKit", {"mouthSmileLeft": 1.0}),
        ("Left_mouthSmile", "ARKit", {"mouthSmileLeft": 1.0}),
        ("head_geo.BS_mouthSmile_L", "ARKit", {"mouthSmileLeft": 1.0}),
        ("blendShape1.eyeLookInRight", "ARKit", {"eyeLookInRight": 1.0}),
        ("jawLeft", "ARKit", {"jawLeft": 1.0}),
        ("mouthRight", "ARKit", {"mouthRight": 1.0}),
        ("browInnerUp_L", "ARKit", {"browInnerUp": 1.0}),
        ("mouthSmile", "ARKit", {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}),
        ("mouthOpen", "ARKit", {"jawOpen": 1.0}),
        ("tongueOut", "ARKit", {}),
        ("viseme_aa", "Oculus", {"jawOpen": 1.0}),
        ("viseme_sil", "Oculus", {}),
        ("vrc.v_ou", "Oculus", {"mouthPucker": 0.8}),
        ("A", "VRM", {"jawOpen": 1.0}),
        ("Blink_L", "VRM", {"eyeBlinkLeft": 1.0}),
        ("blinkRight", "VRM", {"eyeBlinkRight": 1.0}),
        ("Face.M_F00_000_00_Fcl_MTH_A", "VRM", {"jawOpen": 1.0}),
        ("Fcl_EYE_Close_R", "VRM", {"eyeBlinkRight": 1.0}),
        ("CTRL_expressions_mouthCornerPullL", "MetaHuman", {"mouthSmileLeft": 1.0}),
        ("CTRL_expressions_jawOpen", "MetaHuman", {"jawOpen": 1.0}),
        ("CTRL_expressions_mouthLipsPurseUL", "MetaHuman", {"mouthPucker": 1.0}),
        ("CTRL_expressions_jawChinRaiseDR", "MetaHuman", {"mouthShrugLower": 1.0}),
        ("CTRL_expressions_eyeLookLeftR", "MetaHuman", {"eyeLookInRight": 1.0}),
        ("Mouth_Smile_L", "ARKit", {"mouthSmileLeft": 1.0}),
        ("Brow_Raise_Inner_R", "Character Creator", {"browInnerUp": 1.0}),
        ("Mouth_Down_Lower_L", "Character Creator", {"mouthLowerDownLeft": 1.0}),
        ("Eye_R_Look_L", "Character Creator", {"eyeLookInRight": 1.0}),
        ("V_Tight_O", "Character Creator", {"mouthPucker": 1.0}),
        ("CC_Base_Body.V_Explosive", "Character Creator", {"mouthPressLeft": 0.5, "mouthPressRight": 0.5}),
        ("V_Lip_Open", "Character Creator", {}),
        ("Dental_Lip", "Character Creator", {"mouthRollLower": 1.0}),
        ("Mouth_Top_Lip_Under", "Character Creator", {"mouthRollUpper": 1.0}),
        ("Mouth_Bottom_Lip_Down", "Character Creator", {"mouthLowerDownLeft": 0.5, "mouthLowerDownRight": 0.5}),
        ("Cheek_Blow_L", "Character Creator", {"cheekPuff": 1.0}),
        ("Eyes_Blink", "Character Creator", {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}),
        ("A25_Jaw_Open", "ARKit", {"jawOpen": 1.0}),
        ("eyesClosed", "ARKit", {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}),
        ("eyesLookDown", "ARKit", {"eyeLookDownLeft": 0.5, "eyeLookDownRight": 0.5}),
        ("Open", "", {}),
        ("Door_Wide_Open", "", {}),
        ("CC_Base_Body.Jaw_Open", "ARKit", {"jawOpen": 1.0}),
        ("Muscular", "", {}),
        ("age_older", "", {}),
        ("Basis", "", {}),
    ],
)
def test_a_name_is_known(name: str, system: str, follows: dict[str, float]) -> None:
    row = recognised((name,)).rows[name]
    assert (row.system, dict(row.follows)) == (system, follows)


@pytest.mark.parametrize("spelling", ["{}", "ARKit_{}", "head.{}", "Face_BS.{}"])
def test_all_of_arkit_is_known_behind_any_prefix(spelling: str) -> None:
    names = {spelling.format(channel): channel for channel in CHANNEL_NAMES}
    table = recognised(tuple(names))
    for name, channel in names.items():
        assert dict(table.rows[name].follows) == {channel: 1.0}
    assert table.unfollowed == ()
    assert table.unmatched == ()


def test_the_fuller_system_leads_and_visemes_stand_back() -> None:
    """Ready Player Me's faces have both; moved twice, the mouth would open twice."""
    table = recognised((*ARKIT_EXPRESSIONS, "jawOpen", "viseme_aa", "viseme_PP", "viseme_nn", "mouthOpen"))
    assert all(table.rows[name].used for name in (*ARKIT_EXPRESSIONS, "jawOpen"))
    assert not any(table.rows[name].used for name in ("viseme_aa", "viseme_PP", "viseme_nn"))


def test_another_system_does_what_the_first_cannot() -> None:
    table = recognised(("viseme_aa", "viseme_O", "viseme_U", "viseme_PP", "viseme_nn", "Blink_L", "Blink_R", "Joy"))
    used = {name for name, row in table.rows.items() if row.used}
    assert used == {"viseme_aa", "viseme_O", "viseme_U", "viseme_PP", "viseme_nn", "Blink_L", "Blink_R"}


EXPLUS = (
    *("Brow_Raise_Inner_L", "Brow_Raise_Inner_R", "Brow_Drop_L", "Brow_Drop_R", "Eye_Blink_L", "Eye_Blink_R"),
    *("Mouth_Smile_L", "Mouth_Smile_R", "Mouth_Press_L", "Mouth_Press_R", "Mouth_Stretch_L", "Mouth_Stretch_R"),
    *("Mouth_Pucker", "Mouth_Funnel", "Mouth_Roll_In_Lower", "Mouth_Up_Upper_L", "Mouth_Up_Upper_R", "Jaw_Open"),
)
VISEMES = ("Open", "Explosive", "Dental_Lip", "Tight_O", "Tight", "Wide", "Affricate", "Lip_Open")


def test_character_creators_own_shapes_go_before_its_visemes() -> None:
    """Moved by both, the mouth would open and press twice."""
    visemes = tuple(f"V_{name}" for name in VISEMES)
    table = recognised((*visemes, *EXPLUS))
    assert {name for name, row in table.rows.items() if row.used} == set(EXPLUS)
    assert table.unmatched == ()
    alone = recognised(("Eye_Blink_L", "Eye_Blink_R", "Brow_Drop_L", "Brow_Drop_R", *visemes))
    assert {"V_Open", "V_Explosive", "V_Wide", "V_Tight_O"} <= {name for name, row in alone.rows.items() if row.used}
    assert alone.opens


def test_an_old_character_of_character_creator_speaks_by_what_it_has() -> None:
    """CC3's standard profile: its visemes have no prefix, and do what its expressions cannot."""
    visemes = ("Open", "Explosive", "Dental_Lip", "Tight-O", "Tight", "Wide", "Affricate", "Lip_Open")
    expressions = ("Mouth_Smile_L", "Mouth_Smile_R", "Mouth_Pucker", "Mouth_Pucker_Open", "Mouth_Widen", "Eyes_Blink")
    table = recognised((*visemes, *expressions, "Mouth_Bottom_Lip_Under"))
    used = {name for name, row in table.rows.items() if row.used}
    assert used == {*expressions, "Mouth_Bottom_Lip_Under", "Open", "Explosive"}
    assert table.system == "Character Creator"
    assert not recognised(("Open", "Wide", "Tight")).matched


def test_ready_player_mes_shapes_of_both_eyes_rest_where_each_eye_has_its_own() -> None:
    both = ("mouthSmile", "eyesClosed", "eyesLookUp", "eyesLookDown")
    table = recognised((*ARKIT_EXPRESSIONS, "jawOpen", "mouthOpen", *both))
    resting = {name for name, row in table.rows.items() if not row.used}
    assert resting == set(both)
    assert recognised(("eyesClosed", "mouthOpen", "mouthSmile")).rows["eyesClosed"].used


def test_a_shape_of_both_sides_rests_where_each_side_has_its_own() -> None:
    table = recognised(("Blink", "Blink_L", "Blink_R", "A", "I"))
    assert {name for name, row in table.rows.items() if row.used} == {"Blink_L", "Blink_R", "A", "I"}
    assert recognised(("Blink", "A", "I")).rows["Blink"].used


def test_names_that_nobody_knows_are_used_only_where_no_mouth_is_known() -> None:
    assert not recognised(("jawOpen", "Muscular")).rows["Muscular"].used
    assert recognised(("eyeBlinkLeft", "shape_12")).rows["shape_12"].used


def test_mirror_images_are_known_by_name() -> None:
    names = (
        "mouthSmile_L",
        "mouthSmile_R",
        "jawOpen",
        "jawLeft",
        "jawRight",
        "smirk_L",
        "Eye_L_Look_L",
        "Eye_R_Look_R",
    )
    mates = dict(zip(names, recognised(names).mates(), strict=True))
    assert mates == {
        "mouthSmile_L": "mouthSmile_R",
        "mouthSmile_R": "mouthSmile_L",
        "jawOpen": "jawOpen",
        "jawLeft": "jawRight",
        "jawRight": "jawLeft",
        "smirk_L": None,
        "Eye_L_Look_L": "Eye_R_Look_R",
        "Eye_R_Look_R": "Eye_L_Look_L",
    }


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40))
def test_no_name_is_too_strange(name: str) -> None:
    row = recognised((name,)).rows[name]
    assert set(row.follows) <= set(CHANNEL_NAMES)


def test_a_table_is_kept_edited_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "hero.lsf.json"
    table = recognised(("mouthSmile_L", "Grin", "jawOpen"))
    picked = {"chin": 12, "eye_left_upper": [3, 4]}
    save_table(path, table, character="Hero", picked=picked, residuals={"jawOpen": 0.41234})
    assert load_table(path) == (table, picked)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["unmatched blendshapes"] == ["Grin"]
    assert content["residual_mm"] == {"jawOpen": 0.412}
    assert "mouthPucker" in content["channels that nothing follows"]
    content["blendshapes"]["Grin"] = {"known as": "mine", "follows": {"mouthDimpleLeft": 0.7}, "used": True}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert load_table(path)[0].rows["Grin"] == Row("mine", {"mouthDimpleLeft": 0.7}, used=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 9}, "format 9"),
        ({"blendshapes": []}, "no table of blendshapes"),
        ({"blendshapes": {"a": 3}}, "'a' in t.json must have"),
        ({"blendshapes": {"a": {"follows": {"mouthGrin": 1}}}}, "follows 'mouthGrin'; there are: eyeBlinkLeft"),
        ({"blendshapes": {"a": {"follows": {"jawOpen": "much"}}}}, "give a number"),
        ({"blendshapes": {"a": {"follows": {"jawOpen": 1e9}}}}, "give a number"),
        ({"blendshapes": {"a": {"used": "yes"}}}, "true or false"),
        ({"picked": {"chin": "here"}}, "vertex numbers"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_the_place(
    tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"format": 1, "blendshapes": {}} | change), encoding="utf-8")
    with pytest.raises(HeadError, match=sentence):
        load_table(path)


@pytest.mark.parametrize("content", [b"", b"[1", b"\xff\xfe", b"[" * 100_000, b"3"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(content)
    with pytest.raises(HeadError, match=r"t\.json"):
        load_table(path)
    with pytest.raises(HeadError, match="cannot be read"):
        load_table(tmp_path / "none.json")


def test_a_table_that_cannot_be_written_is_said_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HeadError, match="cannot be written"):
        save_table(tmp_path / "file" / "t.json", Table({}), character="Hero")

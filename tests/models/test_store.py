"""Models are found by name and place, say their terms, and arrive whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lsf_blender_addon.errors import HeadError, ModelError
from lsf_blender_addon.models import store
from lsf_blender_addon.models.card import (
    CARD_NAME,
    WEIGHTS_NAME,
    CodebookCard,
    EncoderCard,
    IdentityCard,
    LicenceCard,
    ModelCard,
    PredictorCard,
    PriorCard,
    WindowCard,
)

CARD = ModelCard(
    name="mine",
    title="Mine",
    space="arkit",
    fps=50.0,
    pairing=1,
    licence=LicenceCard("CC0-1.0", commercial_use=True),
    provenance="test",
    audio=EncoderCard("log_mel"),
    emotion=EncoderCard("log_mel"),
    identity=IdentityCard(),
    predictor=PredictorCard(),
    prior=PriorCard(),
    codebook=CodebookCard(),
    window=WindowCard(8.0, 1.0),
)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An add-on's folder and a user's folder, both empty."""
    vendor, user = tmp_path / "package" / "vendor_models", tmp_path / "user"
    vendor.mkdir(parents=True)
    monkeypatch.setattr(store, "__file__", str(tmp_path / "package" / "lsf_blender_addon" / "models" / "store.py"))
    monkeypatch.setenv(store.MODELS_VARIABLE, str(user))
    return vendor, user


def model(folder: Path, card: ModelCard = CARD) -> Path:
    folder.mkdir(parents=True)
    (folder / CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    (folder / WEIGHTS_NAME).write_bytes(bytes(40))
    return folder


def test_ours_stand_before_the_users(places: tuple[Path, Path]) -> None:
    vendor, user = places
    model(user / "a"), model(user / "z"), model(vendor / "starter")
    (vendor / "head").mkdir()
    found = store.installed_models()
    assert [(item.folder.name, item.ours) for item in found] == [("starter", True), ("a", False), ("z", False)]
    assert found[0].size == 40


def test_a_list_says_whether_commercial_use_is_allowed(places: tuple[Path, Path]) -> None:
    model(places[1] / "free")
    model(places[1] / "not", replace(CARD, licence=LicenceCard("CC BY-NC-SA 4.0", commercial_use=False)))
    assert [item.terms for item in store.installed_models()] == [
        "CC0-1.0, commercial use allowed",
        "CC BY-NC-SA 4.0, no commercial use",
    ]


def test_a_model_is_found_by_folder_by_name_and_by_place(places: tuple[Path, Path], tmp_path: Path) -> None:
    folder = model(places[1] / "folder")
    elsewhere = model(tmp_path / "elsewhere" / "model")
    assert store.model_folder("folder") == folder
    assert store.model_folder("mine") == folder
    assert store.model_folder(elsewhere) == elsewhere
    assert store.model_folder(str(elsewhere)) == elsewhere


def test_an_unknown_model_is_answered_with_those_that_there_are(places: tuple[Path, Path]) -> None:
    model(places[1] / "one"), model(places[0] / "two")
    with pytest.raises(ModelError, match=r"'three'.*two, one.*import"):
        store.model_folder("three")


def test_a_model_without_weights_is_broken_and_says_so(places: tuple[Path, Path]) -> None:
    (model(places[1] / "half") / WEIGHTS_NAME).unlink()
    (model(places[1] / "odd") / CARD_NAME).write_text("{}", encoding="utf-8")
    assert store.installed_models() == []
    assert {item.folder.name for item in store.broken_models()} == {"half", "odd"}
    with pytest.raises(ModelError, match=WEIGHTS_NAME):
        store.model_folder("half")
    with pytest.raises(ModelError, match="format"):
        store.model_folder("odd")
    with pytest.raises(ModelError, match=WEIGHTS_NAME):
        store.model_folder(places[1] / "half")


def test_a_model_arrives_when_the_block_ends(places: tuple[Path, Path]) -> None:
    target = places[1] / "deep" / "new"
    with store.arriving(target) as beside:
        (beside / "file").write_text("x")
        assert not target.exists()
    assert (target / "file").read_text() == "x"
    assert [path.name for path in target.parent.iterdir()] == ["new"]


def test_a_model_that_fails_on_the_way_leaves_nothing(places: tuple[Path, Path]) -> None:
    target = places[1] / "new"

    def fail() -> None:
        with store.arriving(target) as beside:
            (beside / CARD_NAME).write_text("half")
            raise ModelError("stopped")

    with pytest.raises(ModelError, match="stopped"):
        fail()
    assert list(places[1].iterdir()) == []


def test_what_is_arriving_is_not_listed(places: tuple[Path, Path]) -> None:
    with store.arriving(places[1] / "new") as beside:
        (beside / CARD_NAME).write_text(CARD.to_json(), encoding="utf-8")
        (beside / WEIGHTS_NAME).write_bytes(b"")
        assert store.installed_models() == []
    assert [item.folder.name for item in store.installed_models()] == ["new"]


def test_a_folder_that_is_there_is_left_alone(places: tuple[Path, Path]) -> None:
    folder = model(places[1] / "mine")
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(ModelError, match="already"), store.arriving(folder):
        pass
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_place_that_cannot_be_written_is_named(places: tuple[Path, Path]) -> None:
    places[1].write_text("a file, no folder")
    with pytest.raises(ModelError, match="cannot be made"), store.arriving(places[1] / "new"):
        pass


def test_an_extension_finds_what_came_inside_it(tmp_path: Path, places: tuple[Path, Path]) -> None:
    places[0].rename(tmp_path / "package" / "renamed")
    inside = tmp_path / "package" / "lsf_blender_addon" / "vendor_models"
    with pytest.raises(ModelError, match="install"):
        store.vendor_folder()
    inside.mkdir(parents=True)
    assert store.vendor_folder() == inside


def test_a_missing_bundled_head_is_named(places: tuple[Path, Path]) -> None:
    with pytest.raises(HeadError, match=r"head\.npz"):
        store.bundled_head()
    (places[0] / "head").mkdir()
    (places[0] / "head" / "head.npz").write_bytes(b"")
    assert store.bundled_head() == places[0] / "head" / "head.npz"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "data"}, "data/lsf-animation/models"),
        ("linux", {}, "home/.local/share/lsf-animation/models"),
        ("darwin", {}, "home/Library/Application Support/LSF Animation/models"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/LSF Animation/models"),
    ],
)
def test_the_users_models_lie_where_the_platform_keeps_data(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(store.MODELS_VARIABLE)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(store.sys, "platform", platform)
    monkeypatch.setattr(store.Path, "home", lambda: Path("home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert store.user_folder() == Path(expected)

"""A model arrives from a folder, a zip or the network: whole, checked, or not at all."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lsf_blender_addon.errors import CancelledError, DownloadError, LsfError, ModelError
from lsf_blender_addon.models import store
from lsf_blender_addon.models.arrival import DOWNLOADS, fetch, take_in
from lsf_blender_addon.models.card import CARD_NAME, WEIGHTS_NAME, LicenceCard
from lsf_blender_addon.models.consent import give_consent, needs_consent, terms_question
from lsf_blender_addon.models.registry import RegistryEntry, entry_of, read_registry
from tests.loopback_server import Site, serving
from tests.models.test_store import CARD

VALUES = bytes(range(256)) * 4096


def weights(values: bytes = VALUES) -> bytes:
    index = {"a": {"dtype": "F32", "shape": [len(values) // 4], "data_offsets": [0, len(values)]}}
    header = json.dumps(index).encode()
    return struct.pack("<Q", len(header)) + header + values


def nothing(_stage: str, _share: float, _note: str) -> None:
    """Tell nobody."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A model's folder, somewhere on the disk."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / CARD_NAME).write_text(CARD.to_json(), encoding="utf-8")
    (folder / WEIGHTS_NAME).write_bytes(weights())
    (folder / "MODEL_CARD.md").write_text("words")
    (folder / "something else").write_text("not copied")
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Where models live."""
    return tmp_path / "models"


def packed(source: Path, path: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in source.iterdir():
            archive.write(file, f"{inside}{file.name}")
    return path


def test_a_folder_is_copied_without_what_does_not_belong(source: Path, models: Path) -> None:
    shares: list[float] = []
    card = take_in(source, models / "mine", lambda _stage, share, _note: shares.append(share))
    assert card == CARD
    assert sorted(path.name for path in (models / "mine").iterdir()) == ["MODEL_CARD.md", CARD_NAME, WEIGHTS_NAME]
    assert (models / "mine" / WEIGHTS_NAME).read_bytes() == weights()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("inside", ["", "mine/", "a/b/"])
def test_a_zip_of_a_folder_is_taken_in(inside: str, source: Path, models: Path, tmp_path: Path) -> None:
    take_in(packed(source, tmp_path / "model.zip", inside), models / "mine", nothing)
    assert (models / "mine" / WEIGHTS_NAME).read_bytes() == weights()
    assert [path.name for path in models.iterdir()] == ["mine"]


@pytest.mark.parametrize("damage", ["cut", "longer", "no index", "no weights"])
def test_damaged_weights_are_refused_and_leave_nothing(damage: str, source: Path, models: Path) -> None:
    path = source / WEIGHTS_NAME
    content = {"cut": weights()[:-1], "longer": weights() + b"x", "no index": b"\xff" * 100, "no weights": b""}[damage]
    path.write_bytes(content)
    if damage == "no weights":
        path.unlink()
    with pytest.raises(ModelError, match=WEIGHTS_NAME):
        take_in(source, models / "mine", nothing)
    assert not models.exists() or list(models.iterdir()) == []


def test_a_zip_cannot_write_beside_the_model(source: Path, models: Path, tmp_path: Path) -> None:
    archive = packed(source, tmp_path / "model.zip")
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("../../evil", "x")
        more.writestr("../model.json/../evil", "x")
    take_in(archive, models / "mine", nothing)
    assert not list(tmp_path.rglob("evil"))


def test_a_cut_zip_is_no_model(source: Path, models: Path, tmp_path: Path) -> None:
    archive = packed(source, tmp_path / "model.zip")
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(LsfError, match=r"model\.zip"):
        take_in(archive, models / "mine", nothing)
    assert not models.exists() or list(models.iterdir()) == []


def test_cancel_while_copying_leaves_nothing(source: Path, models: Path) -> None:
    def cancel(stage: str, _share: float, _note: str) -> None:
        if stage.startswith("Copying"):
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        take_in(source, models / "mine", cancel)
    assert list(models.iterdir()) == []


@pytest.fixture
def archive(source: Path, tmp_path: Path) -> bytes:
    return packed(source, tmp_path / "model.zip").read_bytes()


@pytest.fixture
def site(archive: bytes) -> Iterator[Site]:
    with serving(Site({"/owner/r1/model.zip": archive})) as served:
        yield served


@pytest.fixture
def entry(site: Site, archive: bytes) -> RegistryEntry:
    return RegistryEntry(
        name="pinned",
        kind="model",
        how="fetch",
        source="owner",
        address=f"{site.address}/owner/r1/model.zip",
        file="model.zip",
        revision="r1",
        size=len(archive),
        sha256=hashlib.sha256(archive).hexdigest(),
        licence="CC0-1.0",
        commercial_use=True,
        note="A test.",
    )


def test_a_pinned_model_is_fetched_over_a_connection_that_breaks(
    site: Site, entry: RegistryEntry, models: Path
) -> None:
    site.breaks_after = max(len(site.files["/owner/r1/model.zip"]) // 3, 1)
    assert fetch(entry, models, nothing) == CARD
    assert (models / "pinned" / WEIGHTS_NAME).read_bytes() == weights()
    assert not list((models / DOWNLOADS).glob("*/*"))
    assert len(site.ranges_asked) > 1


def test_a_fetch_that_was_cancelled_goes_on_the_next_time(site: Site, entry: RegistryEntry, models: Path) -> None:
    site.breaks_after, site.breaks_left = 1000, 1

    def cancel(_stage: str, share: float, _note: str) -> None:
        if share > 0:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        fetch(entry, models, cancel)
    assert not (models / "pinned").exists()
    fetch(entry, models, nothing)
    assert site.ranges_asked == [None, "bytes=1000-"]


def test_a_changed_file_is_refused(site: Site, entry: RegistryEntry, models: Path) -> None:
    address = "/owner/r1/model.zip"
    site.files[address] = site.files[address][:-1] + b"!"
    with pytest.raises(DownloadError, match="SHA-256"):
        fetch(entry, models, nothing)
    assert not (models / "pinned").exists()


@pytest.mark.parametrize("lacking", ["address", "revision", "size", "sha256", "licence"])
def test_what_is_not_pinned_to_the_last_byte_is_not_fetched(
    lacking: str, site: Site, entry: RegistryEntry, models: Path
) -> None:
    with pytest.raises(ModelError, match="pinned"):
        fetch(replace(entry, **{lacking: None}), models, nothing)
    assert site.ranges_asked == []


def test_what_must_be_imported_is_not_fetched(entry: RegistryEntry, models: Path) -> None:
    with pytest.raises(ModelError, match="not fetched"):
        fetch(replace(entry, how="import"), models, nothing)


def test_a_model_that_is_there_is_not_fetched_over(entry: RegistryEntry, models: Path) -> None:
    (models / "pinned").mkdir(parents=True)
    with pytest.raises(ModelError, match="already"):
        fetch(entry, models, nothing)


def test_the_shipped_registry_reads_and_fetches_nothing_unpinned(repository: Path) -> None:
    path = repository / "vendor_models" / "registry.json"
    entries = read_registry(path)
    assert entry_of(path, "starter").how == "bundled"
    for listed in entries:
        if listed.how == "fetch":
            assert listed.remote.address.startswith("https://")
    with pytest.raises(ModelError, match="no 'absent'"):
        entry_of(path, "absent")


NOT_COMMERCIAL = replace(CARD, licence=LicenceCard("CC BY-NC-SA 4.0", commercial_use=False, attribution="The makers"))


def test_weights_without_commercial_use_are_asked_about_once(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.MODELS_VARIABLE, str(models))
    assert needs_consent(NOT_COMMERCIAL)
    assert "The makers" in " ".join(terms_question(NOT_COMMERCIAL))
    give_consent(NOT_COMMERCIAL)
    assert not needs_consent(NOT_COMMERCIAL)
    assert needs_consent(replace(NOT_COMMERCIAL, name="another"))
    assert needs_consent(replace(NOT_COMMERCIAL, licence=LicenceCard("another", commercial_use=False)))


def test_free_weights_are_not_asked_about(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.MODELS_VARIABLE, str(models))
    assert not needs_consent(CARD)
    assert not models.exists()


def test_damaged_answers_count_as_none(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.MODELS_VARIABLE, str(models))
    models.mkdir()
    (models / ".consents.json").write_text("[1")
    assert needs_consent(NOT_COMMERCIAL)
    give_consent(NOT_COMMERCIAL)
    assert not needs_consent(NOT_COMMERCIAL)

"""The list of what can be bundled, imported or fetched says the same about each, and is true of what is here."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from lsf_blender_addon.models.card import read_card

FIELDS = {
    "name",
    "kind",
    "how",
    "source",
    "address",
    "file",
    "revision",
    "size",
    "sha256",
    "licence",
    "commercial_use",
    "note",
}


@pytest.fixture(scope="module")
def entries(repository: Path) -> list[dict[str, Any]]:
    listed = json.loads((repository / "vendor_models" / "registry.json").read_text(encoding="utf-8"))
    assert listed["format"] == 1
    found: list[dict[str, Any]] = listed["entries"]
    return found


def test_every_entry_says_the_same_things(entries: list[dict[str, Any]]) -> None:
    assert all(set(entry) == FIELDS for entry in entries)
    assert len({entry["name"] for entry in entries}) == len(entries)
    assert {entry["how"] for entry in entries} <= {"bundled", "import", "fetch", "not needed"}


def test_what_can_be_fetched_is_pinned_and_checked(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        if entry["how"] == "fetch":
            assert all(entry[field] for field in ("revision", "size", "sha256", "licence"))


def test_no_licence_unknown_here_is_called_free(entries: list[dict[str, Any]]) -> None:
    assert not [entry["name"] for entry in entries if entry["licence"] is None and entry["commercial_use"] is not None]


def test_what_is_bundled_is_there_under_the_licence_that_is_listed(
    entries: list[dict[str, Any]], repository: Path
) -> None:
    for entry in entries:
        if entry["how"] != "bundled":
            continue
        folder = repository / entry["source"]
        if not folder.is_dir():
            pytest.skip(f"{entry['source']} has not been made yet")
        if (folder / "model.json").is_file():
            licence = read_card(folder).licence
            assert (licence.name, licence.commercial_use) == (entry["licence"], entry["commercial_use"])
        if entry["sha256"]:
            assert hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]

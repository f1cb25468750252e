"""A download goes on where it broke off, and is the pinned file, whole, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsf_blender_addon.download import TRIES, RemoteFile, download
from lsf_blender_addon.errors import CancelledError, DownloadError
from tests.loopback_server import Site, serving

CONTENT = bytes(range(256)) * 8192
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site({"/weights": CONTENT})) as served:
        yield served


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def pinned(site: Site, **changes: object) -> RemoteFile:
    return RemoteFile(**{"address": f"{site.address}/weights", "sha256": SHA256, "size": len(CONTENT), **changes})  # type: ignore[arg-type]


def fetch(remote: RemoteFile, target: Path) -> list[tuple[int, int | None]]:
    told: list[tuple[int, int | None]] = []
    download(remote, target, lambda here, whole: told.append((here, whole)), pause=lambda _seconds: None)
    return told


def test_a_file_arrives_whole_and_alone(site: Site, target: Path) -> None:
    told = fetch(pinned(site), target)
    assert target.read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert list(target.parent.iterdir()) == [target]


def test_a_broken_connection_is_taken_up_where_it_broke(site: Site, target: Path) -> None:
    site.breaks_after = 700_000
    fetch(pinned(site), target)
    assert target.read_bytes() == CONTENT
    assert site.ranges_asked == [None, "bytes=700000-", "bytes=1400000-"]


def test_what_had_arrived_before_is_not_fetched_again(site: Site, target: Path) -> None:
    target.with_name("weights.part").write_bytes(CONTENT[:1_000_000])
    fetch(pinned(site), target)
    assert target.read_bytes() == CONTENT
    assert site.ranges_asked == ["bytes=1000000-"]


def test_a_file_that_is_there_is_not_fetched_at_all(site: Site, target: Path) -> None:
    target.write_bytes(CONTENT)
    fetch(pinned(site), target)
    assert site.ranges_asked == []


def test_a_server_that_knows_no_ranges_begins_anew(site: Site, target: Path) -> None:
    site.ranges = False
    target.with_name("weights.part").write_bytes(b"x" * 1000)
    fetch(pinned(site), target)
    assert target.read_bytes() == CONTENT


def test_a_server_that_breaks_for_ever_is_given_up_and_what_came_is_kept(site: Site, target: Path) -> None:
    site.breaks_after = 0
    with pytest.raises(DownloadError, match=rf"broke {TRIES} times.*kept"):
        fetch(pinned(site), target)
    site.breaks_after = 1_000_000
    site.breaks_left = 1
    fetch(pinned(site), target)
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_that_always_breaks_is_given_up(site: Site, target: Path) -> None:
    site.ranges, site.breaks_after = False, 1_000_000
    with pytest.raises(DownloadError, match="broke"):
        fetch(pinned(site), target)
    assert len(site.ranges_asked) == TRIES + 1


def test_cancel_keeps_what_has_arrived_and_makes_no_file(site: Site, target: Path) -> None:
    def cancel(here: int, _whole: int | None) -> None:
        if here > 500_000:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        download(pinned(site), target, cancel)
    assert not target.exists()
    kept = target.with_name("weights.part").stat().st_size
    assert 500_000 < kept < len(CONTENT)
    fetch(pinned(site), target)
    assert site.ranges_asked[-1] == f"bytes={kept}-"


def test_another_file_than_the_pinned_one_is_thrown_away(site: Site, target: Path) -> None:
    site.files["/weights"] = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadError, match="SHA-256"):
        fetch(pinned(site), target)
    assert list(target.parent.iterdir()) == []


def test_a_file_of_another_length_is_refused_before_it_comes(site: Site, target: Path) -> None:
    site.files["/weights"] = CONTENT * 2
    with pytest.raises(DownloadError, match="another"):
        fetch(pinned(site), target)
    assert list(target.parent.iterdir()) == []


def test_more_left_from_another_file_than_there_is_begins_anew(site: Site, target: Path) -> None:
    target.with_name("weights.part").write_bytes(b"x" * (len(CONTENT) + 5))
    fetch(pinned(site, size=None), target)
    assert target.read_bytes() == CONTENT


def test_a_missing_file_is_named(site: Site, target: Path) -> None:
    with pytest.raises(DownloadError, match=r"/absent answers 404"):
        fetch(pinned(site, address=f"{site.address}/absent"), target)


def test_a_server_that_is_busy_is_asked_again(site: Site, target: Path) -> None:
    site.status = 503
    with pytest.raises(DownloadError, match="answers 503"):
        fetch(pinned(site), target)
    assert len(site.ranges_asked) == TRIES


@pytest.mark.parametrize("address", ["http://example.com/weights", "ftp://example.com/weights", "file:///weights"])
def test_nothing_is_fetched_over_an_open_line(address: str, target: Path) -> None:
    with pytest.raises(DownloadError, match="no https"):
        fetch(RemoteFile(address, SHA256), target)


def test_no_server_leads_off_to_an_open_line(site: Site, target: Path) -> None:
    site.redirects["/weights"] = "http://example.com/weights"
    with pytest.raises(DownloadError, match="no https"):
        fetch(pinned(site), target)


def test_a_redirect_is_followed(site: Site, target: Path) -> None:
    site.redirects["/here"] = f"{site.address}/weights"
    fetch(pinned(site, address=f"{site.address}/here"), target)
    assert target.read_bytes() == CONTENT


def test_a_place_that_cannot_be_written_is_named(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(pinned(site), tmp_path / "absent" / "weights")

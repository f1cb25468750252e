"""Texts are read within bounds, with or without UTF-8's mark, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsf_blender_addon.errors import HeadError
from lsf_blender_addon.texts import read_text


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_text_is_read_without_its_mark(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(mark + "Grüße\r\n".encode())
    assert read_text(tmp_path / "a.txt", 100, "list") == "Grüße\r\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("long.txt", r"long\.txt is larger than any table can be"),
        ("bytes.txt", r"The table .*bytes\.txt is no text in UTF-8"),
        ("gone.txt", r"The table .*gone\.txt cannot be read \(No such file"),
        (".", r"The table .* cannot be read"),
    ],
)
def test_what_is_no_such_text_is_refused_by_name_and_in_the_kind_asked_for(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "long.txt").write_bytes(b"x" * 11)
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HeadError, match=words):
        read_text(tmp_path / name, 10, "table", HeadError)


def test_the_bound_itself_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 10)
    assert len(read_text(tmp_path / "a.txt", 10, "table")) == 10


def test_a_file_that_never_ends_is_refused_too() -> None:
    endless = Path("/dev/zero")
    if not endless.exists():
        pytest.skip("this system has no endless file")
    with pytest.raises(HeadError, match="larger than any table"):
        read_text(endless, 1000, "table", HeadError)

"""Wheels are unpacked as the format says, and never beside where they belong."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from lsf_blender_addon.errors import CancelledError, InstallError
from lsf_blender_addon.installing.wheels import unpack
from tests.installing.small_wheels import small_wheel


def test_the_library_is_unpacked_and_the_rest_is_left_out(tmp_path: Path) -> None:
    more = {
        "a-1.data/purelib/beside.py": "B = 1\n",
        "a-1.data/platlib/fast.py": "F = 1\n",
        "a-1.data/scripts/tool": "#!python\n",
        "a-1.data/data/share/man/a.1": "manual\n",
    }
    wheel = small_wheel(tmp_path, "a", "1", more=more)
    told: list[tuple[int, int]] = []
    unpack([wheel], tmp_path / "packages", lambda done, total: told.append((done, total)))
    packages = tmp_path / "packages"
    found = {path.relative_to(packages).as_posix() for path in packages.rglob("*") if path.is_file()}
    assert found == {
        "a/__init__.py",
        "beside.py",
        "fast.py",
        "a-1.dist-info/METADATA",
        "a-1.dist-info/RECORD",
        "a-1.dist-info/WHEEL",
    }
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a/../../evil.py", "..\\evil.py", "C:evil.py"])
def test_a_path_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    wheel = tmp_path / "evil-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(InstallError, match="leads out"):
        unpack([wheel], tmp_path / "inner" / "packages", lambda _done, _total: None)
    assert not list(tmp_path.rglob("evil.py"))


def test_a_file_that_is_no_wheel_is_named(tmp_path: Path) -> None:
    wheel = tmp_path / "cut-1-py3-none-any.whl"
    wheel.write_bytes(small_wheel(tmp_path, "a", "1").read_bytes()[:300])
    with pytest.raises(InstallError, match=r"cut-1.*damaged"):
        unpack([wheel], tmp_path / "packages", lambda _done, _total: None)


def test_programs_inside_a_library_stay_programs(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        info = zipfile.ZipInfo("a/bin/tool")
        info.external_attr = 0o100755 << 16
        archive.writestr(info, "#!/bin/sh\n")
    unpack([wheel], tmp_path / "packages", lambda _done, _total: None)
    assert os.name != "posix" or os.access(tmp_path / "packages" / "a" / "bin" / "tool", os.X_OK)


def test_cancel_is_heard_between_two_blocks(tmp_path: Path) -> None:
    wheel = small_wheel(tmp_path, "a", "1")

    def cancel(_done: int, _total: int) -> None:
        raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        unpack([wheel], tmp_path / "packages", cancel)

"""One process at a time, and no lock outlives its holder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lsf_blender_addon.errors import InstallError
from lsf_blender_addon.locks import held

HOLD = """
import sys
from pathlib import Path
from lsf_blender_addon.errors import InstallError
from lsf_blender_addon.locks import held
with held(Path(sys.argv[1]), InstallError("busy")):
    print("held", flush=True)
    sys.stdin.read()
"""
BUSY = InstallError("Another Blender is at it.")


def test_a_lock_that_another_process_holds_is_refused_until_that_one_dies(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "new" / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InstallError, match="Another Blender"), held(path, BUSY):
            pass
        other.kill()
    with held(path, BUSY):
        pass
    with held(path, BUSY):
        pass


def test_a_lock_where_nothing_can_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InstallError, match="cannot be written"), held(tmp_path / "file" / "lock", BUSY):
        pass

"""Wheels, unpacked into an environment (packaging.python.org, “Binary distribution format”).

Not by pip, for two reasons: a wheel of PyTorch holds paths of 170 characters, which pip cannot write below Blender's
long folders on a Windows as it is delivered (260 characters); and pip says nothing while it unpacks for minutes.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from ..errors import InstallError

Unpacked = Callable[[int, int], None]
"""Told the bytes that are written and the bytes of all, several times a second; what it raises ends the work."""

BLOCK = 1 << 20
LIBRARIES = ("purelib", "platlib")
"""The parts of a wheel's ``.data`` folder that belong to the library; scripts, headers and manuals nobody needs."""

LARGEST = 64 << 30
EXECUTABLE = 0o111


def unpack(wheels: Sequence[Path], packages: Path, unpacked: Unpacked) -> None:
    """Unpack wheels into an environment's folder of packages.

    Args:
        wheels: files that are known to be the right ones.
        packages: ``site-packages``; it is there.
        unpacked: told how far it is.

    Raises:
        InstallError: a wheel is damaged, holds a path that leads out of the folder, or the disk is full.
    """
    total = sum(_size(wheel) for wheel in wheels)
    if total > LARGEST:
        raise InstallError(f"The packages unpack to {total / 1e9:.0f} GB, which no set of them does: they are refused.")
    done = 0

    def written(size: int) -> None:
        nonlocal done
        done += size
        unpacked(done, total)

    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as archive:
                for member in archive.infolist():
                    target = _target(member.filename, wheel.name)
                    if target is None:
                        written(member.file_size)
                    else:
                        _write(archive, member, packages / target, written)
        except (zipfile.BadZipFile, EOFError, RuntimeError) as reason:
            raise InstallError(f"{wheel.name} is damaged ({reason}): remove it and set up again.") from reason
        except OSError as reason:
            raise InstallError(f"{packages} cannot be written ({reason.strerror}): free some space.") from reason


def packages_of(folder: Path, version: tuple[int, int]) -> Path:
    """``site-packages`` of the environment ``folder``, made by a Python of this version."""
    if os.name == "nt":
        return folder / "Lib" / "site-packages"
    return folder / "lib" / f"python{version[0]}.{version[1]}" / "site-packages"


def _size(wheel: Path) -> int:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError) as reason:
        raise InstallError(f"{wheel.name} is damaged ({reason}): remove it and set up again.") from reason


def _target(name: str, wheel: str) -> PurePosixPath | None:
    """Where a member belongs below ``site-packages``; None where it does not belong to the library."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise InstallError(f"{wheel} holds a path that leads out of its folder ({name!r:.80}): it is refused.")
    if name.endswith("/"):
        return None
    if path.parts[0].endswith(".data"):
        if len(path.parts) < 3 or path.parts[1] not in LIBRARIES:  # noqa: PLR2004 - PACKAGE.data/purelib/FILE
            return None
        return PurePosixPath(*path.parts[2:])
    return path


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, written: Callable[[int], None]) -> None:
    target = long_path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as packed, target.open("wb") as file:
        while block := packed.read(BLOCK):
            file.write(block)
            written(len(block))
    mode = member.external_attr >> 16
    if mode & EXECUTABLE and os.name == "posix":
        target.chmod(target.stat().st_mode | stat.S_IXUSR)


def long_path(path: Path) -> Path:
    """The same path, in the form that Windows takes at any length."""
    words = str(path)
    if os.name != "nt" or words.startswith("\\\\"):
        return path
    return Path(f"\\\\?\\{path.absolute()}")


def remove_tree(folder: Path) -> None:
    """Remove a folder with paths of any length, as far as nobody uses it."""
    shutil.rmtree(long_path(folder), ignore_errors=True)

"""Where this extension may write, and under which name Blender knows it."""

from __future__ import annotations

from pathlib import Path

import bpy

TOP_PACKAGE = (__package__ or "").rpartition(".")[0]
"""``bl_ext.REPOSITORY.lsf_blender_addon`` in Blender; the package's plain name where it runs from a checkout."""

PLAIN_FOLDER = "lsf_animation"


def extension_folder() -> Path:
    """The extension's own folder for what it keeps: outside the extension itself, which may be read-only."""
    if TOP_PACKAGE.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(TOP_PACKAGE, create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path=PLAIN_FOLDER, create=True))


def log_file(job: str) -> Path:
    """The log of the last job of a name."""
    return extension_folder() / "logs" / f"{job}.log"

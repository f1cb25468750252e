#!/usr/bin/env python3
"""Build the extension and a repository that Blender can install it from and update it from.

    python3 scripts/build_extension.py                      dist/lsf_blender_addon-VERSION.zip and dist/index.json
    python3 scripts/build_extension.py --output FOLDER      the same, elsewhere
    python3 scripts/build_extension.py --blender PROGRAM    with an installed Blender's tool instead of bpy's

Put the folder on any web server, and give the address of its ``index.json`` to Blender (Preferences > Get Extensions >
Repositories > Add Remote Repository). Zips of older versions may stay in the folder; Blender takes the newest.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from environment import REPOSITORY, SetupError

PACKAGE = REPOSITORY / "lsf_blender_addon"
MANIFEST = REPOSITORY / "blender_manifest.toml"
VENDOR = REPOSITORY / "vendor_models"
BUNDLED = ("registry.json", "calm.flac", "starter", "head")
"""What of ``vendor_models`` goes into the zip: a fresh install speaks without a download."""

LARGEST_ZIP = 40_000_000
"""Bytes: an extension of more is a burden to install and to update."""


@dataclass(frozen=True)
class ExtensionTool:
    """Blender's own extension tool: the words that start it."""

    command: tuple[str, ...]

    def run(self, *words: str | Path) -> None:
        """Run one of its commands.

        Raises:
            SetupError: it refused; its own words have been printed.
        """
        done = subprocess.run([*self.command, *map(str, words)], check=False)
        if done.returncode:
            raise SetupError(f"Blender's extension tool refused ({words[0]}); its reason stands above.")


def tool_of_module() -> ExtensionTool:
    """The tool inside Blender as a Python module, which runs without starting Blender.

    Raises:
        SetupError: ``bpy`` is not installed for this Python.
    """
    found = importlib.util.find_spec("bpy")
    roots = found.submodule_search_locations if found and found.submodule_search_locations else []
    for root in roots:
        # bpy's folder holds the package's __init__ in some builds, and Blender's own folders in all of them
        for place in (Path(root), *Path(root).parents[:4]):
            tools = sorted(place.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
            if tools:
                return ExtensionTool((sys.executable, str(tools[-1])))
    raise SetupError("Blender's extension tool is missing: run this with .venv's Python, or name a --blender.")


def tool_of_program(blender: Path) -> ExtensionTool:
    """The tool of an installed Blender."""
    return ExtensionTool((str(blender), "--command", "extension"))


def lay_out(folder: Path) -> None:
    """Copy everything that an installed extension consists of into ``folder``, as the zip is to hold it."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    shutil.copytree(PACKAGE, folder, ignore=unwanted, dirs_exist_ok=True)
    shutil.copy2(MANIFEST, folder)
    shutil.copy2(REPOSITORY / "LICENSE", folder)
    for name in BUNDLED:
        source, target = VENDOR / name, folder / VENDOR.name / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=unwanted)
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy2(source, target)


def build(output: Path, tool: ExtensionTool) -> Path:
    """Build and validate the zip, and list it with its neighbours in ``index.json``.

    Args:
        output: the folder for both; zips that are there stay.
        tool: Blender's extension tool.

    Returns:
        The zip.

    Raises:
        SetupError: Blender's tool refuses it, or it is larger than an extension should be.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lsf_extension_") as place:
        source, made = Path(place) / "source", Path(place) / "made"
        made.mkdir()
        lay_out(source)
        tool.run("build", "--source-dir", source, "--output-dir", made)
        (built,) = made.glob("*.zip")
        tool.run("validate", built)
        size = built.stat().st_size
        if size > LARGEST_ZIP:
            raise SetupError(f"{built.name} has {size / 1e6:.1f} MB; it may have {LARGEST_ZIP / 1e6:.0f} MB.")
        finished = output / built.name
        shutil.copy2(built, finished.with_suffix(".partial"))
        finished.with_suffix(".partial").replace(finished)
    tool.run("server-generate", "--repo-dir", output)
    return finished


def main() -> int:
    """Build; 0 only when the zip and the index are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "dist", help="the folder to write into (dist)")
    parser.add_argument("--blender", type=Path, help="an installed Blender whose extension tool is to be used")
    arguments = parser.parse_args()
    try:
        tool = tool_of_module() if arguments.blender is None else tool_of_program(arguments.blender)
        built = build(arguments.output, tool)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{built} ({built.stat().st_size / 1e6:.1f} MB) and {arguments.output / 'index.json'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

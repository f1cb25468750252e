"""The rules of the house (DESIGN.md) that a test can hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "lsf_blender_addon"

BELOW: dict[str, set[str]] = {
    "errors": set(),
    "pickles": {"errors"},
    "arrays": {"errors"},
    "texts": {"errors"},
    "translations": {"errors", "texts"},
    "motion": {"errors", "arrays"},
    "formats": {"errors", "arrays", "texts", "motion"},
    "audio": {"errors"},
    "reduction": set(),
    "eyes": {"errors", "motion"},
    "moments": {"motion"},
    "head": {"errors", "arrays", "texts", "pickles", "motion"},
    "locks": {"errors"},
    "download": {"errors"},
    "models": {"errors", "arrays", "pickles", "motion", "locks", "download"},
    "installing": {"errors", "locks", "download", "models", "worker"},
    "jobs": {"errors", "models", "worker", "installing"},
    "speech": {"errors", "models", "motion", "audio"},
    "network": {"errors", "models", "motion", "audio", "speech"},
    "worker": {"errors", "arrays", "models", "motion", "audio", "speech", "network"},
    "blender": {
        *("errors", "arrays", "formats", "models", "motion", "audio", "reduction", "eyes", "moments", "head", "worker"),
        *("installing", "jobs", "translations"),
    },
    "batch": {"errors", "texts", "worker"},
    "cli": {"errors", "arrays", "models", "motion", "audio", "head", "worker", "blender", "commands"},
    "commands": {
        *("errors", "arrays", "formats", "models", "motion", "audio", "head", "worker", "blender", "batch"),
    },
}
"""What each part of the package may import, besides itself."""

NUMPY_ALONE = ("head", "motion", "arrays", "formats", "reduction", "eyes", "moments")
TORCH = {"torch", "transformers", "safetensors", "lightning"}
STANDARD_ALONE = ("errors", "locks", "download", "installing", "translations")
"""What runs before anything is installed, or beside nothing else."""

BLENDER = {"bpy", "bmesh", "mathutils", "aud", "bpy_extras", "gpu"}


def sources() -> Iterator[Path]:
    yield from sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def own_imports(path: Path) -> set[str]:
    """The parts of the package that a file imports, anywhere in it."""
    parents = path.relative_to(PACKAGE).parent.parts
    parts: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = list(parents[: len(parents) - node.level + 1])
            full = base + (node.module.split(".") if node.module else [])
            parts |= {full[0]} if full else {alias.name for alias in node.names}
    return parts - {"__version__", "__init__"}


def foreign_imports(path: Path) -> set[str]:
    """The top-level names of other packages that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


def test_imports_point_one_way() -> None:
    wrong = []
    for path in sources():
        part = part_of(path)
        if part == "__init__":
            continue
        stray = own_imports(path) - BELOW[part] - {part}
        wrong += [f"{path.relative_to(PACKAGE)} imports {other}" for other in sorted(stray)]
    assert wrong == []


def test_only_the_blender_folder_imports_bpy() -> None:
    wrong = [str(path) for path in sources() if part_of(path) != "blender" and foreign_imports(path) & BLENDER]
    assert wrong == []


def test_heads_and_motion_import_numpy_alone() -> None:
    stray = {
        str(path): foreign_imports(path) - {"numpy"}
        for path in sources()
        if part_of(path) in NUMPY_ALONE and foreign_imports(path) - {"numpy"}
    }
    assert stray == {}


def test_what_installs_packages_needs_none() -> None:
    stray = {str(path): foreign_imports(path) for path in sources() if part_of(path) in STANDARD_ALONE}
    trial = str(PACKAGE / "installing" / "trial.py")
    assert {path: names for path, names in stray.items() if names and path != trial} == {}


def test_the_blender_side_never_imports_torch() -> None:
    blender_side = [path for path in sources() if part_of(path) in {"blender", "head", "motion", "audio"}]
    blender_side += [PACKAGE / "worker" / "client.py", PACKAGE / "worker" / "protocol.py"]
    assert [str(path) for path in blender_side if foreign_imports(path) & TORCH] == []


def test_importing_the_blender_side_loads_no_torch() -> None:
    script = (
        "import sys, lsf_blender_addon, lsf_blender_addon.motion, lsf_blender_addon.audio, lsf_blender_addon.cli, "
        "lsf_blender_addon.worker.client, lsf_blender_addon.head.flame, lsf_blender_addon.models.store; "
        "sys.exit('torch' in sys.modules or 'bpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=REPOSITORY).returncode == 0


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout: the list of files is git's")
    return [REPOSITORY / name for name in listing.stdout.decode().split("\0") if name]


def test_every_source_file_can_be_read_in_one_sitting() -> None:
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for path in tracked_files()
        if path.suffix == ".py" and path.exists() and (lines := path.read_text(encoding="utf-8").count("\n")) > 500
    }
    assert long == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc|stuff)(_|$)")
    named = [path for path in tracked_files() if any(vague.search(part.split(".")[0]) for part in path.parts[-2:])]
    assert named == []


def test_no_file_names_a_machine_or_points_outside_the_repository() -> None:
    outside = re.compile(r"(^|[\s\"'`(=])/(root|work|farm|tmp|var/tmp|home/\w+)/\w|\.\./shared")
    found = []
    for path in tracked_files():
        if path.suffix not in {".py", ".md", ".toml", ".json", ".txt", ".js"} or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        found += [f"{path.name}: {line.strip()}" for line in text.splitlines() if outside.search(line)]
    assert found == []

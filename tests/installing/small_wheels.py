"""Wheels of a few lines, made on the spot, that stand in for packages of hundreds of megabytes."""

from __future__ import annotations

import base64
import dataclasses
import ensurepip
import hashlib
import zipfile
from pathlib import Path

from lsf_blender_addon.installing.requirements import TorchBuild, WorkerRequirements


def small_wheel(
    folder: Path,
    name: str,
    version: str,
    needs: tuple[str, ...] = (),
    *,
    code: str = "",
    more: dict[str, str] | None = None,
) -> Path:
    """A wheel with one module ``name``; ``more`` are further files by their path in the wheel."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    files = {
        f"{name}/__init__.py": code or f"__version__ = {version!r}\n",
        **(more or {}),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return wheel


SMALL = WorkerRequirements(
    (3, 11),
    (3, 14),
    "99.0",
    "2.0",
    ("speechlike==1.5",),
    {
        "cpu": TorchBuild("cpu", "Processor alone", "+cpu", {"linux-x86_64": ""}, 1_000_000),
        "cuda13": TorchBuild("cuda13", "NVIDIA, CUDA 13", "+cu130", {"linux-x86_64": ""}, 1_000_000),
    },
)
"""What the small wheels satisfy."""

LISTED = dataclasses.replace(
    SMALL,
    builds={**SMALL.builds, "cpu": dataclasses.replace(SMALL.builds["cpu"], sources={"linux-x86_64": "cpu"})},
)
"""The same, where the processor's build is in a list of PyTorch's own, as it is on Linux."""


NEWER_PIP = """
import os, runpy, sys
with open(os.environ["LSF_TEST_MARK"], "w") as mark:
    mark.write(sys.argv[1])
del sys.modules["pip"]
sys.path.insert(0, {bundled!r})
runpy.run_module("pip", run_name="__main__")
"""
"""A newer pip that leaves a mark and lets the one that Python brings do the work."""


def small_set(folder: Path) -> Path:
    """A folder with a wheel for each of ``SMALL``, and one that those need."""
    small_wheel(folder, "torch", "2.0+cpu", ("deeper>=1",), code="import deeper\n")
    small_wheel(folder, "speechlike", "1.5")
    bundled = next(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
    small_wheel(folder, "pip", "99.0", more={"pip/__main__.py": NEWER_PIP.format(bundled=str(bundled))})
    small_wheel(folder, "deeper", "1.2", code=f"WEIGHT = {'x' * 200_000!r}\n")
    return folder


def index_pages(wheels: Path) -> dict[str, bytes]:
    """A package index (the simple repository API, with metadata apart) of a folder of wheels: content by path."""
    pages: dict[str, bytes] = {}
    for wheel in wheels.glob("*.whl"):
        name, version = wheel.name.split("-")[:2]
        content = wheel.read_bytes()
        with zipfile.ZipFile(wheel) as archive:
            metadata = archive.read(f"{name}-{version}.dist-info/METADATA")
        address = f"/files/{wheel.name.replace('+', '%2B')}"
        known = f'data-dist-info-metadata="sha256={hashlib.sha256(metadata).hexdigest()}"'
        link = f'<a href="{address}#sha256={hashlib.sha256(content).hexdigest()}" {known}>{wheel.name}</a>'
        pages[f"/simple/{name}/"] = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
        pages[address], pages[f"{address}.metadata"] = content, metadata
    return pages

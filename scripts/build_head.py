"""Make the bundled head, vendor_models/head/head.npz, from nothing but code; ``--sheet OUT.png`` pictures every unit.

The same code gives the same file, byte for byte. The sheet needs bpy; the head needs numpy alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from head_building.package import build_head  # noqa: E402 the repository is put on the path first
from lsf_blender_addon.head.archive import write_head  # noqa: E402

HEAD = ROOT / "vendor_models" / "head" / "head.npz"


def main(arguments: list[str] | None = None) -> int:
    """Build, write, and picture where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=HEAD, help="where the head goes (default: %(default)s)")
    parser.add_argument("--sheet", type=Path, help="also render every unit, ten visemes and six feelings to this PNG")
    options = parser.parse_args(arguments)
    print("Building the head…", flush=True)
    head = build_head()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_head(head, options.output)
    size = options.output.stat().st_size / 1e6
    print(f"{options.output}: {head.vertex_count} points, {len(head.faces)} faces, {size:.1f} MB")
    if options.sheet is not None:
        from head_building.sheet import write_sheet  # noqa: PLC0415 only the sheet needs bpy

        write_sheet(head, options.sheet)
        print(f"{options.sheet}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

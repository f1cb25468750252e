"""The documents' pictures, cut out of a round's by ImageMagick: ``python3 pictures.py ROUND docs/pictures``."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LARGEST = 150_000
"""Bytes that a page may wait for one picture."""

COLOURS = 96


@dataclass(frozen=True)
class Cut:
    """One picture: parts of one or more of the round's, side by side; width x height + left + top."""

    name: str
    parts: tuple[tuple[str, str], ...]


PREFERENCES, PANEL, WINDOW = "876x578+105+18", "284x520+1028+102", "1312x850+0+20"
"""Where they lie in a window of 5.2 that is 1600 x 900."""

CUTS = (
    Cut("install_from_disk", (("install_menu", "876x230+105+18"),)),
    Cut("install_worker", (("preferences_fresh", PREFERENCES),)),
    Cut("install_ready", (("preferences_ready", PREFERENCES),)),
    Cut("first_strip", (("panel_without_head", WINDOW),)),
    Cut("first_head", (("panel_with_head", WINDOW),)),
    Cut("first_run", (("running", PANEL), ("take_2", PANEL))),
    Cut("first_take", (("take_2", WINDOW),)),
    Cut("panel_takes", (("take_3", PANEL), ("model_and_takes", PANEL))),
    Cut("panel_shaping", (("shaping", PANEL), ("report", PANEL))),
    Cut("panel_sequencer", (("sequencer_sidebar", "1312x250+0+621"),)),
    Cut("panel_strip_menu", (("strip_menu", "700x600+200+260"),)),
    Cut("panel_follow", (("strip_moved", PANEL), ("followed", PANEL))),
    Cut("characters_picking", (("pick_nearly_done", "1312x790+0+20"),)),  # of picking.py
    Cut("trouble_grey", (("greyed", "480x400+1028+102"),)),
)


def main(arguments: list[str]) -> int:
    """Make what the round has pictures for; 1 where one is missing or too large."""
    seen, folder = map(Path, arguments)
    wrong = 0
    for cut in CUTS:
        if not all((seen / f"{name}.png").exists() for name, _ in cut.parts):
            print(f"left out: {cut.name}, as the round has no picture of it")
            wrong += 1
            continue
        parts = [
            word for name, place in cut.parts for word in ("(", f"{seen / name}.png", "-crop", place, "+repage", ")")
        ]
        made = folder / f"{cut.name}.png"
        finish = ("+append", "+dither", "-colors", str(COLOURS), "-strip", "-define", "png:compression-level=9")
        subprocess.run(["convert", *parts, *finish, f"PNG8:{made}"], check=True)
        if made.stat().st_size > LARGEST:
            print(f"too large: {made}, {made.stat().st_size:,} bytes")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

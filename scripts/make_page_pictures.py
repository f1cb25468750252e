#!/usr/bin/env python3
"""Make the pictures of docs/batch.md, docs/formats.md and docs/network.md from the demo's voice.

With .venv's Python, which has Blender's module and matplotlib:

    .venv/bin/python scripts/make_page_pictures.py [samples/hello.wav] [docs/pictures]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from environment import REPOSITORY
from lsf_blender_addon.audio import SAMPLE_RATE, SpeechClip, read_clip
from lsf_blender_addon.cli import main as lsf
from lsf_blender_addon.errors import LsfError
from lsf_blender_addon.formats.live_link import read_csv
from lsf_blender_addon.models.store import vendor_folder
from lsf_blender_addon.motion import ARKIT_EXPRESSIONS, FaceMotion
from lsf_blender_addon.network.lsf import load_network

FEELINGS = {"none": "0", "as heard": "1", "twice": "2"}
"""Label → the column ``emotion`` of the list."""

SHOWN = ("mouthClose", "mouthFunnel", "mouthSmileLeft", "mouthLowerDownLeft", "eyeBlinkLeft", "browInnerUp")
INCHES, DOTS = (8.0, 4.6), 100
COLOURS = 160
FLOOR = 12.0
"""Nats below the loudest band at which the picture is black."""

JAW_OPEN = 0.35
"""Radians that JawOpen = 1 stands for."""


def main() -> int:
    """Speak the voice by a list, and draw what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voice", nargs="?", type=Path, default=REPOSITORY / "samples" / "hello.wav")
    parser.add_argument("pictures", nargs="?", type=Path, default=REPOSITORY / "docs" / "pictures")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = spoken(arguments.voice.resolve(), Path(folder))
            feelings(made, arguments.pictures / "batch_feelings.png")
            clip = read_clip(arguments.voice)
            files(clip, made[1], arguments.pictures / "formats_csv.png")
            network(clip, FaceMotion.load(made[1]), arguments.pictures / "network_starter.png")
    except LsfError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def spoken(voice: Path, folder: Path) -> list[Path]:
    """One motion for every feeling, made by a list, with a .csv beside it."""
    rows = [f"{voice},{feeling},feeling_{feeling}" for feeling in FEELINGS.values()]
    (folder / "lines.csv").write_text("\n".join(["audio,emotion,name", *rows]), encoding="utf-8")
    ask("animate", folder / "lines.csv", "-o", folder, "--npz", "--csv")
    return [folder / f"feeling_{feeling}.npz" for feeling in FEELINGS.values()]


def feelings(made: list[Path], picture: Path) -> None:
    """The same line with three strengths of its feeling, side by side."""
    labels = [word for label in FEELINGS for word in ("--label", label)]
    ask("render", *made, "--sheet", picture, "--moments", "3", "--resolution", "200x220", *labels)
    few_colours(picture)


def files(clip: SpeechClip, motion: Path, picture: Path) -> None:
    """Columns of the .csv over the sound that they were made from."""
    read = read_csv(motion.with_suffix(".csv"))
    seconds = np.arange(len(read.expression)) / read.fps
    figure = Figure(INCHES, DOTS, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 3))
    draw_sound(above, clip)
    below.plot(seconds, read.jaw[:, 0] / JAW_OPEN, label="JawOpen", color="black")
    for name in SHOWN:
        below.plot(seconds, read.expression[:, ARKIT_EXPRESSIONS.index(name)], label=name[0].upper() + name[1:], lw=1)
    below.set(xlabel="seconds", ylabel="columns of the .csv", xlim=(0, clip.seconds))
    below.legend(ncols=4, fontsize="small", loc="upper center")
    below.set_ylim(top=below.get_ylim()[1] * 1.3)
    keep(figure, picture)


def network(clip: SpeechClip, motion: FaceMotion, picture: Path) -> None:
    """What the starter hears and what it says: sound, log-mel bands, and all 53 channels."""
    model = load_network(vendor_folder() / "starter")
    with torch.inference_mode():
        spectrum = model.feature_extractor.spectrum(torch.from_numpy(clip.samples)[None])[0].numpy()
    bands = spectrum[:, : model.feature_extractor.sizes.bands]
    values: NDArray[np.float32] = np.hstack([motion.expression, motion.jaw])
    scaled = values / np.maximum(np.abs(values).max(axis=0), 1e-6)
    figure = Figure(INCHES, DOTS, layout="constrained")
    sound, heard, said = figure.subplots(3, 1, sharex=True, height_ratios=(1, 2, 3))
    draw_sound(sound, clip)
    extent = (0.0, clip.seconds, 0.0, 1.0)
    heard.imshow(bands.T, aspect="auto", origin="lower", extent=extent, cmap="magma", vmin=bands.max() - FLOOR)
    heard.set(ylabel="mel bands", yticks=[])
    said.imshow(scaled.T, aspect="auto", extent=extent, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    said.set(ylabel="50 blendshapes, jaw", yticks=[], xlabel="seconds")
    keep(figure, picture)


def draw_sound(axes: object, clip: SpeechClip) -> None:
    """The wave of a recording."""
    axes.plot(np.arange(len(clip.samples)) / SAMPLE_RATE, clip.samples, lw=0.3, color="grey")  # type: ignore[attr-defined]
    axes.set(ylabel="sound", yticks=[])  # type: ignore[attr-defined]


def keep(figure: Figure, picture: Path) -> None:
    """Write a picture with few colours."""
    figure.savefig(picture)
    few_colours(picture)


def few_colours(picture: Path) -> None:
    """Keep a picture small: a page waits for it."""
    from PIL import Image  # noqa: PLC0415 - matplotlib's own dependency

    with Image.open(picture) as shown:
        reduced = shown.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    reduced.save(picture, optimize=True)
    print(f"{picture}: {picture.stat().st_size:,} bytes")


def ask(*words: str | Path) -> None:
    """Run ``lsf``; its own error stands on the screen where it fails."""
    if lsf([str(word) for word in words]) != 0:
        raise SystemExit(1)


if __name__ == "__main__":
    raise SystemExit(main())

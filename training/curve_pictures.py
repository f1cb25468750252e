"""A picture of what the face does against what is said: gap, width, brows and eyes over the phones (matplotlib)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsf_blender_addon.audio import SAMPLE_RATE
from lsf_blender_addon.errors import LsfError

from .evaluation import Spoken
from .phones import BILABIALS, VOWELS, Phone
from .scoring import LIPS_FREE, OPEN, OPEN_VOWELS, SHUT, judged_gap, wanted_gap

Array = npt.NDArray[np.float64]

ROW_SECONDS = 6.0
LABEL_HEIGHTS = (1.22, 1.35)
"""Neighbours stand at two heights, so that short phones can be read."""

SHUT_COLOUR, OPEN_COLOUR, TEETH_COLOUR, ROUND_COLOUR, WRONG = "#b9d3ee", "#f6d8ae", "#d9d2e9", "#cfe8cf", "#c1272d"
GAP_COLOUR, CALLED_COLOUR, WIDTH_COLOUR, BROW_COLOUR, EYE_COLOUR = "#1f3a5f", "#9aa5b1", "#7a4b94", "#b5651d", "#2e7d5b"
ROUNDED_PHONES = frozenset({"uw", "ow", "w", "oy", "uh", "y2", "oe"})


class PictureError(LsfError):
    """A picture that cannot be made."""

    kind = "picture"


@dataclass(frozen=True, eq=False)
class Curves:
    """What a face does: the mouth's ``track``, and ``feeling_measure.tracks`` of the same motion at ``fps``."""

    track: Mapping[str, Any]
    upper: Mapping[str, Array]
    fps: float


def draw(path: Path, spoken: Spoken, curves: Curves, title: str) -> None:
    """Write one PNG, six seconds to a row.

    The upper panel of a row has the lips' gap (dark) over the gap that the phones call for (grey); /p b m/ are blue,
    open vowels orange, rounded phones green, /f v/ violet; a red mark is a closure or an opening that did not come, or
    lips that are shut where they should not be. The lower panel has width, brows and eyes, millimetres from usual.

    Raises:
        PictureError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - only pictures need it
    except ImportError as reason:
        raise PictureError(
            f"Pictures need matplotlib, which is not installed ({reason}): `pip install matplotlib`."
        ) from reason
    rows = max(1, int(np.ceil(spoken.clip.seconds / ROW_SECONDS - 0.15)))
    length = max(ROW_SECONDS, spoken.clip.seconds / rows)
    figure = Figure(figsize=(15, 3.6 * rows + 0.6), layout="constrained")
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    panels = figure.subplots(2 * rows, 1, squeeze=False, height_ratios=[2.3, 1.0] * rows)[:, 0]
    for row in range(rows):
        span = (row * length, (row + 1) * length)
        _gap_panel(panels[2 * row], spoken, curves, span)
        _face_panel(panels[2 * row + 1], curves, span)
    panels[-1].set_xlabel("seconds", fontsize=8)
    handles = [line for panel in panels[:2] for line in panel.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="upper right", fontsize=8, ncols=len(handles), frameon=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.stem + ".part.png")
        figure.savefig(beside, dpi=90)
        beside.replace(path)
    except OSError as reason:
        raise PictureError(f"{path} cannot be written ({reason.strerror or reason}).") from reason


def _gap_panel(axes: Any, spoken: Spoken, curves: Curves, span: tuple[float, float]) -> None:
    begin, end = span
    t, gap = np.asarray(curves.track["t"], float), judged_gap(curves.track)
    samples = spoken.clip.samples
    piece = samples[int(begin * SAMPLE_RATE) : int(end * SAMPLE_RATE)] / max(float(np.abs(samples).max()), 1e-9)
    if len(piece):
        columns = np.array_split(piece, min(1200, len(piece)))
        at = np.linspace(begin, begin + len(piece) / SAMPLE_RATE, len(columns))
        low, high = (np.array([pick(column) for column in columns]) for pick in (np.min, np.max))
        axes.fill_between(at, 0.6 + 0.5 * low, 0.6 + 0.5 * high, color="#eeeeee", linewidth=0)
    for number, phone in enumerate(spoken.phones):
        if phone.end > begin and phone.begin < end:
            _phone(axes, phone, LABEL_HEIGHTS[number % 2], failed(phone, t, gap))
            if failed(phone, t, gap):
                middle = 0.5 * (phone.begin + phone.end)
                axes.plot(middle, float(np.interp(middle, t, gap)), marker="x", color=WRONG, markersize=6)
    axes.plot(t, wanted_gap(t, spoken.phones), color=CALLED_COLOUR, linewidth=1.2, label="gap called for")
    axes.plot(t, gap, color=GAP_COLOUR, linewidth=1.6, label="gap (1 is the clip's wide gap)")
    for height in (SHUT, OPEN):
        axes.axhline(height, color="#bbbbbb", linewidth=0.6, linestyle=":")
    axes.set(xlim=span, ylim=(-0.08, 1.5))
    axes.set_yticks([0.0, SHUT, OPEN, 1.0], labels=["0", "shut", "open", "1"], fontsize=7)
    axes.tick_params(axis="x", labelbottom=False)


def _phone(axes: Any, phone: Phone, height: float, wrong: bool) -> None:  # noqa: FBT001 - one of two inks
    """The phone's band in its class's colour, its name above."""
    colours = (
        (BILABIALS, SHUT_COLOUR),
        (OPEN_VOWELS, OPEN_COLOUR),
        (frozenset("fv"), TEETH_COLOUR),
        (ROUNDED_PHONES, ROUND_COLOUR),
    )
    colour = next((colour for names, colour in colours if phone.name in names), None)
    if colour is not None:
        axes.axvspan(phone.begin, phone.end, color=colour, linewidth=0, alpha=0.75)
    axes.axvline(phone.begin, color="#dddddd", linewidth=0.4)
    if phone.name != "sil":
        style = {"color": WRONG, "weight": "bold"} if wrong else {"color": "black"}
        middle = 0.5 * (phone.begin + phone.end)
        axes.text(middle, height, phone.name, fontsize=7, ha="center", va="bottom", clip_on=True, **style)


def failed(phone: Phone, t: Array, gap: Array) -> bool:
    """Whether the mouth fails a phone, by the measures of ``scoring``: does not close, not open, or is wrongly shut."""
    step = float(np.median(np.diff(t)))
    pad = 0.04 if phone.name in BILABIALS else 0.0
    inside = gap[(t >= phone.begin - pad - step / 2) & (t <= phone.end + pad + step / 2)]
    if len(inside) == 0:
        return False
    if phone.name in BILABIALS:
        return bool(inside.min() >= SHUT)
    if phone.name in OPEN_VOWELS and phone.end - phone.begin >= 0.06 and inside.max() <= OPEN:
        return True
    middle = gap[int(np.argmin(np.abs(t - 0.5 * (phone.begin + phone.end))))]
    return bool((phone.name in VOWELS or phone.name in LIPS_FREE) and middle < SHUT)


def _face_panel(axes: Any, curves: Curves, span: tuple[float, float]) -> None:
    width, upper = np.asarray(curves.track["width"], float), curves.upper
    frames = np.arange(len(upper["brows"])) / curves.fps
    lines = (
        ("width", np.asarray(curves.track["t"], float), width - np.median(width), WIDTH_COLOUR),
        ("brows", frames, upper["brows"].mean(axis=1), BROW_COLOUR),
        ("eyes", frames, upper["eyes"][:, 0], EYE_COLOUR),
    )
    for name, at, values, colour in lines:
        axes.plot(at, values, color=colour, linewidth=1.1, label=f"{name} [mm]")
    axes.axhline(0.0, color="#bbbbbb", linewidth=0.6)
    axes.set(xlim=span, ylim=(-8, 8))
    axes.tick_params(labelsize=7)

"""Sentences in panels: wrapped to the width there is, because Blender cuts what is too long."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from .translating import in_blenders_language

LETTER = 6.5
"""Width of a letter in pixels at a scale of 1: a little more than on average, as capitals and digits are wide."""

FRAME = 60.0
NARROWEST, WIDEST = 24, 110

CLOSE = 0.8
"""Height of a line of a longer sentence, in buttons: it is to be read as one."""


def draw_sentence(layout: Any, context: Any, words: str, icon: str = "NONE", width: float | None = None) -> None:
    """Put a sentence into a layout, in Blender's language where it has it, on as many lines as it takes.

    Args:
        layout: where to.
        context: of the region that is being drawn.
        words: the sentence.
        icon: before its first line.
        width: of the layout in pixels at a scale of 1, where it is another than the region's, as in a dialog.
    """
    column = layout.column(align=True)
    lines = textwrap.wrap(in_blenders_language(words), letters_of(context, width))
    if len(lines) > 1:
        column.scale_y = CLOSE
    for number, line in enumerate(lines):
        column.label(text=line, icon=icon if number == 0 else ("NONE" if icon == "NONE" else "BLANK1"), translate=False)


def letters_of(context: Any, width: float | None = None) -> int:
    """How many letters fit side by side into the region that is being drawn, or into ``width`` at a scale of 1."""
    region, scale = context.region, context.preferences.system.ui_scale or 1.0  # 0 without a window
    whole = (region.width if region is not None else 300) / scale if width is None else width
    return max(NARROWEST, min(int((whole - FRAME) / LETTER), WIDEST))


def few(names: Sequence[str], most: int = 3) -> str:
    """The first names of many, in a sentence, and whether there are more."""
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")


def duration(seconds: float) -> str:
    """A time left, as people say it."""
    if seconds < 90:  # noqa: PLR2004 - under a minute and a half, seconds matter
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min"


def size(amount: float) -> str:
    """Bytes, as people say them."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.1f} MB"  # noqa: PLR2004

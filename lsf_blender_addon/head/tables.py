"""What a person says that blendshapes are: in a line of words, in JSON beside a character or inside its file."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..arrays import whole_file
from ..errors import HeadError
from ..texts import read_text
from .naming import CHANNEL_NAMES, Row, Table, recognised

FORMAT = 1
MAXIMUM_BYTES = 2**22
LARGEST_SHARE = 10.0
PERSONAL = "set by hand"
"""Whose name a blendshape is known by when a person said what it is."""

Picked = dict[str, int | list[int]]
_CHANNELS = {channel.lower(): channel for channel in CHANNEL_NAMES}


def in_words(follows: Mapping[str, float]) -> str:
    """What a blendshape follows, in a line: ``mouthSmileLeft 0.5 + mouthSmileRight 0.5``; empty for nothing."""
    return " + ".join(channel if share == 1.0 else f"{channel} {share:g}" for channel, share in follows.items())


def from_words(words: str) -> dict[str, float]:
    """What :func:`in_words` wrote, or a person in its place: names in any known spelling, shares before or after them.

    Raises:
        HeadError: a name is unknown, or a share is no number up to 10; the sentence names the nearest names.
    """
    follows: dict[str, float] = {}
    for part in words.replace(",", "+").split("+"):
        names = [word for word in part.split() if not _is_number(word)]
        shares = [float(word) for word in part.split() if _is_number(word)]
        if not names and not shares:
            continue
        if len(names) != 1 or len(shares) > 1 or not all(abs(share) <= LARGEST_SHARE for share in shares):
            raise HeadError(f"{part.strip()!r} is not understood: write a name, and a share up to 10 if not 1.")
        share = shares[0] if shares else 1.0
        for channel, part_of in _meant(names[0]).items():
            follows[channel] = round(follows.get(channel, 0.0) + share * part_of, 6)
    return follows


def overlaid(table: Table, said: Mapping[str, Row]) -> Table:
    """A table in which what a person said goes before what names tell; blendshapes that are gone are left out."""
    return Table({shape: said.get(shape, row) for shape, row in table.rows.items()})


def as_json(
    table: Table,
    *,
    character: str,
    picked: Mapping[str, int | Sequence[int]] | None = None,
    residuals: Mapping[str, float] | None = None,
) -> str:
    """A character's table as JSON that a person can edit.

    Args:
        table: what its blendshapes are.
        character: its name.
        picked: landmarks that were picked by hand.
        residuals: channel → millimetres on a face of a person's size, see ``retarget.residuals``.
    """
    content = {
        "format": FORMAT,
        "character": character,
        "blendshapes": {
            shape: {"known as": row.system, "follows": dict(row.follows), "used": row.used}
            for shape, row in table.rows.items()
        },
        "unmatched blendshapes": list(table.unmatched),
        "channels that nothing follows": list(table.unfollowed),
        "residual_mm": {name: round(float(value), 3) for name, value in (residuals or {}).items()},
        "picked": {name: rows if isinstance(rows, int) else list(rows) for name, rows in (picked or {}).items()},
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str, source: str) -> tuple[Table, Picked]:
    """What :func:`as_json` wrote and a person edited: the table, and the picked landmarks.

    Raises:
        HeadError: it is no table, or says something that makes no sense; the sentence names the place in ``source``.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise HeadError(f"{source} is no JSON: {reason}.") from reason
    if not isinstance(content, dict) or not isinstance(content.get("blendshapes"), dict):
        raise HeadError(f"{source} is no table of blendshapes: it has no 'blendshapes'.")
    if content.get("format") != FORMAT:
        raise HeadError(f"{source} has format {content.get('format')!r}, and this version reads {FORMAT}.")
    rows = {shape: _row(shape, entry, source) for shape, entry in content["blendshapes"].items()}
    picked = content.get("picked", {})
    if not isinstance(picked, dict) or not all(_is_vertices(value) for value in picked.values()):
        raise HeadError(f"'picked' of {source} must give vertex numbers for names of landmarks.")
    return Table(rows), picked


def save_table(
    path: Path,
    table: Table,
    *,
    character: str,
    picked: Mapping[str, int | Sequence[int]] | None = None,
    residuals: Mapping[str, float] | None = None,
) -> None:
    """Write :func:`as_json` to a file beside the character, whole or not at all.

    Raises:
        HeadError: the file cannot be written.
    """
    try:
        with whole_file(path) as part:
            text = as_json(table, character=character, picked=picked, residuals=residuals)
            part.write_text(text, encoding="utf-8")
    except OSError as reason:
        raise HeadError(f"The table {path} cannot be written ({reason.strerror or reason}).") from reason


def load_table(path: Path) -> tuple[Table, Picked]:
    """Read :func:`from_json` from a file.

    Raises:
        HeadError: the file is missing, too large or no text, or as in ``from_json``.
    """
    return from_json(read_text(path, MAXIMUM_BYTES, "table", HeadError), path.name)


def _meant(name: str) -> Mapping[str, float]:
    """The channels that a person's word stands for."""
    exact = _CHANNELS.get(name.lower())
    if exact is not None:
        return {exact: 1.0}
    follows = recognised((name,)).rows[name].follows
    if not follows:
        near = difflib.get_close_matches(name, CHANNEL_NAMES, n=3, cutoff=0.5)
        hint = f"; nearest are {', '.join(near)}" if near else ""
        raise HeadError(f"There is nothing called {name!r} to follow{hint}. The names are ARKit's, and jawOpen.")
    return follows


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _row(shape: str, entry: Any, source: str) -> Row:
    if not isinstance(entry, dict):
        raise HeadError(f"{shape!r} in {source} must have 'known as', 'follows' and 'used'.")
    system, follows, used = entry.get("known as", ""), entry.get("follows", {}), entry.get("used", True)
    if not isinstance(system, str) or not isinstance(used, bool) or not isinstance(follows, dict):
        raise HeadError(f"{shape!r} in {source} must have a text, a table of shares, and true or false.")
    for channel, share in follows.items():
        if channel not in CHANNEL_NAMES:
            raise HeadError(f"{shape!r} in {source} follows {channel!r}; there are: {', '.join(CHANNEL_NAMES)}.")
        if isinstance(share, bool) or not isinstance(share, int | float) or not abs(share) <= LARGEST_SHARE:
            raise HeadError(f"{shape!r} in {source} follows {channel!r} by {share!r}; give a number up to 10.")
    return Row(system, {channel: float(share) for channel, share in follows.items()}, used)


def _is_vertices(value: Any) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return bool(numbers) and all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)

"""Texts from anywhere, read within bounds: UTF-8, with or without its mark (standard library)."""

from __future__ import annotations

from pathlib import Path

from .errors import LsfError


def read_text(path: Path, largest: int, what: str, error: type[LsfError] = LsfError) -> str:
    """A text in UTF-8; no more of the file is read than may be there.

    Args:
        path: the file; it may come from anybody.
        largest: bytes.
        what: what it should be, for the sentence: "list", "table".
        error: the kind to raise.

    Raises:
        LsfError: of the kind ``error``: the file is missing, too large, or no text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as reason:
        raise error(f"The {what} {path} cannot be read ({reason.strerror or reason}).") from reason
    if len(content) > largest:
        raise error(f"{path} is larger than any {what} can be; it was not read.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        raise error(f"The {what} {path} is no text in UTF-8.") from reason

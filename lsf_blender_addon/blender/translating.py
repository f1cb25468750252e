"""Our texts in Blender's language: told to Blender, which looks labels up itself, and found for finished sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import bpy

from ..errors import LsfError
from ..translations import catalogue
from ..translations.catalogue import FIELD, Catalogue, read_catalogue
from .places import TOP_PACKAGE

FOLDER = Path(catalogue.__file__).parent
"""Where ``<language>.po`` files lie: ``de.po``, ``pt_BR.po``."""

CONTEXTS = ("*", "Operator")
"""Where Blender looks a text up: buttons of operators have a context of their own."""

Switch = Literal["interface", "tooltips", "reports"]
"""What a person can have translated, or not, in Blender's preferences."""

Told = dict[tuple[str, str], str]
"""Of one language: context and English text → translation, as Blender wants them."""

_catalogues: dict[str, Catalogue] = {}


def register(formed: Sequence[str] = (), folder: Path = FOLDER) -> None:
    """Tell Blender of every translation. A file that cannot be used is left out, with the reason in the console.

    Args:
        formed: finished sentences that Blender keeps from the beginning, as in menus that never change.
        folder: where the files lie.
    """
    for path in sorted(folder.glob("*.po")):
        try:
            _catalogues[path.stem], left_out = read_catalogue(path)
        except LsfError as error:
            left_out = [str(error)]
        for why in left_out:
            print(f"LSF Animation: {why}")
    told = {language: told_to_blender(found, formed) for language, found in _catalogues.items()}
    bpy.app.translations.register(TOP_PACKAGE, told)


def told_to_blender(found: Catalogue, formed: Sequence[str] = ()) -> Told:
    """What Blender looks up itself: every text without fields, and finished sentences that it keeps."""
    plain = {words: said for words, said in found.texts.items() if not FIELD.search(words)}
    plain |= {words: said for words in formed if (said := found.translated(words)) is not None}
    return {(context, words): said for words, said in plain.items() for context in CONTEXTS}


def unregister() -> None:
    """Take them back."""
    bpy.app.translations.unregister(TOP_PACKAGE)
    _catalogues.clear()
    _translated.cache_clear()


def in_blenders_language(words: str, switch: Switch = "interface") -> str:
    """A text of ours, finished or plain, in the language that Blender speaks; as it is where nobody translated it.

    Args:
        words: the text, with whatever was put into it.
        switch: which of Blender's switches turns its translation off.
    """
    view = bpy.context.preferences.view
    # 4.2 has none of its own for reports
    if not getattr(view, f"use_translate_{switch}", view.use_translate_interface):
        return words
    found = _spoken()
    said = _translated(found, words) if found is not None else None
    return bpy.app.translations.pgettext(words) if said is None else said


def refuse(operator: Any, why: str) -> None:
    """In an operator's poll: the reason why it is greyed, shown where the mouse rests."""
    operator.poll_message_set(in_blenders_language(why, "tooltips"))


def report(operator: Any, level: Literal["INFO", "WARNING", "ERROR"], words: str) -> None:
    """Blender's own line of what an operator did, at the foot of the window, or in a box for an error."""
    operator.report({level}, in_blenders_language(words, "reports"))


@lru_cache(maxsize=512)
def _translated(spoken: Catalogue, words: str) -> str | None:
    """A panel asks for the same sentences at every redraw, and each costs a millisecond or two to find."""
    return spoken.translated(words)


def _spoken() -> Catalogue | None:
    """The catalogue of Blender's language: of the very one (``pt_BR``), or of the language alone (``pt``)."""
    locale = language()
    names = (locale, locale.partition("@")[0], locale.partition("@")[0].partition("_")[0])
    return next((_catalogues[name] for name in names if name in _catalogues), None)


def language() -> str:
    """The language of Blender's interface, as ``de_DE``; empty in builds without languages, such as the module."""
    return str(bpy.app.translations.locale)

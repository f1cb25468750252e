"""A finished sentence in another language: found by the template that it was made from, its fields put into the other.

``The strip 'Anna' is gone`` was made from ``The strip {name} is gone`` somewhere in the core, which knows nothing of
languages. Here it is taken apart again. What stands in the fields comes from anywhere: it is compared as it is, never
read as a pattern, and a sentence is looked through at most twice for each template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .portable import Entry, read_portable

FIELD = re.compile(r"\{((?:text|name|number)\d*)\}")
"""A field of a template.

``{number}`` stands for digits alone. ``{name}`` was put between quotes and is left as it is. ``{text}`` may be
anything, and is looked up itself: a sentence may stand within another.
"""

NUMBER = re.compile(r"[-+]?(?:[0-9][0-9.,]*(?:e[-+]?[0-9]+)?%?|inf|nan)")

FEWEST_LETTERS = 3
"""Letters outside of its fields that a template has at least, unless all its fields are numbers."""

FEWEST_WITHIN = 7
"""The same for a template that is looked for within another's field, where names and paths stand too."""

DEEPEST = 3
"""How many sentences may stand within each other."""


@dataclass(frozen=True)
class Template:
    """A text with fields, taken apart.

    Attributes:
        literals: what stands before, between and after the fields; one more than there are of them.
        fields: their names, in order.
    """

    literals: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def of(cls, words: str) -> Template:
        """Take a text apart at its fields."""
        pieces = FIELD.split(words)
        return cls(tuple(pieces[::2]), tuple(pieces[1::2]))

    @property
    def letters(self) -> int:
        """How many letters stand outside of its fields: how surely a sentence is told by it."""
        return sum(sign.isalpha() for literal in self.literals for sign in literal)

    @property
    def counts(self) -> bool:
        """Whether it has numbers alone in its fields, which no name is taken for."""
        return all(name.startswith("number") for name in self.fields)

    @property
    def loose(self) -> int:
        """How many of its fields may be anything."""
        return sum(name.startswith("text") for name in self.fields)

    def values_in(self, words: str) -> dict[str, str] | None:
        """What stands in the fields of a sentence that was made from this; None where it was not."""
        first, last = self.literals[0], self.literals[-1]
        if not (words.startswith(first) and words.endswith(last) and len(words) >= sum(map(len, self.literals))):
            return None
        for whole in (self._from_left(words), self._from_right(words)):
            if whole is not None and all(_suits(name, value) for name, value in whole.items()):
                return whole
        return None

    def filled(self, values: Mapping[str, str]) -> str:
        """The sentence with these values; every field must be among them."""
        pieces = [self.literals[0]]
        for name, literal in zip(self.fields, self.literals[1:], strict=True):
            pieces += [values[name], literal]
        return "".join(pieces)

    def _from_left(self, words: str) -> dict[str, str] | None:
        """Every field as short as it can be, the last one taking the rest."""
        place, end = len(self.literals[0]), len(words) - len(self.literals[-1])
        values: dict[str, str] = {}
        for name, literal in zip(self.fields[:-1], self.literals[1:-1], strict=True):
            found = words.find(literal, place, end)
            if found < 0:
                return None
            values[name] = words[place:found]
            place = found + len(literal)
        return {**values, self.fields[-1]: words[place:end]}

    def _from_right(self, words: str) -> dict[str, str] | None:
        """The same from the other end, the first field taking the rest: names may hold words of the sentence."""
        begin, place = len(self.literals[0]), len(words) - len(self.literals[-1])
        values: dict[str, str] = {}
        for name, literal in zip(reversed(self.fields[1:]), reversed(self.literals[1:-1]), strict=True):
            found = words.rfind(literal, begin, place)
            if found < 0:
                return None
            values[name] = words[found + len(literal) : place]
            place = found
        return {**values, self.fields[0]: words[begin:place]}


def _suits(name: str, value: str) -> bool:
    if name.startswith("number"):
        return NUMBER.fullmatch(value) is not None
    if name.startswith("name") and value[:1] in {"'", '"'}:
        return len(value) > 1 and value[-1] == value[0]
    return True


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One language's texts, by the English ones."""

    texts: Mapping[str, str]

    @cached_property
    def templates(self) -> list[tuple[Template, Template]]:
        """Those with fields, and what they become: the one with the most letters first, so that none hides another.

        Of two with as many, the one whose fields take less.
        """
        made = [(Template.of(words), Template.of(said)) for words, said in self.texts.items()]
        return sorted((pair for pair in made if pair[0].fields), key=lambda pair: (-pair[0].letters, pair[0].loose))

    def translated(self, words: str) -> str | None:
        """A text of ours in this language, whatever stands in its fields; None where it is not in the catalogue."""
        return self._found(words, 0, DEEPEST)

    def _found(self, words: str, fewest: int, deepest: int) -> str | None:
        exact = self.texts.get(words)
        if exact is not None:
            return exact
        for template, said in self.templates:
            if template.letters < fewest and not template.counts:
                continue
            values = template.values_in(words)
            if values is not None:
                return said.filled({name: self._within(name, value, deepest) for name, value in values.items()})
        return None

    def _within(self, name: str, value: str, deepest: int) -> str:
        """What a field becomes: a sentence of ours, a list in which some are texts of ours, or what it was."""
        if not name.startswith("text") or not deepest:
            return value
        found = self._found(value, FEWEST_WITHIN, deepest - 1)
        return ", ".join(self.texts.get(part, part) for part in value.split(", ")) if found is None else found


def read_catalogue(path: Path) -> tuple[Catalogue, list[str]]:
    """What a translator made of the catalogue.

    Args:
        path: ``<language>.po``.

    Returns:
        The texts, and in sentences what was left out: a text that lost a field would hide a name.

    Raises:
        LsfError: it cannot be read, or is no such file.
    """
    texts: dict[str, str] = {}
    left_out = []
    for entry in read_portable(path):
        why = _why_not(entry)
        if why:
            left_out.append(f"{path.name}, line {entry.line}, is left out: {why}.")
        elif entry.parts["msgstr"] and "fuzzy" not in entry.flags:
            texts[entry.parts["msgid"]] = entry.parts["msgstr"]
    return Catalogue(texts), left_out


def _why_not(entry: Entry) -> str:
    if set(entry.parts) != {"msgid", "msgstr"}:
        return f"it has {', '.join(sorted(set(entry.parts) - {'msgid', 'msgstr'})) or 'no msgstr'}, as no text of ours"
    english, said = (Template.of(entry.parts[keyword]).fields for keyword in ("msgid", "msgstr"))
    if entry.parts["msgstr"] and set(said) != set(english):
        return f"its fields are not those of the English text ({', '.join(sorted(set(said) ^ set(english)))})"
    return ""

#!/usr/bin/env python3
"""Gather every text that the extension shows in Blender into the catalogue that translators start from.

    python3 scripts/make_messages.py            writes lsf_blender_addon/translations/lsf.pot
    python3 scripts/make_messages.py --check    writes nothing; 1 where the file is not what the sources say

The sources are read, not run: a text stays where it is said, as a plain string or an f-string. What an f-string puts in
becomes a field: ``{number}`` where it is formatted as one, ``{name}`` where it is put between quotes (``!r``), and
``{text}`` otherwise. Read are the modules that Blender's window reaches, the worker's and the jobs' among them; what
only the command line says stays English.

No library writes the file: Babel and polib would be one more dependency each for the hundred lines of
``translations/portable.py``, which Blender's side needs anyhow to read translations.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from environment import REPOSITORY

sys.path.insert(0, str(REPOSITORY))

from lsf_blender_addon.head.picking import PICKED_NAMES, in_words
from lsf_blender_addon.installing.inspection import DEVICE_WORDS
from lsf_blender_addon.translations.catalogue import FEWEST_LETTERS, Template
from lsf_blender_addon.translations.portable import lines_of

PACKAGE = REPOSITORY / "lsf_blender_addon"
CATALOGUE = PACKAGE / "translations" / "lsf.pot"

ROOTS = ("blender/registration.py", "worker/server.py", "worker/trial.py", "jobs/process.py")
"""Where what a person sees in Blender begins."""

ON_THE_COMMAND_LINE = ("cli.py", "commands", "batch", "__init__.py")
"""What is reached from there and speaks on the command line alone."""

NAMES_ALONE = (
    *("blender/compat.py", "blender/materials.py", "blender/rig.py"),
    *("head/known_names.py", "head/naming.py", "head/picking.py", "head/tables.py"),
)
"""Modules whose strings are names: of Blender's things, of other programs', of fields. Only their errors are texts."""

NOT_SHOWN = {
    *("CC BY-NC-SA 4.0", "LSF-Animation ({text})", "LSF-Animation (SIGGRAPH Asia 2025, arXiv 2510.21864)"),
    *("FLAME, Max Planck Society; the terms under which this file was obtained apply", "imported from {text}"),
    *("Application Support", "(Get-CimInstance Win32_VideoController).Name", "Format not recognised", "Timeout ("),
    *("mesh {text}", "{text} absent", "import ssl, venv"),
}
"""What reads like a text and is a name, a term of a licence, or for another program."""

SILENT = {
    *("ValueError", "TypeError", "RuntimeError", "PickleFormatError", "HTTPException", "print", "getattr", "hasattr"),
    *("get", "join", "split", "partition", "startswith", "removeprefix", "fullmatch", "search", "sub", "run", "new"),
    *("Path", "from_json", "open", "next", "operator", "template_list"),
}
"""Calls whose arguments nobody reads: of tools, and of causes that only a developer can act on."""

SAID = {
    **dict.fromkeys(("in_blenders_language", "_strength", "Status", "tell", "_at"), 0),
    **dict.fromkeys(("refuse", "_draw_fact"), 1),
    "draw_sentence": 2,
}
"""Calls one of whose arguments is shown, be it a single word."""

SHOWN = {"text", "name", "description", "heading", "placeholder"}
ATTRIBUTES = {"bl_label", "bl_description", "why"}
"""Arguments of calls, and attributes of classes, that Blender shows: in ``blender/``."""

WORDS = re.compile(r"[a-zA-Z,;:.)”'] +[a-zA-Z(“\0]|\0,? [a-z]|[a-z]: \0")
"""What tells text from a name or a key: one word after the other, or beside a field (``\\0``)."""


@dataclass(frozen=True)
class Message:
    """A text: with its fields' names in their places, and for each what it holds in the source."""

    words: str
    holds: tuple[str, ...] = ()


def message_of(node: ast.Constant | ast.JoinedStr) -> Message:
    """The template of a string; fields that touch become one, as nothing tells where one ends."""
    if isinstance(node, ast.Constant):
        return Message(str(node.value))
    pieces: list[str | tuple[str, str]] = []
    for value in node.values:
        if isinstance(value, ast.Constant):
            pieces.append(str(value.value))
            continue
        assert isinstance(value, ast.FormattedValue)  # noqa: S101 - the other thing that an f-string can hold
        held = ast.unparse(value.value)
        if pieces and isinstance(pieces[-1], tuple):
            pieces[-1] = ("text", f"{pieces[-1][1]} and {held}")
        else:
            pieces.append((_kind(value), held))
    kinds = [piece[0] for piece in pieces if isinstance(piece, tuple)]
    words, holds = "", []
    for piece in pieces:
        if isinstance(piece, str):
            words += piece
            continue
        nth = sum(name.rstrip("0123456789") == piece[0] for name, _ in holds) + 1
        name = piece[0] + (str(nth) if kinds.count(piece[0]) > 1 else "")
        holds.append((name, piece[1]))
        words += "{" + name + "}"
    return Message(words, tuple(f"{{{name}}}: {held}" for name, held in holds))


def _kind(value: ast.FormattedValue) -> str:
    """What a field holds, as far as its form tells."""
    form = ast.unparse(value.format_spec)[2:-1] if value.format_spec is not None else ""
    counted = isinstance(value.value, ast.Call) and getattr(value.value.func, "id", "") in {
        "len",
        "round",
        "max",
        "sum",
    }
    if re.search(r"[defgn,%]$", form) or counted:
        return "number"
    return "name" if value.conversion == ord("r") else "text"


class Gatherer(ast.NodeVisitor):
    """All texts of one module.

    Attributes:
        found: each of them, in the order of the source.
    """

    def __init__(self, path: Path, errors: set[str]) -> None:
        self.found: list[Message] = []
        self._errors = errors
        self._place = path.relative_to(PACKAGE).as_posix()
        self._in_blender = self._place.startswith("blender/")
        self._any = False
        """Whether what is being looked at is shown, be it a single word."""
        self._names_alone = self._place in NAMES_ALONE

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A class; Blender shows an operator's docstring where it has no description."""
        named = {
            target.id
            for line in node.body
            if isinstance(line, ast.Assign)
            for target in line.targets
            if isinstance(target, ast.Name)
        }
        shown = ast.get_docstring(node)
        if "bl_idname" in named and "bl_description" not in named and shown and node.name.startswith("LSF_OT"):
            self.found.append(Message(shown))
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A docstring is for developers."""
        if not isinstance(node.value, ast.Constant):
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        """What is compared is not shown."""

    def visit_Assign(self, node: ast.Assign) -> None:
        """Attributes of operators and panels."""
        shown = self._in_blender and any(getattr(target, "id", "") in ATTRIBUTES for target in node.targets)
        for target in node.targets:
            self.visit(target)
        self._visit(node.value, shown=shown)

    def visit_Module(self, node: ast.Module) -> None:
        """A module; tables at its top are for the code."""
        for line in node.body:
            if self._in_blender or not isinstance(getattr(line, "value", None), ast.Tuple | ast.Set):
                self.visit(line)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """A key is not shown."""
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """Which of a call's arguments are shown."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        if name in self._errors:
            names_alone, self._names_alone = self._names_alone, False
            for value in node.args:
                self._visit(value, shown=True)
            self._names_alone = names_alone
            return
        for number, value in enumerate(node.args):
            if name not in SILENT or not isinstance(value, ast.Constant | ast.JoinedStr):
                self._visit(value, shown=number == (_reported(node) if name == "report" else SAID.get(name)))
        for keyword in node.keywords:
            if keyword.arg == "items":
                self._items(keyword.value)
            elif (
                keyword.arg in SHOWN and self._in_blender and name not in {"new", "add", "place_sound", "shape_key_add"}
            ):
                self._visit(keyword.value, shown=True)
            elif name not in SILENT:
                self._visit(keyword.value, shown=False)

    def _items(self, node: ast.expr) -> None:
        """Names and descriptions of a menu's entries."""
        for entry in node.elts if isinstance(node, ast.Tuple | ast.List) else ():
            if isinstance(entry, ast.Tuple):
                for value in entry.elts[1:3]:
                    self._visit(value, shown=True)

    def _visit(self, node: ast.AST, *, shown: bool) -> None:
        before, self._any = self._any, shown
        self.visit(node)
        self._any = before

    def visit_Constant(self, node: ast.Constant) -> None:
        """A plain string."""
        if isinstance(node.value, str):
            self._take(node, node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """An f-string, and what stands within its fields."""
        self._take(
            node, "".join(str(value.value) if isinstance(value, ast.Constant) else "\0" for value in node.values)
        )
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                self._visit(value.value, shown=False)

    def _take(self, node: ast.Constant | ast.JoinedStr, bare: str) -> None:
        if self._names_alone or "\n" in bare.strip() or not any(sign.isalpha() for sign in bare):
            return
        if self._any or WORDS.search(bare):
            message = message_of(node)
            if self._place.startswith("worker/") and self._any and bare.islower():  # a stage, as Blender shows it
                message = Message(message.words.capitalize(), message.holds)
            if message.words not in NOT_SHOWN:
                self.found.append(message)


def _reported(node: ast.Call) -> int:
    """Which argument of ``report(operator, level, words)`` is shown, or of the worker's ``report(stage, …)``."""
    return 2 if isinstance(node.args[0], ast.Name) else 0


def modules() -> list[Path]:
    """Every module whose texts a person may see in Blender."""
    seen: set[Path] = set()
    left = [PACKAGE / root for root in ROOTS]
    while left:
        path = left.pop()
        if path in seen or path.relative_to(PACKAGE).parts[0] in ON_THE_COMMAND_LINE:
            continue
        seen.add(path)
        left += _imported(path)
    return sorted(seen)


def _imported(path: Path) -> Iterator[Path]:
    """The modules of ours that one imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        place = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        for found in (
            place.with_suffix(".py"),
            place / "__init__.py",
            *(place / f"{alias.name}.py" for alias in node.names),
        ):
            if found.is_file():
                yield found


def gathered() -> dict[Message, list[str]]:
    """Every text, with the modules that say it.

    Raises:
        ValueError: a text that cannot be found again once it is finished; the sentence says how to mend it.
    """
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    errors = {node.name for node in tree.body if isinstance(node, ast.ClassDef)} | {"error"}
    places: dict[Message, list[str]] = {}
    for path in modules():
        gatherer = Gatherer(path, errors)
        gatherer.visit(ast.parse(path.read_text(encoding="utf-8")))
        for message in gatherer.found:
            places.setdefault(message, []).append(path.relative_to(REPOSITORY).as_posix())
    for where, words in made_by_rule():
        places.setdefault(Message(words), []).append(f"lsf_blender_addon/{where}")
    for message, where in places.items():
        why = why_not_found_again(message)
        if why:
            raise ValueError(f"{where[0]}: {message.words!r} {why}")
    return places


def made_by_rule() -> Iterator[tuple[str, str]]:
    """Texts that stand nowhere in the sources as they are shown, and where they are made."""
    for name in PICKED_NAMES:
        yield "head/picking.py", name.replace("_", " ").capitalize()
        yield "head/picking.py", in_words(name)
    for word in ("left", "right", "mouth"):
        yield "head/finding.py", word
    for words in DEVICE_WORDS.values():
        yield "installing/inspection.py", words


def why_not_found_again(message: Message) -> str:
    """Why a finished sentence could not be told by this template; empty where it can."""
    template = Template.of(message.words)
    if any(sign in literal for literal in template.literals for sign in "{}"):
        return "has braces of its own, which translators' tools take for fields: say it without."
    if message.words[:1] in {" ", ",", ";"}:
        return "is a piece of a sentence, which other languages put together otherwise: say each sentence as a whole."
    if template.fields and template.letters < (1 if template.counts else FEWEST_LETTERS):
        return "has hardly a word around its fields: say it in one sentence, or show its parts one by one."
    return ""


def portable(places: dict[Message, list[str]]) -> str:
    """The catalogue as a .pot file, in the order of the sources."""
    lines = [
        "# What LSF Animation shows in Blender, gathered by scripts/make_messages.py. See docs/translating.md.",
        'msgid ""',
        'msgstr ""',
        '"Project-Id-Version: LSF Animation\\n"',
        '"MIME-Version: 1.0\\n"',
        '"Content-Type: text/plain; charset=UTF-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
    ]
    whole: dict[str, tuple[list[str], list[str]]] = {}
    for message, where in places.items():
        held, said = whole.setdefault(message.words, ([], []))
        held += [line for line in message.holds if line not in held]
        said += [place for place in dict.fromkeys(where) if place not in said]
    for words, (held, where) in whole.items():
        lines += ["", *(f"#. {line}" for line in held), *(f"#: {place}" for place in where)]
        if held:
            lines.append("#, python-brace-format")
        lines += [*lines_of("msgid", words), 'msgstr ""']
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the catalogue, or compare it; 0 when it is as the sources say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and say whether the file is up to date")
    arguments = parser.parse_args()
    try:
        words = portable(gathered())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.check:
        if CATALOGUE.is_file() and CATALOGUE.read_text(encoding="utf-8") == words:
            return 0
        print(f"{CATALOGUE} is not what the sources say: run scripts/make_messages.py.", file=sys.stderr)
        return 1
    CATALOGUE.write_text(words, encoding="utf-8")
    print(f"{CATALOGUE}: {words.count('msgid ') - 1} texts")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

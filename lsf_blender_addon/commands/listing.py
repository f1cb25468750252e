"""The lines of a batch: each row of a list as words of ``lsf animate`` that make it alone."""

from __future__ import annotations

import argparse
import contextlib
import io
from pathlib import Path

from .. import __version__
from ..batch.lines import Line, mark_of
from ..batch.lists import EMOTION, FOLDER, KINDS, Row, rows_of
from ..errors import LsfError
from ..head.facekit import facekit_files
from ..models.card import CARD_NAME, WEIGHTS_NAME
from ..models.store import bundled_head, model_folder
from .making import OUTPUTS, title_of

BATCH_OPTIONS = frozenset({"help", "source", "output", "jobs", "engine", "resume", "shard"})
"""What belongs to the batch as a whole, and cannot be a column of a list."""

STRENGTH, FEELING = "emotion-strength", "emotion-from"
"""The options that the column ``emotion`` stands for: a number is how strong, anything else a recording."""


def lines_of(arguments: argparse.Namespace) -> list[Line]:
    """Every line of a folder or a list, each with the words that make it alone.

    Raises:
        LsfError: the list cannot be read, two lines would write the same files, or none can be tried, all for the
            same reason.
    """
    source, output = arguments.source.absolute(), arguments.output.absolute()
    parser: argparse.ArgumentParser = arguments.parser
    options = {
        action.option_strings[-1].removeprefix("--"): action
        for action in parser._actions  # noqa: SLF001 - argparse has no other way to ask
        if action.option_strings and action.dest not in BATCH_OPTIONS
    }
    spoken = _words_of(arguments, options)
    inside = output if source.is_dir() and output != source else None
    lines, taken = [], dict[tuple[Path, str], int]()
    for number, row in enumerate(rows_of(source, inside), start=1):
        try:
            line = _line(number, row, parser, _words(row, options, spoken, source, output))
        except LsfError as problem:
            lines.append(Line(number, row.audio, problem=str(problem), mark=f"line {number}"))
            continue
        earlier = taken.setdefault((line.folder, line.name), number)
        if earlier != number:
            raise LsfError(
                f"Lines {earlier} and {number} of {source} would both write {line.folder / line.name}.*: give one of "
                "them a name of its own (the column 'name') or another folder (the column 'folder')."
            )
        lines.append(line)
    if len({line.problem for line in lines}) == 1 and lines[0].problem:
        raise LsfError(lines[0].problem)
    return lines


def _words_of(arguments: argparse.Namespace, options: dict[str, argparse.Action]) -> dict[str, str]:
    """The options that the command line gave to all lines: name → text, for switches empty."""
    words = {}
    for name, action in options.items():
        value = getattr(arguments, action.dest)
        if value == action.default:
            continue
        words[name] = "" if action.nargs == 0 else str(value.absolute() if isinstance(value, Path) else value)
    return words


def _words(
    row: Row, options: dict[str, argparse.Action], spoken: dict[str, str], source: Path, output: Path
) -> list[str]:
    """The words of ``lsf animate`` that make a row."""
    if not row.audio:
        raise LsfError("The line names no recording in the column 'audio'.")
    words = dict(spoken)
    given = _with_feeling(row.options)
    folder = given.pop(FOLDER, "")
    if KINDS in given:
        words = {name: text for name, text in words.items() if name not in OUTPUTS}
        for kind in given.pop(KINDS).replace(",", " ").split():
            if kind.lstrip(".").lower() not in OUTPUTS:
                raise LsfError(f"{kind!r} is no kind of file that can be written; choose of {', '.join(OUTPUTS)}.")
            words[kind.lstrip(".").lower()] = ""
    for name, text in given.items():
        if name not in options:
            columns = ", ".join(sorted({*options, "audio", KINDS, FOLDER, EMOTION}))
            raise LsfError(f"The column {name!r} is none of: {columns}.")
        action = options[name]
        if action.nargs == 0:
            if text.lower() in {"no", "false", "0"}:
                words.pop(name, None)
            else:
                words[name] = ""
        elif action.type is Path or (name == "model" and (source.parent / text / CARD_NAME).is_file()):
            words[name] = str(source.parent / text)
        else:
            words[name] = text
    spelt = [f"--{name}={text}" if options[name].nargs != 0 else f"--{name}" for name, text in words.items()]
    return [row.audio, f"--output={output / folder}", *spelt]


def _with_feeling(given: dict[str, str]) -> dict[str, str]:
    """A row's options, the column ``emotion`` as the option that it stands for."""
    if EMOTION not in given:
        return dict(given)
    text = given[EMOTION]
    option = STRENGTH if _is_number(text) else FEELING
    if option in given:
        raise LsfError(
            f"The columns 'emotion' ({text}) and {option!r} ({given[option]}) say the same: leave one empty."
        )
    return {option if name == EMOTION else name: text for name, text in given.items()}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _line(number: int, row: Row, parser: argparse.ArgumentParser, words: list[str]) -> Line:
    arguments = understood(parser, words)
    arguments.audio = arguments.source
    files = [value for value in vars(arguments).values() if isinstance(value, Path)]
    if arguments.head is None:
        files.append(bundled_head())
    else:
        files += facekit_files(arguments.head)
    files.append(model_folder(arguments.model) / WEIGHTS_NAME)
    mark = mark_of(words, files, __version__)
    return Line(number, row.audio, tuple(words), arguments.output, title_of(arguments), mark)


def understood(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Words, understood as the command line understands them.

    Raises:
        LsfError: they make no command; the sentence is argparse's own.
    """
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return parser.parse_args(words)
    except SystemExit as leaving:
        said = complaint.getvalue().strip().rpartition("error: ")[2]
        raise LsfError(f"The line cannot be understood: {said}") from leaving

"""The catalogue of texts is what the sources say, and every finished sentence of it can be found again."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

import make_messages
from lsf_blender_addon.translations.catalogue import Catalogue, Template
from lsf_blender_addon.translations.portable import read_portable
from make_messages import CATALOGUE, PACKAGE, Gatherer, Message, gathered, message_of, portable


@pytest.fixture(scope="module")
def texts() -> dict[Message, list[str]]:
    """All of them, gathered anew."""
    return gathered()


def words_of(source: str, module: str = "blender/panels.py") -> list[str]:
    gatherer = Gatherer(PACKAGE / module, {"SceneError"})
    gatherer.visit(ast.parse(source))
    return [message.words for message in gatherer.found]


def test_the_catalogue_is_up_to_date(texts: dict[Message, list[str]]) -> None:
    """Run scripts/make_messages.py where it is not."""
    assert portable(texts) == CATALOGUE.read_text(encoding="utf-8")


def test_the_catalogue_is_read_by_our_own_reader_and_by_gettexts(texts: dict[Message, list[str]]) -> None:
    assert [entry.parts["msgid"] for entry in read_portable(CATALOGUE)] == list(dict.fromkeys(m.words for m in texts))
    program = shutil.which("msgfmt")
    if program is None:
        pytest.skip("gettext's msgfmt is not installed here")
    subprocess.run([program, "--check-format", "-o", "-", CATALOGUE], check=True, capture_output=True)


def test_no_template_of_ours_is_hidden_by_another(texts: dict[Message, list[str]]) -> None:
    """Each, with something in its fields, is found as itself."""
    known = {message.words: message.words for message in texts}
    tried = {words: Template.of(words) for words in known}
    mine = Catalogue({words: f"{number} {words}" for number, words in enumerate(known)})
    wrong = []
    for number, (words, template) in enumerate(tried.items()):
        values = {name: "7" if name.startswith("number") else f"'{name} é'" for name in template.fields}
        if mine.translated(template.filled(values)) != f"{number} {template.filled(values)}":
            wrong.append(words)
    assert wrong == []


def test_fields_are_named_by_what_they_hold() -> None:
    (raised,) = ast.parse('f"{strip.name!r}: {n:d} of {len(keys)} in {path}{more}"').body
    assert isinstance(raised, ast.Expr)
    assert isinstance(raised.value, ast.JoinedStr)
    message = message_of(raised.value)
    assert message.words == "{name}: {number1} of {number2} in {text}"
    assert message.holds[-1] == "{text}: path and more"


def test_errors_labels_tooltips_and_menus_are_gathered() -> None:
    source = '''
class LSF_OT_x(Operator):
    """Do it"""
    bl_idname = "lsf.x"
    bl_label = "X it"
    kind: EnumProperty(name="Kind", items=(("A", "Alpha", "The first"),))
    def execute(self):
        """Not shown."""
        refuse(cls, "No")
        report(self, "INFO", f"{n:d} done")
        row.label(text="Seed" if one else "Seeds", icon="X")
        raise SceneError(f"{a!r} broke")
'''
    assert words_of(source) == ["Do it", "X it", "Kind", "Alpha", "The first", "No", "{number} done", "Seed", "Seeds",
                                "{name} broke"]  # fmt: skip


def test_modules_that_the_window_reaches_are_read_and_those_of_the_command_line_are_not() -> None:
    read = {path.relative_to(PACKAGE).as_posix() for path in make_messages.modules()}
    assert {"blender/panels.py", "worker/server.py", "installing/set_up.py", "pickles/reader.py", "head/fit.py"} <= read
    assert not any(name.startswith(("commands/", "batch/", "cli")) for name in read)


def test_keys_names_and_causes_for_developers_are_not() -> None:
    source = (
        'a["some key"]\nValueError("bad thing here")\nre.sub("a b", c)\nd = "KEY"\nlabel(icon="INFO")\ne == "x y"\n'
    )
    assert words_of(source) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [(" and more", "piece of a sentence"), ("{text1}: {text2}", "hardly a word"), ("a {brace} here", "braces")],
)
def test_a_text_that_could_not_be_found_again_is_refused(words: str, expected: str) -> None:
    assert expected in make_messages.why_not_found_again(Message(words))


def test_translations_lie_beside_the_catalogue_if_anywhere() -> None:
    stray = [path for path in Path(PACKAGE).rglob("*.po") if path.parent != CATALOGUE.parent]
    assert stray == []

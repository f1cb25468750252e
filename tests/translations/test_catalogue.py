"""A finished sentence is found by its template, whatever stands in its fields; and files of translators are read."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsf_blender_addon.errors import LsfError
from lsf_blender_addon.translations.catalogue import Catalogue, Template, read_catalogue
from lsf_blender_addon.translations.portable import lines_of, read_portable

GONE = "The strip {name} is gone or renamed; the keys stay where they are."
GERMAN = {
    GONE: "Den Streifen {name} gibt es nicht mehr; die Keyframes bleiben, wo sie sind.",
    "Cancelled.": "Abgebrochen.",
    "{text1} cannot be read ({text2}).": "({text2}) macht {text1} unlesbar.",
    "{text} Close other programs, or choose a shorter strip.": "{text} Andere Programme schließen hilft.",
    "The computer has no memory left for {number} s.": "Für {number} s fehlt der Speicher.",
    "{number1} of {number2} points are picked.": "Von {number2} Punkten sind {number1} gewählt.",
    "{text} of {number} points are picked.": "falsch",
    "{name} speaks {number} words": "{number} Wörter spricht {name}",
}
CATALOGUE = Catalogue(GERMAN)
SIGNS = st.text(alphabet=st.one_of(st.sampled_from("{}()[]*+.\\|^$?'\"\n aé«"), st.characters(codec="utf-8")))


def test_a_plain_text_is_looked_up() -> None:
    assert CATALOGUE.translated("Cancelled.") == "Abgebrochen."
    assert CATALOGUE.translated("Never said") is None


def test_a_name_is_taken_over_as_it_is() -> None:
    said = CATALOGUE.translated(f"The strip {'Cancelled.'!r} is gone or renamed; the keys stay where they are.")
    assert said == "Den Streifen 'Cancelled.' gibt es nicht mehr; die Keyframes bleiben, wo sie sind."


def test_another_language_may_order_the_fields_anew() -> None:
    assert CATALOGUE.translated("voice.wav cannot be read (no access).") == "(no access) macht voice.wav unlesbar."


def test_a_sentence_within_a_sentence_is_translated_too() -> None:
    words = "The computer has no memory left for 4 s. Close other programs, or choose a shorter strip."
    assert CATALOGUE.translated(words) == "Für 4 s fehlt der Speicher. Andere Programme schließen hilft."


def test_what_is_ours_in_a_list_is_translated() -> None:
    few = Catalogue({"Missing: {text}": "Es fehlt: {text}", "a bone 'jaw'": "ein Knochen 'jaw'"})
    assert few.translated("Missing: mouthPucker, a bone 'jaw'") == "Es fehlt: mouthPucker, ein Knochen 'jaw'"


def test_a_template_that_says_more_wins_over_a_general_one() -> None:
    few = Catalogue({"{text} is gone": "falsch", "The strip {text} is gone": "richtig {text}"})
    assert few.translated("The strip A is gone") == "richtig A"


def test_a_number_is_told_from_words() -> None:
    assert CATALOGUE.translated("3 of 24 points are picked.") == "Von 24 Punkten sind 3 gewählt."
    assert CATALOGUE.translated("'A' speaks many words") is None
    for number in ("1,234", "-0.5", "45%", "1e-05", "nan"):
        assert CATALOGUE.translated(f"'A' speaks {number} words") == f"{number} Wörter spricht 'A'"


def test_names_may_hold_words_of_their_sentence() -> None:
    assert CATALOGUE.translated("'A speaks B' speaks 5 words") == "5 Wörter spricht 'A speaks B'"


@given(SIGNS, st.integers())
def test_whatever_a_name_holds_it_comes_out_whole(name: str, number: int) -> None:
    assert CATALOGUE.translated(f"{name!r} speaks {number:,} words") == f"{number:,} Wörter spricht {name!r}"
    gone = f"The strip {name!r} is gone or renamed; the keys stay where they are."
    assert CATALOGUE.translated(gone) == GERMAN[GONE].replace("{name}", repr(name))


@given(st.lists(SIGNS, min_size=3, max_size=3), st.lists(st.sampled_from([" is ", " (", ": ", ", "]), min_size=2))
def test_what_is_taken_apart_and_put_together_again_is_the_same(values: list[str], between: list[str]) -> None:
    template = Template(("Of ", *between[:2], " end"), ("text1", "text2", "text3"))
    words = template.filled(dict(zip(template.fields, values, strict=True)))
    found = template.values_in(words)
    assert found is not None
    assert template.filled(found) == words


@given(SIGNS)
def test_no_text_is_too_strange_to_be_looked_up(words: str) -> None:
    CATALOGUE.translated(words)


def test_a_long_path_takes_no_time() -> None:
    hostile = " cannot be read (" * 20_000
    begun = time.perf_counter()
    CATALOGUE.translated(hostile)
    CATALOGUE.translated(f"{hostile}).")
    assert time.perf_counter() - begun < 0.5


def translated_file(folder: Path, content: str) -> Path:
    path = folder / "de.po"
    path.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n' + content, encoding="utf-8")
    return path


def test_a_file_of_a_translators_tool_is_read(tmp_path: Path) -> None:
    content = (
        "# by hand\n#. {name}: strip.name\n#: places.py\n#, python-brace-format\n"
        'msgid ""\n"The strip {name} "\n"is gone"\n'
        'msgstr "Weg: {name}\\n\\"so\\""\n\nmsgid "Seed"\nmsgstr ""\n\n#~ msgid "Old"\n#~ msgstr "Alt"\n'
        '#, fuzzy\n#| msgid "Jaws"\nmsgid "Jaw"\nmsgstr "Kiefern"\n'
    )
    found, left_out = read_catalogue(translated_file(tmp_path, content))
    assert found.texts == {"The strip {name} is gone": 'Weg: {name}\n"so"'}
    assert left_out == []


@pytest.mark.parametrize("said", ["Weg", "Weg: {name} {text}", "Weg: {nmae}"])
def test_a_translation_that_lost_a_field_is_left_out_with_the_reason(tmp_path: Path, said: str) -> None:
    found, left_out = read_catalogue(
        translated_file(tmp_path, f'msgid "Gone: {{name}}"\nmsgstr "{said}"\n\nmsgid "Jaw"\nmsgstr "Kiefer"\n')
    )
    assert found.texts == {"Jaw": "Kiefer"}
    assert len(left_out) == 1
    assert "de.po, line 4, is left out: its fields are not" in left_out[0]


def test_plural_forms_which_ours_have_none_of_are_left_out(tmp_path: Path) -> None:
    content = 'msgid "key"\nmsgid_plural "keys"\nmsgstr[0] "a"\nmsgstr[1] "b"\n\nmsgctxt "x"\nmsgid "y"\nmsgstr "z"\n'
    found, left_out = read_catalogue(translated_file(tmp_path, content))
    assert found.texts == {}
    assert len(left_out) == 2


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe\x00", "is no text in UTF-8"),
        (b"PK\x03\x04 nothing of the kind", "line 1 is none of a .po file"),
        (b'msgid "open\nmsgstr ""\n', "the quotes of line 1 do not close"),
        (b'msgid "a"\nmsgstr "b"\nnonsense\n', "line 3 is none of a .po file"),
    ],
)
def test_a_file_that_is_none_says_so(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "de.po"
    path.write_bytes(content)
    with pytest.raises(LsfError, match=expected):
        read_catalogue(path)


@given(st.binary(max_size=300))
def test_no_file_raises_anything_but_our_own_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("translation") / "de.po"
    path.write_bytes(content)
    with contextlib.suppress(LsfError):
        read_catalogue(path)


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Zl", "Zp", "Cc"]), min_size=1),
    st.sampled_from(["", '\n\t\r"\\ ']),
)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, words: str, tail: str) -> None:
    words += tail
    path = tmp_path_factory.mktemp("translation") / "de.po"
    path.write_text("\n".join([*lines_of("msgid", words, width=20), *lines_of("msgstr", words)]), encoding="utf-8")
    (entry,) = read_portable(path)
    assert entry.parts == {"msgid": words, "msgstr": words}

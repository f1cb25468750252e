"""What the add-on says comes out in Blender's language: finished sentences, panels, tooltips.

Blender's module is built without languages (``bpy.app.build_options.international``): there its locale stays empty,
``pgettext`` gives back what it gets, and labels that Blender itself looks up stay English. So ``translating.language``
is set here, where Blender does not know one, and what is ours is held to: every sentence that names something. In a
Blender with languages, its own switch is used, and labels are looked up too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

import lsf_blender_addon
from lsf_blender_addon.blender import operators_character, translating, wording
from lsf_blender_addon.blender.faces import face_of
from lsf_blender_addon.errors import SceneError
from lsf_blender_addon.translations.catalogue import read_catalogue

GERMAN = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

#, python-brace-format
msgid ""
"{name} is no head that can speak: it has no shape keys. Add a head, or select another."
msgstr "{name} kann nicht sprechen: ihm fehlen Shape Keys. Einen Kopf hinzufügen oder wählen."

msgid "Select a sound strip in the sequencer, or choose a file."
msgstr "Einen Tonstreifen wählen, oder eine Datei."

msgid "Nothing is being animated at the moment"
msgstr "Gerade wird nichts animiert"

#, python-brace-format
msgid "Pick {text}"
msgstr "Hier liegt {text}"

msgid "the tip of the nose"
msgstr "die Nasenspitze"

msgid "Takes"
msgstr "Aufnahmen"

#, python-brace-format
msgid "The strip {name} is gone or renamed; the keys stay where they are."
msgstr "Weg!"
"""

Speak = Callable[[str], None]


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch) -> Iterator[Speak]:
    """``speak("de_DE")``: Blender's interface is in that language from now on."""
    view = bpy.context.preferences.view
    view.use_translate_interface = view.use_translate_tooltips = view.use_translate_reports = True

    def switch(language: str) -> None:
        if bpy.app.build_options.international:
            view.language = language
        else:
            monkeypatch.setattr(translating, "language", lambda: language)

    yield switch
    if bpy.app.build_options.international:
        view.language = "en_US"


@pytest.fixture
def german(tmp_path: Path) -> Iterator[Any]:
    """The add-on, with a small German translation."""
    (tmp_path / "de.po").write_text(GERMAN, encoding="utf-8")
    lsf_blender_addon.register()
    translating.unregister()
    translating.register([words for _, _, words in operators_character.POINTS], tmp_path)
    yield
    lsf_blender_addon.unregister()


def cube() -> Any:
    made = bpy.data.objects.new("Würfel {name}", bpy.data.meshes.new("cube"))
    bpy.context.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    return made


def drawn(panel: str) -> str:
    """All that a panel shows as labels and sentences."""
    notes: list[str] = []
    kind = getattr(bpy.types, panel)
    kind.draw(SimpleNamespace(layout=Noting(notes)), bpy.context)
    return " ".join(" ".join(notes).split())


class Noting:
    """A layout that takes down the texts that are put into it, and into all within it."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def __getattr__(self, name: str) -> Any:
        """A function of the real layout."""

        def draw(*_: Any, text: str = "", translate: bool = True, **__: Any) -> Any:
            self._notes.append(bpy.app.translations.pgettext_iface(text) if translate else text)
            return (Noting(self._notes), Noting(self._notes)) if name == "panel" else Noting(self._notes)

        return draw


@pytest.mark.usefixtures("german")
def test_an_error_with_a_name_in_it_is_said_in_blenders_language(speak: Speak) -> None:
    with pytest.raises(SceneError) as said:
        face_of(cube())
    assert str(said.value).startswith("'Würfel {name}' is no head")
    speak("de_DE")
    assert translating.in_blenders_language(str(said.value)) == (
        "'Würfel {name}' kann nicht sprechen: ihm fehlen Shape Keys. Einen Kopf hinzufügen oder wählen."
    )


@pytest.mark.usefixtures("german")
def test_a_panel_is_drawn_in_blenders_language(speak: Speak) -> None:
    cube()
    speak("de_DE")
    words = drawn("VIEW3D_PT_lsf_main")
    assert "'Würfel {name}' kann nicht sprechen" in words
    assert "Einen Tonstreifen wählen, oder eine Datei." in words


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("language", ["en_US", "fr_FR"])
def test_without_a_translation_all_stays_english(speak: Speak, language: str) -> None:
    cube()
    speak(language)
    words = drawn("VIEW3D_PT_lsf_main")
    assert "'Würfel {name}' is no head that can speak" in words
    assert "Select a sound strip in the sequencer, or choose a file." in words


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("switch", ["interface", "tooltips", "reports"])
def test_blenders_switches_are_obeyed(speak: Speak, switch: str) -> None:
    speak("de_DE")
    words = "Nothing is being animated at the moment"
    assert translating.in_blenders_language(words, switch) == "Gerade wird nichts animiert"  # type: ignore[arg-type]
    setattr(bpy.context.preferences.view, f"use_translate_{switch}", False)
    assert translating.in_blenders_language(words, switch) == words  # type: ignore[arg-type]


@pytest.mark.usefixtures("german")
def test_a_greyed_button_says_why_in_blenders_language(speak: Speak) -> None:
    speak("de_DE")
    with pytest.raises(RuntimeError, match="Gerade wird nichts animiert"):
        bpy.ops.lsf.cancel()


@pytest.mark.usefixtures("german")
def test_a_translation_without_its_name_is_left_out_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    translating.unregister()
    (tmp_path / "fr.po").write_bytes(b"\xff not a text")
    translating.register((), tmp_path)
    said = capsys.readouterr().out
    assert "de.po" in said
    assert "its fields are not those of the English text (name)" in said
    assert "fr.po is no text in UTF-8" in said


def test_blender_is_told_of_plain_texts_and_of_those_that_menus_keep(tmp_path: Path) -> None:
    (tmp_path / "de.po").write_text(GERMAN, encoding="utf-8")
    found, _ = read_catalogue(tmp_path / "de.po")
    told = translating.told_to_blender(found, [words for _, _, words in operators_character.POINTS])
    assert told["*", "Takes"] == told["Operator", "Takes"] == "Aufnahmen"
    assert told["*", "Pick the tip of the nose"] == "Hier liegt die Nasenspitze"
    assert ("*", "Pick {text}") not in told


@pytest.mark.usefixtures("german")
def test_a_sentence_that_was_translated_is_wrapped_as_one(speak: Speak) -> None:
    speak("de_DE")
    lines: list[str] = []
    layout = SimpleNamespace(column=lambda **_: SimpleNamespace(label=lambda text, **_: lines.append(text)))
    narrow = SimpleNamespace(region=SimpleNamespace(width=200), preferences=bpy.context.preferences)
    wording.draw_sentence(
        layout, narrow, "'A' is no head that can speak: it has no shape keys. Add a head, or select another."
    )
    assert len(lines) > 1
    assert " ".join(lines).startswith("'A' kann nicht sprechen")


def test_blender_itself_shows_labels_in_its_language(tmp_path: Path, speak: Speak) -> None:
    if not bpy.app.build_options.international:
        pytest.skip("this build of Blender knows no languages")
    (tmp_path / "de.po").write_text(GERMAN, encoding="utf-8")
    translating.register((), tmp_path)
    speak("de_DE")
    assert bpy.app.translations.pgettext_iface("Takes") == "Aufnahmen"
    translating.unregister()
    assert bpy.app.translations.pgettext_iface("Takes") == "Takes"

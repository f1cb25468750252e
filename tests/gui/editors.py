"""What a person does in Blender's own editors: files, sidebars, strips."""

from __future__ import annotations

import time
from pathlib import Path

from window import Hands, Part, State, StepError

EXPAND = 0.045
"""Share of the width of the page of add-ons at which an entry's triangle lies."""

BROWSER_FIELDS = {"UI": 0.35, "EXECUTE": 0.3}
"""Shares of the width of a file browser's regions at which the fields of the folder and of the name lie."""

BOX = 12
"""Pixels from there to the box that switches it on and off."""


def preferences(hands: Hands, section: str) -> Part:
    """Open the preferences by Edit's last entry, unless they are, and go to a section by its button."""
    if not any(area["type"] == "PREFERENCES" for window in hands.state()["windows"] for area in window["areas"]):
        hands.click((84, 34))
        hands.press("Up", "Return")
        hands.wait("the preferences", lambda state: len(state["windows"]) > 1)
    sections = hands.part("PREFERENCES", "NAVIGATION_BAR", "UI")  # the second since 5.2
    last = [(place[0], place[1]) for place in hands.places.get(section, [])]
    for point in (*last, *sections.rows(0.4)):
        if hands.state()["section"] == section:
            break
        hands.click(point)
        hands.remember(str(hands.state()["section"]), point)
    hands.wait(f"the section {section}", lambda state: state["section"] == section, 5)
    return hands.part("PREFERENCES", "WINDOW")


def find_extension(hands: Hands) -> Part:
    """The page of the add-ons, with ours alone in its list."""
    page = preferences(hands, "ADDONS")
    hands.click(hands.find_property(page, "addon_search", 0.2))
    hands.press("ctrl+a")
    hands.write("LSF")
    hands.press("Return")
    time.sleep(1)
    return page


def switch(hands: Hands, page: Part, how: str) -> None:
    """Click the box before the extension's name."""
    hands.click(hands.find(page, how, EXPAND + BOX / page.width))


def close_preferences(hands: Hands) -> None:
    """By the window manager's key, and nothing else is closed."""
    hands.press("alt+F4")
    hands.wait("the preferences closed", lambda state: len(state["windows"]) == 1, 10)


def choose_file(hands: Hands, path: Path) -> None:
    """Type a path into the file browser, and click its blue button."""
    _type_into_browser(hands, {"UI": f"{path.parent}/", "EXECUTE": path.name})


def choose_folder(hands: Hands, path: Path) -> None:
    """The same, where a folder is asked for."""
    _type_into_browser(hands, {"UI": f"{path}/"})


def _type_into_browser(hands: Hands, words: dict[str, str]) -> None:
    hands.wait("the file browser", lambda state: "EXECUTE" in regions(state, "FILES"))
    time.sleep(2)  # its parts slide in
    for region, typed in words.items():
        for _ in range(2):  # since 5.2 the field of the folder stays open after Return: one click closes it
            hands.click(hands.part("FILES", region).at(BROWSER_FIELDS[region], 0.5))
            time.sleep(0.5)
        hands.press("ctrl+a")
        hands.write(typed)
        hands.press("Return")
        time.sleep(1)
    hands.picture("file_browser")
    for _ in range(2):  # a field that stayed open takes the first click for its end
        if "EXECUTE" in regions(hands.state(), "FILES"):
            hands.click(hands.part("FILES", "EXECUTE").at(0.92, 0.5))
            time.sleep(1)


def show_scene(hands: Hands) -> None:
    """Since 5.0 a sequencer shows no scene until one is chosen, left of the button that makes a new one."""
    if hands.state()["sequencer_scene"]:
        return
    header = hands.part("SEQUENCE_EDITOR", "HEADER")
    for across in range(header.left, header.left + header.width, 12):
        place = (across, header.top + header.height // 2)
        if "new_sequencer_scene" in hands.under(place):
            hands.click((place[0] - 22, place[1]))
            for _ in range(3):  # on a busy machine the list takes its time to listen
                time.sleep(1)
                if not hands.state()["sequencer_scene"]:
                    hands.press("Return")
            break
    hands.wait("a scene in the sequencer", lambda state: state["sequencer_scene"], 10)


def add_sound(hands: Hands, path: Path, channel: int = 1) -> None:
    """By the Add menu of the sequencer, where one may type what is wanted."""
    before = hands.state()["strips"]
    hands.move(hands.part("SEQUENCE_EDITOR", "WINDOW").at(0.3, 0.5))
    hands.press("shift+a")
    time.sleep(1)
    hands.write("sound")
    time.sleep(1)
    hands.press("Return")
    choose_file(hands, path)
    state = hands.wait("a strip", lambda state: state["strips"] not in ([], before))
    if "TRANSFORM_OT_seq_slide" in state["modal"]:  # since 5.0 a new strip hangs on the mouse until it is put down
        hands.press("0", "Tab", "0", "Return")  # moved by no frame and by no channel
        state = hands.wait("the strip put down", lambda state: not state["modal"], 10)
        # It was put where the mouse had been, and may hang from the edge: away from there, to the first frame.
        hands.move(hands.part("SEQUENCE_EDITOR", "WINDOW").at(0.3, 0.5))
        hands.press("g")
        hands.wait("the strip in the hand", lambda state: bool(state["modal"]), 10)
        hands.write(str(1 - min(state["starts"])))
        hands.press("Tab")
        hands.write(str(channel - state["channels"][0]))
        hands.press("Return")
        hands.wait(
            "the strip at the beginning", lambda state: (state["starts"], state["channels"]) == ([1], [channel]), 10
        )
        hands.press("Home")


def open_tab(hands: Hands, area: str) -> Part:
    """The sidebar's tab LSF: by N, and by clicking down the tabs."""
    if not hands.tab(area):
        hands.move(hands.part(area, "WINDOW").at(0.4, 0.6))
        hands.press("n")
        hands.wait("a sidebar", lambda _: bool(hands.tab(area)), 10)
        time.sleep(1)
    side = hands.part(area, "UI")
    for point in side.rows(1 - 9 / side.width):
        if hands.tab(area) == "LSF":
            break
        hands.click(point)
    if hands.tab(area) != "LSF":
        raise StepError(f"no tab LSF in the sidebar of {area}")
    return side


def regions(state: State, area: str) -> list[str]:
    """Which regions editors of a kind have."""
    every = (place for window in state["windows"] for place in window["areas"] if place["type"] == area)
    return [region["type"] for place in every for region in place["regions"]]


def areas(state: State) -> list[str]:
    """Which editors are open."""
    return [area["type"] for window in state["windows"] for area in window["areas"]]

"""What a person does in Blender's own editors: files, sidebars, strips."""

from __future__ import annotations

import time
from pathlib import Path

from window import Hands, Part, State, StepError


def choose_file(hands: Hands, path: Path) -> None:
    """Type a path into the file browser, and click its blue button."""
    hands.wait("the file browser", lambda state: "EXECUTE" in regions(state, "FILES"))
    time.sleep(2)  # its parts slide in
    for region, across, words in (("UI", 0.35, f"{path.parent}/"), ("EXECUTE", 0.3, path.name)):
        for _ in range(2):  # since 5.2 the field of the folder stays open after Return: one click closes it
            hands.click(hands.part("FILES", region).at(across, 0.5))
            time.sleep(0.5)
        hands.press("ctrl+a")
        hands.write(words)
        hands.press("Return")
        time.sleep(1)
    hands.picture("file_browser")
    hands.click(hands.part("FILES", "EXECUTE").at(0.92, 0.5))


def show_scene(hands: Hands) -> None:
    """Since 5.0 a sequencer shows no scene until one is chosen, left of the button that makes a new one."""
    if hands.state()["sequencer_scene"]:
        return
    header = hands.part("SEQUENCE_EDITOR", "HEADER")
    for across in range(header.left, header.left + header.width, 12):
        place = (across, header.top + header.height // 2)
        if "new_sequencer_scene" in hands.under(place):
            hands.click((place[0] - 22, place[1]))
            time.sleep(1)
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

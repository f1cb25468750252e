"""An artist picks the points of a face that nothing else tells: ``python3 picking.py``, in a window of its own round.

Needs ``unknown.blend`` and ``unknown.json`` of ``make_character.py`` in the round's folder.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from editors import areas, choose_file, close_preferences, find_extension, open_tab, switch
from window import Hands, State, StepError, walk

FOLDER = Path(os.environ.get("LSF_ROUND", Path(__file__).parent))
CLOSER = 5
"""Turns of the wheel after which a face fills the view."""

FARTHER = 3
"""Turns back, from which the chin is seen too."""

DO_NOT_SAVE = (-106, 38)
"""Pixels from the middle of the question to its button."""

TO_HEADING = 24
"""Pixels from the lower edge of the operator's button to the heading of the panel Character."""

BESIDE = 480
"""Pixels to the left of the face's middle where there is no head."""

FITTED_WELL = 1.5
"""Millimetres: what is left on a head that is the bundled one under other names, each click within a vertex or two."""

BACK = 3
"""How many clicks are taken back, and made again."""


def place(hands: Hands, name: str) -> tuple[int, int]:
    """Where on the screen the vertex of a point lies."""
    across, up = hands.state()["character"]["places"][name]
    return across, hands.screen - up


def picked(state: State) -> dict[str, int]:
    """Which points the character has."""
    found: dict[str, int] = state["character"].get("picked", {})
    return found


def open_character(hands: Hands) -> None:
    """File ▸ Open, and the face fills the view."""
    hands.move(hands.part("VIEW_3D", "WINDOW").at(0.4, 0.6))
    hands.press("ctrl+o")
    time.sleep(2)
    if "FILES" not in areas(hands.state()):  # whether to save what is open, in the middle of the window
        (window,) = hands.state()["windows"]
        hands.click((window["width"] // 2 + DO_NOT_SAVE[0], window["height"] // 2 + DO_NOT_SAVE[1]))
    choose_file(hands, FOLDER / "unknown.blend")
    hands.wait("the character", lambda state: "unknown" in state["objects"], 30)
    view = hands.part("VIEW_3D", "WINDOW")
    hands.move(view.at(0.4, 0.6))
    for key in ("KP_1", "KP_Decimal"):  # each glides to its view
        hands.press(key)
        time.sleep(1)
    hands.turn_wheel(place(hands, "nose_tip"), -CLOSER)
    time.sleep(1)


def begin(hands: Hands) -> None:
    """The panel says why the face goes by names alone, and offers to pick."""
    side = open_tab(hands, "VIEW_3D")
    if "pick" not in hands.state()["character"]["reason"]:
        raise StepError(f"no reason says to pick: {hands.state()['character']}")
    across, down = hands.find(side, "lsf.animate", 0.3)
    while "lsf.animate" in hands.under((across, down + 4)):
        down += 4
    hands.click((across, down + TO_HEADING))
    button = hands.find_somewhere(side, "lsf.pick_points", 0.3)
    hands.picture("pick_offered", 1)
    hands.click(button)
    hands.wait("the tool", lambda state: "LSF_OT_pick_points" in state["modal"], 10)


def miss(hands: Hands) -> None:
    """A click beside the head picks nothing, and is told of at the top of the view; in the timeline it is Blender's."""
    across, down = place(hands, "nose_tip")  # the chin is below the view
    hands.click((across - BESIDE, down))
    hands.picture("pick_missed", 1)
    if picked(hands.state()):
        raise StepError("a click beside the head picked a point")
    hands.click(hands.part("TIMELINE", "WINDOW").at(0.5, 0.15))  # its words stand at the foot until the mouse is back
    hands.move((across, down))
    hands.picture("pick_goes_on", 1)


def pick_all(hands: Hands) -> None:
    """Every point, as the tool asks for them; some are taken back by Backspace and picked again."""
    order = list(json.loads((FOLDER / "unknown.json").read_text(encoding="utf-8")))
    half = len(order) // 2
    for name in order[:half]:
        _pick(hands, name)
    hands.press(*["BackSpace"] * BACK)
    hands.wait("points taken back", lambda state: len(picked(state)) == half - BACK, 10)
    for name in order[half - BACK :]:
        if name == "chin":  # below the view that near, and the tool leaves the wheel to Blender
            hands.turn_wheel(place(hands, "nose_tip"), FARTHER)
            hands.picture("pick_nearly_done", 1)
        _pick(hands, name)
    state = hands.wait("the face fitted", lambda state: state["character"]["residual"] is not None, 30)
    hands.picture("picked", 1)
    if state["modal"] or state["character"]["residual"] > FITTED_WELL:
        raise StepError(f"{state['modal']} goes on, or the points are poor: {state['character']}")
    print(f"     residual {state['character']['residual']:.2f} mm")


def _pick(hands: Hands, name: str) -> None:
    hands.click(place(hands, name))
    hands.wait(name, lambda state: name in picked(state), 5)


def undo(hands: Hands) -> None:
    """One undo takes all of them back, one redo brings them again."""
    count = len(picked(hands.state()))
    hands.move(hands.part("VIEW_3D", "WINDOW").at(0.1, 0.9))
    hands.press("ctrl+z")
    hands.wait("no points", lambda state: not picked(state), 10)
    hands.press("ctrl+shift+z")
    hands.wait("all points", lambda state: len(picked(state)) == count, 10)


def switched_off(hands: Hands) -> None:
    """The add-on is switched off while points are picked: neither words nor dots stay, and the points do."""
    count = len(picked(hands.state()))
    hands.click(hands.find_somewhere(hands.part("VIEW_3D", "UI"), "lsf.pick_points", 0.3))
    hands.wait("the tool", lambda state: "LSF_OT_pick_points" in state["modal"], 10)
    page = find_extension(hands)
    hands.picture("picking_before_switched_off", 1)
    switch(hands, page, "addon_disable")
    state = hands.wait("the extension gone", lambda state: not state["extensions"], 20)
    if state["left"] or state["modal"]:
        raise StepError(f"left behind: {state['left']}, {state['modal']}")
    close_preferences(hands)
    hands.picture("picking_switched_off", 1)
    switch(hands, find_extension(hands), "addon_enable")
    close_preferences(hands)
    hands.wait("the points", lambda state: len(picked(state)) == count, 20)


STEPS = {
    "open a character": open_character,
    "begin to pick": begin,
    "miss the head": miss,
    "pick every point": pick_all,
    "undo and redo": undo,
    "switch the add-on off at work": switched_off,
}


if __name__ == "__main__":
    sys.exit(walk(Hands(FOLDER), STEPS))

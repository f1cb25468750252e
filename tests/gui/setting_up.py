"""The worker is set up from a folder of wheels, and animates: ``python3 setting_up.py``, in a window of its own round.

Needs, in the round's folder, the zip, ``hello.wav`` and ``wheels`` with the packages of ``worker_requirements.txt``;
``LSF_BUILD_WITH`` names the Python that they are for. It takes as long as a worker takes to set up.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from drive import add_head, add_sounds, animate, install
from editors import areas, choose_folder, close_preferences, find_extension, open_tab
from window import Hands, Part, State, StepError, walk

FOLDER = Path(os.environ.get("LSF_ROUND", Path(__file__).parent))
BUILD_WITH = os.environ.get("LSF_BUILD_WITH", "")
MINUTES = 40
"""That a set-up may take, on two busy cores."""

FIELD, BESIDE_FIELD = 0.7, 0.965
"""Shares of the page's width at which the fields of the options lie, and the button that opens a file browser."""

OPTIONS, NEXT_FIELD = 20, 28
"""Pixels from the lower edge of the button that sets up to the options' heading, and from a field to the next."""

BUILD_FIELD = "build with"

CANCEL = 0.92
"""The same of the cross beside the bar."""


def notice(hands: Hands) -> None:
    """The panel says what is missing, and its button leads to the preferences."""
    close_preferences(hands)
    side = open_tab(hands, "VIEW_3D")
    hands.picture("panel_without_worker", 1)
    hands.click(hands.find(side, "lsf.show_preferences", 0.3))
    hands.wait("the preferences", lambda state: len(state["windows"]) > 1 and state["section"] == "ADDONS", 20)
    hands.picture("preferences_shown", 1)
    close_preferences(hands)


def choose_wheels(hands: Hands) -> None:
    """The options, and a folder by the file browser."""
    page = find_extension(hands)  # unfolded by the panel's button
    hands.click((page.at(0.1, 0)[0], below_button(hands, page) + OPTIONS))
    hands.wait("the options", lambda state: state["worker"]["options"], 10)
    hands.turn_wheel(page.at(0.02, 0.5), 10)
    hands.picture("options", 1)
    top = below_button(hands, page)
    for point in page.rows(BESIDE_FIELD):  # Blender copies no path of what a person chose in the preferences
        if point[1] > top + OPTIONS:
            hands.click(point)
            time.sleep(1)
            if "FILES" in areas(hands.state()):
                break
            hands.press("Escape")
    choose_folder(hands, FOLDER / "wheels")
    hands.wait("the folder", lambda state: state["worker"]["wheels"].rstrip("/") == str(FOLDER / "wheels"), 10)
    hands.remember(BUILD_FIELD, (0, point[1] + NEXT_FIELD - top))
    hands.picture("wheels_chosen", 1)


def below_button(hands: Hands, page: Part) -> int:
    """Where the button that sets the worker up ends: sentences above it push it and the options down."""
    across, down = hands.find(page, "lsf.set_up_worker", 0.3)
    while "lsf.set_up_worker" in hands.under((across, down + 3)):
        down += 3
    return down


def build_with(hands: Hands, page: Part, python: str) -> None:
    """Type which Python the worker's is made from."""
    below = hands.places[BUILD_FIELD][0][1]
    hands.type_into((page.at(FIELD, 0)[0], below_button(hands, page) + below), python)
    hands.wait("the Python to build with", lambda state: state["worker"]["build_with"] == python, 10)


def no_python(hands: Hands) -> None:
    """A Python that does not exist is told of in the preferences."""
    page = hands.part("PREFERENCES", "WINDOW")
    build_with(hands, page, "/no/such/python")
    hands.click(hands.find(page, "lsf.set_up_worker", 0.3))
    state = hands.wait("the failure", lambda state: not state["worker"]["job"] and state["worker"]["failure"], 60)
    hands.picture("no_python", 1)
    if "/no/such/python does not exist" not in state["worker"]["failure"]:
        raise StepError(state["worker"]["failure"])


def cancel(hands: Hands) -> None:
    """Cancelled on the way: nothing is left, nothing is complained of."""
    page = hands.part("PREFERENCES", "WINDOW")
    build_with(hands, page, BUILD_WITH)
    hands.click(hands.find(page, "lsf.set_up_worker", 0.3))
    hands.wait("a set-up under way", lambda state: "Unpacking" in state["worker"]["job"])
    hands.picture("setting_up")
    hands.click(hands.find(page, "lsf.cancel_job", CANCEL))
    state = hands.wait("its end", lambda state: not state["worker"]["job"])
    hands.picture("set_up_cancelled", 1)
    if state["worker"]["ready"] or state["worker"]["environments"]:
        raise StepError(f"cancelling left {state['worker']}")


def set_up(hands: Hands) -> None:
    """All the way, while the panel shows the same bar; the notice goes."""
    hands.click(hands.find(hands.part("PREFERENCES", "WINDOW"), "lsf.set_up_worker", 0.3))
    close_preferences(hands)
    hands.wait("a set-up under way", lambda state: "Unpacking" in state["worker"]["job"])
    hands.picture("panel_while_setting_up")
    seen: list[str] = []

    def over(state: State) -> bool:
        stage = state["worker"]["job"].partition(" (")[0]
        if stage not in seen:
            seen.append(stage)
        return not state["worker"]["job"]

    state = hands.wait("its end", over, MINUTES * 60)
    print(f"     {', '.join(filter(None, seen))}")
    hands.picture("panel_with_worker", 1)
    if not state["worker"]["ready"] or state["worker"]["why_not"]:
        raise StepError(f"there is no worker: {state['worker']}")
    find_extension(hands)
    hands.picture("worker_set_up", 1)
    close_preferences(hands)


STEPS = {
    "install the zip": install,
    "the panel's notice": notice,
    "choose a folder of wheels": choose_wheels,
    "a Python that is not there": no_python,
    "cancel the set-up": cancel,
    "set the worker up": set_up,
    "put a voice into the sequencer": add_sounds,
    "add a head": add_head,
    "animate": animate,
}


if __name__ == "__main__":
    sys.exit(walk(Hands(FOLDER), STEPS, *(int(word) for word in sys.argv[1:])))

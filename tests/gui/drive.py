"""The whole round in Blender's window, click by click; each step is held to what came of it.

``python3 drive.py`` does every step; ``python3 drive.py 4 6`` steps 4 to 6, in a window that step 3 left.
"""

from __future__ import annotations

import os
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

from editors import (
    EXPAND,
    add_sound,
    areas,
    choose_file,
    close_preferences,
    find_extension,
    open_tab,
    preferences,
    show_scene,
    switch,
)
from window import Hands, Part, State, Step, StepError, walk

FOLDER = Path(os.environ.get("LSF_ROUND", Path(__file__).parent))
PYTHON = os.environ.get("LSF_PYTHON", "python3")
SLOW = 100
"""Milliseconds that a window may at most not be listened to."""

OPEN_MOUTH = 24
"""A frame at which the sample opens its mouth and its eyes: the pictures that follow show it."""

HEADINGS = ("Shaping", "Model and Takes", "Report")
BELOW_LIST, HEADING = 95, 26
"""Pixels from the first button beside the list of takes to the first heading below it, and from heading to heading."""

BESIDE_LIST = 0.83
"""Share of the sidebar's width, its tabs included, at which the buttons beside the list of takes lie."""

BESIDE_HEAD = 0.79
"""The same of the button that adds another head."""

FEWEST_ROWS, MOST_ROWS, ROW_OF_LIST = 3, 5, 21
"""The list of takes grows with them."""

LONG = 50
"""How many times the long recording says what the short one says."""


def install(hands: Hands) -> None:
    """Install from Disk…, and the extension is switched on."""
    page = preferences(hands, "EXTENSIONS")
    arrow = (page.left + page.width - 16, page.top + 18)
    hands.click(arrow)
    entry = hands.find(Part(arrow[0] - 120, arrow[1] + 70, 120, 90), "package_install_files", 0.5)
    hands.picture("install_menu")
    hands.click(entry)
    choose_file(hands, next(FOLDER.glob("lsf_blender_addon-*.zip")))
    hands.wait("the extension", lambda state: bool(state["extensions"]))


def choose_python(hands: Hands) -> None:
    """The extension's page: an existing Python, which is checked and found fit."""
    page = find_extension(hands)
    hands.click(hands.find(page, "addon_expand", EXPAND))
    hands.picture("preferences_fresh", 1)
    name_python(hands, page, PYTHON)
    hands.wait("a Python that fits", lambda state: bool(state["worker"]["ready"]))
    hands.picture("preferences_ready", 1)
    close_preferences(hands)


def name_python(hands: Hands, page: Part, path: str) -> None:
    """Choose an existing Python, and type which into its field, whereupon it is checked."""
    sources = page.rows(0.7)
    while hands.state()["worker"]["source"] != "EXISTING":
        point = next(sources, None)
        if point is None:
            raise StepError("no button chooses an existing Python")
        if point[1] > page.top + page.height * 0.35:  # below the heading
            hands.click(point)
    across, down = hands.find(page, "check_python", 0.95)
    hands.click((across - 150, down))
    hands.press("ctrl+a")
    hands.write(path)
    hands.press("Return")


def add_sounds(hands: Hands) -> None:
    """The timeline becomes a sequencer, drawn higher, and gets a voice by its Add menu."""
    with wave.open(str(FOLDER / "hello.wav")) as short:
        facts, samples = short.getparams(), short.readframes(short.getnframes())
    with wave.open(str(FOLDER / "long.wav"), "wb") as long:
        long.setparams(facts)
        long.writeframes(samples * LONG)
    timeline = hands.part("TIMELINE", "HEADER")
    hands.click((timeline.left + 22, timeline.top + timeline.height // 2))  # the menu of editors
    time.sleep(1)
    hands.press("v")  # the letter that is underlined in Video Sequencer
    hands.wait("a sequencer", lambda state: "SEQUENCE_EDITOR" in areas(state))
    header = hands.part("SEQUENCE_EDITOR", "HEADER")
    hands.drag((700, header.top - 1), (700, header.top - 190))
    show_scene(hands)
    add_sound(hands, FOLDER / "hello.wav")


def add_head(hands: Hands) -> None:
    """With a cube selected, the panel offers a head; one click, and it stands there."""
    side = open_tab(hands, "VIEW_3D")
    hands.picture("panel_without_head", 1)
    before = hands.state()["objects"]
    hands.click(hands.find(side, "lsf.add_head", 0.3))
    hands.wait("a head", lambda state: len(state["objects"]) >= len(before) + 2)
    hands.move(hands.part("VIEW_3D", "WINDOW").at(0.4, 0.6))
    hands.press("KP_Decimal", "KP_1")
    hands.picture("panel_with_head", 1)


def animate(hands: Hands) -> None:
    """One click, a bar, and the head has a take."""
    side = hands.part("VIEW_3D", "UI")
    hands.click(hands.find(side, "lsf.animate", 0.3))
    hands.wait("a run", lambda state: state["run"] is not None)
    hands.picture("running", 0.3)
    takes = only_head(hands.wait("a take", lambda state: state["run"] is None and bool(state["heads"])))["takes"]
    if len(takes) != 1:
        raise StepError(f"one take was asked for, and there are {takes}")
    hands.picture("animated", 1)


def play(hands: Hands) -> None:
    """The head opens its mouth while the scene plays; after the undo, as playing is an undo step of its own in 5.2."""
    seen: set[float] = set()
    hands.move(hands.part("VIEW_3D", "WINDOW").at(0.4, 0.6))
    hands.press("space")
    hands.wait("playing", lambda state: state["playing"], 10)
    latest = time.monotonic() + 20
    while len(seen) < 5 and time.monotonic() < latest:
        seen.add(only_head(hands.state())["jaw"])
        time.sleep(0.2)
    hands.press("space")
    hands.wait("stopped", lambda state: not state["playing"], 10)
    if len(seen) < 5:
        raise StepError(f"the jaw stood at {sorted(seen)} while the scene played")
    hands.press("shift+Left", *["Right"] * (OPEN_MOUTH - 1))


def only_head(state: State) -> State:
    """The head that has takes."""
    (head,) = state["heads"].values()
    found: State = head
    return found


def undo(hands: Hands) -> None:
    """One undo takes all of it back; one redo brings it again."""
    hands.move(hands.part("VIEW_3D", "WINDOW").at(0.4, 0.6))
    hands.press("ctrl+z")
    state = hands.wait("no take", lambda state: not state["heads"], 20)
    if state["actions"]:
        raise StepError(f"after undo there are the Actions {state['actions']}")
    hands.picture("undone")
    hands.press("ctrl+shift+z")
    hands.wait("the take again", lambda state: bool(state["heads"]), 20)


def panel(hands: Hands, side: Part, name: str) -> tuple[int, int]:
    """The heading of one of the closed panels below the list of takes; a click opens it, another closes it."""
    across, down = hands.find(side, "lsf.copy_take", BESIDE_LIST)
    more = min(max(len(only_head(hands.state())["takes"]), FEWEST_ROWS), MOST_ROWS) - FEWEST_ROWS
    return across - 150, down + BELOW_LIST + ROW_OF_LIST * more + HEADING * HEADINGS.index(name)


def three_takes(hands: Hands) -> None:
    """Three takes are asked for, come, and are switched by clicking them."""
    side = hands.part("VIEW_3D", "UI")
    heading = panel(hands, side, "Model and Takes")
    hands.click(heading)
    hands.scroll(side, 10)
    hands.type_into(hands.find_property(side, ".takes", 0.7), "3")
    hands.picture("model_and_takes", 1)
    hands.scroll(side, -10)
    hands.click(heading)
    hands.click(hands.find(side, "lsf.animate", 0.3))
    state = hands.wait("four takes", lambda state: state["run"] is None and len(only_head(state)["takes"]) == 4)
    seen = {}
    across, down = hands.find(side, "lsf.copy_take", BESIDE_LIST)
    for row in range(3):
        for _ in range(2):  # 5.2 takes the first click on a list that was just drawn anew for a look at it
            hands.click((across - 120, down + 12 + ROW_OF_LIST * row))
            time.sleep(1)
            head = only_head(hands.state())
            if head["active"] == row:
                break
        seen[head["active"]] = head["action"]
        hands.move(hands.part("VIEW_3D", "WINDOW").at(0.3, 0.9))  # a tip would hide the list
        hands.picture(f"take_{row + 1}")
    if len(set(seen.values())) != 3:
        raise StepError(f"three rows were clicked, and showed {seen}; at first {only_head(state)['action']}")


def shape(hands: Hands) -> None:
    """A strength that is typed changes the keys at once, without a run."""
    side = hands.part("VIEW_3D", "UI")
    before = only_head(hands.state())
    runs = len(hands.state()["runs"])
    heading = panel(hands, side, "Shaping")
    hands.click(heading)
    hands.scroll(side, 10)
    hands.type_into(hands.find_property(side, ".mouth", 0.7), "0.3")
    hands.picture("shaping", 1)
    hands.scroll(side, -10)
    state = hands.wait("other keys", lambda state: only_head(state)["lips"] != before["lips"], 20)
    if len(state["runs"]) != runs:
        raise StepError("shaping began a run")
    hands.click(heading)
    heading = panel(hands, side, "Report")
    hands.click(heading)
    hands.scroll(side, 10)
    hands.picture("report", 1)
    hands.scroll(side, -10)
    hands.click(heading)


def in_edit_mode(hands: Hands) -> None:
    """In Edit Mode one undo takes back one click, as elsewhere: of Reset Shaping, then of Animate."""
    side, view = hands.part("VIEW_3D", "UI"), hands.part("VIEW_3D", "WINDOW").at(0.4, 0.6)
    before = only_head(hands.state())
    hands.move(view)
    hands.press("Tab")
    hands.wait("Edit Mode", lambda state: state["mode"] == "EDIT_MESH", 20)
    heading = panel(hands, side, "Shaping")
    hands.click(heading)
    hands.scroll(side, 10)
    hands.click(hands.find(side, "lsf.reset_shaping", 0.5))
    hands.wait("other keys", lambda state: only_head(state)["lips"] != before["lips"], 20)
    hands.picture("reset_in_edit_mode", 1)
    hands.move(view)
    hands.press("ctrl+z")
    hands.wait("the shaping as before", lambda state: only_head(state) == before, 20)
    hands.picture("reset_undone", 1)
    hands.scroll(side, -10)
    hands.click(heading)
    hands.click(hands.find(side, "lsf.animate", 0.3))
    count = len(before["takes"]) + 3
    hands.wait("more takes", lambda state: state["run"] is None and len(only_head(state)["takes"]) == count)
    hands.picture("animated_in_edit_mode", 1)
    hands.move(view)
    hands.press("ctrl+z")
    state = hands.wait("the takes as before", lambda state: only_head(state) == before, 20)
    if state["mode"] != "EDIT_MESH":
        raise StepError(f"undo left Edit Mode for {state['mode']}")
    hands.press("Tab")
    hands.wait("Object Mode", lambda state: state["mode"] == "OBJECT", 20)


def cancelled(hands: Hands, how: Callable[[], None]) -> None:
    """A long run that is ended on the way leaves everything as it was."""
    side = hands.part("VIEW_3D", "UI")
    before = {key: hands.state()[key] for key in ("heads", "actions", "objects", "failure")}
    hands.click(hands.find(side, "lsf.animate", 0.3))
    hands.wait("a run", lambda state: state["run"] is not None)
    how()
    begun = time.monotonic()
    hands.wait("the end of the run", lambda state: state["run"] is None, 5)
    print(f"     ended {time.monotonic() - begun:.1f} s after it was asked for")
    time.sleep(1)
    after = hands.state()
    changed = [key for key, value in before.items() if after[key] != value]
    if changed:
        raise StepError(f"cancelling changed {changed}")


def cancel(hands: Hands) -> None:
    """By the panel's button and by Esc, ten minutes of speech on the way."""
    hands.move(hands.part("SEQUENCE_EDITOR", "WINDOW").at(0.3, 0.5))
    hands.press("alt+a")
    add_sound(hands, FOLDER / "long.wav", 2)
    side = hands.part("VIEW_3D", "UI")

    def button() -> None:
        hands.click(hands.find(side, "lsf.cancel", 0.7))

    def escape() -> None:
        hands.picture("running_long", 1)
        hands.move(hands.part("VIEW_3D", "WINDOW").at(0.4, 0.6))
        hands.press("Escape")

    cancelled(hands, button)
    cancelled(hands, escape)
    hands.picture("cancelled")


def in_the_sequencer(hands: Hands) -> None:
    """The same panel and the same operator in the sequencer: its sidebar, and its Strip menu."""
    hands.move(hands.part("SEQUENCE_EDITOR", "WINDOW").at(0.3, 0.5))
    hands.press("x")
    time.sleep(0.5)
    hands.press("Return")
    hands.wait("one strip", lambda state: state["strips"] == [], 10)
    hands.press("a")
    hands.wait("a selected strip", lambda state: len(state["strips"]) == 1, 10)
    hands.press("Home")
    hands.picture("strip_chosen", 1)  # in the 3D view too, where the mouse is not
    side = open_tab(hands, "SEQUENCE_EDITOR")
    hands.picture("sequencer_sidebar", 1)
    before = len(only_head(hands.state())["takes"])
    try:
        button = hands.find(side, "lsf.animate", 0.3)
    except StepError:  # the footer that 5.2 has takes the place
        hands.scroll(side, 4)
        button = hands.find(side, "lsf.animate", 0.3)
    hands.click(button)
    hands.wait("more takes", lambda state: state["run"] is None and len(only_head(state)["takes"]) == before + 3)
    header = hands.part("SEQUENCE_EDITOR", "HEADER")
    menu = Part(header.left, header.top - 420, header.width, 420)
    for across in range(header.left + 320, header.left + 520, 25):
        hands.click((across, header.top + header.height // 2))
        time.sleep(0.5)
        hands.press("Up")
        time.sleep(0.3)
        hands.picture("strip_menu")
        if "lsf.animate" in hands.copied():
            break
        hands.press("Escape")
    else:
        raise StepError(f"no menu of the sequencer ends with the operator ({menu})")
    hands.press("Return")
    hands.wait("more takes", lambda state: state["run"] is None and len(only_head(state)["takes"]) == before + 6)


def follow(hands: Hands) -> None:
    """A strip is moved, the panel says so without the mouse, and one click takes the keys along."""
    before = only_head(hands.state())["first"]
    hands.move(hands.part("SEQUENCE_EDITOR", "WINDOW").at(0.3, 0.5))
    hands.press("g")
    hands.wait("the strip in the hand", lambda state: bool(state["modal"]), 10)
    hands.write("25")
    hands.press("Return")
    hands.picture("strip_moved", 1)
    hands.click(hands.find(hands.part("VIEW_3D", "UI"), "lsf.follow_strip", 0.3))
    hands.wait("keys that followed", lambda state: only_head(state)["first"] == before + 25, 20)
    hands.picture("followed", 1)


def to_nla(hands: Hands) -> None:
    """Takes that are baked to strips in the NLA editor lie there, and play."""
    side = hands.part("VIEW_3D", "UI")
    heading = panel(hands, side, "Model and Takes")
    hands.click(heading)
    hands.scroll(side, 10)
    hands.click(hands.find_property(side, ".bake_to", 0.82))
    hands.picture("to_nla", 1)
    hands.scroll(side, -10)
    hands.click(heading)
    hands.click(hands.find(side, "lsf.animate", 0.3))
    hands.wait("strips in the NLA", lambda state: state["run"] is None and bool(only_head(state)["nla"]))
    hands.picture("in_the_nla", 1)


def second_head(hands: Hands) -> None:
    """Another head beside the first speaks the same strip, with takes of its own."""
    side = hands.part("VIEW_3D", "UI")
    first = hands.state()["heads"]
    hands.click(hands.find(side, "lsf.add_head", BESIDE_HEAD))
    hands.wait("another head", lambda state: sum("LSF head" in name for name in state["objects"]) > 2)
    hands.click(hands.find(side, "lsf.animate", 0.3))
    state = hands.wait("its takes", lambda state: state["run"] is None and len(state["heads"]) == 2)
    hands.picture("second_head", 1)
    if any(state["heads"][name] != head for name, head in first.items()):
        raise StepError("the first head is not as it was")


def greyed(hands: Hands) -> None:
    """Without a selected strip the button is grey, says why where the mouse rests, and a click does nothing."""
    hands.move(hands.part("SEQUENCE_EDITOR", "WINDOW").at(0.3, 0.5))
    hands.press("x")
    time.sleep(0.5)
    hands.press("Return")
    hands.wait("no strip", lambda state: state["strips"] == [], 10)
    runs = len(hands.state()["runs"])
    side = hands.part("VIEW_3D", "UI")
    button = hands.find(side, "lsf.animate", 0.3)
    hands.click(button)
    hands.move((button[0] + 9, button[1]))
    hands.picture("greyed", 2)
    if len(hands.state()["runs"]) != runs:
        raise StepError("a grey button began a run")


def switched_off(hands: Hands) -> None:
    """The add-on is switched off in the midst of a run: nothing of it stays in the window, and the takes stay.

    Blender forgets its preferences, and with them the existing Python.
    """
    add_sound(hands, FOLDER / "long.wav", 3)
    before = hands.state()
    hands.click(hands.find(hands.part("VIEW_3D", "UI"), "lsf.animate", 0.3))
    hands.wait("a run", lambda state: state["run"] is not None)
    page = find_extension(hands)
    hands.picture("before_switched_off", 1)
    if hands.state()["run"] is None or not hands.state()["left"]:
        raise StepError("the run was over before the add-on could be switched off")
    switch(hands, page, "addon_disable")
    state = hands.wait("the extension gone", lambda state: not state["extensions"], 20)
    if state["left"] or state["modal"] or state["actions"] != before["actions"]:
        raise StepError(f"left behind: {state['left']}, {state['modal']}, {state['actions']}")
    close_preferences(hands)
    hands.move(hands.part("VIEW_3D", "WINDOW").at(0.4, 0.6))
    hands.picture("switched_off", 1)
    switch(hands, find_extension(hands), "addon_enable")
    state = hands.wait("the extension again", lambda state: bool(state["extensions"]), 20)
    close_preferences(hands)
    if state["heads"] != before["heads"]:
        raise StepError("the heads are not as they were")
    open_tab(hands, "VIEW_3D")
    hands.picture("switched_on", 1)


def responsive(hands: Hands) -> None:
    """What the window's timer saw during the runs; held to what the add-on itself did on the window's thread."""
    for run in hands.state()["runs"]:
        parts = ", ".join(f"{name} {part}" for name, part in run["most"].items())
        beside = f" (beside Preferences, {run['opened']} ms)" if run["opened"] else ""
        print(
            f"     a run of {run['seconds']:5.1f} s: a look every {run['median']} ms, at most {run['longest']} ms, "
            f"{run['late']} of {run['looks']} over {SLOW} ms{beside}; between two looks Blender worked "
            f"{run['worked']} ms at most, the add-on {run['own']} ms ({parts}; load {run['load']})"
        )
        if run["own"] > SLOW:
            raise StepError(f"the add-on kept the window waiting for {run['own']} ms")


STEPS: dict[str, Step] = {
    "install the zip": install,
    "choose a Python in the preferences": choose_python,
    "put a voice into the sequencer": add_sounds,
    "add a head": add_head,
    "animate": animate,
    "undo and redo": undo,
    "play": play,
    "three takes, switched": three_takes,
    "shape": shape,
    "undo in Edit Mode": in_edit_mode,
    "cancel by button and by Esc": cancel,
    "the sequencer's sidebar and menu": in_the_sequencer,
    "follow a moved strip": follow,
    "bake to the NLA": to_nla,
    "a second head": second_head,
    "a grey button says why": greyed,
    "switch the add-on off at work": switched_off,
    "the window stays responsive": responsive,
}


def main(arguments: list[str]) -> int:
    """The steps that are asked for, or all; 0 only when every step's effect was seen."""
    return walk(Hands(FOLDER), STEPS, *(int(word) for word in arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

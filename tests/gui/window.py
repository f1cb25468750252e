"""A person's hands and eyes in Blender's window: xdotool's mouse and keys, scrot's pictures, ``start.py``'s facts."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BETWEEN = 0.06
"""Seconds between two things that a hand does."""

STARTING = 300
"""Seconds that Blender may take to open its window."""

PATIENCE = 240
ROW = 9
"""Pixels between two places that are felt for a button; a button is 20 high."""

SCROLLS, A_PART = 4, 4
"""How often a sidebar is scrolled at most, and by how many turns of the wheel each time."""

MOST_PLACES = 4
"""Places of one button that are remembered: panels above it push it down."""

State = dict[str, Any]


class StepError(Exception):
    """A step did not do what it is there for; the sentence says what was looked for."""


@dataclass(frozen=True)
class Part:
    """A region of a window, in the screen's pixels from its upper left."""

    left: int
    top: int
    width: int
    height: int

    def at(self, across: float, down: float) -> tuple[int, int]:
        """A point: shares of the width and the height."""
        return self.left + round(self.width * across), self.top + round(self.height * down)

    def holds(self, point: tuple[int, int]) -> bool:
        """Whether a point lies within."""
        across, down = point[0] - self.left, point[1] - self.top
        return 0 <= across < self.width and 0 <= down < self.height

    def rows(self, across: float) -> Iterator[tuple[int, int]]:
        """Points from top to bottom, close enough to miss no button."""
        for top in range(self.top + 6, self.top + self.height - 4, ROW):
            yield self.left + round(self.width * across), top


class Hands:
    """What a person can do, and see.

    Args:
        folder: where ``start.py`` writes ``state.json``, and where pictures go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.screen = int(_said("xdotool", "getdisplaygeometry").split()[1])
        self.copies = 0
        self.known = folder / "places.json"
        self.places: dict[str, list[list[int]]] = json.loads(self.known.read_text()) if self.known.exists() else {}

    def state(self, seconds: float = 60.0) -> State:
        """What Blender holds now: what was done before has arrived by then, however busy the machine is.

        Raises:
            StepError: Blender does not answer.
        """
        question = f"{time.time_ns()}"
        latest = time.monotonic() + seconds
        asked = 0.0
        while time.monotonic() < latest:
            if time.monotonic() - asked > 1.0:  # a Blender that was only starting has thrown the question away
                asked = time.monotonic()
                unfinished = self.folder / "asked.part"
                unfinished.write_text(question, encoding="utf-8")
                unfinished.replace(self.folder / "asked")
            if (self.folder / "state.json").exists():
                found: State = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
                if found["answers"] == question:
                    return found
            time.sleep(0.02)
        raise StepError(f"Blender did not answer for {seconds:g} s")

    def part(self, area: str, *regions: str) -> Part:
        """Where a region of one of these kinds is; of several windows, in the one that opened last.

        Raises:
            StepError: there is none.
        """
        for window in reversed(self.state()["windows"]):
            for place in window["areas"]:
                for found in place["regions"]:
                    if place["type"] == area and found["type"] in regions:
                        top = self.screen - window["y"] - found["y"] - found["height"]
                        return Part(window["x"] + found["x"], top, found["width"], found["height"])
        raise StepError(f"there is no {' or '.join(regions)} in a {area}")

    def tab(self, area: str) -> str:
        """Which tab an editor's sidebar shows."""
        for window in reversed(self.state()["windows"]):
            for place in window["areas"]:
                for found in place["regions"]:
                    if place["type"] == area and found["type"] == "UI":
                        return str(found["tab"])
        return ""

    def move(self, point: tuple[int, int]) -> None:
        """Put the mouse there, with a little shake, since Blender looks only where the mouse moves."""
        across, down = map(str, point)
        _do("xdotool", "mousemove", str(point[0] - 2), down, "mousemove", across, down)
        time.sleep(BETWEEN)

    def click(self, point: tuple[int, int], count: int = 1) -> None:
        """Click there, once or twice."""
        self.move(point)
        _do("xdotool", "click", "--repeat", str(count), "--delay", "60", "1")
        self.state()

    def drag(self, begin: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag from one place to another."""
        self.move(begin)
        _do("xdotool", "mousedown", "1")
        for share in (0.2, 0.5, 0.8, 1.0):
            self.move(tuple(round(a + (b - a) * share) for a, b in zip(begin, end, strict=True)))  # type: ignore[arg-type]
        _do("xdotool", "mouseup", "1")
        self.state()

    def scroll(self, part: Part, clicks: int) -> None:
        """Turn the wheel over a sidebar; down where positive."""
        self.turn_wheel(part.at(0.04, 0.5), clicks)

    def turn_wheel(self, point: tuple[int, int], clicks: int) -> None:
        """Turn the wheel there; down, or away from what a 3D view shows, where positive."""
        self.move(point)
        _do("xdotool", "click", "--repeat", str(abs(clicks)), "--delay", "30", "5" if clicks > 0 else "4")
        self.state()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other; ``ctrl+z`` is one."""
        for key in keys:
            _do("xdotool", "key", "--clearmodifiers", key)
            self.state()

    def write(self, words: str) -> None:
        """Type words."""
        _do("xdotool", "type", "--delay", "15", "--", words)
        self.state()

    def type_into(self, field: tuple[int, int], words: str) -> None:
        """Double-click a field and type what it is to hold."""
        self.click(field, count=2)
        self.press("ctrl+a")
        self.write(words)
        self.press("Return")

    def picture(self, name: str, seconds: float = 0.6) -> None:
        """Take a picture of the screen, once Blender has drawn what is new."""
        self.state()
        time.sleep(seconds)
        self.state()
        _do("scrot", "-o", str(self.folder / f"{name}.png"))

    def wait(self, what: str, true: Callable[[State], bool], seconds: float = PATIENCE) -> State:
        """Look until it is so.

        Raises:
            StepError: it did not come.
        """
        latest = time.monotonic() + seconds
        while time.monotonic() < latest:
            state = self.state()
            if true(state):
                return state
            time.sleep(0.1)
        raise StepError(f"{what}: not seen within {seconds:g} s")

    def under(self, point: tuple[int, int], keys: str = "ctrl+c") -> str:
        """What Blender copies of the button under the mouse: an operator's call; with more keys, a property's path."""
        self.move(point)
        return self.copied(keys)

    def copied(self, keys: str = "ctrl+c") -> str:
        """What Blender copies of the button that is lit."""
        _do("xdotool", "key", keys)
        number, words = self.state()["copied"]
        before, self.copies = self.copies, number
        return str(words) if number != before else ""

    def find(self, part: Part, wanted: str, across: float = 0.3, keys: str = "ctrl+c") -> tuple[int, int]:
        """Feel from top to bottom for the button that is ``wanted``.

        Raises:
            StepError: there is none.
        """
        name = f"{wanted} {across}"
        last = [(place[0], place[1]) for place in self.places.get(name, [])]
        for point in (*(place for place in last if part.holds(place)), *part.rows(across)):
            # A busy Blender may answer late, of the place before: what is asked twice is sure.
            if wanted in self.under(point, keys) and wanted in self.under(point, keys):
                self.remember(name, point)
                return point
        raise StepError(f"no button {wanted!r} at {across:.0%} of the width")

    def find_somewhere(self, part: Part, wanted: str, across: float = 0.3) -> tuple[int, int]:
        """The same in a sidebar that is longer than its window: scroll down until it is seen.

        Raises:
            StepError: there is none.
        """
        for _ in range(SCROLLS):
            try:
                return self.find(part, wanted, across)
            except StepError:
                self.scroll(part, A_PART)
        return self.find(part, wanted, across)

    def remember(self, name: str, point: tuple[int, int]) -> None:
        """Look there first the next time, also in the next round."""
        others = [place for place in self.places.get(name, []) if place != list(point)]
        self.places[name] = [list(point), *others[: MOST_PLACES - 1]]
        self.known.write_text(json.dumps(self.places), encoding="utf-8")

    def find_property(self, part: Part, wanted: str, across: float = 0.6) -> tuple[int, int]:
        """Feel for the field that shows a property."""
        return self.find(part, wanted, across, "ctrl+shift+alt+c")


Step = Callable[[Hands], None]


def walk(hands: Hands, steps: Mapping[str, Step], first: int = 1, last: int | None = None) -> int:
    """Do steps by their numbers once the window stands; 0 only when every step's effect was seen."""
    hands.state(STARTING)
    for number, (name, step) in enumerate(steps.items(), 1):
        if not first <= number <= (last or len(steps)):
            continue
        begun = time.monotonic()
        try:
            step(hands)
        except StepError as error:
            hands.picture("failed")
            print(f"{number:2} FAILED  {name}: {error}")
            return 1
        print(f"{number:2} passed  {name} ({time.monotonic() - begun:.0f} s)", flush=True)
    return 0


def _do(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def _said(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout

"""What a character's blendshapes are, by their names (``tables.py`` keeps what a person says instead)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..motion import ARKIT_EXPRESSIONS
from .known_names import (
    ARKIT,
    CHARACTER_CREATOR,
    CREATOR_VISEMES,
    EXACT,
    METAHUMAN,
    OLD_VISEMES,
    OPEN,
    VISEMES,
    VRM,
)

CHANNEL_NAMES = (*ARKIT_EXPRESSIONS, OPEN)
"""What blendshapes can follow: the expressions of the space ``arkit``, and the jaw's angle as ``jawOpen``."""

SIDES = {"l": "Left", "left": "Left", "r": "Right", "right": "Right"}
QUARTERS = {"ul": "Left", "dl": "Left", "ur": "Right", "dr": "Right"}
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
MOUTH = ("mouth", "jaw")
SIDED = ("Left", "Right")
CREATOR = "Character Creator"


@dataclass(frozen=True)
class Row:
    """What one blendshape is known as.

    Attributes:
        system: whose name it is: ``ARKit``, ``Oculus``, ``VRM``, ``MetaHuman``, ``Character Creator``; empty where
            nobody's.
        follows: names of ``CHANNEL_NAMES`` → the share of each that the blendshape is expected to be.
        used: whether retargeting may move it; what it may not stays at 0.
    """

    system: str = ""
    follows: Mapping[str, float] = field(default_factory=dict)
    used: bool = True


@dataclass(frozen=True)
class Table:
    """Every blendshape of a character, in the mesh's order, and what it is known as."""

    rows: Mapping[str, Row]

    @property
    def system(self) -> str:
        """Whose names most of those in use are; empty where nobody's are."""
        counts = Counter(row.system for row in self.rows.values() if row.used and row.follows and row.system)
        return counts.most_common(1)[0][0] if counts else ""

    @property
    def matched(self) -> tuple[str, ...]:
        """Blendshapes in use that follow something."""
        return tuple(shape for shape, row in self.rows.items() if row.used and row.follows)

    @property
    def opens(self) -> bool:
        """Whether one of them opens the mouth."""
        return any(OPEN in row.follows for row in self.rows.values() if row.used)

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Blendshapes that no name is known for."""
        return tuple(shape for shape, row in self.rows.items() if not row.system)

    @property
    def unfollowed(self) -> tuple[str, ...]:
        """Channels that no blendshape in use follows: what they say, others must do, or nobody."""
        followed = {channel for row in self.rows.values() if row.used for channel in row.follows}
        return tuple(channel for channel in CHANNEL_NAMES if channel not in followed)

    def mates(self) -> tuple[str | None, ...]:
        """The blendshape that is each one's mirror image: itself where its name has no side, None where it is alone."""
        keys = {_words(shape): shape for shape in self.rows}
        found: list[str | None] = []
        for shape in self.rows:
            words = _words(shape)
            other = tuple(_OTHER.get(word, word) for word in words)
            found.append(shape if other == words else keys.get(other))
        return tuple(found)


def recognised(names: Sequence[str]) -> Table:
    """The table of a character with these blendshapes, as far as names tell.

    Where a character speaks several systems, the one with the most of its names leads, and the others only do what it
    cannot; Character Creator's visemes stand back behind all others. Names that nobody knows are used only where no
    mouth is known by name. A shape of both sides rests where each side has its own.
    """
    known = {name: _known(name) for name in names}
    visemes = _creator_visemes(names)
    known |= {name: (CREATOR, follows) for name, follows in visemes.items()}
    groups = {name: VISEME_GROUP if name in visemes else system for name, (system, _) in known.items()}
    counts = Counter(groups[name] for name, (system, follows) in known.items() if system and follows)
    spoken = dict.fromkeys(group for group in groups.values() if group)
    order = sorted(spoken, key=lambda group: (group == VISEME_GROUP, -counts[group]))
    taken: set[str] = set()
    used: set[str] = set()
    for system in order:
        own = {name: follows for name, (_, follows) in known.items() if groups[name] == system}
        fresh = {name for name, follows in own.items() if not set(follows) <= taken}
        if system == order[0]:
            fresh = {name for name, follows in own.items() if follows or system == "Oculus"}
        used |= fresh
        taken |= {channel for name in fresh for channel in own[name]}
    used -= {name for name in used if _said_by_sides(known, used, name)}
    if not any(channel.startswith(MOUTH) for channel in taken):
        used |= {name for name, (system, _) in known.items() if not system}
    return Table({name: Row(system, dict(follows), name in used) for name, (system, follows) in known.items()})


VISEME_GROUP = "visemes of Character Creator"
_OTHER = {
    "l": "r",
    "r": "l",
    "left": "right",
    "right": "left",
    "ul": "ur",
    "ur": "ul",
    "dl": "dr",
    "dr": "dl",
}


def _words(name: str) -> tuple[str, ...]:
    """A name's words in lower case; a side at the end of a word without capitals is a word of its own."""
    words: list[str] = []
    for word in (found.lower() for found in WORD.findall(name)):
        ending = next((side for side in ("left", "right") if word.endswith(side) and word != side), None)
        words += [word.removesuffix(ending), ending] if ending else [word]
    return tuple(words)


def _spelled(words: Sequence[str]) -> str:
    return "".join(words)


def _known(name: str) -> tuple[str, Mapping[str, float]]:
    """Whose name it is, and what it follows; an empty system for nobody's."""
    words = _words(name)
    for first in range(len(words)):
        rest = words[first:]
        exact = _EXACT.get(_spelled(rest))
        if exact is not None:
            return exact
        spoken = _viseme(rest)
        if spoken is not None:
            return "Oculus", spoken
        if len(_spelled(rest)) > 2 or first == 0:  # noqa: PLR2004 - single vowels must be the whole name
            preset = _VRM.get(_spelled(rest))
            if preset is not None:
                return "VRM", preset
        sided = _sided(rest, metahuman="expressions" in words[:first])
        if sided is not None:
            return sided
    return "", {}


def _creator_visemes(names: Sequence[str]) -> dict[str, Mapping[str, float]]:
    """Which of the names are Character Creator's visemes, and what each follows."""
    found = {}
    old = any(_spelled(_words(name)) in _OLD for name in names)
    for name in names:
        words = _words(name)
        marked = [_spelled(words[first + 1 :]) for first in range(len(words)) if words[first] == "v"]
        if old:
            marked.append(_spelled(words))
        spelling = next((spelling for spelling in marked if spelling in _CREATOR_VISEMES), None)
        if spelling is not None:
            found[name] = _CREATOR_VISEMES[spelling]
    return found


def _said_by_sides(known: Mapping[str, tuple[str, Mapping[str, float]]], used: set[str], name: str) -> bool:
    """Whether a shape of both sides, such as VRM's ``Blink``, has one of each side beside it, which can do more."""
    channels = set(known[name][1])
    bases = {channel.removesuffix("Left").removesuffix("Right") for channel in channels}
    alone = {next(iter(follows)) for other in used if len(follows := known[other][1]) == 1}
    return len(channels) == len(SIDED) and len(bases) == 1 and channels <= alone


def _viseme(words: Sequence[str]) -> Mapping[str, float] | None:
    return _VISEMES.get(_spelled(words[1:])) if len(words) > 1 and words[0] in ("viseme", "v", "vis") else None


def _sided(words: Sequence[str], *, metahuman: bool) -> tuple[str, Mapping[str, float]] | None:
    sides = [SIDES[word] for word in words if word in SIDES]
    if len(sides) > 1:
        return None
    plain = _spelled([word for word in words if word not in SIDES])
    halves = _spelled([word[0] if word in QUARTERS else word for word in words if word not in SIDES])
    lips = _spelled([word for word in words if word not in SIDES and word not in QUARTERS])
    quarter = [QUARTERS[word] for word in words if word in QUARTERS]
    side = (sides or quarter or [""])[0]
    ladder = [("ARKit", _ARKIT), (CREATOR, _CREATOR), ("MetaHuman", _METAHUMAN)]
    for system, vocabulary in reversed(ladder) if metahuman else ladder:
        tried = (plain, halves, lips) if system == "MetaHuman" else (plain,)
        whole = next((vocabulary[spelling] for spelling in tried if spelling in vocabulary), None)
        if whole is None:
            continue
        if whole + side in CHANNEL_NAMES:
            return system, {whole + side: 1.0}
        if whole in CHANNEL_NAMES:
            return system, {whole: 1.0}
        both = [whole + which for which in ("Left", "Right")]
        if not side and both[0] in CHANNEL_NAMES and whole not in MOUTH:
            return system, dict.fromkeys(both, 0.5)
        if whole not in MOUTH:
            return system, {}
    return None


_ARKIT = {_spelled(_words(name)): whole for name, whole in ARKIT.items()}
_CREATOR = {_spelled(_words(name)): whole for name, whole in CHARACTER_CREATOR.items()}
_CREATOR_VISEMES = {_spelled(_words(name)): follows for name, follows in CREATOR_VISEMES.items()}
_OLD = {_spelled(_words(name)) for name in OLD_VISEMES}
_METAHUMAN = {_spelled(_words(name)): whole for name, whole in METAHUMAN.items()}
_VISEMES = {_spelled(_words(name)): follows for name, follows in VISEMES.items()}
_VRM = {_spelled(_words(name)): follows for name, follows in VRM.items()}
_EXACT = {_spelled(_words(name)): known for name, known in EXACT.items()}

"""What the face does for each phone, as data: the craft of the starter's curves (see docs and MODEL_CARD.md).

Values follow phonetics and the practice of lip-sync animation (dominance functions after Cohen and Massaro; separate
jaw and lip layers after JALI): how far the inner lips part, how far the jaw drops, how the lips are shaped.
"""

from __future__ import annotations

from dataclasses import dataclass

WIDE_MILLIMETRES = 12.0
"""The inner-lip gap of a stressed open vowel in ordinary speech: what a gap of 1 stands for."""

JAW_LEVER_MILLIMETRES = 92.5
"""Millimetres of gap that one radian of jaw gives: the distance from the jaw's hinge to the lips."""

SEAL_AT_RADIANS = 0.35
"""``mouthClose`` at 1 seals the lips at this jaw angle, in proportion below (the bundled head's rule)."""


@dataclass(frozen=True)
class Viseme:
    """Targets of one phone.

    Attributes:
        gap: how far the inner lips part, 1 is ``WIDE_MILLIMETRES``.
        jaw: how far the jaw drops, in the same unit; lips make up the difference.
        pucker, funnel, spread: rounding (closed, open) and widening of the lips, 0 to 1.
        raised: how far the upper lip is raised, baring the teeth.
        lowered: how far the lower lip is drawn down.
        rolled: how far the lower lip is rolled in, to the upper teeth.
        forward: how far the jaw is pushed forward.
        hold: dominance of the gap over neighbours. ``shape``: dominance of the lips' shape.
    """

    gap: float
    jaw: float
    pucker: float = 0.0
    funnel: float = 0.0
    spread: float = 0.0
    raised: float = 0.0
    lowered: float = 0.0
    rolled: float = 0.0
    forward: float = 0.0
    hold: float = 1.0
    shape: float = 0.35


VISEMES: dict[str, Viseme] = {
    "sil": Viseme(0.0, 0.0, hold=1.2, shape=0.25),
    # Open vowels: the jaw leads.
    "aa": Viseme(1.0, 1.0, lowered=0.06, shape=0.7),
    "ae": Viseme(0.9, 0.85, spread=0.35, raised=0.12, lowered=0.1, shape=0.8),
    "ay": Viseme(0.88, 0.85, spread=0.22, lowered=0.06, shape=0.7),
    "aw": Viseme(0.86, 0.85, funnel=0.2, shape=0.7),
    "ao": Viseme(0.74, 0.75, funnel=0.42, pucker=0.12, shape=1.1),
    "ah": Viseme(0.62, 0.58, shape=0.5),
    "eh": Viseme(0.65, 0.58, spread=0.3, raised=0.06, shape=0.7),
    "ax": Viseme(0.42, 0.38, shape=0.25, hold=0.7),
    "er": Viseme(0.4, 0.34, funnel=0.25, pucker=0.12, shape=0.8),
    # Close and spread ones: the teeth come near, the corners go out.
    "ey": Viseme(0.52, 0.42, spread=0.5, raised=0.1, shape=0.9),
    "ih": Viseme(0.42, 0.34, spread=0.32, raised=0.06, shape=0.6),
    "iy": Viseme(0.33, 0.2, spread=0.65, raised=0.12, lowered=0.08, shape=1.1),
    # Rounded ones: the lips come forward before the sound begins.
    "ow": Viseme(0.52, 0.5, pucker=0.38, funnel=0.45, shape=1.5),
    "oy": Viseme(0.6, 0.56, pucker=0.25, funnel=0.45, shape=1.3),
    "uh": Viseme(0.36, 0.32, pucker=0.3, funnel=0.3, shape=1.1),
    "uw": Viseme(0.25, 0.22, pucker=0.75, funnel=0.28, shape=1.8),
    "y2": Viseme(0.24, 0.2, pucker=0.7, funnel=0.25, shape=1.7),
    "oe": Viseme(0.4, 0.36, pucker=0.42, funnel=0.4, shape=1.5),
    "w": Viseme(0.16, 0.18, pucker=0.85, funnel=0.15, shape=1.9, hold=1.5),
    # Lips shut; the closing itself is a layer of its own.
    "p": Viseme(0.0, 0.2, hold=2.5, shape=0.2),
    "b": Viseme(0.0, 0.22, hold=2.5, shape=0.2),
    "m": Viseme(0.0, 0.2, hold=2.5, shape=0.2),
    # Lower lip to the upper teeth.
    "f": Viseme(0.1, 0.14, raised=0.3, rolled=0.6, spread=0.1, hold=2.2, shape=1.3),
    "v": Viseme(0.1, 0.15, raised=0.26, rolled=0.55, spread=0.08, hold=2.0, shape=1.2),
    # Tongue behind or between the teeth: the lips stay apart, the jaw is nearly shut for hissing sounds.
    "th": Viseme(0.29, 0.24, spread=0.08, raised=0.1, lowered=0.12, hold=1.0),
    "dh": Viseme(0.29, 0.25, spread=0.06, raised=0.08, lowered=0.1, hold=0.9),
    "s": Viseme(0.21, 0.07, spread=0.3, raised=0.16, lowered=0.2, hold=1.3, shape=0.6),
    "z": Viseme(0.21, 0.08, spread=0.28, raised=0.16, lowered=0.2, hold=1.3, shape=0.6),
    "sh": Viseme(0.27, 0.09, funnel=0.5, pucker=0.28, raised=0.14, lowered=0.12, forward=0.2, hold=1.3, shape=1.1),
    "zh": Viseme(0.27, 0.1, funnel=0.48, pucker=0.26, raised=0.14, lowered=0.12, forward=0.2, hold=1.3, shape=1.1),
    "ch": Viseme(0.26, 0.09, funnel=0.48, pucker=0.24, raised=0.12, lowered=0.12, forward=0.2, hold=1.3, shape=1.0),
    "jh": Viseme(0.26, 0.1, funnel=0.46, pucker=0.24, raised=0.12, lowered=0.12, forward=0.2, hold=1.3, shape=1.0),
    "t": Viseme(0.28, 0.16, raised=0.06, lowered=0.12, hold=0.9),
    "d": Viseme(0.28, 0.18, raised=0.06, lowered=0.12, hold=0.9),
    "n": Viseme(0.28, 0.2, raised=0.05, lowered=0.1, hold=0.9),
    "l": Viseme(0.37, 0.32, lowered=0.08, hold=0.9),
    "r": Viseme(0.29, 0.24, funnel=0.4, pucker=0.25, hold=1.0, shape=1.0),
    "k": Viseme(0.33, 0.28, hold=0.7, shape=0.2),
    "g": Viseme(0.33, 0.28, hold=0.7, shape=0.2),
    "ng": Viseme(0.31, 0.27, hold=0.7, shape=0.2),
    "x": Viseme(0.38, 0.34, hold=0.7, shape=0.2),
    "hh": Viseme(0.42, 0.38, hold=0.4, shape=0.05),
    "j": Viseme(0.28, 0.2, spread=0.4, shape=0.6),
}

AJAR = Viseme(0.24, 0.2, hold=0.5, shape=0.05)
"""The lips in a silence that is too short to shut them: as the phones around leave them, and a little apart."""

SHUT_SHARE = {"p": 0.62, "b": 0.82, "m": 0.92}
"""How much of the phone's time the lips are shut: a voiceless stop's interval ends with its burst and breath."""

BLINK_AFTER_PHRASE = 0.12
"""Seconds into a pause at which a blink is deepest."""

BLINK_PAUSE = 0.16
"""Seconds of the shortest pause that is used for a blink."""

# How the layers become curves (left and right alike).
FUNNEL_TO = 0.55
SPREAD_TO = {"mouthStretch": 0.3, "mouthSmile": 0.4, "mouthDimple": 0.15}
ROLL_TO = {"mouthRollLower": 1.0}
SHUT_TO = {"mouthPress": 0.25, "mouthRollLower": 0.12, "mouthRollUpper": 0.12}
"""Curves of fully shut lips on /p b m/, besides ``mouthClose``."""

# Feeling, in proportion to agitation above 0 (excited) or below 0 (subdued).
EXCITED = {
    "browInnerUp": 0.36, "browOuterUp": 0.36, "eyeWide": 0.42, "mouthSmile": 0.2, "cheekSquint": 0.15,
    "noseSneer": 0.06,
}  # fmt: skip
SUBDUED = {
    "browDown": 0.2, "browInnerUp": 0.12, "eyeSquint": 0.2, "mouthFrown": 0.22, "eyeBlink": 0.15,
    "mouthShrugLower": 0.06,
}  # fmt: skip
AGITATED_GAP = 0.12
"""How much wider an excited mouth opens, as a share of its gap; what is shut stays shut."""

STRESSED = {"browInnerUp": 0.26, "browOuterUp": 0.24, "eyeWide": 0.1}
"""On the vowels that stand out."""

"""From phones to face curves: dominance of each phone over its neighbours, then closures, feeling and blinks on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsf_blender_addon.motion import ARKIT_EXPRESSIONS

from . import face_rules as rules
from .phones import BILABIALS, INDEX, Phone
from .prosody import prominence

Array = npt.NDArray[np.float64]
FEATURES = len(ARKIT_EXPRESSIONS) + 3
COLUMN = {name: number for number, name in enumerate(ARKIT_EXPRESSIONS)}
JAW = len(ARKIT_EXPRESSIONS)
SHAPES = ("pucker", "funnel", "spread", "raised", "lowered", "rolled", "forward")

LONG_PAUSE = 0.24
"""Seconds: in shorter silences inside speech the mouth stays ajar (``face_rules.AJAR``)."""

_GAP_FADE = 0.02
_SHAPE_FADE = 0.085
_JAW_FADE = 0.05


@dataclass(frozen=True, eq=False)
class Face:
    """Curves of one utterance.

    Attributes:
        motion: (T, 53), the 50 expressions in ``ARKIT_EXPRESSIONS``' order and the jaw's three angles in radians.
        gap: (T,) the inner-lip gap that the curves were made for, 1 is ``face_rules.WIDE_MILLIMETRES``.
        shut: (T,) 0 to 1, how firmly /p b m/ shut the lips.
        spoken: (T,) 1 in speech, less in pauses: how far feeling shows.
        phone: (T,) the index in ``phones.PHONES`` of what is spoken.
    """

    motion: npt.NDArray[np.float32]
    gap: npt.NDArray[np.float32]
    shut: npt.NDArray[np.float32]
    spoken: npt.NDArray[np.float32]
    phone: npt.NDArray[np.int64]


def curves(
    samples: npt.NDArray[np.float32], phones: Sequence[Phone], fps: float, frames: int, agitation: float = 0.0
) -> Face:
    """The face that says these phones, frame k at k / fps seconds.

    Args:
        samples: the sound at 16 kHz, for the prominence of vowels.
        phones: what is said, in order, covering the sound.
        fps: frames a second.
        frames: how many frames.
        agitation: -1 (subdued) to 1 (excited).
    """
    t = np.arange(frames) / fps
    stands_out = prominence(samples, phones)
    visemes = _visemes(phones)
    scale = np.where(stands_out > 0, 0.9 + 0.2 * stands_out, 1.0)
    gap = _dominated(t, phones, np.array([v.gap for v in visemes]) * scale, [v.hold for v in visemes], _GAP_FADE)
    jaw = _dominated(t, phones, np.array([v.jaw for v in visemes]) * scale, [v.hold for v in visemes], _JAW_FADE)
    shape_hold = [v.shape for v in visemes]
    shapes = {
        name: _dominated(t, phones, np.array([getattr(v, name) for v in visemes]), shape_hold, _SHAPE_FADE)
        for name in SHAPES
    }
    shut, paused = closures(t, phones), pauses(t, phones)
    gap = gap * (1.0 - shut) * (1.0 - paused)
    for name in SHAPES:
        shapes[name] = shapes[name] * (1.0 - paused)
    shapes["raised"] = shapes["raised"] * (1.0 - shut)
    shapes["lowered"] = shapes["lowered"] * (1.0 - shut)
    motion = np.zeros((frames, FEATURES))
    _mouth(motion, gap, jaw * (1.0 - paused), shapes, shut)
    _accents(motion, t, phones, stands_out)
    _blinks(motion, t, phones)
    np.clip(motion[:, :JAW], 0.0, 1.0, out=motion[:, :JAW])
    shows = 1.0 - 0.6 * _smooth(paused, 7)
    if agitation:
        motion = motion + felt(gap, shows, agitation)
        gap = gap * (1.0 + rules.AGITATED_GAP * agitation)
        np.clip(motion[:, :JAW], 0.0, 1.0, out=motion[:, :JAW])
    spoken = np.searchsorted([phone.end for phone in phones], t, side="right")
    numbers = np.array([INDEX[phone.name] for phone in phones] + [0])
    return Face(
        motion.astype(np.float32),
        gap.astype(np.float32),
        shut.astype(np.float32),
        shows.astype(np.float32),
        numbers[spoken],
    )


def _visemes(phones: Sequence[Phone]) -> list[rules.Viseme]:
    """Each phone's; in a brief silence the mouth stays ajar, unless a bilabial is about to shut it."""
    visemes = [rules.VISEMES[phone.name] for phone in phones]
    for number, (phone, rests) in enumerate(zip(phones, resting(phones), strict=True)):
        if phone.name == "sil" and not rests and phones[number + 1].name not in BILABIALS:
            visemes[number] = rules.AJAR
    return visemes


def _dominated(t: Array, phones: Sequence[Phone], targets: Array, holds: Sequence[float], fade: float) -> Array:
    """Targets blended by dominance: flat inside each phone's core, falling off exponentially around it."""
    begin = np.array([phone.begin for phone in phones])
    end = np.array([phone.end for phone in phones])
    core = 0.3 * (end - begin)
    outside = np.maximum(np.maximum(begin + core - t[:, None], t[:, None] - (end - core)), 0.0)
    power = np.array(holds) * np.exp(-outside / fade)
    blended: Array = (power @ np.asarray(targets)) / np.maximum(power.sum(1), 1e-9)
    return blended


def _plateau(t: Array, begin: float, end: float, attack: float, release: float) -> Array:
    """1 between begin and end, with half-cosine ramps before and after."""
    rise = np.clip((t - (begin - attack)) / attack, 0.0, 1.0)
    fall = np.clip(((end + release) - t) / release, 0.0, 1.0)
    ramp: Array = 0.5 - 0.5 * np.cos(np.pi * np.minimum(rise, fall))
    return ramp


def closures(t: Array, phones: Sequence[Phone]) -> Array:
    """How firmly /p b m/ shut the lips at each time, 0 to 1."""
    shut = np.zeros_like(t)
    for phone in phones:
        if phone.name not in BILABIALS:
            continue
        begin = phone.begin + 0.005
        end = max(phone.begin + rules.SHUT_SHARE[phone.name] * (phone.end - phone.begin), begin + 0.03)
        shut = np.maximum(shut, _plateau(t, begin, end, 0.042, 0.038))
    return shut


def resting(phones: Sequence[Phone]) -> list[bool]:
    """Which phones are silences that bring the mouth to rest: before and after all speech, and long ones inside it."""
    edges = (0, len(phones) - 1)
    return [
        phone.name == "sil" and (number in edges or phone.end - phone.begin >= LONG_PAUSE)
        for number, phone in enumerate(phones)
    ]


def pauses(t: Array, phones: Sequence[Phone]) -> Array:
    """How far pauses bring the mouth to rest at each time, 0 to 1: it opens a little before speech begins."""
    rest = np.zeros_like(t)
    for number, (phone, rests) in enumerate(zip(phones, resting(phones), strict=True)):
        if not rests:
            continue
        first, last = number == 0, number == len(phones) - 1
        begin = -1.0 if first else phone.begin + 0.07
        end = t[-1] + 1.0 if last else phone.end - 0.07
        rest = np.maximum(rest, _plateau(t, begin, end, 0.09, 0.07))
    return rest


def _both(motion: Array, name: str, value: Array) -> None:
    """Add to a curve, or to its left and right one."""
    for column in (name, name + "Left", name + "Right"):
        if column in COLUMN:
            motion[:, COLUMN[column]] += value


def _mouth(motion: Array, gap: Array, jaw: Array, shapes: dict[str, Array], shut: Array) -> None:
    """Jaw, lips and the closing of the lips so that the gap comes out as wanted."""
    _both(motion, "mouthPucker", shapes["pucker"])
    _both(motion, "mouthFunnel", rules.FUNNEL_TO * shapes["funnel"])
    for name, share in rules.SPREAD_TO.items():
        _both(motion, name, share * shapes["spread"])
    _both(motion, "mouthUpperUp", shapes["raised"])
    _both(motion, "jawForward", shapes["forward"])
    for name, share in rules.ROLL_TO.items():
        _both(motion, name, share * shapes["rolled"])
    for name, share in rules.SHUT_TO.items():
        _both(motion, name, share * shut)
    angle = jaw * rules.WIDE_MILLIMETRES / rules.JAW_LEVER_MILLIMETRES
    motion[:, JAW] = angle
    _both(motion, "mouthLowerDown", shapes["lowered"])
    seal(motion, gap, shut)


SEAL_SURPLUS = 0.012
"""``mouthClose`` beyond what seals the lips, while /p b m/ press them together."""


def seal(motion: Array, gap: Array, shut: Array) -> None:
    """Set jaw and ``mouthClose`` of (T, 53) in place so that the gap comes out as wanted on the bundled head.

    What is missing comes from the jaw, what is too much is taken away by closing the lips over it.

    Args:
        motion: (T, 53) in real units.
        gap: (T,) wanted, 1 is ``WIDE_MILLIMETRES``.
        shut: (T,) how firmly the lips are shut besides, 0 to 1.
    """
    motion[:, COLUMN["mouthClose"]] = 0.0
    lack = gap * rules.WIDE_MILLIMETRES - lip_gap(motion)
    motion[:, JAW] += np.maximum(lack, 0.0) / rules.JAW_LEVER_MILLIMETRES
    close = np.maximum(-lack, 0.0) / (rules.JAW_LEVER_MILLIMETRES * rules.SEAL_AT_RADIANS)
    motion[:, COLUMN["mouthClose"]] = close + SEAL_SURPLUS * shut


def lip_gap(motion: Array) -> Array:
    """(T, 53) → the gap in millimetres by the linear model of the bundled head's lips (``GAP_WEIGHTS``)."""
    gap: Array = motion @ gap_weights()
    return gap


GAP_WEIGHTS: dict[str, float] = {
    "mouthLowerDownLeft": 4.1,
    "mouthLowerDownRight": 4.1,
    "mouthUpperUpLeft": 3.35,
    "mouthUpperUpRight": 3.35,
    "mouthFunnel": 10.2,
    "mouthPucker": 0.5,
    "mouthRollLower": -0.15,
    "mouthRollUpper": -0.15,
    "jawForward": 0.35,
    "mouthClose": -rules.JAW_LEVER_MILLIMETRES * rules.SEAL_AT_RADIANS,
}
"""Millimetres of inner-lip gap for one unit of a curve (the jaw has ``JAW_LEVER_MILLIMETRES`` for a radian)."""


def gap_weights() -> Array:
    """(53,) of ``GAP_WEIGHTS`` and the jaw."""
    weights = np.zeros(FEATURES)
    for name, value in GAP_WEIGHTS.items():
        weights[COLUMN[name]] = value
    weights[JAW] = rules.JAW_LEVER_MILLIMETRES
    return weights


def feeling_weights() -> tuple[Array, Array]:
    """What full excitement and full calm add to every channel, (53,) each."""
    amounts = np.zeros((2, FEATURES))
    for row, table in zip(amounts, (rules.EXCITED, rules.SUBDUED), strict=True):
        for name, share in table.items():
            _both(row[None], name, np.full(1, share))
    return amounts[0], amounts[1]


def felt(gap: Array, spoken: Array, agitation: float) -> Array:
    """What feeling adds to a face: nothing to lips that are shut.

    Args:
        gap: (T,) the inner-lip gap without feeling, 1 is ``WIDE_MILLIMETRES``.
        spoken: (T,) how far feeling shows.
        agitation: -1 (subdued) to 1 (excited).

    Returns:
        (T, 53) to be added to the motion.
    """
    excited, subdued = feeling_weights()
    added: Array = spoken[:, None] * (max(agitation, 0.0) * excited + max(-agitation, 0.0) * subdued)
    wider = rules.AGITATED_GAP * agitation * gap
    added[:, JAW] += wider * rules.WIDE_MILLIMETRES / rules.JAW_LEVER_MILLIMETRES
    return added


def _accents(motion: Array, t: Array, phones: Sequence[Phone], stands_out: Array) -> None:
    """Brows and eyes on the vowels that stand out."""
    accent = np.zeros_like(t)
    for phone, strength in zip(phones, stands_out, strict=True):
        if strength > 0.6:
            middle = 0.5 * (phone.begin + phone.end)
            bump = (strength - 0.6) / 0.4 * np.exp(-0.5 * ((t - middle + 0.02) / 0.1) ** 2)
            accent = np.maximum(accent, bump)
    for name, share in rules.STRESSED.items():
        _both(motion, name, share * accent)
    smile = motion[:, COLUMN["mouthSmileLeft"]]
    _both(motion, "cheekSquint", 0.25 * smile)


def _blinks(motion: Array, t: Array, phones: Sequence[Phone]) -> None:
    """A blink where a phrase of at least 0.8 s ends in a pause."""
    speech_began = None
    for phone in phones:
        if phone.name != "sil":
            speech_began = phone.begin if speech_began is None else speech_began
        elif phone.end - phone.begin >= rules.BLINK_PAUSE:
            if speech_began is not None and phone.begin - speech_began >= 0.8:
                middle = phone.begin + rules.BLINK_AFTER_PHRASE
                _both(motion, "eyeBlink", 0.95 * _plateau(t, middle - 0.02, middle + 0.02, 0.08, 0.14))
            speech_began = None


def _smooth(values: Array, width: int) -> Array:
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, width // 2, mode="edge")
    smoothed: Array = np.convolve(padded, window / window.sum(), "valid")
    return smoothed

"""How well a mouth's track fits the phones that were spoken, whatever made it.

Tracks are (t, aperture, aperture_rest, width) as ``lsf mouth`` writes them; phones are ours (``phones.PHONES``).
Gaps are judged as shares of the clip's wide gap (its 95th percentile above rest); shut means below 15 % of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsf_blender_addon.errors import LsfError

from .phones import BILABIALS, PHONES, VOWELS, Phone, from_arpabet

Array = npt.NDArray[np.float64]
SHUT, OPEN = 0.15, 0.35
OPEN_VOWELS = frozenset({"aa", "ae", "ao", "aw", "ay"})
ROUNDED = frozenset({"uw", "ow", "w", "oy"})
SPREAD = frozenset({"iy", "ey", "ae", "s", "z", "eh"})
LIPS_FREE = frozenset(
    ["t", "d", "n", "s", "z", "sh", "zh", "ch", "jh", "th", "dh", "l", "r", "j", "k", "g", "ng", "hh", "x"]
)
CALLED_FOR: dict[str, float] = {
    "aa": 1.0,
    "ae": 0.9,
    "ah": 0.6,
    "ao": 0.8,
    "aw": 0.9,
    "ay": 0.9,
    "eh": 0.65,
    "er": 0.4,
    "ey": 0.5,
    "ih": 0.4,
    "iy": 0.3,
    "ow": 0.55,
    "oy": 0.65,
    "uh": 0.35,
    "uw": 0.25,
    "p": 0.0,
    "b": 0.0,
    "m": 0.0,
    "f": 0.1,
    "v": 0.1,
    "l": 0.35,
    "dh": 0.25,
    "th": 0.25,
    "s": 0.15,
    "z": 0.15,
    "sh": 0.2,
    "ch": 0.2,
    "jh": 0.2,
    "zh": 0.2,
    "t": 0.25,
    "d": 0.25,
    "n": 0.25,
    "k": 0.3,
    "g": 0.3,
    "ng": 0.3,
    "r": 0.25,
    "w": 0.15,
    "j": 0.25,
    "hh": 0.4,
    "sil": 0.0,
    "ax": 0.45,
    "y2": 0.25,
    "oe": 0.4,
    "x": 0.35,
    "spn": 0.3,
    "nsn": 0.0,
}
"""The gap that a phone calls for, as a share of the wide gap; ``spn`` and ``nsn`` are sounds without words."""

CLASSES: dict[str, tuple[str, ...]] = {
    "lips shut: p b m": ("p", "b", "m"),
    "lip to teeth: f v": ("f", "v"),
    "rounded: w": ("w",),
    "rounded vowels": ("uw", "ow", "oy", "uh", "y2", "oe"),
    "open vowels": ("aa", "ae", "ao", "aw", "ay"),
    "middle vowels": ("ah", "eh", "er", "ey", "ax"),
    "close vowels": ("iy", "ih"),
    "tongue and teeth": ("th", "dh"),
    "hissing": ("s", "z", "sh", "zh", "ch", "jh"),
    "tongue's tip": ("t", "d", "n", "l", "r"),
    "tongue's back": ("k", "g", "ng", "x", "j", "hh"),
    "pauses": ("sil",),
}
"""Phones that ask the same of a mouth."""


class AlignmentError(LsfError):
    """Phone times that cannot be read."""

    kind = "alignment"


@dataclass
class Tally:
    """What was seen in one clip or several: a list of verdicts or values for each question."""

    lists: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    round_pairs: list[float] = field(default_factory=list)
    correlation: list[tuple[float, float]] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    flapping: list[tuple[float, float]] = field(default_factory=list)
    by_phone: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    widths: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, other: Tally) -> None:
        """Pool another clip's tally into this one."""
        for name, values in other.lists.items():
            self.lists[name] += values
        for name, values in other.by_phone.items():
            self.by_phone[name] += values
        for name, values in other.widths.items():
            self.widths[name] += values
        self.round_pairs += other.round_pairs
        self.correlation += other.correlation
        self.lag += other.lag
        self.flapping += other.flapping

    def summary(self) -> dict[str, float]:
        """The scores; NaN where nothing was seen.

        ``closure`` and ``opening``: shares of /p b m/ that close and of open vowels that open; ``balanced`` their
        mean; ``auc_open``: how surely gap tells the two apart; ``auc_round``: how surely width tells rounded from
        spread; ``corr``: of the gap with what the phones call for; ``lag_ms``: + means late; ``silence``: mean gap in
        pauses; ``shut_vowel``, ``shut_cons``: shares that are wrongly shut; ``jerk``: share of frames that flap.
        """
        mean = {name: _mean(self.lists[name]) for name in ("closed", "opened", "paused", "shut_vowel", "shut_cons")}
        return {
            "closure": mean["closed"],
            "opening": mean["opened"],
            "balanced": 0.5 * (mean["closed"] + mean["opened"]),
            "auc_open": chance_above(self.lists["least_closed"], self.lists["middle_open"]),
            "auc_round": _mean(self.round_pairs),
            "corr": _weighted(self.correlation),
            "lag_ms": float(np.median(self.lag)) if self.lag else float("nan"),
            "silence": mean["paused"],
            "shut_vowel": mean["shut_vowel"],
            "shut_cons": mean["shut_cons"],
            "jerk": _weighted(self.flapping),
        }


def read_alignment(path: Path) -> tuple[Phone, ...]:
    """Phone times from JSON: ``{"words": [{"phones": [{"p", "b", "d"}]}]}``, ARPAbet, seconds.

    Raises:
        AlignmentError: the file is something else.
    """
    try:
        return phones_of(json.loads(path.read_text(encoding="utf-8"))["words"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AlignmentError(f"{path} does not hold phone times ({error}).") from error


def phones_of(words: Sequence[Mapping[str, Any]]) -> tuple[Phone, ...]:
    """Our phones from aligned words, ``{"phones": [{"p", "b", "d"}]}`` each: ARPAbet, begin and length in seconds."""
    rows = [phone for word in words for phone in word["phones"]]
    return tuple(_aligned(str(row["p"]), float(row["b"]), float(row["d"])) for row in rows)


def _aligned(name: str, begin: float, length: float) -> Phone:
    plain = name.strip("012").lower()
    if plain in {"sil", "<sil>", "sp", "", "+nsn+"}:
        return Phone("sil", begin, begin + length)
    wordless = plain.strip("+<>")
    return Phone(wordless if wordless in {"spn", "nsn"} else from_arpabet(name), begin, begin + length)


def tally(track: Mapping[str, Any], phones: Sequence[Phone]) -> Tally:
    """Judge one clip."""
    t, gap = np.asarray(track["t"], float), judged_gap(track)
    width = np.asarray(track["width"], float)
    step = float(np.median(np.diff(t)))
    out = Tally()
    usual = float(np.median(width))
    for phone in phones:
        _judge(out, phone, t, gap, step)
        out.widths[phone.name].append(float(width[_middle(t, phone)]) - usual)
    rounded = [width[_middle(t, phone)] for phone in phones if phone.name in ROUNDED]
    spread = [width[_middle(t, phone)] for phone in phones if phone.name in SPREAD]
    if rounded and spread:
        out.round_pairs.append(chance_above(rounded, spread))
    _follow(out, t, gap, step, phones)
    slope = np.diff(gap)
    flaps = (np.abs(slope[1:]) > 0.2) & (np.abs(slope[:-1]) > 0.2) & (slope[1:] * slope[:-1] < 0)
    out.flapping.append((float(flaps.mean()), float(len(t))))
    return out


def judged_gap(track: Mapping[str, Any]) -> Array:
    """(N,) the gap beyond rest as a share of the clip's wide gap."""
    aperture, rest = np.asarray(track["aperture"], float), float(track["aperture_rest"])
    gap: Array = (aperture - rest) / max(float(np.percentile(aperture, 95)) - rest, 1e-9)
    return gap


def wanted_gap(t: Array, phones: Sequence[Phone]) -> Array:
    """(N,) the gap that the phones call for at times ``t``, evenly spaced, smoothed over about 80 ms."""
    wanted = np.zeros_like(t)
    for phone in phones:
        wanted[(t >= phone.begin) & (t < phone.end)] = CALLED_FOR[phone.name]
    reach = max(1, round(0.04 / float(np.median(np.diff(t)))))
    window = np.hanning(2 * reach + 3)
    smooth: Array = np.convolve(wanted, window / window.sum(), "same")
    return smooth


def _judge(out: Tally, phone: Phone, t: Array, gap: Array, step: float) -> None:
    middle = gap[_middle(t, phone)]
    inside = gap[(t >= phone.begin - step / 2) & (t <= phone.end + step / 2)]
    around = gap[(t >= phone.begin - 0.04 - step / 2) & (t <= phone.end + 0.04 + step / 2)]
    out.by_phone[phone.name].append(float(middle))
    if phone.name in BILABIALS:
        out.lists["closed"].append(float(around.min(initial=9.0) < SHUT))
        out.lists["least_closed"].append(float(inside.min(initial=middle)))
    elif phone.name in OPEN_VOWELS:
        out.lists["middle_open"].append(float(middle))
        if phone.end - phone.begin >= 0.06:
            out.lists["opened"].append(float(inside.max(initial=-9.0) > OPEN))
    elif phone.name == "sil" and phone.end - phone.begin >= 0.25:
        still = gap[(t >= phone.begin + 0.08 - step / 2) & (t <= phone.end - 0.08 + step / 2)]
        if len(still):
            out.lists["paused"].append(float(still.mean()))
    if phone.name in VOWELS:
        out.lists["shut_vowel"].append(float(middle < SHUT))
    elif phone.name in LIPS_FREE:
        out.lists["shut_cons"].append(float(middle < SHUT))


def _follow(out: Tally, t: Array, gap: Array, step: float, phones: Sequence[Phone]) -> None:
    """Correlation with the gap that the phones call for, and the shift at which it is best."""
    wanted, spoken = wanted_gap(t, phones), np.zeros(len(t), bool)
    for phone in phones:
        spoken[(t >= phone.begin) & (t < phone.end)] = phone.name != "sil"
    furthest = int(0.2 / step)
    shifts = range(-furthest, furthest + 1)
    alike = [_alike(gap[max(s, 0) : len(gap) + min(s, 0)], wanted[max(-s, 0) : len(gap) - max(s, 0)]) for s in shifts]
    out.lag.append(shifts[int(np.argmax(alike))] * step * 1000.0)
    out.correlation.append((_alike(gap[spoken], wanted[spoken]), float(len(t))))


def _alike(a: Array, b: Array) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 2 and a.std() > 1e-9 and b.std() > 1e-9 else 0.0


def _middle(t: Array, phone: Phone) -> int:
    return int(np.argmin(np.abs(t - 0.5 * (phone.begin + phone.end))))


def chance_above(low: Sequence[float], high: Sequence[float]) -> float:
    """How often a value of ``high`` exceeds one of ``low``, ties counting half; NaN where one is empty."""
    if not low or not high:
        return float("nan")
    a, b = np.asarray(low)[:, None], np.asarray(high)[None]
    return float((b > a).mean() + 0.5 * (b == a).mean())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _weighted(pairs: Sequence[tuple[float, float]]) -> float:
    if not pairs:
        return float("nan")
    values, weights = np.asarray(pairs).T
    return float(np.average(values, weights=weights))


@dataclass(frozen=True)
class ClassRow:
    """What the mouth does in the middle of a class of phones.

    Attributes:
        name: of the class.
        seen: how many phones.
        gap: mean gap, as a share of the wide gap.
        called: mean gap that the phones call for.
        shut: share of them in which the lips are shut.
        width: mean width in millimetres beyond the clip's median.
    """

    name: str
    seen: int
    gap: float
    called: float
    shut: float
    width: float


def class_table(pooled: Tally) -> list[ClassRow]:
    """One row for each of ``CLASSES`` that was seen."""
    rows = []
    for name, members in CLASSES.items():
        gaps = [gap for phone in members for gap in pooled.by_phone.get(phone, ())]
        called = [CALLED_FOR[phone] for phone in members for _ in pooled.by_phone.get(phone, ())]
        widths = [width for phone in members for width in pooled.widths.get(phone, ())]
        if gaps:
            shut = _mean([float(gap < SHUT) for gap in gaps])
            rows.append(ClassRow(name, len(gaps), _mean(gaps), _mean(called), shut, _mean(widths)))
    return rows


def phone_table(pooled: Tally) -> list[tuple[str, int, float, float]]:
    """(phone, how many, mean gap in the middle, gap called for) of each phone that was seen."""
    return [
        (name, len(pooled.by_phone[name]), _mean(pooled.by_phone[name]), CALLED_FOR[name])
        for name in PHONES
        if pooled.by_phone.get(name)
    ]

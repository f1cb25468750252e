"""FaceMotion, the value that everything exchanges: what a face does, frame by frame, in a named space."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import read_arrays, write_arrays
from .errors import MotionError

Space = Literal["flame", "arkit"]
Floats = NDArray[np.float32]

ARKIT_EXPRESSIONS: tuple[str, ...] = (
    *("eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft"),
    *("eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight"),
    *("eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "mouthClose", "mouthFunnel"),
    *("mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft"),
    *("mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft"),
    *("mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff"),
    *("cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight"),
)
"""Space ``arkit``: Apple's order without ``jawOpen`` and ``tongueOut``; each 0 (rest) to 1; left is the face's own."""

FLAME_EXPRESSIONS: tuple[str, ...] = tuple(f"Exp{number}" for number in range(1, 51))
"""Space ``flame``: the first 50 expression components of FLAME 2020, in standard deviations."""

EXPRESSIONS: dict[Space, tuple[str, ...]] = {"arkit": ARKIT_EXPRESSIONS, "flame": FLAME_EXPRESSIONS}
CHANNELS = 50

MAXIMUM_FRAMES = 3_000_000
"""Ten hours at 60 frames a second."""

SLOWEST_RATE, FASTEST_RATE = 1.0, 1000.0
FORMAT = 1
NTSC_TOLERANCE = 1e-3


def exact_rate(fps: float) -> Fraction:
    """The rate that a number stands for: 23.976, 29.97 and 59.94 are the thousandths of 24000, 30000 and 60000 / 1001.

    Raises:
        MotionError: ``fps`` is not between 1 and 1000.
    """
    if not SLOWEST_RATE <= fps <= FASTEST_RATE:
        raise MotionError(f"A rate of {fps} frames a second makes no sense; give one from 1 to 1000.")
    whole = math.ceil(fps)
    television = Fraction(whole * 1000, 1001)
    if fps != whole and abs(fps - television) < NTSC_TOLERANCE:
        return television
    return Fraction(fps).limit_denominator(10_000)


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """What a face does; frame k lies at ``start + k / fps`` seconds of the clip.

    Attributes:
        expression: (T, 50) float32 in the units of ``space``.
        jaw: (T, 3) float32, the jaw's rotation as axis times angle, radians; opening is +x.
        fps: frames a second.
        space: which basis the 50 numbers belong to: ``arkit`` or ``flame``. Never mixed; retargeting is the only way.
        start: seconds of frame 0 on the clip.
        origin: where it comes from, JSON values only: model, licence, seed, take, audio, ``emotion_strength``,
            ``emotion_from`` (the other recording's name, None for its own) …

    Raises:
        MotionError: shapes disagree, a number is not finite, or the space or rate is unknown.
    """

    expression: Floats
    jaw: Floats
    fps: float
    space: Space
    start: float = 0.0
    origin: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expression, jaw = _frozen(self.expression), _frozen(self.jaw)
        if expression.ndim != 2 or expression.shape[1] != CHANNELS or len(expression) == 0:  # noqa: PLR2004
            raise MotionError(f"A motion needs (frames, 50) expressions, not {_sides(expression)}.")
        if jaw.shape != (len(expression), 3):
            raise MotionError(f"A motion of {len(expression)} frames needs (frames, 3) jaw angles, not {_sides(jaw)}.")
        if len(expression) > MAXIMUM_FRAMES:
            raise MotionError(f"A motion of {len(expression)} frames is longer than the {MAXIMUM_FRAMES} allowed.")
        if not (np.isfinite(expression).all() and np.isfinite(jaw).all()):
            raise MotionError("A motion holds numbers that are not finite.")
        if self.space not in get_args(Space):
            raise MotionError(f"The space {self.space!r} is unknown; it must be one of: {', '.join(get_args(Space))}.")
        if not math.isfinite(self.start):
            raise MotionError("A motion starts at a time that is not finite.")
        exact_rate(self.fps)
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "jaw", jaw)

    @classmethod
    def still(cls, frames: int, fps: float, space: Space, **more: Any) -> FaceMotion:
        """A face at rest for ``frames`` frames; ``more`` are ``start`` and ``origin``."""
        shape = np.zeros((frames, CHANNELS), np.float32)
        return cls(shape, np.zeros((frames, 3), np.float32), fps, space, **more)

    @property
    def frames(self) -> int:
        """How many frames."""
        return len(self.expression)

    @property
    def seconds(self) -> float:
        """How long: frames / fps."""
        return float(self.frames / exact_rate(self.fps))

    @property
    def times(self) -> NDArray[np.float64]:
        """(T,) seconds of every frame on the clip."""
        rate = exact_rate(self.fps)
        return self.start + np.arange(self.frames) * rate.denominator / rate.numerator

    @property
    def names(self) -> tuple[str, ...]:
        """The 50 expressions' names in this space."""
        return EXPRESSIONS[self.space]

    def save(self, path: Path) -> None:
        """Write a ``.npz`` with expression, jaw, fps, space, start, origin (JSON) and format, whole or not at all.

        Raises:
            MotionError: the file cannot be written, or ``origin`` is not JSON.
        """
        try:
            origin = json.dumps(self.origin)
        except (TypeError, ValueError) as reason:
            raise MotionError(f"A motion's origin must be JSON values ({reason}).") from reason
        values = {"format": FORMAT, "space": self.space, "fps": self.fps, "start": self.start, "origin": origin}
        write_arrays(path, {"expression": self.expression, "jaw": self.jaw, **values}, MotionError)

    @classmethod
    def load(cls, path: Path) -> FaceMotion:
        """Read what :meth:`save` wrote; the file may come from anybody.

        Raises:
            MotionError: the file is missing, damaged, no motion, of a newer format, or its values do not fit.
        """
        arrays = read_arrays(path, MotionError)
        missing = sorted({"format", "expression", "jaw", "fps", "space", "start", "origin"} - set(arrays))
        if missing:
            raise MotionError(f"{path} is no motion: it lacks {', '.join(missing)}.")
        try:
            return cls(**_values(arrays))
        except (MotionError, ValueError, TypeError, RecursionError) as reason:
            raise MotionError(f"{path} is no usable motion: {reason}") from reason

    def resampled(self, fps: float, *, lead: float = 0.0) -> FaceMotion:
        """The same motion at another rate, straight lines between frames, held beyond its ends.

        Frame k of the result is this motion at exactly k / fps seconds (29.97 is 30000 / 1001), so that nothing
        drifts at any length.

        Args:
            fps: frames a second.
            lead: seconds that the face runs ahead of the sound.

        Raises:
            MotionError: the rate makes no sense.
        """
        rate = exact_rate(fps)
        ratio = exact_rate(self.fps) / rate
        frames = max(1, round(self.frames / ratio))
        steps = np.arange(frames, dtype=np.int64) * ratio.numerator
        whole, rest = np.divmod(steps, ratio.denominator)
        shift = lead * float(exact_rate(self.fps))
        ahead = math.floor(shift)
        positions = rest / ratio.denominator + (shift - ahead)
        expression, jaw = self._at(whole + ahead, positions)
        return dataclasses.replace(self, expression=expression, jaw=jaw, fps=float(rate))

    def sampled(self, seconds: ArrayLike) -> tuple[Floats, Floats]:
        """Expression (N, 50) and jaw (N, 3) at N times on the clip, held beyond the ends."""
        where = (np.asarray(seconds, dtype=np.float64) - self.start) * float(exact_rate(self.fps))
        whole = np.floor(where)
        return self._at(whole.astype(np.int64), where - whole)

    def sliced(self, begin: float, end: float) -> FaceMotion:
        """The frames from ``begin`` to before ``end``, in seconds on the clip.

        Raises:
            MotionError: no frame lies there.
        """
        tolerance = 1e-6 / self.fps
        times = self.times
        first, last = np.searchsorted(times, (begin - tolerance, end - tolerance))
        if first >= last:
            raise MotionError(f"No frame of the motion lies between {begin:g} and {end:g} seconds.")
        cut = slice(int(first), int(last))
        return dataclasses.replace(
            self, expression=self.expression[cut], jaw=self.jaw[cut], start=float(times[int(first)])
        )

    def blended(self, other: FaceMotion, weight: float) -> FaceMotion:
        """``1 - weight`` of this and ``weight`` of the other, taken at this motion's times; weight 0 to 1.

        Raises:
            MotionError: the spaces differ (retarget one first), or the weight is not between 0 and 1.
        """
        if other.space != self.space:
            raise MotionError(f"A {other.space} motion cannot be blended into a {self.space} one; retarget it first.")
        if not 0.0 <= weight <= 1.0:
            raise MotionError(f"A blend's weight lies between 0 and 1, not at {weight:g}.")
        expression, jaw = other.sampled(self.times)
        part = np.float32(weight)
        return dataclasses.replace(
            self,
            expression=self.expression + part * (expression - self.expression),
            jaw=self.jaw + part * (jaw - self.jaw),
        )

    def smoothed(self, seconds: float) -> FaceMotion:
        """Smoothed over time by a Gaussian of ``seconds`` standard deviation; 0 leaves it as it is.

        Raises:
            MotionError: ``seconds`` is negative or longer than ten.
        """
        if not 0.0 <= seconds <= 10.0:  # noqa: PLR2004
            raise MotionError(f"Smoothing takes 0 to 10 seconds, not {seconds:g}.")
        deviation = seconds * self.fps
        reach = math.ceil(4.0 * deviation)
        if reach == 0:
            return self
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
        weights /= weights.sum()
        return dataclasses.replace(
            self, expression=_convolved(self.expression, weights), jaw=_convolved(self.jaw, weights)
        )

    def scaled(
        self, *, expression: float = 1.0, mouth: float = 1.0, upper: float = 1.0, jaw: float = 1.0
    ) -> FaceMotion:
        """Strengths: 0 is rest, 1 as it is.

        Args:
            expression: all 50 expressions.
            mouth: those of the mouth (``mouth…``, ``cheekPuff``), besides; ``arkit`` only.
            upper: those of eyes, brows, cheeks and nose, besides; ``arkit`` only.
            jaw: the jaw's angle and ``jawForward``, ``jawLeft``, ``jawRight``.

        Raises:
            MotionError: mouth or upper face is asked for in ``flame``, whose components move the whole face; or a
                strength is not finite.
        """
        if not all(math.isfinite(value) for value in (expression, mouth, upper, jaw)):
            raise MotionError("A strength must be a finite number.")
        strength = np.full(CHANNELS, expression, np.float32)
        if self.space == "arkit":
            parts = {"mouth": mouth, "jaw": jaw, "upper": upper}
            strength *= np.array([parts[_region(name)] for name in ARKIT_EXPRESSIONS], np.float32)
        elif mouth != upper:
            raise MotionError(
                "FLAME's components move the whole face at once: mouth and upper face have no strengths of their own; "
                "set them alike, or retarget the motion first."
            )
        else:
            strength *= np.float32(mouth)
        return dataclasses.replace(self, expression=self.expression * strength, jaw=self.jaw * np.float32(jaw))

    def shaped(
        self,
        *,
        expression: float = 1.0,
        mouth: float = 1.0,
        upper: float = 1.0,
        jaw: float = 1.0,
        smoothing: float = 0.0,
        lead: float = 0.0,
        fps: float | None = None,
    ) -> FaceMotion:
        """All that an artist sets, in one step.

        Args:
            expression: strength of all expressions.
            mouth: strength of the mouth's.
            upper: strength of the upper face's.
            jaw: strength of the jaw.
            smoothing: seconds of standard deviation, see :meth:`smoothed`.
            lead: seconds that the face runs ahead of the sound, see :meth:`resampled`.
            fps: the rate asked for; as it is where None.

        Raises:
            MotionError: as the steps themselves.
        """
        strong = self.scaled(expression=expression, mouth=mouth, upper=upper, jaw=jaw).smoothed(smoothing)
        if fps is None and lead == 0.0:
            return strong
        return strong.resampled(self.fps if fps is None else fps, lead=lead)

    def _at(self, whole: NDArray[np.int64], part: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """Values ``part`` frames (0 to 2) after the frames ``whole``, held beyond the ends."""
        before = np.clip(whole + np.floor(part).astype(np.int64), -1, self.frames)
        weight = (part - np.floor(part)).astype(np.float32)[:, None]
        low = np.clip(before, 0, self.frames - 1)
        high = np.clip(before + 1, 0, self.frames - 1)
        return (
            self.expression[low] + weight * (self.expression[high] - self.expression[low]),
            self.jaw[low] + weight * (self.jaw[high] - self.jaw[low]),
        )


def _values(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """A motion's fields out of a file's arrays; ValueError where they make no sense."""
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"its format is {arrays['format']}, and this version reads {FORMAT}.")
    origin = json.loads(str(arrays["origin"]))
    if not isinstance(origin, dict):
        raise ValueError("its origin is no object.")  # noqa: TRY004 - what a file holds, not what a caller passed
    fields = {name: arrays[name] for name in ("expression", "jaw")}
    return {
        **fields,
        "fps": float(arrays["fps"]),
        "space": str(arrays["space"]),
        "start": float(arrays["start"]),
        "origin": origin,
    }


def _region(name: str) -> Literal["mouth", "jaw", "upper"]:
    if name.startswith("jaw"):
        return "jaw"
    return "mouth" if name.startswith("mouth") or name == "cheekPuff" else "upper"


def _frozen(values: ArrayLike) -> Floats:
    try:
        with np.errstate(over="ignore"):  # what does not fit float32 becomes infinite and is refused as such
            array = np.array(values, dtype=np.float32, order="C")
    except (TypeError, ValueError) as reason:
        raise MotionError(f"A motion holds something other than numbers ({reason}).") from reason
    array.setflags(write=False)
    return array


def _sides(array: NDArray[Any]) -> str:
    return " by ".join(map(str, array.shape)) or "one number"


def _convolved(values: Floats, weights: NDArray[np.float64]) -> Floats:
    """``values`` (T, C) convolved along time with an odd number of ``weights``, the ends held."""
    reach = len(weights) // 2
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    total = np.zeros(values.shape, np.float64)
    for offset, weight in enumerate(weights):
        total += weight * padded[offset : offset + len(values)]
    return total.astype(np.float32)

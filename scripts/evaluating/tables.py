"""Results as text for a person and as JSON for a program."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

from training.feeling_measure import Feeling
from training.other_sounds import Restlessness
from training.scoring import Tally, class_table, phone_table
from training.speed import Speed

COLUMNS = (
    *("closure", "balanced", "corr", "auc_open", "auc_round", "silence", "shut_vowel", "shut_cons", "lag_ms", "jerk"),
)
NAME_WIDTH = 40


def scores(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Named scores, one row each."""
    lines = [" " * NAME_WIDTH + " " + " ".join(f"{column:>10s}" for column in COLUMNS)]
    for name, values in rows.items():
        cells = " ".join(f"{values[column]:10.3f}" for column in COLUMNS)
        lines.append(f"{name[:NAME_WIDTH]:{NAME_WIDTH}s} {cells}")
    return "\n".join(lines)


def classes(whole: Tally) -> str:
    """What the mouth does in each class of phones."""
    lines = [f"{'class of phones':20s} {'seen':>5s} {'gap':>6s} {'called':>6s} {'shut':>6s} {'width mm':>9s}"]
    for row in class_table(whole):
        cells = f"{row.seen:5d} {row.gap:6.2f} {row.called:6.2f} {row.shut:6.2f} {row.width:+9.2f}"
        lines.append(f"{row.name:20s} {cells}")
    return "\n".join(lines)


def phones(whole: Tally) -> str:
    """What the mouth does in each phone."""
    lines = [f"{'phone':6s} {'seen':>5s} {'gap':>6s} {'called':>6s}"]
    lines += [f"{name:6s} {seen:5d} {gap:6.2f} {called:6.2f}" for name, seen, gap, called in phone_table(whole)]
    return "\n".join(lines)


def feeling(found: Feeling) -> str:
    """How the face tells agitated from calm."""
    lines = [
        f"feeling, {found.pairs} pairs    apart mm  within mm   ratio  agreeing",
        *(
            f"{name:20s} {region.millimetres:9.3f} {region.within:10.3f} {region.ratio:7.2f} {region.agreeing:9.2f}"
            for name, region in found.regions.items()
        ),
    ]
    told = {name: value for name, value in found.closure.items() if not math.isnan(value)}
    if told:
        lines.append("closure: " + ", ".join(f"{name} {value:.3f}" for name, value in told.items()))
    return "\n".join(lines)


def restlessness(rows: Iterable[Restlessness], wide: float) -> str:
    """How far the lips part without speech."""
    lines = [f"without speech (shares of a wide gap of {wide:.2f} mm)   mean   most"]
    lines += [f"{row.name[-46:]:50s} {row.mean:6.3f} {row.most:6.3f}" for row in rows]
    return "\n".join(lines)


def speed(found: Speed) -> str:
    """How fast it is."""
    busy = "" if found.load is None else f", load {found.load:.1f} a core"
    cold = "" if found.cold_processor is None else f" ({found.cold_processor:.1f} of processor)"
    return (
        f"speed: {found.times_real_time:.1f} times real time ({found.warm_processor:.2f} s of processor for 30 s), "
        f"first result of a cold worker on 5 s after {found.cold_seconds:.1f} s{cold}, "
        f"weights {found.megabytes:.1f} MB; {found.threads} threads{busy}"
    )


def measured(values: Mapping[str, float]) -> dict[str, float | None]:
    """Scores as JSON has them: what was not seen is null."""
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}


def as_json(value: Any) -> Any:
    """Dataclasses, and what holds them, as JSON values; NaN is null, numbers are rounded."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value

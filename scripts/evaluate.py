"""Score a model's lips on recordings with phone times.

    scripts/evaluate.py MODEL --speech DIR [--json FILE] [--noise DB] [--phones]

DIR holds sounds with NAME.align.json beside them ({"words": [{"phones": [{"p", "b", "d"}]}]}, ARPAbet, seconds).
A .npz shard of the corpus (scripts/make_corpus.py) in place of DIR is scored by its own phone times.
The motion comes through the worker's runtime and is measured on the bundled head. Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lsf_blender_addon.errors import LsfError
from training import evaluation, scoring

COLUMNS = (
    "closure",
    "balanced",
    "corr",
    "auc_open",
    "auc_round",
    "silence",
    "shut_vowel",
    "shut_cons",
    "lag_ms",
    "jerk",
)


def row(name: str, scores: dict[str, float]) -> str:
    """One line of the table."""
    return f"{name[:40]:40s} " + " ".join(f"{scores[column]:10.3f}" for column in COLUMNS)


def measured(scores: dict[str, float]) -> dict[str, float | None]:
    """Scores as JSON has them: what was not seen is null."""
    return {name: None if math.isnan(value) else round(value, 4) for name, value in scores.items()}


def main() -> int:
    """Do what the command line asks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a model folder")
    parser.add_argument("--speech", type=Path, required=True, help="a folder of recordings, or a shard of the corpus")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--noise", type=float, help="add white noise so many decibels below the speech")
    parser.add_argument("--phones", action="store_true", help="also a table by phone")
    arguments = parser.parse_args()
    try:
        evaluator = evaluation.Evaluator(arguments.model)
        if arguments.speech.is_dir():
            recordings = evaluation.aligned_recordings(arguments.speech)
        else:
            recordings = evaluation.synthetic_recordings(arguments.speech)
        if arguments.noise is not None:
            recordings = (evaluation.with_noise(spoken, arguments.noise) for spoken in recordings)
        tallies = evaluator.tallies(recordings)
    except LsfError as error:
        print(error, file=sys.stderr)
        return 1
    if not tallies:
        print(f"{arguments.speech} holds no recording with phone times beside it.", file=sys.stderr)
        return 1
    print(f"{'':40s} " + " ".join(f"{column:>10s}" for column in COLUMNS))
    for name, one in tallies.items():
        print(row(name, one.summary()))
    whole = evaluation.pooled(tallies)
    print(row("pooled", whole.summary()))
    if arguments.phones:
        print(f"\n{'phone':6s} {'seen':>5s} {'gap':>6s} {'called':>6s}")
        for name, seen, gap, called in scoring.phone_table(whole):
            print(f"{name:6s} {seen:5d} {gap:6.2f} {called:6.2f}")
    result = {
        "model": arguments.model.name,
        "pooled": measured(whole.summary()),
        "clips": {name: measured(one.summary()) for name, one in tallies.items()},
    }
    if arguments.json is not None:
        beside = arguments.json.with_name(arguments.json.name + ".part")
        beside.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        beside.replace(arguments.json)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())

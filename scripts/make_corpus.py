"""Speak the corpus that trains the starter: free text-to-speech engines, sound and exact phone times.

    scripts/make_corpus.py FOLDER [--hours H]

Needs the programs espeak-ng, flite and festival with the voices festvox-kallpc16k, festvox-kdlpc16k,
festvox-us-slt-hts and festvox-ru.
Work that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training import corpus
from training.recipe import STARTER


def minutes(hours: float) -> dict[str, float]:
    """Minutes of each kind of speech for so many hours in all, divided as the starter's."""
    return {kind: share * hours / STARTER.hours for kind, share in STARTER.minutes.items()}


def main() -> int:
    """Do what the command line asks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the shards go")
    parser.add_argument(
        "--hours", type=float, default=STARTER.hours, help=f"how much speech in all (default {STARTER.hours:.1f})"
    )
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    began = time.monotonic()
    corpus.make(corpus.plan(minutes(arguments.hours)), arguments.folder, arguments.processes)
    print(f"corpus: done in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

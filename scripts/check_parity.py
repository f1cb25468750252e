"""Run reference vectors through our modules and say how far apart the two are.

    python scripts/check_parity.py FOLDER [--salt N]

FOLDER holds ``.npz`` files whose names say what they are (docs/network.md, "Reference vectors"). Prints a table and,
last, one line of JSON: {"checked": n, "failed": n, "worst": "file: array"}. Exit code 1 when a file fails, when one is
of a kind that is not known, and when there is nothing to check.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lsf_blender_addon.errors import LsfError
from parity.comparing import Comparison, Difference
from parity.head_checks import check_head
from parity.motion_checks import (
    check_autoencoder,
    check_full,
    check_full_quantiser,
    check_predictor,
    check_quantiser,
    check_stage2,
)
from parity.speech_checks import check_alignment, check_emotion2vec, check_front_end, check_hubert

Check = Callable[[Comparison, re.Match[str]], None]

KINDS: tuple[tuple[str, Check, str], ...] = (
    (r"audio_frontend\w*", check_front_end, "minmax"),
    (r"(?P<size>e2v_small|e2v_small6|e2v_base_full)_N(?P<samples>\d+)", check_emotion2vec, "features"),
    (r"hubert_base_full_N(?P<samples>\d+)", check_hubert, "features"),
    (r"resample_train\w*", check_alignment, "c0_out_motion"),
    (r"predictor_small_T(?P<frames>\d+)_B(?P<batch>\d+)", check_predictor, "out"),
    (r"vq_small_T(?P<frames>\d+)", check_quantiser, "indices"),
    (r"vq_full_soft_T(?P<frames>\d+)", check_full_quantiser, "indices"),
    (r"(?P<size>motion_ae_small|full_motion_ae)_T(?P<frames>\d+)", check_autoencoder, "decoded"),
    (r"stage2_small_n(?P<frames>\d+)(?:_gt(?P<kept>\d+))?", check_stage2, "motion"),
    (r"full_predictor_vqdec_T(?P<frames>\d+)", check_full, "motion"),
    (r"flame_synthetic\w*", check_head, "vertices"),
)
"""How a kind of file is named, what checks it, and the array that it is about and must have."""

LATER = (r"losses\w*", r"metrics\w*", r"\w*vae\w*")
"""Training's losses, evaluation's metrics and the variational prior are not built yet."""

NOT_VECTORS = {".md", ".py", ".txt"}


@dataclass(frozen=True)
class Verdict:
    """What became of one file."""

    name: str
    verdict: str
    worst: Difference | None = None
    reason: str = ""


def judge(path: Path, salt: int) -> Verdict:
    """Check one file."""
    name = path.name
    if path.suffix == ".npz":
        for pattern, check, needed in KINDS:
            if match := re.fullmatch(pattern, path.stem):
                return _checked(path, salt, check, match, needed)
        if any(re.fullmatch(pattern, path.stem) for pattern in LATER):
            return Verdict(name, "later", reason="what it belongs to is not built yet")
    return Verdict(name, "FAILED", reason="not of a known kind")


def _checked(path: Path, salt: int, check: Check, match: re.Match[str], needed: str) -> Verdict:
    try:
        with np.load(path, allow_pickle=False) as file:
            comparison = Comparison({key: file[key] for key in file.files}, salt)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return Verdict(path.name, "FAILED", reason=f"cannot be read: {error}")
    try:
        with torch.inference_mode():
            check(comparison, match)
    except (KeyError, RuntimeError, ValueError, IndexError, LsfError) as error:
        return Verdict(path.name, "FAILED", reason=f"does not hold together: {error!r}")
    comparison.finish(needed)
    worst = max(comparison.differences, key=lambda difference: difference.share)
    return Verdict(path.name, "ok" if worst.share <= 1 else "FAILED", worst)


def table(verdicts: list[Verdict]) -> str:
    """One line a file: its name, the difference that uses most of its tolerance, the tolerance, the verdict."""
    lines = [("file", "worst difference", "tolerance", "verdict", "where")]
    for verdict in verdicts:
        worst = verdict.worst
        figures = (f"{worst.worst:.2g}", f"{worst.tolerance:.0e}") if worst else ("", "")
        lines.append((verdict.name, *figures, verdict.verdict, worst.array if worst else verdict.reason))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)


def summary(verdicts: list[Verdict]) -> dict[str, object]:
    """What the last line says: files that could be checked, files that failed, and the one nearest to failing."""
    checked = [verdict for verdict in verdicts if verdict.verdict != "later"]
    failed = [verdict for verdict in checked if verdict.verdict == "FAILED"]
    order = sorted(checked, key=lambda verdict: verdict.worst.share if verdict.worst else float("inf"))
    worst = order[-1] if order else None
    where = f"{worst.name}: {worst.worst.array if worst.worst else worst.reason}" if worst else ""
    return {"checked": len(checked), "failed": len(failed), "worst": where}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Run reference vectors through our modules.")
    parser.add_argument("folder", type=Path, help="holds the vectors, .npz files")
    parser.add_argument("--salt", type=lambda text: int(text, 0), default=0, help="of the parameters' formula (0)")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"{options.folder} is not a folder.", file=sys.stderr)
        return 1
    files = [
        path
        for path in sorted(options.folder.iterdir())
        if path.is_file() and path.suffix not in NOT_VECTORS and not path.name.startswith(".")
    ]
    verdicts = []
    for number, path in enumerate(files, 1):
        if sys.stderr.isatty():
            print(f"\r{number}/{len(files)} {path.name:<40}", end="", file=sys.stderr, flush=True)
        verdicts.append(judge(path, options.salt))
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    result = summary(verdicts)
    print(table(verdicts))
    print(json.dumps(result))
    return 1 if result["failed"] or not result["checked"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure: recording to motion at the published size and with the starter, and keyframes into Blender.

    python scripts/benchmark.py [--only full:60,starter:600,bake,precision,batch:200] [--device cpu]
                                [--precision float32] [--threads 2]

Every figure is made in a process of its own, with the model loaded before (loading is reported apart), as the median
of three runs. The published size has made-up weights: what is measured does not depend on them, except for the cost of
bfloat16, which trained weights will change. Prints a table and, last, one line of JSON. Exit code 1 when a figure
could not be made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LENGTHS = (10, 30, 60, 600)
ALL = [f"{model}:{seconds}" for model in ("full", "starter") for seconds in LENGTHS] + [
    "precision",
    "bake",
    "batch:200",
]
SUBJECTS = ("full", "starter")


def figure(name: str, folder: str, options: argparse.Namespace) -> dict[str, Any]:
    """Make one figure, in this process."""
    kind, _, seconds = name.partition(":")
    if kind == "bake":
        from benchmarking import bake_figure  # noqa: PLC0415 - a process imports bpy or torch, never both

        return bake_figure.measure()
    if kind == "batch":
        from benchmarking import batch_figure  # noqa: PLC0415

        figures = {"+".join(kinds): batch_figure.measure(int(seconds), kinds) for kinds in (("npz",), ("npz", "glb"))}
        return {"seconds": None, "figures": figures}
    from benchmarking import speech_figures, subjects  # noqa: PLC0415

    with speech_figures.threads(options.threads):
        if kind == "write":
            subjects.write_published(Path(folder))
            return {}
        if kind == "precision":
            return speech_figures.precision_cost(Path(folder), options.device)
        return speech_figures.measure(Path(folder), float(seconds), options.device, options.precision)


def in_own_process(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Make one figure in a new process; ``{"failed": why}`` where it could not be made."""
    command = [sys.executable, __file__, "--figure", name, "--folder", str(folder), "--device", options.device]
    command += ["--precision", options.precision]
    if options.threads:
        command += ["--threads", str(options.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return {"failed": last[0]}
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def wanted(text: str) -> list[str]:
    """The figures that ``--only`` names."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        kind, colon, seconds = name.partition(":")
        timed = kind in (*SUBJECTS, "batch") and colon and seconds.replace(".", "", 1).isdigit() and float(seconds) >= 1
        if not timed and name not in {"bake", "precision"}:
            raise argparse.ArgumentTypeError(
                f"{name!r} is not one of full:SECONDS, starter:SECONDS, batch:LINES, precision, bake"
            )
    return names


def line(name: str, result: dict[str, Any]) -> str:
    """One line of the table."""
    if "failed" in result:
        return f"{name:<14} failed: {result['failed']}"
    if "figures" in result:
        rows = (
            f"{name:<14} " + "  ".join(f"{key} {value}" for key, value in one.items())
            for one in result["figures"].values()
        )
        return "\n".join(rows)
    if "stages" in result:
        stages = "  ".join(f"{stage} {seconds:.2f}" for stage, seconds in result["stages"].items())
        times = float(name.partition(":")[2]) / result["seconds"]
        memory = "" if result["peak_mb"] is None else f"{result['peak_mb']:.0f} MB"
        return f"{name:<14} {result['seconds']:>8.2f} s {times:>7.1f} x real time {memory:>9}  {stages}"
    return f"{name:<14} " + "  ".join(f"{key} {value}" for key, value in result.items())


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure speed and memory; each figure in a process of its own.")
    parser.add_argument("--only", type=wanted, default=ALL, help="such as full:60,starter:600,batch:200,precision,bake")
    parser.add_argument("--device", default="cpu", help="auto, cuda, mps, xpu or cpu (cpu)")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        default="auto",
        help="that the speech encoders compute in (auto: the fastest that the device is good at)",
    )
    parser.add_argument("--threads", type=int, help="threads that torch computes with (its own number)")
    parser.add_argument("--figure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.figure:
        print(json.dumps(figure(options.figure, options.folder, options)))
        return 0
    results: dict[str, Any] = {}
    failed = False
    with tempfile.TemporaryDirectory(prefix="lsf-benchmark-") as temporary:
        published = Path(temporary) / "published"
        if any(name.startswith("full:") or name == "precision" for name in options.only):
            print("making a model of the published size …", file=sys.stderr, flush=True)
            failed |= "failed" in in_own_process("write", published, options)
        for name in options.only:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            kind, _, seconds = name.partition(":")
            starter = Path(__file__).resolve().parents[1] / "vendor_models" / "starter"
            result = in_own_process(name, starter if kind == "starter" else published, options)
            failed |= "failed" in result
            print(line(name, result), flush=True)
            if seconds:
                results.setdefault(kind, {})[seconds] = result
            else:
                results[kind] = result
    print(json.dumps(results))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

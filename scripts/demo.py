#!/usr/bin/env python3
"""Set up .venv, then turn a recording into a talking head.

    python3 scripts/demo.py               speaks samples/hello.wav
    python3 scripts/demo.py speech.wav    speaks your own recording

Writes out/NAME.npz (the motion), out/NAME.blend, out/NAME.glb and out/NAME.mp4, and says where they are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from environment import REPOSITORY, SetupError, prepare, project_environment

SAMPLE = REPOSITORY / "samples" / "hello.wav"


def main() -> int:
    """Set up, animate, report; 0 only when every file was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", nargs="?", type=Path, default=SAMPLE, help="a sound file (default: the sample)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "out", help="where the results go (default: out/)")
    arguments = parser.parse_args()
    if not arguments.speech.is_file():
        print(f"There is no file {arguments.speech}.", file=sys.stderr)
        return 1
    try:
        python = prepare(project_environment())
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    command = [
        python,
        "-m",
        "lsf_blender_addon.cli",
        "animate",
        arguments.speech.resolve(),
        "-o",
        arguments.out.resolve(),
    ]
    return subprocess.run([str(part) for part in command], check=False, cwd=REPOSITORY).returncode


if __name__ == "__main__":
    raise SystemExit(main())

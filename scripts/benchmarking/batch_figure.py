"""Many lines of five seconds, as ``lsf animate`` makes them on a farm: time, work and memory a line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarking.subjects import REPOSITORY, SAMPLE, SAMPLE_RATE

SECONDS = 5
EARLY = 20
"""The line at which memory is compared with the last."""

POLL = 0.2
PROC = Path("/proc")


def measure(lines: int, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Make ``lines`` lines with the starter; the first, which starts everything, is reported apart.

    ``seconds`` is the wall's time a line and depends on what else the machine does; ``work`` is the processors' time a
    line, of all processes together, and hardly does. Memory is that of all processes together, at its most up to line
    20 and up to the last; None where the system does not tell.
    """
    with tempfile.TemporaryDirectory(prefix="lsf-batch-") as temporary:
        folder = Path(temporary)
        _write_lines(folder / "voices", lines)
        command = [sys.executable, "-m", "lsf_blender_addon.cli", "animate", folder / "voices", "-o", folder / "out"]
        command += [f"--{kind}" for kind in kinds]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        begun = time.monotonic()
        with subprocess.Popen(list(map(str, command)), env=environment, stderr=subprocess.DEVNULL) as process:
            watched = _watched(process, folder / "out" / "results.jsonl", lines)
        records = [json.loads(line) for line in (folder / "out" / "results.jsonl").read_text().splitlines()]
        whole = time.monotonic() - begun
    later = [record["seconds"] for record in records[1:] if record["status"] == "made"]
    work = (watched["work"][-1] - watched["work"][0]) / max(lines - 1, 1) if watched["work"] else None
    return {
        "lines": len(records),
        "kinds": "+".join(kinds),
        "seconds": round(float(np.median(later)), 3),
        "work": None if work is None else round(work, 3),
        "first": round(records[0]["seconds"], 2),
        "whole": round(whole, 1),
        "peak_mb_at_20": watched["early"],
        "peak_mb": watched["most"],
        "load": round(os.getloadavg()[0], 1),
    }


def _write_lines(folder: Path, lines: int) -> None:
    """Recordings of five seconds, each another stretch of the recordings at hand said over and over."""
    import soundfile  # noqa: PLC0415

    from lsf_blender_addon.audio import read_clip  # noqa: PLC0415

    shared = Path(os.environ.get("LSF_SHARED", REPOSITORY.parent / "shared")) / "wav"
    voices = sorted(shared.glob("*.wav")) or [SAMPLE]
    said = np.concatenate([read_clip(path).samples for path in voices])
    length = SECONDS * SAMPLE_RATE
    said = np.resize(said, max(len(said), 2 * length))
    folder.mkdir()
    for number in range(lines):
        begin = (number * 37_717) % (len(said) - length)
        soundfile.write(folder / f"line_{number:04d}.wav", said[begin : begin + length], SAMPLE_RATE)


def _watched(process: subprocess.Popen[bytes], results: Path, lines: int) -> dict[str, Any]:
    """Memory and work of a process and all that it started, until it ends."""
    early = most = 0.0
    work: list[float] = []
    while process.poll() is None:
        done = results.read_bytes().count(b"\n") if results.exists() else 0
        family = list(_family(process.pid))
        now = sum(memory for memory, _ in family)
        if done:
            spent = sum(seconds for _, seconds in family)
            work = [work[0] if work else spent, max(spent, work[-1] if work else 0.0)]
        most = max(most, now)
        if done <= min(EARLY, lines):
            early = most
        time.sleep(POLL)
    return {"work": work, "early": round(early) or None, "most": round(most) or None}


def _family(pid: int) -> Iterator[tuple[float, float]]:
    """(megabytes, seconds of a processor) of a process and of all below it; nothing where there is no /proc."""
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    parents: dict[int, list[int]] = {}
    told: dict[int, tuple[float, float]] = {}
    for entry in PROC.glob("[0-9]*") if PROC.is_dir() else ():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
        told[int(entry.name)] = int(fields[21]) * page / 1e6, (int(fields[11]) + int(fields[12])) / tick
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        if one in told:
            yield told[one]
        waiting += parents.get(one, [])

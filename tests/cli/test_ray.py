"""``lsf animate --engine ray``: a list on a cluster of two machines, one of which dies in the middle."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lsf_blender_addon.cli import main

LINES = 10
BEFORE = 3
"""Lines that are made before the machine dies."""


def run(*words: str | Path) -> int:
    return main(["animate", *map(str, words)])


def voices(folder: Path, count: int = LINES) -> Path:
    folder.mkdir()
    for number in range(count):
        sound = np.random.default_rng(number).normal(0, 0.1, 16_000)
        soundfile.write(folder / f"{number}.wav", sound, 16_000)
    return folder


def records(folder: Path) -> list[dict[str, Any]]:
    path = folder / "results.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def ports() -> dict[str, int]:
    """Free ports for a node's agents: a node that has to ask them for theirs gives up on a slow machine."""
    names = ("metrics_agent_port", "runtime_env_agent_port", "dashboard_agent_listen_port", "metrics_export_port")
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in names]
        for one in taken:
            one.bind(("", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, taken, strict=True)}


def test_without_ray_the_sentence_says_what_to_install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if importlib.util.find_spec("ray") is not None:
        pytest.skip("Ray is installed here")
    assert run(voices(tmp_path / "voices", 1), "-o", tmp_path / "out", "--npz", "--engine", "ray") == 1
    assert "pip install 'ray'" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.npz"))


def test_one_recording_needs_no_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = voices(tmp_path / "voices", 1) / "0.wav"
    assert run(sound, "-o", tmp_path / "out", "--npz", "--engine", "ray") == 1
    assert "--engine goes with a folder or a list" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_machine_that_dies_in_the_middle_costs_no_line(
    light_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="needs Ray (the extra 'ray')")
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    folder = voices(tmp_path / "voices")
    (folder / "bad.wav").write_text("words, no sound")
    words = ("--model", light_model, "--device", "cpu", "--npz", "--csv")
    words += ("--glb",) if importlib.util.find_spec("bpy") is not None else ()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, **ports()})
    out = tmp_path / "out"
    left: list[int] = []

    over = threading.Event()

    def kill() -> None:
        while sum(record["status"] == "made" for record in records(out)) < BEFORE and not over.is_set():
            time.sleep(0.05)
        left.append(LINES + 1 - len(records(out)))
        cluster.remove_node(doomed, allow_graceful=False)

    try:
        doomed = cluster.add_node(num_cpus=1, **ports())
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        killer = threading.Thread(target=kill)
        killer.start()
        status = run(folder, "-o", out, *words, "--engine", "ray")
        over.set()
        killer.join()
    finally:
        cluster.shutdown()
    assert status == 1  # for the one that is no sound
    assert 2 <= left[0] <= LINES
    told = {record["name"]: record for record in records(out)}
    assert told.pop("bad")["kind"] == "audio"
    assert [told[str(number)]["status"] for number in range(LINES)] == ["made"] * LINES
    assert not list(out.glob(".*"))
    # what a cluster makes, disturbed or not, is what one machine makes
    assert run(folder / "3.wav", "-o", tmp_path / "alone", *words) == 0
    for path in (tmp_path / "alone").iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes(), path.name

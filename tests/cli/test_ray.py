"""``lsf animate --engine ray``: a list on a cluster of two machines, one of which dies in the middle."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lsf_blender_addon.cli import main
from lsf_blender_addon.commands.ray_engine import AGAIN, AHEAD, Network, RayCrew

LINES = 6


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


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that the lines wrote, and whatever was left half-written."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "results.jsonl"}


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


@contextlib.contextmanager
def cluster_of_two(monkeypatch: pytest.MonkeyPatch, **second: int) -> Iterator[tuple[Any, Any]]:
    """A cluster and its second machine; the first has a processor and no GPU, the second a processor and what is said.

    Ray believes what it is told of GPUs, so that where a network goes is the same as on machines that have some.
    """
    pytest.importorskip("ray", reason="needs Ray (the extra 'ray')")
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    first = {"num_cpus": 1, "num_gpus": 0, "include_dashboard": False, **ports()}
    cluster = Cluster(initialize_head=True, head_node_args=first)
    try:
        machine = cluster.add_node(**{"num_cpus": 1, "num_gpus": 0, **second}, **ports())
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster, machine
    finally:
        cluster.shutdown()


def processes_of(machine: Any) -> dict[int, str]:
    """The processes that work on a machine of a cluster, and what they say that they are at."""
    (raylet,) = machine.all_processes["raylet"]
    found = {}
    for path in Path(f"/proc/{raylet.process.pid}/task").glob("*/children"):
        for pid in path.read_text().split():
            with contextlib.suppress(OSError):  # it ended meanwhile
                found[int(pid)] = Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]
    return found


def kill_at(machine: Any, task: str, over: threading.Event) -> bool:
    """Kill a machine, all its processes at once, in the middle of a task: one that is held still, and still at it."""
    while not over.is_set():
        time.sleep(0.001)
        for pid in [pid for pid, at in processes_of(machine).items() if at == f"ray::{task}"]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
            if processes_of(machine).get(pid) != f"ray::{task}":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                continue
            (raylet,) = machine.all_processes["raylet"]
            for one in (raylet.process.pid, *processes_of(machine)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            return True
    return False


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="what a process is at is read from Linux's /proc")
@pytest.mark.parametrize(("task", "gpus"), [("write_files", 0), ("Network.speak", 1)])
def test_a_machine_that_dies_in_the_middle_of_a_line_costs_no_line(
    task: str, gpus: int, light_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies while Blender writes a line there; or while the network speaks there, on the only GPU of the cluster."""
    folder = voices(tmp_path / "voices")
    (folder / "bad.wav").write_text("words, no sound")
    words = ("--model", light_model, "--device", "cpu", "--npz", "--csv")
    words += ("--glb",) if importlib.util.find_spec("bpy") is not None else ()
    out, calm = tmp_path / "out", tmp_path / "calm"
    over = threading.Event()
    with cluster_of_two(monkeypatch, num_gpus=gpus) as (cluster, doomed), ThreadPoolExecutor() as beside:
        killed = beside.submit(kill_at, doomed, task, over)
        try:
            status = run(folder, "-o", out, *words, "--engine", "ray")
        finally:
            over.set()
        assert killed.result()
        cluster.remove_node(doomed, allow_graceful=False)
    assert status == 1  # for the one that is no sound
    told = {record["name"]: record for record in records(out)}
    assert told.pop("bad")["kind"] == "audio"
    assert {name: record["status"] for name, record in told.items()} == dict.fromkeys(map(str, range(LINES)), "made")
    # what was begun again is said of the lines that were under way there, one or the next, and of no others
    again = [note for record in told.values() for note in record.get("notes", ()) if note.startswith(AGAIN)]
    assert 1 <= len(again) <= AHEAD + 1
    # what a cluster makes, disturbed, is what one machine makes, undisturbed
    assert run(folder, "-o", calm, *words) == 1
    assert contents(out) == contents(calm)
    assert len(contents(calm)) == LINES * (len(words) - 4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_networks_are_on_the_gpus_of_a_cluster_or_one_on_each_machine_where_there_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for gpus, wanted in ((2, [["0"], ["1"]]), (0, [[""], [""]])):
        with cluster_of_two(monkeypatch, num_gpus=gpus) as (_, second):
            import ray  # noqa: PLC0415

            ray.init(log_to_driver=False)
            try:
                crew = RayCrew(argparse.ArgumentParser(), print, print)
                crew._waiting.extend(deque() for _ in range(5))
                crew._hire()
                ray.get(list(crew._starting), timeout=120)
                seen = [
                    ray.get(actor.handle.__ray_call__.remote(seat), timeout=60) for actor in crew._starting.values()
                ]
            finally:
                ray.shutdown()
        machines = {machine for machine, _ in seen}
        assert sorted(cards for _, cards in seen) == wanted, seen
        assert len(machines) == (1 if gpus else 2), seen
        assert not gpus or machines == {second.node_id}, (seen, second.node_id)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_network_that_waits_for_a_gpu_that_is_gone_starts_on_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster_of_two(monkeypatch, num_gpus=1) as (cluster, doomed):
        import ray  # noqa: PLC0415

        ray.init(log_to_driver=False)
        try:
            taken = ray.remote(Network).options(num_gpus=1, num_cpus=0).remote()
            ray.get(taken.ready.remote(), timeout=120)
            crew = RayCrew(argparse.ArgumentParser(), print, print)
            crew._waiting.append(deque())
            crew._hire()
            (waits,) = crew._starting
            assert not ray.wait([waits], timeout=1)[0]
            cluster.remove_node(doomed, allow_graceful=False)
            while ray.cluster_resources().get("GPU"):
                time.sleep(0.1)
            crew._hire()
            (starts,) = crew._starting
            assert ray.get(starts, timeout=60)
        finally:
            ray.shutdown()


def seat(_: object) -> tuple[str, list[str]]:
    """Where an actor is: its machine, and the cards that a process that it starts can see."""
    import ray  # noqa: PLC0415

    command = [sys.executable, "-c", "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES', ''))"]
    cards = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return ray.get_runtime_context().get_node_id(), cards.split(",")

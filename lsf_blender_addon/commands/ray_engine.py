"""``lsf animate --engine ray``: the lines of a list, spread over the machines of a Ray cluster.

Networks are actors that stay warm, one for each GPU, or for each machine where there is none; Blender's part is a task
that takes one processor, wherever one is free. Recordings, heads and results lie on storage that all machines see, and
every machine has this package in its Python. What is lost when a machine dies is made again by another.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any

from ..batch.lines import Line, by_recording
from ..batch.results import Result, sweep
from ..errors import LsfError, WorkerError
from ..motion import FaceMotion
from .listing import understood
from .making import IN_BLENDER, Workshop

TRIES = 4
"""How often a line is begun before its failure is its own."""

AGAIN = "Begun again, because a process or a machine died. Ray says:"
LONGEST_REASON = 240
"""Letters of what Ray says: enough for the machine's address."""

SOME_MEMORY = 1 << 20
"""Bytes that a network is said to take: what takes nothing at all, Ray puts anywhere, wherever it is sent."""

POLL_SECONDS = 0.5
AHEAD = 2
"""Lines for each processor that have been spoken and wait for Blender: what bounds the memory that they take."""

FAILED = "failed"
Message = dict[str, Any]


class Network:
    """What an actor does: it keeps a network warm, and lets it speak."""

    def __init__(self) -> None:
        self.workshop = Workshop()

    def ready(self) -> bool:
        """Answer once the actor stands."""
        return True

    def speak(self, words: dict[str, Any]) -> tuple[Message, list[FaceMotion]]:
        """The takes of one line; the message is empty, or says why there are none."""
        takes: list[FaceMotion] = []

        def made() -> Message:
            takes.extend(self.workshop.takes(argparse.Namespace(**words), _unheard, _unheard))
            return {}

        return _told(made), takes


def write_files(words: dict[str, Any], takes: list[FaceMotion]) -> Message:
    """The files of one line, whose takes are there."""
    return _told(lambda: Workshop().files(argparse.Namespace(**words), takes, _unheard).as_message())


def _unheard(*_: object) -> None:
    """Tell nobody: the driver asks what has ended."""


def _told(make: Callable[[], Message]) -> Message:
    try:
        return make()
    except LsfError as error:
        return {FAILED: str(error), "kind": error.kind}
    except Exception as error:  # noqa: BLE001 - a defect in one line must not end the others
        return {FAILED: f"This is a defect of the add-on: {error!r}", "kind": "defect"}


@dataclass(eq=False)
class _Work:
    """A line under way."""

    line: Line
    words: dict[str, Any]
    begun: float = 0.0
    lost: list[str] = field(default_factory=list)


@dataclass(eq=False)
class _Actor:
    """A network; ``lines`` are what it has still to speak of one recording, ``machine`` where it was sent, if any."""

    handle: Any
    machine: str
    on_gpu: bool
    lines: deque[_Work] = field(default_factory=deque)


class RayCrew:
    """Makes lines on a Ray cluster: the one that RAY_ADDRESS names, or one that is started on this machine.

    Args:
        parser: of ``lsf animate``: what understands a line's words.
        on_result: told what came of each line, in the order in which they end.
        on_progress: told now and then how far the lines at hand are: number → share.
    """

    def __init__(
        self,
        parser: argparse.ArgumentParser,
        on_result: Callable[[Result], None],
        on_progress: Callable[[dict[int, float]], None],
    ) -> None:
        self.parser = parser
        self.on_result = on_result
        self.on_progress = on_progress
        self._ray = _ray()
        self._affinity = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        self._waiting: deque[deque[_Work]] = deque()
        self._actors: list[_Actor] = []
        self._starting: dict[Any, _Actor] = {}
        self._speaking: dict[Any, tuple[_Actor, _Work, Any]] = {}
        self._writing: dict[Any, _Work] = {}
        self._stillborn = 0

    def make(self, lines: list[Line]) -> None:
        """Make lines; those of one recording by one network, one after the other.

        Raises:
            LsfError: there is no cluster, or no network can be started on it.
        """
        for group in by_recording(lines):
            self._waiting.append(deque(_Work(line, self._words(line)) for line in group))
        try:
            # the package is found where it lies here too, for machines that have it in the same place
            root = str(Path(__file__).resolve().parents[2])
            self._ray.init(log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": root}})
        except (ConnectionError, OSError, RuntimeError, ValueError) as reason:
            raise LsfError(f"There is no Ray cluster to be reached ({reason}).") from reason
        try:
            while self._waiting or self._speaking or self._writing or any(actor.lines for actor in self._actors):
                self._hire()
                self._give()
                self._hear()
        finally:
            self._ray.shutdown()
            sweep(lines)

    def _words(self, line: Line) -> dict[str, Any]:
        arguments = understood(self.parser, list(line.words))
        words = {name: value for name, value in vars(arguments).items() if name not in {"run", "parser"}}
        return {**words, "audio": arguments.source}

    def _hire(self) -> None:
        """Start as many networks as the cluster has room for now, those that died before among them."""
        gpus = int(self._ray.cluster_resources().get("GPU", 0))
        if not gpus:
            self._give_up_gpus()
        present = [*self._actors, *self._starting.values()]
        machines = [node["NodeID"] for node in self._ray.nodes() if node["Alive"]]
        wanted = max(1, min(gpus or len(machines), len(self._waiting) + len(present)))
        free = iter([machine for machine in machines if machine not in {actor.machine for actor in present}])
        kind = self._ray.remote(Network)
        for _ in range(wanted - len(present)):
            # a network on a processor takes no place from Blender's tasks, or the last machine would be blocked by it
            where: dict[str, Any] = {"num_gpus": 1 if gpus else 0, "num_cpus": 0, "memory": SOME_MEMORY}
            machine = "" if gpus else next(free, "")
            if machine:
                where["scheduling_strategy"] = self._affinity(machine, soft=True)
            handle = kind.options(**where).remote()
            self._starting[handle.ready.remote()] = _Actor(handle, machine, on_gpu=bool(gpus))

    def _give_up_gpus(self) -> None:
        """Start no network that waits for a GPU: the last one left with its machine, and Ray would wait for another."""
        for reference in [reference for reference, actor in self._starting.items() if actor.on_gpu]:
            self._ray.kill(self._starting.pop(reference).handle)

    def _give(self) -> None:
        """Let idle networks speak, as long as Blender keeps up."""
        room = AHEAD * max(1, int(self._ray.cluster_resources().get("CPU", 1))) - len(self._writing)
        busy = {actor for actor, _, _ in self._speaking.values()}
        for actor in self._actors:
            if actor in busy or len(self._speaking) >= max(1, room):
                continue
            if not actor.lines and self._waiting:
                actor.lines = self._waiting.popleft()
            if actor.lines:
                work = actor.lines.popleft()
                work.begun = work.begun or time.monotonic()
                message, takes = actor.handle.speak.options(num_returns=2).remote(work.words)
                self._speaking[message] = actor, work, takes

    def _hear(self) -> None:
        """Take up what has ended."""
        under_way = [*self._starting, *self._speaking, *self._writing]
        ended, _ = self._ray.wait(under_way, num_returns=1, timeout=POLL_SECONDS)
        for reference in ended:
            try:
                message = self._ray.get(reference)
            except self._ray.exceptions.RayError as reason:
                self._lost(reference, reason)
                continue
            if reference in self._starting:
                self._actors.append(self._starting.pop(reference))
                self._stillborn = 0
            elif reference in self._speaking:
                _, work, takes = self._speaking.pop(reference)
                if message:
                    self._ended(work, message)
                else:
                    task = self._ray.remote(write_files).options(num_cpus=1, max_retries=0)
                    self._writing[task.remote(work.words, takes)] = work
            else:
                self._ended(self._writing.pop(reference), message)
        shares = dict.fromkeys((work.line.number for work in self._writing.values()), 1.0 - IN_BLENDER)
        self.on_progress(shares)

    def _lost(self, reference: Any, reason: Exception) -> None:
        """A machine or a process died: what it was at is begun again elsewhere, its network is given up."""
        said = shorten(str(reason).strip().splitlines()[0], LONGEST_REASON, placeholder=" …")
        if reference in self._starting:
            self._starting.pop(reference)
            self._stillborn += 1
            if self._stillborn >= TRIES and not self._actors:
                raise WorkerError(f"No network can be started on the cluster. Ray says: {said}")
            return
        if reference in self._speaking:
            actor, work, _ = self._speaking.pop(reference)
            self._ray.kill(actor.handle)
            self._actors.remove(actor)
            if actor.lines:
                self._waiting.appendleft(actor.lines)
        else:
            work = self._writing.pop(reference)
        work.lost.append(said)
        if len(work.lost) < TRIES:
            self._waiting.appendleft(deque([work]))
        else:
            self._ended(work, {FAILED: f"Its process ended {TRIES} times. Ray says: {said}", "kind": "crash"})

    def _ended(self, work: _Work, message: Message) -> None:
        seconds = time.monotonic() - work.begun
        if FAILED in message:
            self.on_result(Result(work.line, seconds, kind=message["kind"], reason=message[FAILED]))
            return
        files = tuple(Path(name) for name in message["files"])
        unseen = next((path for path in files if not path.is_file()), None)
        if unseen is not None:
            reason = f"{unseen} was written where this machine cannot see it: a cluster needs storage that all share."
            self.on_result(Result(work.line, seconds, kind=LsfError.kind, reason=reason))
        else:
            again = (f"{AGAIN} {said}" for said in work.lost)
            self.on_result(Result(work.line, seconds, files, message["facts"], (*message["notes"], *again)))


def _ray() -> Any:
    try:
        import ray  # noqa: PLC0415 - it is there only where it is wanted
        import ray.util.scheduling_strategies  # noqa: PLC0415
    except ImportError as reason:
        raise LsfError(
            "--engine ray needs Ray in this Python and on all machines of the cluster: pip install 'ray' (the extra "
            "'ray' of this package)."
        ) from reason
    return ray

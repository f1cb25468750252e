"""How fast a model is for its user: warm, against real time, and from nothing to the first motion."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lsf_blender_addon.audio import SpeechClip
from lsf_blender_addon.models.card import WEIGHTS_NAME
from lsf_blender_addon.worker.client import Worker
from lsf_blender_addon.worker.protocol import PredictRequest
from lsf_blender_addon.worker.runtime import Runtime

from .evaluation import RATE

WARM_SECONDS, COLD_SECONDS, RUNS = 30.0, 5.0, 3


@dataclass(frozen=True)
class Speed:
    """One model's speed on this machine.

    Attributes:
        times_real_time: seconds of sound made in one second, warm, the median of three runs.
        cold_seconds: from starting a worker process to its motion of a five-second clip.
        warm_processor, cold_processor: processor seconds that a warm run on 30 s of sound, and the cold worker, took:
            what remains true on a busy machine. None where the system does not say.
        megabytes: of the weights.
        threads: that torch uses.
        load: processes that wanted a core, on average over the last minute, divided by the cores; None where unknown.
    """

    times_real_time: float
    cold_seconds: float
    warm_processor: float
    cold_processor: float | None
    megabytes: float
    threads: int
    load: float | None


def measure(model: Path, speech: SpeechClip) -> Speed:
    """Time a model on ``speech``, repeated or cut to length; loading counts only in ``cold_seconds``."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else None
    children, began = _of_children(), time.perf_counter()
    with Worker() as worker:
        worker.predict(PredictRequest(of_length(speech, COLD_SECONDS), model, device="cpu"))
        cold = time.perf_counter() - began
    after = _of_children()
    runtime, clip = Runtime(), of_length(speech, WARM_SECONDS)
    runtime.predict(PredictRequest(clip, model, device="cpu"), _quiet)
    runs, processor = [], []
    for number in range(RUNS):
        # Another recording each time: the runtime remembers what it heard in the last.
        other = SpeechClip(np.roll(clip.samples, (number + 1) * RATE), clip.source)
        began, worked = time.perf_counter(), time.process_time()
        runtime.predict(PredictRequest(other, model, device="cpu"), _quiet)
        runs.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    return Speed(
        times_real_time=WARM_SECONDS / statistics.median(runs),
        cold_seconds=cold,
        warm_processor=statistics.median(processor),
        cold_processor=None if after is None or children is None else after - children,
        megabytes=(model / WEIGHTS_NAME).stat().st_size / 1e6,
        threads=torch.get_num_threads(),
        load=load,
    )


def _of_children() -> float | None:
    """Processor seconds of all ended child processes."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_length(clip: SpeechClip, seconds: float) -> SpeechClip:
    """The recording repeated or cut to so many seconds."""
    return SpeechClip(np.resize(clip.samples, int(seconds * RATE)), clip.source)


def _quiet(_stage: str, _share: float, _note: str) -> None:
    pass

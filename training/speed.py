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
        megabytes: of the weights.
        threads: that torch uses.
        load: processes that wanted a core, on average over the last minute, divided by the cores; None where unknown.
    """

    times_real_time: float
    cold_seconds: float
    megabytes: float
    threads: int
    load: float | None


def measure(model: Path, speech: SpeechClip) -> Speed:
    """Time a model on ``speech``, repeated or cut to length; loading counts only in ``cold_seconds``."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else None
    began = time.perf_counter()
    with Worker() as worker:
        worker.predict(PredictRequest(of_length(speech, COLD_SECONDS), model, device="cpu"))
    cold = time.perf_counter() - began
    runtime, request = Runtime(), PredictRequest(of_length(speech, WARM_SECONDS), model, device="cpu")
    runtime.predict(request, _quiet)
    runs = []
    for _ in range(RUNS):
        began = time.perf_counter()
        runtime.predict(request, _quiet)
        runs.append(time.perf_counter() - began)
    size = (model / WEIGHTS_NAME).stat().st_size / 1e6
    return Speed(WARM_SECONDS / statistics.median(runs), cold, size, torch.get_num_threads(), load)


def of_length(clip: SpeechClip, seconds: float) -> SpeechClip:
    """The recording repeated or cut to so many seconds."""
    return SpeechClip(np.resize(clip.samples, int(seconds * RATE)), clip.source)


def _quiet(_stage: str, _share: float, _note: str) -> None:
    pass

"""Recording to motion: seconds, seconds of each stage, peak memory; and what bfloat16 costs."""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarking.subjects import SAMPLE_RATE, speech
from lsf_blender_addon.head.flame import read_head
from lsf_blender_addon.head.landmarks import mouth_track
from lsf_blender_addon.models.store import bundled_head
from lsf_blender_addon.motion import FaceMotion
from lsf_blender_addon.network.lsf import EXPRESSIONS, LsfNetwork, load_network
from lsf_blender_addon.worker import devices
from lsf_blender_addon.worker.protocol import PredictRequest
from lsf_blender_addon.worker.runtime import Runtime

RUNS = 3
COMPARED_SECONDS = 10.0


class Stages:
    """Seconds that named modules take, summed over their calls."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: Counter[str] = Counter()
        self.begun: dict[str, float] = {}

    def watch(self, name: str, module: nn.Module) -> None:
        """Measure a module from now on."""
        module.register_forward_pre_hook(lambda _m, _i: self.begun.update({name: self._now()}))
        module.register_forward_hook(lambda _m, _i, _o: self.seconds.update({name: self._now() - self.begun[name]}))

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def measure(folder: Path, seconds: float, device_name: str, precision: devices.Precision = "auto") -> dict[str, Any]:
    """Load a model, then predict ``RUNS`` times; the median run with its stages."""
    clip = speech(seconds)
    device = devices.choose(device_name)
    dtype = devices.precision_of(device, precision)
    runtime = Runtime()
    begin = time.perf_counter()
    network = runtime.load(folder, device, dtype)
    loading = time.perf_counter() - begin
    stages = Stages(device)
    parts = {
        "audio encoder": network.feature_extractor,
        "emotion encoder": network.audio_model,
        "predictor": network.feature_predictor,
        "decoder": network.motion_prior.motion_decoder,
    }
    for name, part in parts.items():
        stages.watch(name, part)
    runs = []
    for number in range(RUNS):
        # Another recording each time: the runtime remembers what it heard in the last.
        other = dataclasses.replace(clip, samples=np.roll(clip.samples, number * SAMPLE_RATE))
        request = PredictRequest(audio=other, model=folder, device=str(device), precision=precision)
        stages.seconds.clear()
        begin = time.perf_counter()
        runtime.predict(request, lambda _stage, _share, _words: None)
        took = time.perf_counter() - begin
        runs.append((took, {**stages.seconds, "rest": took - stages.seconds.total()}))
    took, by_stage = sorted(runs, key=lambda run: run[0])[RUNS // 2]
    return {
        "seconds": round(statistics.median(run[0] for run in runs), 3),
        "stages": {name: round(value, 3) for name, value in by_stage.items()},
        "loading": round(loading, 3),
        "peak_mb": peak_megabytes(),
        "device": str(device),
        "precision": str(dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
    }


def peak_megabytes() -> float | None:
    """The most memory that this process has had; None where the system does not say."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


@torch.inference_mode()
def precision_cost(folder: Path, device_name: str) -> dict[str, Any]:
    """bfloat16 encoders against float32: codes that change, and millimetres at the bundled head's lips."""
    device = devices.choose(device_name)
    waveform = torch.from_numpy(speech(COMPARED_SECONDS).samples)[None].to(device)
    made = {}
    for dtype in (torch.float32, torch.bfloat16):
        network = load_network(folder, device, None if dtype == torch.float32 else dtype)
        latent = network.predict(network.features(waveform))
        quantised = network.motion_prior.quantize(latent)
        motion = network.in_units(network.motion_prior.motion_decoder(quantised.latent))[0].cpu().numpy()
        made[dtype] = quantised.indices.cpu(), motion, _mouth(network, motion)
    (codes, motion, lips), (other_codes, other_motion, other_lips) = made.values()
    return {
        "codes_changed_percent": round(100 * float((codes != other_codes).float().mean()), 3),
        "lips_mm_mean": round(float(np.abs(lips - other_lips).mean()), 4),
        "lips_mm_most": round(float(np.abs(lips - other_lips).max()), 4),
        "lips_mm_range": round(float(np.ptp(lips[:, 0])), 4),
        "coefficients_most": round(float(np.abs(motion - other_motion).max()), 5),
        "seconds_of_audio": waveform.shape[-1] / SAMPLE_RATE,
    }


def _mouth(network: LsfNetwork, motion: np.ndarray) -> np.ndarray:
    """(N, 2) millimetres: the inner lips' gap and the corners' distance."""
    card = network.card
    face = FaceMotion(motion[:, :EXPRESSIONS], motion[:, EXPRESSIONS:], card.fps, card.space)
    track = mouth_track(read_head(bundled_head()), face)
    return np.stack([track["aperture"], track["width"]], axis=1)


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Compute with so many threads; torch's own number where None."""
    if count:
        torch.set_num_threads(count)
    yield

"""Speed is measured on work that is really done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsf_blender_addon.audio import read_clip
from lsf_blender_addon.network.lsf import LsfNetwork
from training import speed


def test_every_run_hears_its_recording(light_model: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    features = LsfNetwork.features

    def counted(self: LsfNetwork, waveform: Any, *more: Any) -> Any:
        lengths.append(waveform.shape[-1])
        return features(self, waveform, *more)

    monkeypatch.setattr(LsfNetwork, "features", counted)
    found = speed.measure(light_model, read_clip(repository / "samples" / "hello.wav"))
    assert sum(lengths) >= (1 + speed.RUNS) * speed.WARM_SECONDS * 16_000
    assert found.times_real_time > 1.0
    assert found.cold_seconds > 0.5
    assert found.megabytes == pytest.approx((light_model / "weights.safetensors").stat().st_size / 1e6)

"""Blinks that come are deepened until a usual one shuts the eye, and nothing else of the face moves for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lsf_blender_addon.audio import SpeechClip, read_clip
from lsf_blender_addon.models.card import read_card
from lsf_blender_addon.models.store import model_folder
from lsf_blender_addon.network.lsf import load_network
from lsf_blender_addon.worker.protocol import PredictRequest
from lsf_blender_addon.worker.runtime import Runtime
from training import lids, shipping
from training.corpus import Utterance
from training.phones import Phone

HELLO = Path(__file__).resolve().parents[3] / "samples" / "hello.wav"
STARTER = model_folder("starter")


@pytest.fixture(scope="module")
def said() -> Utterance:
    """Speech up to its last sound, after which a blink comes."""
    samples = read_clip(HELLO).samples
    loud = np.flatnonzero(np.abs(samples) > 0.05)
    samples = samples[: loud[-1]]
    return Utterance(samples, (Phone("aa", 0.0, len(samples) / 16_000),), "hello", made="network", agitation=0.0)


@pytest.fixture(scope="module")
def shallow() -> dict[str, Tensor]:
    """The starter, its lids less deep."""
    weights = {name: value.float() for name, value in load_network(STARTER).state_dict().items()}
    rows = weights[lids.ROWS].clone()
    rows[list(lids.LIDS)] *= 0.85
    return {**weights, lids.ROWS: rows}


def test_a_usual_blink_shuts_the_eye(shallow: dict[str, Tensor], said: Utterance, tmp_path: Path) -> None:
    card = read_card(STARTER)
    deep = lids.with_deep_blinks(card, shallow, [said])
    peaks = []
    for name, weights in (("shallow", shallow), ("deep", deep)):
        shipping.write_model(tmp_path / name, card, weights)
        samples = np.pad(said.samples, (0, 12_800))
        (motion,) = Runtime().predict(PredictRequest(SpeechClip(samples, "a"), tmp_path / name, device="cpu"), _quiet)
        peaks.append(float(motion.expression[-60:, lids.LIDS[0]].max()))
    assert peaks[0] < 0.9
    assert peaks[1] == pytest.approx(1.0, abs=0.02)


def test_nothing_but_the_lids_changes(shallow: dict[str, Tensor], said: Utterance) -> None:
    deep = lids.with_deep_blinks(read_card(STARTER), shallow, [said])
    others = [row for row in range(len(shallow[lids.ROWS])) if row not in lids.LIDS]
    assert torch.equal(deep[lids.ROWS][others], shallow[lids.ROWS][others])
    assert all(torch.equal(deep[name], shallow[name]) for name in shallow if name != lids.ROWS)


def test_where_no_blink_comes_lids_stay_as_they_are(shallow: dict[str, Tensor]) -> None:
    silence = np.zeros(32_000, np.float32)
    quiet = Utterance(silence, (Phone("sil", 0.0, 2.0),), "nobody", made="rules", agitation=0.0)
    assert torch.equal(lids.with_deep_blinks(read_card(STARTER), shallow, [quiet])[lids.ROWS], shallow[lids.ROWS])


def test_no_curve_leaves_the_range_of_arkit() -> None:
    clip = SpeechClip(read_clip(HELLO).samples[:48_000], "hello")
    (motion,) = Runtime().predict(PredictRequest(clip, STARTER, device="cpu", emotion_strength=2.0), _quiet)
    assert motion.expression.min() == 0.0
    assert 0.0 < motion.expression.max() <= 1.0


def _quiet(_stage: str, _share: float, _note: str) -> None:
    pass

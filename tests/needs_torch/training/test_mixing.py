"""Spectra altered as sounds would be: louder, noisier, in a room; and what must not change by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lsf_blender_addon.speech.mel import LogMelEncoder
from training.mixing import Chances, Mixer, masked

NEVER = Chances(
    warp=0.0,
    dynamics=0.0,
    microphone=0.0,
    dull=0.0,
    room=0.0,
    noise=0.0,
    telephone=0.0,
    hiss=0.0,
    rumble=0.0,
    shallow=0.0,
)


@pytest.fixture(scope="module")
def spectrum() -> torch.Tensor:
    t = np.arange(32000) / 16000
    voice = sum(np.sin(2 * np.pi * 150 * n * t) / n for n in range(1, 20)) * (np.sin(2 * np.pi * 3 * t) > 0) * 0.05
    encoder = LogMelEncoder({"width": 8, "dilations": [1], "prosody": True})
    return encoder.spectrum(torch.from_numpy(voice.astype(np.float32))[None])[0]


def mixer(**chances: float) -> Mixer:
    noises = np.random.default_rng(0).normal(-5.0, 0.5, (3, 50, 83)).astype(np.float16)
    wanted = {**vars(NEVER), **chances}
    return Mixer(noises, 80, np.random.default_rng(1), Chances(**wanted))


def test_another_level_moves_bands_and_loudness_alike(spectrum: torch.Tensor) -> None:
    moved = mixer().altered(spectrum).spectrum - spectrum
    assert moved[:, :81].std() < 1e-4
    assert moved[:, 81:].abs().max() == 0


def test_noise_fills_the_gaps_and_hides_the_voice(spectrum: torch.Tensor) -> None:
    heard = mixer(noise=1.0).altered(spectrum).spectrum
    quiet = spectrum[:, 80] < spectrum[:, 80].mean() - 3
    level = (heard - spectrum)[~quiet, :80].median()
    assert ((heard - spectrum)[quiet, :80].mean() - level) > 2
    assert (heard[:, 82] <= spectrum[:, 82] + 1e-6).all()


def test_a_room_rings_on_after_the_sound(spectrum: torch.Tensor) -> None:
    heard = mixer(room=1.0).altered(spectrum).spectrum
    level = (heard - spectrum).median()
    after = spectrum[:, 80] < spectrum[:, 80].mean() - 3
    assert (heard - spectrum - level)[after, 20:40].mean() > 1


def test_only_a_room_echoes(spectrum: torch.Tensor) -> None:
    assert mixer(noise=1.0, telephone=1.0).altered(spectrum).echo == 0.0
    rooms = mixer(room=1.0)
    echoes = [rooms.altered(spectrum).echo for _ in range(40)]
    assert 0.0 < min(echoes) < 0.3
    assert 0.8 < max(echoes) <= 1.0


def test_every_alteration_leaves_finite_numbers_of_the_same_shape(spectrum: torch.Tensor) -> None:
    often = mixer(**dict.fromkeys(vars(NEVER), 1.0))
    for _ in range(20):
        heard = often.altered(spectrum).spectrum
        assert heard.shape == spectrum.shape
        assert torch.isfinite(heard).all()


def test_masks_are_holes_and_no_more() -> None:
    spectrum = masked(torch.ones(200, 80), 80, np.random.default_rng(3))
    assert 0.5 < spectrum.mean() <= 1.0
    assert set(spectrum.unique().tolist()) <= {0.0, 1.0}

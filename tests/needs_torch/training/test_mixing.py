"""Spectra altered as sounds would be: louder, noisier, in a room; and what must not change by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lsf_blender_addon.audio import read_clip
from lsf_blender_addon.speech.mel import LogMelEncoder
from training.evaluation import Spoken, with_room
from training.mixing import Chances, Mixer, _smeared, masked

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


def test_an_echo_wavers_as_in_a_room_that_was_computed_from_the_sound(repository: Path) -> None:
    encoder = LogMelEncoder({"width": 8, "dilations": [1]})
    spoken = Spoken("hello", read_clip(repository / "samples" / "hello.wav"), ())
    dry, wet = (
        encoder.spectrum(torch.from_numpy(sound.clip.samples)[None])[0] for sound in (spoken, with_room(spoken, 0.5))
    )
    tail = 10.0 ** (-6.0 * torch.arange(50) / 50.0)
    power, echo = dry.exp(), _smeared(dry.exp(), (tail / tail.sum())[:, None].repeat(1, 80))
    mean = torch.log(power + echo + 1e-10)
    ours = torch.log(mixer()._interfering(power, echo) + 1e-10)
    for low in range(0, 80, 16):
        waver_here, waver_there = ((heard - mean)[:, low : low + 16] for heard in (ours, wet))
        there = float((waver_there - waver_there.mean(0)).std())
        assert float((waver_here - waver_here.mean(0)).std()) == pytest.approx(there, rel=0.2)


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

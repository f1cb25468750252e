"""The log-mel encoder of our own."""

from __future__ import annotations

import math

import pytest
import torch

from lsf_blender_addon.errors import ModelError
from lsf_blender_addon.speech import frontend
from lsf_blender_addon.speech.mel import PIECE, LogMelEncoder, filters

SETTINGS = {"width": 16, "bands": 40, "dilations": [1, 2], "dropout": 0.0}


def encoder(**more: object) -> LogMelEncoder:
    torch.manual_seed(0)
    return LogMelEncoder({**SETTINGS, **more}).eval()


def tone(hz: float, seconds: float = 0.5) -> torch.Tensor:
    t = torch.arange(int(seconds * 16_000)) / 16_000
    return torch.sin(2 * math.pi * hz * t)[None]


def buzz(hz: float, seconds: float = 0.5) -> torch.Tensor:
    return torch.stack([tone(hz * n, seconds) / n for n in range(1, 12)]).sum(0)


def test_filters_are_triangles_that_cover_the_band_once() -> None:
    bank = filters(40, 50.0, 8000.0)
    assert bank.shape == (40, 257)
    assert (bank >= 0).all()
    assert bank.max() <= 1
    inner = bank.sum(0)[10:240]
    torch.testing.assert_close(inner, torch.ones_like(inner), rtol=0, atol=1e-5)


@pytest.mark.parametrize("hz", [300.0, 1000.0, 5000.0])
def test_a_tone_is_loudest_in_the_band_around_it(hz: float) -> None:
    spectrum = encoder().spectrum(tone(hz))
    band = int(spectrum.mean(1).argmax())
    bins = torch.linspace(0, 8000, 257)
    centre = (filters(40, 50.0, 8000.0)[band] * bins).sum() / filters(40, 50.0, 8000.0)[band].sum()
    assert centre.item() == pytest.approx(hz, rel=0.15)


@pytest.mark.parametrize("samples", [400, 559, 560, 719, 720, 1360, 9_999, 16_000, 16_001])
def test_frames_lie_where_huberts_lie(samples: int) -> None:
    built = encoder()
    waveform = torch.randn(2, samples)
    spectrum = built.spectrum(waveform)
    assert spectrum.shape == (2, (samples - 400) // 160 + 1, 40)
    assert built(waveform).shape == (2, frontend.frame_count(samples), 16)
    torch.testing.assert_close(built.forward_spectrum(spectrum), built(waveform))


def test_loudness_does_not_matter() -> None:
    waveform = buzz(120) * torch.rand(1, 8000)
    torch.testing.assert_close(encoder()(waveform), encoder()(0.05 * waveform), rtol=0, atol=1e-2)


def test_a_quiet_part_stays_quiet_beside_the_whole() -> None:
    built = encoder()
    whole = torch.cat((1e-4 * torch.randn(1, 16_000), torch.randn(1, 16_000)), dim=1)
    of = built.measure(whole)
    quiet = built.spectrum(whole[:, :16_000])
    heard = built._above(quiet, of.floor)
    assert (heard == of.floor).all()


def test_long_recordings_are_measured_in_pieces_as_if_whole() -> None:
    built = encoder()
    for samples in (PIECE + 239, PIECE + 240, PIECE + 400, 2 * PIECE + 12_345):
        waveform = torch.randn(1, samples, generator=torch.Generator().manual_seed(samples))
        measured, whole = built.measure(waveform), built.measure_spectrum(built.spectrum(waveform))
        for ours, theirs in zip(vars(measured).values(), vars(whole).values(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_silence_is_finite() -> None:
    for built in (encoder(), encoder(prosody=True)):
        assert built(torch.zeros(1, 8000)).isfinite().all()


@pytest.mark.parametrize("hz", [80.0, 120.0, 220.0, 350.0])
def test_prosody_hears_the_pitch_of_a_voice(hz: float) -> None:
    columns = encoder(prosody=True).spectrum(buzz(hz))[0, 5:-8, -3:]
    octaves, voicing = columns[:, 1], columns[:, 2]
    assert voicing.min() > 0.8
    assert (octaves / voicing).median().item() == pytest.approx(math.log2(hz / 100), abs=0.06)


def test_prosody_hears_that_noise_has_no_pitch() -> None:
    noise = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    assert encoder(prosody=True).spectrum(noise)[0, :, -1].median() < 0.5


def test_gradients_flow_to_the_recording_and_every_parameter() -> None:
    built = encoder(prosody=True).train()
    waveform = torch.randn(1, 4000, requires_grad=True)
    built(waveform).square().mean().backward()
    assert waveform.grad is not None
    assert waveform.grad.isfinite().all()
    assert all(parameter.grad is not None for parameter in built.parameters())


def test_what_it_hears_reaches_as_far_as_its_dilations() -> None:
    built = encoder(dilations=[1, 2, 4], kernel=5)
    spectrum = torch.randn(1, 301, 40)
    of = built.measure_spectrum(spectrum)
    changed = spectrum.clone()
    changed[:, 150] += 1
    reached = (built.forward_spectrum(spectrum, of) != built.forward_spectrum(changed, of)).any(-1)[0].nonzero()
    assert 75 - 15 <= int(reached.min()) <= 75 - 14
    assert 75 + 14 <= int(reached.max()) <= 75 + 15


@pytest.mark.parametrize("wrong", [{"kernel": 4}, {"bands": 0}, {"high_hz": 9000.0}, {"low_hz": 8000.0}])
def test_settings_that_cannot_be_are_refused_in_a_sentence(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        encoder(**wrong)

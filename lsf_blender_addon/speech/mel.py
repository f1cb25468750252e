"""A small speech encoder of our own: log-mel bands and dilated convolutions, 50 frames a second (docs/network.md).

Its frames lie where HuBERT's lie: T50 = (N - 400) // 320 + 1, frame k centred at 320·k + 200 samples. ``spectrum`` (100
a second), ``measure`` and ``forward_spectrum`` are separate, so that training can keep and alter spectra.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from . import frontend
from .dilated import dilated_convolution
from .settings import settings_of

STEP = frontend.HOP // 2
"""Samples from one spectrum frame to the next: 10 ms."""

TOP_HZ = frontend.SAMPLE_RATE / 2
PIECE = 3000 * STEP
"""Samples whose spectrum is made at once where long recordings are measured: 30 s."""

TRANSFORM = 512
PITCH_FIELD = 1024
PITCH_LAGS = (40, 267)
"""Lags of the pitch search in samples: 400 to 60 Hz."""

OCTAVE_COST = 0.1

PROSODY = 3
"""Columns after the bands where prosody is on: loudness, pitch in octaves times voicing, voicing."""


BAND_DEVIATION = 3.0
PROSODY_LEVELS = ((-7.0, 0.3, 0.4), (3.0, 0.5, 0.35))
"""Mean and deviation of loudness (nats), pitch (octaves above 100 Hz times voicing) and voicing in ordinary speech."""


@dataclass(frozen=True)
class MelSettings:
    """Sizes of the log-mel encoder.

    Attributes:
        bands: mel bands between ``low_hz`` and ``high_hz``.
        prosody: also loudness, pitch and voicing, three more columns.
        width: features a frame.
        kernel: frames that each convolution spans.
        dilations: one layer each at 50 frames a second; reach is (kernel - 1)/2 · 20 ms · their sum.
        floor: how far below the loudest band the spectrum ends, in nats of power (10 are 43 dB).
        depth: how far below its own loudest moment each band ends, in nats; 0 for no such end. Dull recordings keep
            their consonants so, which lie far below the loudest band and well above the noise of their own.
        dropout: in training, in every layer: the share of its channels that is left out of a whole item.
        levels: what every column is measured against: its own mean and deviation over the recording (``own``: nothing
            of how loud or high a voice is remains), or, so that how loud, high, lively and bright it is remains,
            constants (``shared``).
    """

    bands: int = 80
    low_hz: float = 50.0
    high_hz: float = 8000.0
    prosody: bool = False
    width: int = 192
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)
    floor: float = 12.0
    depth: float = 0.0
    dropout: float = 0.1
    levels: Literal["own", "shared"] = "own"


@dataclass(frozen=True, eq=False)
class SpectrumLevel:
    """Mean and standard deviation of every column over whole recordings, (B, 1, columns) each, and where they end.

    ``floor`` is the log power below which nothing is heard: (B, 1, 1), or with ``depth`` one for
    each band and loudness.
    """

    mean: Tensor
    deviation: Tensor
    floor: Tensor


@lru_cache(maxsize=8)
def filters(bands: int, low_hz: float, high_hz: float) -> Tensor:
    """Triangular mel filters (bands, bins) over the power spectrum of 512 samples at 16 kHz, HTK's mel scale."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (low_hz, high_hz))
    corners = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    bins = np.linspace(0, TOP_HZ, TRANSFORM // 2 + 1)
    rising = (bins - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - bins) / (corners[2:] - corners[1:-1])[:, None]
    triangles = np.minimum(rising, falling).clip(min=0).astype(np.float32)
    with torch.inference_mode(mode=False):  # kept between calls, so training may meet it too
        return torch.from_numpy(triangles)


class DilatedLayer(nn.Module):
    """Layer norm of each frame, a dilated convolution, GELU, a linear map; added to what came in."""

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.convolution = nn.Conv1d(width, width, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation)
        self.out = nn.Linear(width, width)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) → the same."""
        convolution = self.convolution
        y = dilated_convolution(self.norm(x), convolution.weight, _bias(convolution), convolution.dilation[0])
        y = self.out(functional.gelu(y))
        if self.training and self.dropout > 0:
            y = y * functional.dropout(y.new_ones(len(y), 1, y.shape[-1]), self.dropout)
        out: Tensor = x + y
        return out


class LogMelEncoder(nn.Module):
    """Waveform → features of words and feeling, learnt from nothing but log-mel bands."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        sizes = settings_of(MelSettings, settings, "log_mel")
        if sizes.kernel % 2 == 0 or sizes.bands < 1 or not 0 <= sizes.low_hz < sizes.high_hz <= TOP_HZ:
            raise ModelError("The log_mel encoder needs an odd kernel, and bands between 0 and 8000 Hz.")
        self.sizes = sizes
        self.width = sizes.width
        self.columns = sizes.bands + PROSODY * sizes.prosody
        self.enter = nn.Conv1d(self.columns, sizes.width, 3, padding=1)
        self.halve = nn.Conv1d(sizes.width, sizes.width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(
            DilatedLayer(sizes.width, sizes.kernel, dilation, sizes.dropout) for dilation in sizes.dilations
        )
        self.norm = nn.LayerNorm(sizes.width)

    def spectrum(self, waveform: Tensor) -> Tensor:
        """(B, N) raw 16 kHz → (B, T100, columns): natural logarithms of band power, and prosody where it is on.

        T100 = (N - 400) // 160 + 1.
        """
        frames = waveform.unfold(-1, frontend.FIELD, STEP)
        frames = frames - frames.mean(-1, keepdim=True)
        window = torch.hann_window(frontend.FIELD, device=waveform.device)
        power = torch.fft.rfft(frames * window, n=TRANSFORM).abs().square()
        bank = filters(self.sizes.bands, self.sizes.low_hz, self.sizes.high_hz).to(waveform.device)
        bands = torch.log(power @ bank.T + 1e-10)
        if not self.sizes.prosody:
            return bands
        loudness = torch.log(frames.square().mean(-1, keepdim=True) + 1e-10)
        return torch.cat((bands, loudness, *_pitch(waveform, bands.shape[1])), dim=-1)

    def measure(self, waveform: Tensor) -> SpectrumLevel:
        """What must be known of whole recordings (B, N) to hear their parts."""
        pieces = range(0, max(waveform.shape[-1] - frontend.FIELD, 0) + 1, PIECE)
        reach = PIECE - STEP + frontend.FIELD
        spectrum = [self.spectrum(waveform[:, begin : begin + reach]) for begin in pieces]
        return self.measure_spectrum(torch.cat(spectrum, dim=1))

    def measure_spectrum(self, spectrum: Tensor) -> SpectrumLevel:
        """As ``measure``, from (B, T100, columns)."""
        bands = spectrum[..., : self.sizes.bands]
        floor = bands.amax((1, 2), keepdim=True) - self.sizes.floor
        if self.sizes.depth > 0:
            own = torch.maximum(floor, bands.amax(1, keepdim=True) - self.sizes.depth)
            floor = torch.cat((own, floor), dim=-1) if self.sizes.prosody else own
        heard = self._above(spectrum, floor)
        if self.sizes.levels == "shared":
            return self._shared(heard, floor)
        variance, mean = torch.var_mean(heard, dim=1, keepdim=True, correction=0)
        return SpectrumLevel(mean, torch.sqrt(variance + 0.01), floor)

    def _shared(self, heard: Tensor, floor: Tensor) -> SpectrumLevel:
        """All bands against their common mean, the columns of prosody against constants."""
        bands = self.sizes.bands
        mean = heard.new_zeros(len(heard), 1, self.columns)
        mean[..., :bands] = heard[..., :bands].mean((1, 2), keepdim=True)
        deviation = torch.full_like(mean, BAND_DEVIATION)
        if self.sizes.prosody:
            constants = torch.tensor(PROSODY_LEVELS).to(heard)
            mean[..., bands:], deviation[..., bands:] = constants[0], constants[1]
        return SpectrumLevel(mean, deviation, floor)

    def _above(self, spectrum: Tensor, floor: Tensor) -> Tensor:
        logs = self.sizes.bands + self.sizes.prosody
        return torch.cat((torch.maximum(spectrum[..., :logs], floor), spectrum[..., logs:]), dim=-1)

    def levelled(self, spectrum: Tensor, of: SpectrumLevel | None = None) -> Tensor:
        """(B, T100, columns) of ``spectrum`` → the same shape, measured against the recording: what layers hear."""
        of = self.measure_spectrum(spectrum) if of is None else of
        return (self._above(spectrum, of.floor) - of.mean) / of.deviation

    def forward_levelled(self, spectrum: Tensor) -> Tensor:
        """(B, T100, columns) of ``levelled`` → (B, T50, width), T50 = (T100 + 1) // 2."""
        x = functional.gelu(self.enter(spectrum.to(self.dtype).transpose(1, 2)))
        x = self.halve(x).transpose(1, 2).contiguous()
        for layer in self.layers:
            x = layer(x)
        out: Tensor = self.norm(x)
        return out

    def forward_spectrum(self, spectrum: Tensor, of: SpectrumLevel | None = None) -> Tensor:
        """(B, T100, columns) of ``spectrum`` → (B, T50, width), T50 = (T100 + 1) // 2."""
        return self.forward_levelled(self.levelled(spectrum, of))

    def forward(self, waveform: Tensor, of: SpectrumLevel | None = None) -> Tensor:
        """(B, N) raw 16 kHz → (B, T50, width); ``of`` where the waveforms are parts of recordings."""
        return self.forward_spectrum(self.spectrum(waveform), of)

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the encoder computes in."""
        return self.norm.weight.dtype


def _bias(convolution: nn.Conv1d) -> Tensor:
    if convolution.bias is None:
        raise ValueError(convolution)
    return convolution.bias


def _pitch(waveform: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    """Octaves above 100 Hz times voicing, and voicing (0…1) from the autocorrelation; (B, frames, 1) each."""
    reach = (PITCH_FIELD - frontend.FIELD) // 2
    around = functional.pad(waveform, (reach, PITCH_FIELD)).unfold(-1, PITCH_FIELD, STEP)[:, :frames]
    around = around - around.mean(-1, keepdim=True)
    window = torch.hann_window(PITCH_FIELD, device=waveform.device)
    shape = _autocorrelation(window)
    alike = _autocorrelation(around * window)
    alike = alike / (alike[..., :1] + 1e-6) / (shape / shape[:1]).clamp(min=0.05)
    lowest, highest = PITCH_LAGS
    lags = torch.arange(lowest, highest, device=waveform.device)
    # Multiples of the true period fit as well as it does: each octave further must fit better by this much.
    lag = (alike[..., lowest:highest] - OCTAVE_COST * torch.log2(lags.float())).argmax(-1, keepdim=True)
    voicing = alike[..., lowest:highest].gather(-1, lag).clamp(0, 1)
    octaves = torch.log2(frontend.SAMPLE_RATE / (lag + lowest) / 100)
    return octaves * voicing, voicing


def _autocorrelation(x: Tensor) -> Tensor:
    power = torch.fft.rfft(x, n=2 * PITCH_FIELD).abs().square()
    alike: Tensor = torch.fft.irfft(power)
    return alike[..., :PITCH_FIELD]

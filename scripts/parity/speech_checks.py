"""Checks of the front end and of both speech encoders."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lsf_blender_addon.network.alignment import aligned
from lsf_blender_addon.speech import frontend
from parity.comparing import Comparison
from parity.filling import tensor
from parity.subjects import emotion2vec, hubert

NORMALISED = 2e-6


def check_front_end(file: Comparison, _match: re.Match[str]) -> None:
    """A waveform scaled and standardised for both encoders."""
    wave = file.given("wave")[None]
    file.near("minmax", frontend.scaled(wave)[0], NORMALISED)
    file.near("hubert_input_eps1e7", frontend.standardised(wave, 1e-7)[0], NORMALISED)
    file.near("hubert_input_eps1e5_tf410", frontend.standardised(wave, 1e-5)[0], NORMALISED)
    file.near("emotion_input", frontend.standardised(wave, frontend.NORM_EPSILON)[0], NORMALISED)


def check_emotion2vec(file: Comparison, match: re.Match[str]) -> None:
    """emotion2vec, small with its inner stages or in the published size."""
    encoder = emotion2vec(match["size"], file.salt)
    full = "source_check" in file
    if full:
        count = int(match["samples"])
        raw = tensor(f"e2v_base.wave.{count}", (1, count), file.salt)
        source = torch.nn.functional.layer_norm(raw, raw.shape[-1:])
        file.near("source_check", source[0, :16], NORMALISED)
    else:
        source = file.given("source")
        modality = encoder.modality
        context, bias = modality(source)
        file.near(
            "local", modality.local(source), 1e-5, lambda: _exactly(encoder, lambda: modality.local(source.double()))
        )
        file.near("context_out", context, 1e-5, lambda: _exactly(encoder, lambda: modality(source.double())[0]))
        if "alibi_head_row" in file:
            rows = bias[0].transpose(0, 1)
            row = int((rows - file.given("alibi_head_row")).abs().amax((1, 2)).argmin())
            file.near("alibi_head_row", rows[row], 1e-5)
    tolerance = 1e-4 if full else 1e-5
    exact = lambda: _exactly(encoder, lambda: encoder.encode(source))  # noqa: E731 - only where it is needed
    file.near("features", encoder.encode(source), tolerance, exact)


def check_hubert(file: Comparison, match: re.Match[str]) -> None:
    """HuBERT in the published size."""
    count = int(match["samples"])
    source = tensor(f"hubert_base.wave.{count}", (1, count), file.salt)
    encoder = hubert(file.salt)
    file.near("source_check", source[0, :16], NORMALISED)
    exact = lambda: _exactly(encoder, lambda: encoder.encode(source))  # noqa: E731 - only where it is needed
    file.near("features", encoder.encode(source), 1e-4, exact)


def _exactly(encoder: nn.Module, run: Callable[[], Tensor]) -> Tensor:
    """What ``run`` gives while the encoder computes in float64."""
    encoder.double()
    try:
        return run()
    finally:
        encoder.float()


def check_alignment(file: Comparison, _match: re.Match[str]) -> None:
    """Features and motion brought to one number of frames: cases of 25 frames a second (c…), or of their own (r…)."""
    for name in file.matching(""):
        case = re.fullmatch(r"((?:c|r)(\d+))_audio", name)
        if not case:
            continue
        fps = float(case[2]) if name.startswith("r") else 25.0
        parts = ("audio", "emotion", "motion")
        made = aligned(*(file.given(f"{case[1]}_{part}") for part in parts), fps=fps)
        for part, ours in zip(parts, made, strict=True):
            file.near(f"{case[1]}_out_{part}", ours, 1e-6)

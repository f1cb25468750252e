"""Checks of the predictor, the codebook, the motion prior, and of all of them together."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsf_blender_addon.models.card import CodebookCard, SamplingCard
from lsf_blender_addon.network.codebook import TableQuantiser, distances
from lsf_blender_addon.network.lsf import EXPRESSIONS, LsfNetwork, SpeechFeatures, flame_layout
from lsf_blender_addon.speech.frontend import paired
from parity.comparing import Comparison, clear_rows
from parity.filling import tensor
from parity.subjects import network

NEAREST = SamplingCard(sample=False)
PREDICTED = 1e-4
QUANTISED = 1e-5
CLOSE = 1e-4
RELATIVE = 1e-6
"""Of distances and perplexities, which may be 100 and more: eight steps of float32."""

EPSILON = torch.finfo(torch.float32).eps
MARGIN = 0.25
"""How much nearer the nearest codes of the full-size files are than the next; distances there reach 100,000."""


class Recorder:
    """What modules give while the network runs."""

    def __init__(self) -> None:
        self.outputs: dict[str, Tensor] = {}
        self.handles: list[Any] = []

    def listen(self, name: str, module: nn.Module) -> None:
        """Keep what ``module`` gives."""
        self.handles.append(module.register_forward_hook(lambda _m, _i, out: self.outputs.update({name: out})))

    def stop(self) -> None:
        """Leave the modules as they were."""
        for handle in self.handles:
            handle.remove()


def check_predictor(file: Comparison, _match: re.Match[str]) -> None:
    """The two streams and their fusion, with every layer where the file has it."""
    predictor = network("small", file.salt).feature_predictor
    audio, emotion, style = (file.given(name) for name in ("audio", "emotion", "style"))
    recorder = Recorder()
    named = {"audio_block_out": predictor.audio_blocks, "emo_block_out": predictor.emo_blocks}
    for name, blocks in {**named, "tokens_after": predictor.fusion_blocks}.items():
        for layer, block in enumerate(blocks):
            recorder.listen(f"{name}_{layer}", block)
    file.near("out", predictor(audio, emotion, style), PREDICTED)
    recorder.stop()
    for name, ours in zip(("xa_embedded", "xv_embedded"), predictor.embed(audio, emotion, style), strict=True):
        file.near(name, ours, PREDICTED)
    for name, ours in recorder.outputs.items():
        file.near(name, ours, PREDICTED)
    last = len(predictor.audio_blocks) - 1
    file.asked |= {f"emo_block_out_{last}", f"tokens_after_{last}"}  # cannot reach the output: not computed


def check_quantiser(file: Comparison, _match: re.Match[str]) -> None:
    """The small codebook; the second half of the file has it and the latents ten times smaller."""
    quantiser = _quantiser(file, 1.0)
    z = file.given("z")
    file.near("codebook", quantiser.tables[0], QUANTISED)
    _check_codes(file, quantiser, z, "")
    _check_codes(file, _quantiser(file, 0.1), 0.1 * z, "soft_")


def _quantiser(file: Comparison, scale: float, size: str = "small") -> TableQuantiser:
    published = network(size, file.salt).motion_prior.quantize
    card = CodebookCard(codes=16, width=16) if size == "small" else CodebookCard()
    quantiser = TableQuantiser(card, published.channels)
    with torch.no_grad():
        quantiser.embedding.weight.copy_(scale * published.get_parameter("embedding.weight"))
    return quantiser


def _check_codes(file: Comparison, quantiser: TableQuantiser, z: Tensor, prefix: str) -> None:
    rows = quantiser.rows(z)[0]
    far = distances(rows, quantiser.tables[0])
    file.near(f"{prefix}distances", far, QUANTISED, relative=RELATIVE)
    made = quantiser(z)
    chosen = file.same(f"{prefix}indices", made.indices.flatten(), clear_rows(far, CLOSE))
    same = torch.equal(chosen, made.indices.flatten())
    file.near(f"{prefix}z_q", made.latent if same else quantiser.vectors(chosen[None, :, None]), QUANTISED)
    file.near(f"{prefix}loss", made.loss, QUANTISED)
    file.near(f"{prefix}perplexity", made.perplexity, QUANTISED, relative=RELATIVE)
    for name in file.matching(f"{prefix}prob_t"):
        temperature = float(name.removeprefix(f"{prefix}prob_t"))
        file.near(name, (-far / temperature).softmax(-1), QUANTISED)
    for name in file.matching(f"{prefix}sample_indices"):
        # For one generator of one version of torch: what was drawn is taken from the file, not from chance.
        drawn = file.given(name)
        coded = quantiser.vectors(drawn[None, :, None])
        file.near(f"{prefix}sample_z_q", coded, QUANTISED)
        mean = functional.mse_loss(coded, z)
        file.near(f"{prefix}sample_loss", 1.25 * mean, QUANTISED)


def check_full_quantiser(file: Comparison, match: re.Match[str]) -> None:
    """The codebook in the published size, where runs of 128 spill from one channel into the next."""
    quantiser = _quantiser(file, 0.1, "full")
    frames = int(match["frames"])
    z = 0.1 * tensor(f"vq_full_soft.z.{frames}", (1, frames, quantiser.channels), file.salt)
    file.near("z_check", z.flatten()[:8], QUANTISED)
    far = distances(quantiser.rows(z)[0], quantiser.tables[0])
    made = quantiser(z)
    file.near("distances_rows0_31", far[:32], QUANTISED, relative=RELATIVE)
    file.near("prob_t02_rows0_31", (-far[:32] / 0.2).softmax(-1), QUANTISED)
    chosen = file.same("indices", made.indices.flatten(), clear_rows(far, CLOSE))
    file.near("z_q_col0", quantiser.vectors(chosen[None, :, None])[0, :, 0], QUANTISED)
    file.near("loss", made.loss, QUANTISED)
    file.near("perplexity", made.perplexity, QUANTISED, relative=RELATIVE)


def check_autoencoder(file: Comparison, match: re.Match[str]) -> None:
    """Stage 1: motion to codes and back."""
    prior = network("full" if match["size"].startswith("full") else "small", file.salt).motion_prior
    motion = file.given("motion")
    encoded = prior.motion_encoder(motion)
    file.near("encoded", encoded, PREDICTED)
    made = prior.quantize(encoded)
    far = distances(prior.quantize.rows(encoded)[0], prior.quantize.tables[0])
    chosen = file.same("indices", made.indices.flatten(), clear_rows(far, 1e-3))
    quant = prior.quantize.vectors(chosen[None, :, None])
    file.near("quant", quant, PREDICTED)
    decoded = prior.motion_decoder(quant)
    file.near("decoded", decoded, PREDICTED)
    file.near("emb_loss", made.loss, PREDICTED)
    expression = functional.l1_loss(decoded[..., :EXPRESSIONS], motion[..., :EXPRESSIONS])
    jaw = functional.l1_loss(decoded[..., EXPRESSIONS:], motion[..., EXPRESSIONS:])
    file.near("l1_exp", expression, PREDICTED)
    file.near("l1_jaw", jaw, PREDICTED)
    file.near("stage1_total_loss", 1.5 * made.loss + 0.5 * expression + 0.1 * jaw, PREDICTED)
    # From the file's own latents, so that the encoder's rounding is not counted a second time.
    file.near("decoded_from_encoded", prior.motion_decoder(file.given("encoded")), PREDICTED)


def check_stage2(file: Comparison, match: re.Match[str]) -> None:
    """From encoder frames and a face shape to motion in the published files' layout."""
    whole = network("small", file.salt)
    streams = [file.given(name) for name in ("hubert", "emotion")]
    if match["kept"]:
        streams = [stream[:, : 2 * int(match["kept"])] for stream in streams]
    audio, emotion = (paired(stream, whole.card.pairing) for stream in streams)
    file.near("paired_audio", audio, 1e-6)
    file.near("paired_emotion", emotion, 1e-6)
    features = SpeechFeatures(audio, emotion, (audio.shape[1],) * len(audio))
    motion = _check_prediction(file, whole, features, "shape_frame0", PREDICTED)
    file.near("denorm_403", flame_layout(whole.in_units(motion)), 6e-4)
    theirs = file.given("distances")
    for name, temperature in (("probabilities_t02", 0.2), ("probabilities_t5", 5.0)):
        # As exact as the file's own distances, which are float32 and divided by the temperature.
        rounding = EPSILON * float(theirs.abs().max()) / temperature
        file.near(name, (-theirs / temperature).softmax(-1), max(QUANTISED, rounding))


def check_full(file: Comparison, match: re.Match[str]) -> None:
    """The same at the published size, where every nearest code is clear."""
    whole = network("full", file.salt)
    frames = int(match["frames"])
    variant = int(file.array("variant"))
    tag = f"{frames}.v{variant}"
    shape = (1, frames, whole.card.predictor.audio_features)
    audio, emotion = (tensor(f"full.{name}.{tag}", shape, file.salt) for name in ("audio", "emotion"))
    ends = [end for part in (slice(8), slice(-8, None)) for end in (audio.flatten()[part], emotion.flatten()[part])]
    file.near("input_check", torch.stack(ends), 1e-6)
    file.near("shape", tensor(f"full.shape.{tag}", (1, 300), file.salt), 1e-6)
    _check_prediction(file, whole, SpeechFeatures(audio, emotion, (frames,)), "shape", 5e-4)


def _check_prediction(
    file: Comparison, whole: LsfNetwork, features: SpeechFeatures, shape_name: str, tolerance: float
) -> Tensor:
    shape = file.given(shape_name)
    file.near("identity_probs", whole.style(shape), 1e-5)
    latent = whole.predict(features, shape)
    file.near("prediction", latent, tolerance)
    quantiser = whole.motion_prior.quantize
    far = distances(quantiser.rows(latent)[0], quantiser.tables[0])
    file.near("distances", far, 1e-2)
    file.near("distances_rows0_7", far[:8], MARGIN / 2)
    nearest = far.topk(2, dim=-1, largest=False).values
    file.near("min_distance_margin", (nearest[:, 1] - nearest[:, 0]).min(), MARGIN / 2)
    made = quantiser(latent)
    chosen = file.same("indices", made.indices.flatten(), clear_rows(far, 2e-2))
    file.near("quant_row0", quantiser.vectors(chosen[None, :, None])[0, 0], 1e-4)
    file.near("perplexity", made.perplexity, 1e-4)
    motion = whole.decode_scaled(latent, sampling=NEAREST)[0]
    if not torch.equal(chosen, made.indices.flatten()):
        motion = whole.motion_prior.motion_decoder(quantiser.vectors(chosen[None, :, None]))
    file.near("motion", motion, 1e-4)
    return motion

"""The tensors of a network of the published form: every name with its shape, from the card's sizes.

Known without torch, so that an import can say what is missing or too many before anything is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from .card import CodebookCard, EncoderCard, IdentityCard, ModelCard, PredictorCard, PriorCard

POSITIONS = 5000
"""Rows of the published position tables."""

KERNELS = (10, 3, 3, 3, 3, 2, 2)
"""Widths of both speech encoders' convolutions."""

SMOOTHING_KERNEL = 5
FEATURES_OF_MOTION = 53

HUBERT = "feature_extractor.audiomodel."
EMOTION = "audio_model."
MODALITY = f"{EMOTION}modality_encoders.AUDIO."
PRIOR = "motion_prior."
PREDICTOR = "feature_predictor."
IDENTITY = "identity_extractor."

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]


def expected_shapes(card: ModelCard) -> dict[str, Shape]:
    """Every tensor that a published checkpoint of these sizes holds, but for training's running sums."""
    parts = (
        hubert(card.audio),
        emotion2vec(card.emotion),
        prior(card.prior, card.codebook),
        predictor(card.predictor, card.identity),
        identity(card.identity),
    )
    return dict(itertools.chain.from_iterable(parts))


def hubert(card: EncoderCard) -> Named:
    """The encoder of the words."""
    sizes = card.settings
    width, inner, channels = sizes["hidden_size"], sizes["intermediate_size"], sizes["conv_dim"]
    kernel, groups = sizes["num_conv_pos_embeddings"], sizes["num_conv_pos_embedding_groups"]
    yield f"{HUBERT}masked_spec_embed", (width,)
    for layer, (before, after, size) in enumerate(zip((1, *channels), channels, KERNELS, strict=False)):
        yield f"{HUBERT}feature_extractor.conv_layers.{layer}.conv.weight", (after, before, size)
    yield from _norm(f"{HUBERT}feature_extractor.conv_layers.0.layer_norm", channels[0])
    yield from _norm(f"{HUBERT}feature_projection.layer_norm", channels[-1])
    yield from _linear(f"{HUBERT}feature_projection.projection", width, channels[-1])
    yield f"{HUBERT}encoder.pos_conv_embed.conv.bias", (width,)
    yield f"{HUBERT}encoder.pos_conv_embed.conv.weight_g", (1, 1, kernel)
    yield f"{HUBERT}encoder.pos_conv_embed.conv.weight_v", (width, width // groups, kernel)
    yield from _norm(f"{HUBERT}encoder.layer_norm", width)
    for layer in range(sizes["num_hidden_layers"]):
        prefix = f"{HUBERT}encoder.layers.{layer}."
        for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
            yield from _linear(f"{prefix}attention.{part}", width, width)
        yield from _norm(f"{prefix}layer_norm", width)
        yield from _linear(f"{prefix}feed_forward.intermediate_dense", inner, width)
        yield from _linear(f"{prefix}feed_forward.output_dense", width, inner)
        yield from _norm(f"{prefix}final_layer_norm", width)


def emotion2vec(card: EncoderCard) -> Named:
    """The encoder of the feeling, without what only its pre-training used."""
    sizes = card.settings
    width, channels, depth = sizes["embed"], sizes["conv_width"], sizes["position_depth"]
    kernel = max(3, sizes["position_width"] // depth)
    yield f"{MODALITY}extra_tokens", (1, sizes["extra_tokens"], width)
    yield f"{MODALITY}alibi_scale", (1, 1, sizes["heads"], 1, 1)
    for layer, size in enumerate(KERNELS):
        prefix = f"{MODALITY}local_encoder.conv_layers.{layer}."
        yield f"{prefix}0.weight", (channels, channels if layer else 1, size)
        yield from _norm(f"{prefix}2.1", channels)
    yield from _norm(f"{MODALITY}project_features.1", channels)
    yield from _linear(f"{MODALITY}project_features.2", width, channels)
    for layer in range(1, depth + 1):
        prefix = f"{MODALITY}relative_positional_encoder.{layer}.0."
        yield f"{prefix}weight", (width, width // sizes["position_groups"], kernel)
        yield f"{prefix}bias", (width,)
    yield from _norm(f"{MODALITY}context_encoder.norm", width)
    inner = int(width * sizes["mlp_ratio"])
    stacks = ((f"{MODALITY}context_encoder.blocks", sizes["prenet_depth"]), (f"{EMOTION}blocks", sizes["depth"]))
    for prefix, layers in stacks:
        for layer in range(layers):
            yield from _norm(f"{prefix}.{layer}.norm1", width)
            yield from _linear(f"{prefix}.{layer}.attn.qkv", 3 * width, width)
            yield from _linear(f"{prefix}.{layer}.attn.proj", width, width)
            yield from _norm(f"{prefix}.{layer}.norm2", width)
            yield from _linear(f"{prefix}.{layer}.mlp.fc1", inner, width)
            yield from _linear(f"{prefix}.{layer}.mlp.fc2", width, inner)


def prior(card: PriorCard, codebook: CodebookCard) -> Named:
    """Motion encoder, codebook and motion decoder."""
    width = card.latent
    encoder, decoder = f"{PRIOR}motion_encoder.", f"{PRIOR}motion_decoder."
    yield from _linear(f"{encoder}feature_mapping.0", width, card.features)
    yield from _smoothing(f"{encoder}squasher.0.0", width)
    yield f"{PRIOR}quantize.embedding.weight", (codebook.codes, codebook.width)
    yield from _smoothing(f"{decoder}expander.0.0", width)
    yield f"{decoder}feature_mapping_reverse.weight", (card.features, width)
    for prefix, side in ((encoder, "encoder"), (decoder, "decoder")):
        yield f"{prefix}{side}_pos_embedding.pe", (POSITIONS, 1, width)
        yield from _linear(f"{prefix}{side}_linear_embedding.net", width, width)
        for layer in range(card.layers):
            yield from _block(f"{prefix}{side}_transformer.net", 2 * layer, width, card.intermediate)


def predictor(card: PredictorCard, who: IdentityCard) -> Named:
    """Two streams and the tokens between them."""
    width, inner = card.latent, int(card.latent * card.attention_ratio)
    yield f"{PREDICTOR}fusion_tokens", (1, card.fusion_tokens, width)
    yield from _linear(f"{PREDICTOR}audio_feat", width, card.audio_features)
    yield from _linear(f"{PREDICTOR}emo_feat", width, card.emotion_features)
    yield f"{PREDICTOR}style_proj.weight", (width, who.inputs if who.kind == "raw" else who.identities)
    yield from _smoothing(f"{PREDICTOR}squash_a.0", width)
    yield from _smoothing(f"{PREDICTOR}squash_e.0", width)
    yield from _linear(f"{PREDICTOR}lin_embed.net", width, width)
    yield f"{PREDICTOR}pos_enc.pe", (POSITIONS, 1, width)
    for layer in range(card.layers):
        yield from _block(f"{PREDICTOR}audio_blocks.{layer}.net", 0, width, card.intermediate)
        yield from _block(f"{PREDICTOR}emo_blocks.{layer}.net", 0, width, card.intermediate)
        prefix = f"{PREDICTOR}fusion_blocks.{layer}."
        for norm in ("norm_mm", "norm_a", "norm_v", "norm_mlp"):
            yield from _norm(f"{prefix}{norm}", width)
        yield f"{prefix}attn.q.weight", (inner, width)
        yield f"{prefix}attn.kv.weight", (2 * inner, 2 * width)
        yield from _linear(f"{prefix}attn.proj", width, inner)
        yield from _linear(f"{prefix}mlp.fc1", card.intermediate, width)
        yield from _linear(f"{prefix}mlp.fc2", width, card.intermediate)
    yield from _norm(f"{PREDICTOR}out_norm", width)


def identity(card: IdentityCard) -> Named:
    """The branch from shape to identities; absent where a raw shape leaves no use for it and none was saved."""
    if card.identities:
        for layer, (before, after) in enumerate(itertools.pairwise((card.inputs, *card.hidden, card.identities))):
            yield from _linear(f"{IDENTITY}{2 * layer}", after, before)


def _linear(name: str, after: int, before: int) -> Named:
    yield f"{name}.weight", (after, before)
    yield f"{name}.bias", (after,)


def _norm(name: str, width: int) -> Named:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def _smoothing(name: str, width: int) -> Named:
    yield f"{name}.weight", (width, width, SMOOTHING_KERNEL)
    yield f"{name}.bias", (width,)


def _block(name: str, first: int, width: int, inner: int) -> Named:
    """Attention and the layers behind it, two places in a sequence."""
    yield from _norm(f"{name}.{first}.fn.norm", width)
    yield f"{name}.{first}.fn.fn.to_qkv.weight", (3 * width, width)
    yield from _linear(f"{name}.{first}.fn.fn.to_out", width, width)
    yield from _norm(f"{name}.{first + 1}.fn.norm", width)
    yield from _linear(f"{name}.{first + 1}.fn.fn.l1", inner, width)
    yield from _linear(f"{name}.{first + 1}.fn.fn.l2", width, inner)

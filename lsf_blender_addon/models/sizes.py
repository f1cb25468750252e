"""A model card's sizes, read off the shapes of a checkpoint's tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import ModelError
from .card import CodebookCard, EncoderCard, IdentityCard, PredictorCard, PriorCard
from .published import EMOTION, HUBERT, IDENTITY, KERNELS, MODALITY, PREDICTOR, PRIOR, Shape

HUBERT_HEAD = 64
"""Every published HuBERT has attention heads of this width."""

PUBLISHED_HEADS = 8
MAXIMUM_LAYERS = 200
PUBLISHED_EPSILON = 1e-5
"""What the front end adds to the variance in the library version that the published code pins."""

HEAD_WORDS = ("num_heads", "heads", "nhead", "n_heads", "num_attention_heads")
ENCODER_RATE = 50.0


class Shapes:
    """Shapes of tensors by name; what is missing is an error that names it."""

    def __init__(self, shapes: Mapping[str, Shape], source: str) -> None:
        self._shapes = shapes
        self._source = source

    def __contains__(self, name: str) -> bool:
        return name in self._shapes

    def of(self, name: str, axes: int) -> Shape:
        """The shape of a tensor that must be there.

        Raises:
            ModelError: it is missing, or has another number of axes.
        """
        shape = self._shapes.get(name)
        if shape is None or len(shape) != axes or 0 in shape:
            raise ModelError(
                f"{self._source} is no checkpoint of this network: {name} is missing or has no such shape."
            )
        return shape

    def count(self, pattern: str) -> int:
        """How many layers there are whose number stands in ``pattern`` at ``#``.

        Raises:
            ModelError: more than any network has.
        """
        expression = re.compile(re.escape(pattern).replace("\\#", r"(\d+)"))
        found = {int(match[1]) for name in self._shapes if (match := expression.match(name))}
        count = max(found, default=-1) + 1
        if count > MAXIMUM_LAYERS:
            raise ModelError(
                f"{self._source} has layers numbered up to {count - 1}: it is no checkpoint of this network."
            )
        return count


def hubert(shapes: Shapes) -> EncoderCard:
    """Sizes of the encoder of the words.

    Raises:
        ModelError: a tensor that tells them is missing, or they make no HuBERT.
    """
    width, group, kernel = shapes.of(f"{HUBERT}encoder.pos_conv_embed.conv.weight_v", 3)
    if width % HUBERT_HEAD or width % group:
        raise ModelError(f"A HuBERT of width {width} is none that was published: its attention heads are unknown.")
    channels = [
        shapes.of(f"{HUBERT}feature_extractor.conv_layers.{layer}.conv.weight", 3)[0] for layer in range(len(KERNELS))
    ]
    return EncoderCard(
        "hubert",
        {
            "hidden_size": width,
            "num_hidden_layers": shapes.count(f"{HUBERT}encoder.layers.#."),
            "num_attention_heads": width // HUBERT_HEAD,
            "intermediate_size": shapes.of(f"{HUBERT}encoder.layers.0.feed_forward.intermediate_dense.weight", 2)[0],
            "conv_dim": channels,
            "num_conv_pos_embeddings": kernel,
            "num_conv_pos_embedding_groups": width // group,
            "epsilon": PUBLISHED_EPSILON,
        },
    )


def emotion2vec(shapes: Shapes) -> EncoderCard:
    """Sizes of the encoder of the feeling.

    Raises:
        ModelError: a tensor that tells them is missing.
    """
    _, tokens, width = shapes.of(f"{MODALITY}extra_tokens", 3)
    _, group, kernel = shapes.of(f"{MODALITY}relative_positional_encoder.1.0.weight", 3)
    layers = shapes.count(f"{MODALITY}relative_positional_encoder.#.0.weight") - 1
    return EncoderCard(
        "emotion2vec",
        {
            "embed": width,
            "heads": shapes.of(f"{MODALITY}alibi_scale", 5)[2],
            "depth": shapes.count(f"{EMOTION}blocks.#."),
            "prenet_depth": shapes.count(f"{MODALITY}context_encoder.blocks.#."),
            "mlp_ratio": shapes.of(f"{EMOTION}blocks.0.mlp.fc1.weight", 2)[0] / width,
            "extra_tokens": tokens,
            "conv_width": shapes.of(f"{MODALITY}local_encoder.conv_layers.0.0.weight", 3)[0],
            "position_width": kernel * layers,
            "position_depth": layers,
            "position_groups": width // group,
        },
    )


def prior(shapes: Shapes, settings: Any) -> tuple[PriorCard, CodebookCard]:
    """Sizes of the motion prior and its codebook.

    Raises:
        ModelError: a tensor that tells them is missing.
    """
    features, latent = shapes.of(f"{PRIOR}motion_decoder.feature_mapping_reverse.weight", 2)
    codes, width = shapes.of(f"{PRIOR}quantize.embedding.weight", 2)
    block = f"{PRIOR}motion_decoder.decoder_transformer.net."
    card = PriorCard(
        latent=latent,
        layers=shapes.count(f"{block}#.") // 2,
        heads=heads(settings, "motion_prior", latent),
        intermediate=shapes.of(f"{block}1.fn.fn.l1.weight", 2)[0],
        features=features,
    )
    return card, CodebookCard(codes=codes, width=width)


def predictor(shapes: Shapes, settings: Any) -> PredictorCard:
    """Sizes of the two streams and the tokens between them.

    Raises:
        ModelError: a tensor that tells them is missing.
    """
    latent, audio = shapes.of(f"{PREDICTOR}audio_feat.weight", 2)
    return PredictorCard(
        latent=latent,
        layers=shapes.count(f"{PREDICTOR}audio_blocks.#."),
        heads=heads(settings, "feature_predictor", latent),
        intermediate=shapes.of(f"{PREDICTOR}audio_blocks.0.net.1.fn.fn.l1.weight", 2)[0],
        audio_features=audio,
        emotion_features=shapes.of(f"{PREDICTOR}emo_feat.weight", 2)[1],
        fusion_tokens=shapes.of(f"{PREDICTOR}fusion_tokens", 3)[1],
        attention_ratio=shapes.of(f"{PREDICTOR}fusion_blocks.0.attn.q.weight", 2)[0] / latent,
    )


def identity(shapes: Shapes) -> IdentityCard:
    """Which of the two published identity branches it is: as many styles as shape numbers means the raw shape.

    Raises:
        ModelError: the styles are neither the shape's numbers nor the branch's identities.
    """
    styles = shapes.of(f"{PREDICTOR}style_proj.weight", 2)[1]
    layers = [number for number in range(0, 20, 2) if f"{IDENTITY}{number}.weight" in shapes]
    widths = [shapes.of(f"{IDENTITY}{number}.weight", 2) for number in layers]
    inputs = widths[0][1] if widths else IdentityCard().inputs
    hidden, last = tuple(shape[0] for shape in widths[:-1]), widths[-1][0] if widths else 0
    if styles == inputs:
        return IdentityCard("raw", inputs, hidden, last)
    if styles != last:
        raise ModelError(f"The predictor takes {styles} styles; the identity branch gives {last}.")
    return IdentityCard("softmax", inputs, hidden, last)


def pairing(features: int, card: EncoderCard) -> int:
    """How many encoder frames make one frame of motion.

    Raises:
        ModelError: no whole number of them does.
    """
    width: int = card.settings["hidden_size"]
    if features % width:
        raise ModelError(f"The predictor takes {features} audio features; frames of {width} do not make them.")
    return features // width


def heads(settings: Any, part: str, latent: int) -> int:
    """Attention heads, which no shape tells: from the checkpoint's settings for ``part``, else as published.

    Raises:
        ModelError: they do not divide the width.
    """
    found = _searched(settings, part, inside=False)
    number = PUBLISHED_HEADS if found is None else found
    if number < 1 or latent % number:
        raise ModelError(f"{number} attention heads do not divide the {part}'s width of {latent}.")
    return number


def _searched(settings: Any, part: str, *, inside: bool) -> int | None:
    """The first number of heads anywhere below a setting whose name holds ``part``."""
    if isinstance(settings, dict):
        for word in HEAD_WORDS:
            if inside and type(settings.get(word)) is int:
                return int(settings[word])
        for name, value in settings.items():
            found = _searched(value, part, inside=inside or part in name)
            if found is not None:
                return found
    elif isinstance(settings, list):
        for value in settings:
            found = _searched(value, part, inside=inside)
            if found is not None:
                return found
    return None

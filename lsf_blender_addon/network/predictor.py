"""The feature predictor: an audio stream and an emotion stream with fusion tokens between them (paper, HIFB)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..models.card import PredictorCard
from .fusion import FusionBlock
from .layers import LinearEmbedding, Mixer, SinePositions, Smoothing


@dataclass(frozen=True, eq=False)
class Feeling:
    """How much of what the emotion stream heard the face shows.

    Attributes:
        neutral: (emotion_features,) what an even voice sounds like to the emotion encoder.
        strength: 0 neutral, 1 as heard, 2 twice as far from neutral.
    """

    neutral: Tensor
    strength: float


class FeaturePredictor(nn.Module):
    """Speech features and a style → latents of motion.

    Dead in the published network, and kept for its tensor names only: the last emotion block, the last fusion block
    and ``out_norm``. They are not computed.
    """

    def __init__(self, card: PredictorCard, styles: int) -> None:
        super().__init__()
        width = card.latent
        self.local = card.mixing == "convolution"
        self.fusion_tokens = nn.Parameter(torch.randn(1, card.fusion_tokens, width) * 0.02)
        self.audio_feat = nn.Linear(card.audio_features, width)
        self.emo_feat = nn.Linear(card.emotion_features, width)
        self.style_proj = nn.Linear(styles, width, bias=False)
        self.squash_a = Smoothing(width, card.normalisation)
        self.squash_e = Smoothing(width, card.normalisation)
        self.lin_embed = LinearEmbedding(width)
        self.pos_enc: nn.Module = SinePositions(width) if card.positions else nn.Identity()
        self.audio_blocks = nn.ModuleList(_stream(card) for _ in range(card.layers))
        self.emo_blocks = nn.ModuleList(_stream(card) for _ in range(card.layers))
        self.fusion_blocks = nn.ModuleList(
            FusionBlock(width, card.heads, card.intermediate, card.attention_ratio) for _ in range(card.layers)
        )
        self.out_norm = nn.LayerNorm(width)

    def forward(self, audio: Tensor, emotion: Tensor, style: Tensor, feeling: Feeling | None = None) -> Tensor:
        """Predict latents.

        Args:
            audio: (B, T, audio_features).
            emotion: (B, T, emotion_features).
            style: (B, identities) probabilities, or (B, 300) shape coefficients where the identity branch is raw.
            feeling: how far to move the emotion stream; None leaves it as heard.

        Returns:
            (B, T, latent).
        """
        a, e = self.embed(audio, emotion, style, feeling)
        tokens = self.fusion_tokens.expand(len(a), -1, -1)
        last = len(self.audio_blocks) - 1
        for layer, block in enumerate(self.audio_blocks):
            a = self._step(block, tokens, a)
            if layer < last:
                e = self._step(self.emo_blocks[layer], tokens, e)
                tokens = self.fusion_blocks[layer](tokens, e, a)
        return a

    def embed(
        self, audio: Tensor, emotion: Tensor, style: Tensor, feeling: Feeling | None = None
    ) -> tuple[Tensor, Tensor]:
        """Both streams before their first block, each (B, T, latent)."""
        multiplier = functional.linear(style, self.style_proj.weight)[:, None]
        a = self.squash_a(self.audio_feat(audio) * multiplier)
        e = self.squash_e(self.emo_feat(emotion) * multiplier)
        if feeling is not None:
            # After the normalisation, which would undo it: instance norm takes every scale out of a stream.
            neutral = self.squash_e(self.emo_feat(feeling.neutral)[None, None] * multiplier)
            e = neutral + feeling.strength * (e - neutral)
        return self.pos_enc(self.lin_embed(a)), self.pos_enc(self.lin_embed(e))

    def _step(self, block: nn.Module, tokens: Tensor, frames: Tensor) -> Tensor:
        out: Tensor
        if self.local:
            out = block(frames, tokens)
            return out
        out = block(torch.cat((tokens, frames), dim=1))
        return out[:, tokens.shape[1] :]


def _stream(card: PredictorCard) -> Mixer:
    return Mixer(card.latent, card.heads, card.intermediate, 1, mixing=card.mixing, kernel=card.kernel, tokens=True)

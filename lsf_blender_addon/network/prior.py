"""The motion prior: motion → latents → codes → motion (the paper's stage 1; docs/network.md)."""

from __future__ import annotations

from torch import Tensor, nn

from ..models.card import CodebookCard, PriorCard
from .codebook import Quantised, Quantiser, quantiser_of
from .layers import LinearEmbedding, Mixer, SinePositions, Smoothing


def _mixer(card: PriorCard) -> Mixer:
    return Mixer(card.latent, card.heads, card.intermediate, card.layers, mixing=card.mixing, kernel=card.kernel)


def _positions(card: PriorCard) -> nn.Module:
    return SinePositions(card.latent) if card.positions else nn.Identity()


class MotionEncoder(nn.Module):
    """Motion → latents, frame by frame: nothing is sampled down."""

    def __init__(self, card: PriorCard) -> None:
        super().__init__()
        self.feature_mapping = nn.Sequential(nn.Linear(card.features, card.latent), nn.LeakyReLU(0.2))
        self.squasher = nn.Sequential(Smoothing(card.latent, card.normalisation))
        self.encoder_linear_embedding = LinearEmbedding(card.latent)
        self.encoder_pos_embedding = _positions(card)
        self.encoder_transformer = _mixer(card)

    def forward(self, motion: Tensor) -> Tensor:
        """(B, T, features), scaled so that the card's ranges are 0 and 1 → (B, T, latent)."""
        x = self.encoder_linear_embedding(self.squasher(self.feature_mapping(motion)))
        latent: Tensor = self.encoder_transformer(self.encoder_pos_embedding(x))
        return latent


class MotionDecoder(nn.Module):
    """Latents → motion; not clamped to the ranges."""

    def __init__(self, card: PriorCard) -> None:
        super().__init__()
        self.expander = nn.Sequential(Smoothing(card.latent, card.normalisation))
        self.decoder_linear_embedding = LinearEmbedding(card.latent)
        self.decoder_pos_embedding = _positions(card)
        self.decoder_transformer = _mixer(card)
        self.feature_mapping_reverse = nn.Linear(card.latent, card.features, bias=False)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, T, latent) → (B, T, features), scaled so that the card's ranges are 0 and 1."""
        x = self.decoder_pos_embedding(self.decoder_linear_embedding(self.expander(latent)))
        motion: Tensor = self.feature_mapping_reverse(self.decoder_transformer(x))
        return motion


class MotionPrior(nn.Module):
    """Encoder, codebook and decoder."""

    quantize: Quantiser

    def __init__(self, card: PriorCard, codebook: CodebookCard) -> None:
        super().__init__()
        self.motion_encoder = MotionEncoder(card)
        self.quantize = quantiser_of(codebook, card.latent)
        self.motion_decoder = MotionDecoder(card)

    def forward(self, motion: Tensor) -> tuple[Tensor, Quantised]:
        """(B, T, features) → its reconstruction of the same shape, and what the codebook did: stage 1's two losses."""
        quantised: Quantised = self.quantize(self.motion_encoder(motion))
        return self.motion_decoder(quantised.latent), quantised

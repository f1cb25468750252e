"""The networks that reference vectors belong to, filled by the formula and kept while files ask for them."""

from __future__ import annotations

from functools import lru_cache

from lsf_blender_addon.models.card import (
    CodebookCard,
    EncoderCard,
    IdentityCard,
    LicenceCard,
    ModelCard,
    PredictorCard,
    PriorCard,
    WindowCard,
)
from lsf_blender_addon.network.lsf import LsfNetwork
from lsf_blender_addon.speech.emotion2vec import Emotion2vecEncoder
from lsf_blender_addon.speech.hubert import HubertEncoder
from parity.filling import fill

EMOTION2VEC = {
    "e2v_small": {
        "embed": 32,
        "heads": 4,
        "depth": 2,
        "prenet_depth": 2,
        "extra_tokens": 3,
        "conv_width": 16,
        "position_width": 20,
        "position_depth": 4,
        "position_groups": 4,
    },
    "e2v_small6": {"embed": 48, "heads": 6, "depth": 2, "prenet_depth": 1, "conv_width": 16},
    "e2v_base_full": {},
}
PREFIXES = {"e2v_base_full": "audio_model."}


def _encoder(width: int) -> EncoderCard:
    """Features are given, so the cheapest encoder of the right width stands in for those that made them."""
    return EncoderCard("log_mel", {"width": width, "bands": 1, "dilations": []})


def card(size: str) -> ModelCard:
    """The card of the ``small`` network of the vectors, or of the ``full`` published one without its encoders."""
    small = size == "small"
    return ModelCard(
        name=size,
        title=size,
        space="flame",
        fps=25.0,
        pairing=2,
        licence=LicenceCard("none", commercial_use=False),
        provenance="a formula",
        audio=_encoder(24 if small else 768),
        emotion=_encoder(24 if small else 768),
        identity=IdentityCard(identities=5 if small else 32),
        predictor=PredictorCard(latent=32, layers=3, heads=4, intermediate=48, audio_features=48, emotion_features=48)
        if small
        else PredictorCard(),
        prior=PriorCard(latent=32, layers=2, heads=4, intermediate=48) if small else PriorCard(),
        codebook=CodebookCard(codes=16, width=16) if small else CodebookCard(),
        window=WindowCard(20.0, 2.0),
    )


@lru_cache(maxsize=2)
def network(size: str, salt: int) -> LsfNetwork:
    """The network of a size, filled."""
    filled = LsfNetwork(card(size)).eval()
    fill(filled, "", salt)
    return filled


@lru_cache(maxsize=1)
def emotion2vec(kind: str, salt: int) -> Emotion2vecEncoder:
    """The emotion2vec of a kind of file, filled."""
    encoder = Emotion2vecEncoder(EMOTION2VEC[kind]).eval()
    fill(encoder, PREFIXES.get(kind, f"{kind}."), salt)
    return encoder


@lru_cache(maxsize=1)
def hubert(salt: int) -> HubertEncoder:
    """HuBERT-base, filled."""
    encoder = HubertEncoder({}).eval()
    fill(encoder, "feature_extractor.", salt)
    return encoder

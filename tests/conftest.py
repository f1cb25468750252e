"""What every test may ask for: the reference material beside the repository, and the switches for long runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lsf_blender_addon.models.card import ModelCard

REPOSITORY = Path(__file__).resolve().parents[1]

# How long an example takes says nothing about the code on a machine that does other things as well.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests at full published size")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="long; run with --slow"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference vectors, real speech and third-party heads, which is not part of the repository."""
    folder = Path(os.environ.get("LSF_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no reference material at {folder}; set LSF_SHARED to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with random weights: the published modules, a hundredth of their width."""
    pytest.importorskip("torch", reason="a model needs torch")
    from lsf_blender_addon.models import card as cards  # noqa: PLC0415

    positions = {"position_width": 20, "position_depth": 2, "position_groups": 4}
    hubert = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    hubert |= {"conv_dim": [16] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
    emotion = {"embed": 32, "heads": 4, "depth": 2, "prenet_depth": 1, "conv_width": 16, **positions}
    card = cards.ModelCard(
        name="tiny",
        title="Tiny, random",
        space="flame",
        fps=25.0,
        pairing=2,
        licence=cards.LicenceCard("CC0-1.0", commercial_use=True),
        provenance="random numbers",
        audio=cards.EncoderCard("hubert", hubert),
        emotion=cards.EncoderCard("emotion2vec", emotion),
        identity=cards.IdentityCard(identities=5),
        predictor=cards.PredictorCard(
            latent=32, layers=3, heads=4, intermediate=48, audio_features=64, emotion_features=64
        ),
        prior=cards.PriorCard(latent=32, layers=2, heads=4, intermediate=48),
        codebook=cards.CodebookCard(codes=16, width=16),
        window=cards.WindowCard(6.0, 1.0),
    )
    return random_model(card, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def light_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with random weights in the manner of the starter: no HuBERT, quick to load, ``arkit``."""
    pytest.importorskip("torch", reason="a model needs torch")
    from lsf_blender_addon.models import card as cards  # noqa: PLC0415

    encoder = cards.EncoderCard("log_mel", {"width": 32, "dilations": [1, 2]})
    layers = {"latent": 32, "layers": 2, "heads": 4, "intermediate": 48, "normalisation": "frame", "positions": False}
    card = cards.ModelCard(
        name="light",
        title="Light, random",
        space="arkit",
        fps=25.0,
        pairing=2,
        licence=cards.LicenceCard("CC0-1.0", commercial_use=True),
        provenance="random numbers",
        audio=encoder,
        emotion=encoder,
        identity=cards.IdentityCard(identities=5),
        predictor=cards.PredictorCard(**layers, mixing="convolution", audio_features=64, emotion_features=64),
        prior=cards.PriorCard(**layers, mixing="convolution"),
        codebook=cards.CodebookCard(kind="scalar", grouping="frame", width=16, levels=(8, 8, 8)),
        window=cards.WindowCard(6.0, 1.0),
        ranges=cards.RangesCard((-0.02, 0.02), (-0.02, 0.02)),
    )
    return random_model(card, tmp_path_factory.mktemp("models") / "light")


def random_model(card: ModelCard, folder: Path) -> Path:
    """Write a model folder of a card with random weights."""
    from safetensors.torch import save_file  # noqa: PLC0415

    from lsf_blender_addon.models.card import CARD_NAME, WEIGHTS_NAME  # noqa: PLC0415
    from lsf_blender_addon.network.lsf import random_network  # noqa: PLC0415

    folder.mkdir()
    (folder / CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    tensors = {name: tensor.contiguous() for name, tensor in random_network(card, 0).state_dict().items()}
    save_file(tensors, folder / WEIGHTS_NAME)
    return folder

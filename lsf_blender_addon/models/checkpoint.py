"""A published PyTorch-Lightning checkpoint becomes a model folder, once, without running anything inside it."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..pickles import PickleFormatError
from . import sizes
from .card import CARD_NAME, WEIGHTS_NAME, LicenceCard, ModelCard, WindowCard
from .configuration import CONFIGURATION, plain
from .published import EMOTION, FEATURES_OF_MOTION, MODALITY, PREDICTOR, PRIOR, expected_shapes
from .store import arriving
from .torch_files import StoredTensor, read_checkpoint

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is done, 0 to 1."""

PUBLISHED_LICENCE = LicenceCard(
    name="CC BY-NC-SA 4.0",
    commercial_use=False,
    url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
    attribution="LSF-Animation (SIGGRAPH Asia 2025, arXiv 2510.21864)",
)
PUBLISHED_WINDOW = WindowCard(seconds=10.0, overlap=1.0)
"""The published network learnt from clips of 2 to 6 seconds; joins cost more than a little length beyond that."""

NEWER_NAMES = (
    ("parametrizations.weight.original0", "weight_g"),
    ("parametrizations.weight.original1", "weight_v"),
)
SHOWN = 5
CHUNK = 2**24


def import_checkpoint(
    path: Path,
    folder: Path,
    *,
    name: str | None = None,
    title: str | None = None,
    licence: LicenceCard = PUBLISHED_LICENCE,
    prior: Path | None = None,
    progress: Progress | None = None,
) -> ModelCard:
    """Convert a checkpoint of the published form.

    Args:
        path: the checkpoint of stage 2, with both speech encoders, predictor, identity branch and prior inside.
        folder: the model folder to make; it must not be there yet, and appears whole or not at all.
        name: the model's name; the folder's where None.
        title: what a list shows; made from the name where None.
        licence: under what terms the weights are; the published ones' where None is given.
        prior: the checkpoint of stage 1, where its tensors are not in ``path``.
        progress: told what is being done.

    Returns:
        The card that was written.

    Raises:
        ModelError: the file is missing, damaged, of another kind, or its tensors do not fit together.
        UntrustedFileError: it asks for something that no such checkpoint needs; nothing of it was run.
    """
    tell = progress or (lambda _stage, _share: None)
    tell("reading the index", 0.0)
    content = read_checkpoint(path, CONFIGURATION)
    tensors = _tensors(content, path.name)
    if prior is not None:
        tell("reading the prior's index", 0.02)
        tensors |= _prior_tensors(prior)
    _refuse_other_kinds(tensors, path.name)
    card = _card(content, tensors, path, name=name or folder.name, title=title, licence=licence)
    _check(tensors, card, path.name)
    with arriving(folder) as beside:
        _write_weights(beside / WEIGHTS_NAME, tensors, tell)
        (beside / CARD_NAME).write_text(card.to_json(), encoding="utf-8")
    tell("done", 1.0)
    return card


def _tensors(content: dict[str, Any], source: str) -> dict[str, StoredTensor]:
    """The network's tensors under their published names, without what only training used."""
    state = content.get("state_dict", content)
    if not isinstance(state, dict):
        raise ModelError(f"{source} holds no state_dict: it is no checkpoint of a network.")
    tensors: dict[str, StoredTensor] = {}
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, StoredTensor):
            raise ModelError(f"{source} holds something else than tensors in its state_dict ({key!r:.60}).")
        if "_losses." in key or key.startswith(f"{MODALITY}decoder."):
            continue
        for newer, published in NEWER_NAMES:
            key = key.replace(newer, published)  # noqa: PLW2901 the name it goes by from here
        tensors[key] = value
    return tensors


def _prior_tensors(path: Path) -> dict[str, StoredTensor]:
    tensors = _tensors(read_checkpoint(path, CONFIGURATION), path.name)
    if not any(key.startswith("motion_decoder.") for key in tensors):
        raise ModelError(f"{path.name} is no checkpoint of stage 1: it holds no motion_decoder.")
    return {f"{PRIOR}{key}": tensor for key, tensor in tensors.items()}


def _refuse_other_kinds(tensors: Mapping[str, StoredTensor], source: str) -> None:
    """Name checkpoints of the same family that this network cannot play, and say why."""

    def holds(part: str) -> bool:
        return any(part in key for key in tensors)

    if holds("MHCA."):
        raise ModelError(
            f"{source} is of an older LSF-Animation with MHCA layers, whose attention was never published: its tensors "
            "cannot be converted. Use a checkpoint of the current form."
        )
    if f"{PREDICTOR}audio_feature_map.weight" in tensors and not holds(f"{PREDICTOR}emo"):
        raise ModelError(
            f"{source} is a ProbTalk3D checkpoint: a single stream without emotion2vec, which is another network. "
            "Use a checkpoint of LSF-Animation."
        )
    if f"{PREDICTOR}audio_feature_map.weight" in tensors:
        raise ModelError(
            f"{source} has the names of an LSF-Animation before its release, whose parts do not match the published "
            "ones: it cannot be converted. Use a checkpoint of the current form."
        )
    if f"{PRIOR}logvar.weight" in tensors or "logvar.weight" in tensors:
        raise ModelError(f"{source} has a VAE for its motion prior; only networks with a codebook can be played.")
    if not holds(PREDICTOR) and holds("motion_decoder."):
        raise ModelError(
            f"{source} holds a motion prior alone (stage 1). Import the checkpoint of stage 2, and name this one as "
            "its prior where the prior is not inside."
        )
    if not holds(PREDICTOR):
        raise ModelError(f"{source} is no LSF-Animation checkpoint: it holds no {PREDICTOR.rstrip('.')}.")
    if not holds(PRIOR):
        raise ModelError(f"{source} lacks the motion prior: name the checkpoint of stage 1 as well.")
    for prefix, what in (("feature_extractor.", "HuBERT"), (EMOTION, "emotion2vec")):
        if not any(key.startswith(prefix) for key in tensors):
            raise ModelError(f"{source} lacks {what} ({prefix}*): it is incomplete.")


def _card(
    content: Mapping[str, Any],
    tensors: Mapping[str, StoredTensor],
    path: Path,
    *,
    name: str,
    title: str | None,
    licence: LicenceCard,
) -> ModelCard:
    shapes = sizes.Shapes({key: tensor.shape for key, tensor in tensors.items()}, path.name)
    try:
        settings = plain(content.get("hyper_parameters", {}))
    except PickleFormatError as error:
        raise ModelError(f"The settings in {path.name} cannot be read ({error}).") from error
    audio, emotion = sizes.hubert(shapes), sizes.emotion2vec(shapes)
    prior_card, codebook = sizes.prior(shapes, settings)
    predictor = sizes.predictor(shapes, settings)
    if prior_card.features != FEATURES_OF_MOTION:
        raise ModelError(
            f"{path.name} speaks {prior_card.features} numbers a frame; faces of this project take "
            f"{FEATURES_OF_MOTION} (50 of expression, 3 of the jaw)."
        )
    pairing = sizes.pairing(predictor.audio_features, audio)
    steps = [f"{word} {content[word]}" for word in ("epoch", "global_step") if type(content.get(word)) is int]
    return ModelCard(
        name=name,
        title=title or f"LSF-Animation ({name})",
        space="flame",
        fps=sizes.ENCODER_RATE / pairing,
        pairing=pairing,
        licence=licence,
        provenance=", ".join([f"imported from {path.name}", *steps, f"sha256 {_digest(path)}"]),
        audio=audio,
        emotion=emotion,
        identity=sizes.identity(shapes),
        predictor=predictor,
        prior=prior_card,
        codebook=codebook,
        window=PUBLISHED_WINDOW,
    )


def _check(tensors: Mapping[str, StoredTensor], card: ModelCard, source: str) -> None:
    """Every tensor there, none too many, each in the shape that the sizes ask for."""
    expected = expected_shapes(card)
    tables = {key for key in expected if key.endswith(".pe")}  # a formula: need not be stored
    problems = (
        ("lacks", sorted(set(expected) - set(tensors) - tables)),
        ("holds, beyond what this network has,", sorted(set(tensors) - set(expected))),
        (
            "has in another shape than the rest asks for",
            sorted(key for key in set(expected) & set(tensors) if expected[key] != tensors[key].shape),
        ),
    )
    for problem, names in problems:
        if names:
            more = len(names) - SHOWN
            listed = ", ".join(names[:SHOWN])
            listed = f"{listed} and {more:d} more" if more > 0 else listed
            raise ModelError(f"{source} {problem} {len(names)} tensors: {listed}.")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write_weights(path: Path, tensors: Mapping[str, StoredTensor], tell: Progress) -> None:
    """A safetensors file, one tensor at a time: length and text of an index, then the values as float32."""
    index: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in sorted(tensors.items()):
        begin, end = end, end + 4 * prod(tensor.shape)
        index[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    header = json.dumps(index, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    written = 0
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for name, values in _values(tensors):
            file.write(values.tobytes())
            written += values.nbytes
            tell(f"writing {name.split('.')[0]}", 0.05 + 0.95 * written / max(1, end))


def _values(tensors: Mapping[str, StoredTensor]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, tensor in sorted(tensors.items()):
        values = tensor.array()
        if values.dtype.kind != "f":
            raise ModelError(f"{name} holds {values.dtype}, not the values of a network.")
        converted = values.astype("<f4")
        if not np.isfinite(converted).all():
            raise ModelError(f"{name} holds values that are not finite: the training that wrote it had failed.")
        yield name, converted

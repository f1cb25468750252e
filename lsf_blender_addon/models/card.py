"""``model.json``: what a model is, as frozen values read from and written to a folder.

The published network, the starter and every ablation differ in these fields alone (DESIGN.md, "The paper is
configuration, not code").
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import ModelError

CARD_NAME = "model.json"
WEIGHTS_NAME = "weights.safetensors"
CARD_FORMAT = 1
MAXIMUM_CARD_BYTES = 1_000_000

Normalisation = Literal["instance", "frame"]
"""``instance``: per channel over time (published); ``frame``: layer norm of each frame, independent of length."""

Mixing = Literal["attention", "convolution"]
"""How a layer looks along time: over everything (published), or only around itself."""


@dataclass(frozen=True)
class LicenceCard:
    """Under what terms the weights may be used."""

    name: str
    commercial_use: bool
    url: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class EncoderCard:
    """One speech encoder; ``settings`` are the sizes that its kind understands (see ``speech/``)."""

    kind: Literal["hubert", "emotion2vec", "log_mel"]
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class IdentityCard:
    """The branch that says who speaks; ``raw`` feeds the shape vector itself (published variant with 300 columns)."""

    kind: Literal["softmax", "raw"] = "softmax"
    inputs: int = 300
    hidden: tuple[int, ...] = (256, 128)
    identities: int = 32


@dataclass(frozen=True)
class PredictorCard:
    """Two streams and the tokens between them (paper: HIFB)."""

    latent: int = 256
    layers: int = 12
    heads: int = 8
    intermediate: int = 384
    audio_features: int = 1536
    emotion_features: int = 1536
    fusion_tokens: int = 4
    attention_ratio: float = 0.25
    normalisation: Normalisation = "instance"
    mixing: Mixing = "attention"
    kernel: int = 5
    positions: bool = True


@dataclass(frozen=True)
class PriorCard:
    """The motion encoder and decoder around the codebook (stage 1)."""

    latent: int = 256
    layers: int = 6
    heads: int = 8
    intermediate: int = 384
    features: int = 53
    normalisation: Normalisation = "instance"
    mixing: Mixing = "attention"
    kernel: int = 5
    positions: bool = True


@dataclass(frozen=True)
class CodebookCard:
    """How latents become codes.

    ``plain``: one codebook; ``residual``: ``stages`` codebooks, each coding what the one before left over;
    ``scalar``: finite scalar quantisation with ``levels`` per dimension. ``time_runs``: ``width``-long runs of the
    channel-major layout (published); ``frame``: each frame's latent is cut into ``width``-long groups.
    """

    kind: Literal["plain", "residual", "scalar"] = "plain"
    grouping: Literal["time_runs", "frame"] = "time_runs"
    codes: int = 256
    width: int = 128
    stages: int = 1
    levels: tuple[int, ...] = ()


@dataclass(frozen=True)
class RangesCard:
    """Real values that the network's 0 and 1 stand for: one pair for all channels, not clamped."""

    expression: tuple[float, float] = (-3.0, 3.0)
    jaw: tuple[float, float] = (-0.1, 0.5)


@dataclass(frozen=True)
class WindowCard:
    """Seconds that one pass sees, and seconds that two neighbouring passes share."""

    seconds: float
    overlap: float


@dataclass(frozen=True)
class SamplingCard:
    """How codes are drawn when takes are asked for; ``sample`` false takes the nearest code."""

    sample: bool = True
    temperature: float = 0.2
    draws: int = 1


@dataclass(frozen=True)
class ModelCard:
    """Everything about a model but its tensors.

    ``fps`` is the rate of the motion, ``pairing`` how many encoder frames (50 a second) make one motion frame.
    """

    name: str
    title: str
    space: Literal["flame", "arkit"]
    fps: float
    pairing: int
    licence: LicenceCard
    provenance: str
    audio: EncoderCard
    emotion: EncoderCard
    identity: IdentityCard
    predictor: PredictorCard
    prior: PriorCard
    codebook: CodebookCard
    window: WindowCard
    ranges: RangesCard = field(default_factory=RangesCard)
    sampling: SamplingCard = field(default_factory=SamplingCard)
    scores: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of ``model.json``."""
        return json.dumps({"format": CARD_FORMAT, **dataclasses.asdict(self)}, indent=2) + "\n"


def read_card(folder: Path) -> ModelCard:
    """Read ``model.json`` of a model folder.

    Raises:
        ModelError: the file is missing, too large, not JSON, or a field is unknown, missing or of the wrong type.
    """
    path = folder / CARD_NAME
    try:
        if path.stat().st_size > MAXIMUM_CARD_BYTES:
            raise ModelError(f"{path} is larger than a model card can be; it is not one of ours.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{folder} is not a model folder: {CARD_NAME} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid JSON ({error}).") from error
    return card_of(data, str(path))


def card_of(data: object, source: str) -> ModelCard:
    """Make a card from parsed JSON; ``source`` names it in errors.

    Raises:
        ModelError: a field is unknown, missing or of the wrong type, or the format is newer than this version.
    """
    if not isinstance(data, dict):
        raise ModelError(f"{source} does not hold a model card.")
    fields = dict(data)
    version = fields.pop("format", None)
    if version != CARD_FORMAT:
        raise ModelError(f"{source} has format {version!r}; this version reads {CARD_FORMAT}. Update the add-on.")
    card: ModelCard = _value(ModelCard, fields, source)
    return card


def _value(kind: Any, data: Any, where: str) -> Any:
    """``data`` checked against the type ``kind``, dataclasses built, lists turned into tuples."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return _record(kind, data, where)
    if origin is Literal:
        if data not in typing.get_args(kind):
            choices = ", ".join(map(str, typing.get_args(kind)))
            raise ModelError(f"{where} is {data!r}; it must be one of: {choices}.")
        return data
    if origin is tuple:
        arguments = typing.get_args(kind)
        if not isinstance(data, (list, tuple)):
            raise ModelError(f"{where} must be a list.")
        if arguments[-1] is not Ellipsis and len(data) != len(arguments):
            raise ModelError(f"{where} must have {len(arguments)} values, not {len(data)}.")
        item = arguments[0]
        return tuple(_value(item, value, f"{where}[{index}]") for index, value in enumerate(data))
    if origin in (dict, types.GenericAlias) or kind is dict:
        if not isinstance(data, dict):
            raise ModelError(f"{where} must be an object.")
        return dict(data)
    if kind is float and isinstance(data, int) and not isinstance(data, bool) and abs(data) <= sys.float_info.max:
        return float(data)
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise ModelError(f"{where} must be {kind.__name__}, not {type(data).__name__}.")
    return data


def _record(kind: Any, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise ModelError(f"{where} must be an object.")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in dataclasses.fields(kind)}
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise ModelError(f"{where} has unknown fields: {', '.join(unknown)}.")
    required = {
        name
        for name, item in known.items()
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    }
    missing = sorted(required - set(data))
    if missing:
        raise ModelError(f"{where} lacks: {', '.join(missing)}.")
    return kind(**{name: _value(hints[name], value, f"{where}: {name}") for name, value in data.items()})

"""The whole network, sized by a model card: recording → features → latents → motion (docs/network.md)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import AudioError, ModelError
from ..models.card import WEIGHTS_NAME, EncoderCard, IdentityCard, ModelCard, RangesCard, SamplingCard, read_card
from ..speech import frontend
from ..speech.emotion2vec import Emotion2vecEncoder
from ..speech.frontend import Level
from ..speech.hubert import HubertEncoder, published_name
from ..speech.mel import LogMelEncoder, SpectrumLevel
from .layers import SinePositions, sine_table
from .predictor import FeaturePredictor, Feeling
from .prior import MotionPrior

EXPRESSIONS = 50
FEATURES = 53
SHAPES = 300
LEAST_FRAMES = 2
NEUTRAL_NAME = "emotion_neutral"
"""The one tensor that no published file has: (emotion_features,) of an even voice, optional (docs/network.md)."""

Encoder = HubertEncoder | Emotion2vecEncoder | LogMelEncoder
EncoderLevel = Level | SpectrumLevel


@dataclass(frozen=True, eq=False)
class SpeechLevel:
    """What both encoders must know of a whole recording to hear its parts alike (``LsfNetwork.measure``)."""

    audio: EncoderLevel
    emotion: EncoderLevel


@dataclass(frozen=True, eq=False)
class SpeechFeatures:
    """What was heard, at the motion's rate.

    Attributes:
        audio: (B, T, audio_features).
        emotion: (B, T, emotion_features).
        lengths: frames of each item; what lies beyond an item's end is 0.
    """

    audio: Tensor
    emotion: Tensor
    lengths: tuple[int, ...]


class LsfNetwork(nn.Module):
    """LSF-Animation, published or small, as the card says; tensors under the published names.

    Gradients flow through everything but code choice (straight through). For inference, call ``eval()``
    (``load_network`` does) and work inside ``torch.inference_mode()``. Items of a batch never see each other: a batch
    gives what its items give alone.
    """

    emotion_neutral: Tensor | None

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        if card.prior.features != FEATURES or card.predictor.latent != card.prior.latent:
            raise ModelError(
                f"Model {card.name!r} does not hold together: motion has {FEATURES} numbers a frame, and predictor and "
                "prior share one latent width."
            )
        self.card = card
        self.feature_extractor = encoder_of(card.audio)
        self.audio_model = encoder_of(card.emotion)
        for encoder, wanted in (
            (self.feature_extractor, card.predictor.audio_features),
            (self.audio_model, card.predictor.emotion_features),
        ):
            if encoder.width * card.pairing != wanted:
                raise ModelError(
                    f"Model {card.name!r} does not hold together: an encoder of width {encoder.width}, paired by "
                    f"{card.pairing}, does not make {wanted} features."
                )
        self.motion_prior = MotionPrior(card.prior, card.codebook)
        raw = card.identity.kind == "raw"
        styles = card.identity.inputs if raw else card.identity.identities
        self.feature_predictor = FeaturePredictor(card.predictor, styles)
        if card.identity.identities:
            self.identity_extractor = identity_branch(card.identity)
        self.register_buffer(NEUTRAL_NAME, None)

    def measure(self, waveform: Tensor) -> SpeechLevel:
        """Measure whole recordings (B, N), so that ``features`` hears windows of them as parts of the whole."""
        return SpeechLevel(self.feature_extractor.measure(waveform), self.audio_model.measure(waveform))

    def features(
        self,
        waveform: Tensor,
        lengths: tuple[int, ...] | None = None,
        of: SpeechLevel | None = None,
        emotion: Tensor | None = None,
        words: Tensor | None = None,
    ) -> SpeechFeatures:
        """Hear recordings.

        Args:
            waveform: (B, N) float32, 16 kHz mono, any scale; finite.
            lengths: samples of each item where they differ; items of one length run together.
            of: measured on the whole recordings where ``waveform`` holds windows of them.
            emotion: (B, T, emotion_features) of ``hear_emotion`` to take in place of these recordings' own feeling.
            words: (B, T, audio_features) of an earlier hearing of these recordings.

        Returns:
            Features paired at the motion's rate: T = T50 // pairing with T50 = (N - 400) // 320 + 1.

        Raises:
            AudioError: an item is shorter than two motion frames (1,360 samples at 25 a second).
        """
        sizes = (waveform.shape[-1],) * len(waveform) if lengths is None else tuple(lengths)
        least = frontend.sample_count(LEAST_FRAMES * self.card.pairing)
        if min(sizes) < least:
            raise AudioError(f"The recording has {min(sizes)} samples at 16 kHz; at least {least} are needed.")
        frames = tuple(frontend.frame_count(size) // self.card.pairing for size in sizes)

        def heard(encoder: nn.Module, level: EncoderLevel | None) -> Tensor:
            parts: list[Tensor] = []
            for size, items in _alike(sizes):
                one = None if level is None else _only(level, items)
                parts += self._heard(encoder, waveform[list(items), :size], one)
            return _together(parts, [item for _, items in _alike(sizes) for item in items], max(frames))

        if words is None:
            words = heard(self.feature_extractor, None if of is None else of.audio)
        if emotion is None:
            emotion = heard(self.audio_model, None if of is None else of.emotion)
        return SpeechFeatures(words, emotion, frames)

    def hear_emotion(self, waveform: Tensor, of: EncoderLevel | None = None) -> Tensor:
        """The feeling alone in recordings (B, N) of one length: (B, T, emotion_features); ``of`` as in ``features``."""
        return self._heard(self.audio_model, waveform, of)

    def _heard(self, encoder: nn.Module, waveform: Tensor, of: EncoderLevel | None) -> Tensor:
        heard: Tensor = encoder(waveform, of)
        return frontend.paired(heard, self.card.pairing).float()

    def set_neutral(self, waveform: Tensor) -> None:
        """Take recordings (B, N) of an even voice for neutral: the mean of what the emotion encoder hears in them."""
        self.emotion_neutral = self.hear_emotion(waveform).mean((0, 1))

    @property
    def knows_neutral(self) -> bool:
        """Whether a strength can be measured from it; to instance norm all constant streams are one and the same."""
        return self.emotion_neutral is not None or self.card.predictor.normalisation == "instance"

    def predict(self, features: SpeechFeatures, shape: Tensor | None = None, strength: float = 1.0) -> Tensor:
        """Predict latents of motion.

        Args:
            features: of ``features``.
            shape: (B, 300) or (1, 300) shape coefficients of who speaks; None is the mean face, all zeros.
            strength: of the feeling: 0 neutral, 1 as heard (and nothing else is computed), 2 exaggerated.

        Returns:
            (B, T, latent), 0 beyond an item's end.

        Raises:
            ModelError: see ``style``; or the model's neutral is not known.
        """
        feeling = None if strength == 1.0 else Feeling(self._neutral(), strength)
        style = self.style(features.audio.new_zeros(1, self.card.identity.inputs) if shape is None else shape)
        style = style.expand(len(features.audio), -1)
        pieces: list[Tensor] = []
        for frames, items in _alike(features.lengths):
            of = list(items)
            heard = features.audio[of, :frames], features.emotion[of, :frames]
            latent = self.feature_predictor(*heard, style[of], feeling)
            pieces += latent
        order = [item for _, items in _alike(features.lengths) for item in items]
        return _together(pieces, order, features.audio.shape[1])

    def _neutral(self) -> Tensor:
        if not self.knows_neutral:
            raise ModelError(f"Model {self.card.name!r} holds no neutral feeling to measure a strength from.")
        if self.emotion_neutral is None:
            return self.feature_predictor.emo_feat.weight.new_zeros(self.card.predictor.emotion_features)
        return self.emotion_neutral

    def style(self, shape: Tensor) -> Tensor:
        """(B, 300) → what multiplies both streams: (B, identities) probabilities, or the shape itself where raw.

        Raises:
            ModelError: the shape has another number of coefficients than the model takes, or is zero where it
                multiplies what is heard (raw), so that nothing would be.
        """
        if shape.shape[-1] != self.card.identity.inputs:
            raise ModelError(
                f"The face shape has {shape.shape[-1]} numbers; this model takes {self.card.identity.inputs}."
            )
        if self.card.identity.kind == "raw":
            if not shape.any(dim=-1).all():
                raise ModelError(
                    f"Model {self.card.name!r} multiplies what it hears by the speaker's face shape, and zeros would "
                    "silence it: give the shape of a face."
                )
            return shape
        style: Tensor = self.identity_extractor(shape)
        return style

    def decode(
        self,
        latent: Tensor,
        *,
        takes: int = 1,
        sampling: SamplingCard | None = None,
        generator: torch.Generator | None = None,
        lengths: tuple[int, ...] | None = None,
    ) -> Tensor:
        """Quantise latents and decode them to motion in real units.

        Args:
            latent: (B, T, latent) of ``predict``.
            takes: how many times codes are drawn.
            sampling: how codes are drawn; None is the card's way.
            generator: where chance comes from; the same seed gives the same takes.
            lengths: frames of each item where they differ.

        Returns:
            (takes, B, T, 53) float32: 50 expression coefficients, 3 of the jaw's axis-angle in radians.

        Raises:
            ModelError: the temperature is not above 0, or more draws are asked for than there are codes.
        """
        return self.in_units(
            self.decode_scaled(latent, takes=takes, sampling=sampling, generator=generator, lengths=lengths)
        )

    def decode_scaled(
        self,
        latent: Tensor,
        *,
        takes: int = 1,
        sampling: SamplingCard | None = None,
        generator: torch.Generator | None = None,
        lengths: tuple[int, ...] | None = None,
    ) -> Tensor:
        """As ``decode``, with the card's ranges at 0 and 1."""
        sampling = self.card.sampling if sampling is None else sampling
        sizes = (latent.shape[1],) * len(latent) if lengths is None else lengths
        order = [item for _, items in _alike(sizes) for item in items]
        done = []
        for _ in range(takes):
            pieces: list[Tensor] = []
            for frames, items in _alike(sizes):
                codes = self.motion_prior.quantize.draw(latent[list(items), :frames], sampling, generator)
                pieces += self.motion_prior.motion_decoder(codes)
            done.append(_together(pieces, order, latent.shape[1]))
        return torch.stack(done)

    def in_units(self, motion: Tensor) -> Tensor:
        """(..., 53) with the card's ranges at 0 and 1 → coefficients and radians."""
        low, reach = _ranges(self.card.ranges, motion)
        return low + motion * reach

    def scaled(self, motion: Tensor) -> Tensor:
        """(..., 53) coefficients and radians → the card's ranges at 0 and 1: what the prior learns from."""
        low, reach = _ranges(self.card.ranges, motion)
        return (motion - low) / reach


def _ranges(ranges: RangesCard, like: Tensor) -> tuple[Tensor, Tensor]:
    pairs = torch.tensor([ranges.expression] * EXPRESSIONS + [ranges.jaw] * (FEATURES - EXPRESSIONS))
    low, high = pairs.to(like).unbind(-1)
    return low, high - low


def flame_layout(motion: Tensor) -> Tensor:
    """(B, T, 53) in real units → (B, T, 403) float64: 300 shape zeros, 50 expression, 50 zeros, 3 jaw.

    The layout of the published result files.
    """
    wide = motion.new_zeros((*motion.shape[:-1], 403), dtype=torch.float64)
    wide[..., SHAPES : SHAPES + EXPRESSIONS] = motion[..., :EXPRESSIONS]
    wide[..., -3:] = motion[..., EXPRESSIONS:]
    return wide


def encoder_of(card: EncoderCard) -> Encoder:
    """The speech encoder that a card asks for.

    Raises:
        ModelError: it does not know a setting.
    """
    kinds: dict[str, type[Encoder]] = {
        "hubert": HubertEncoder,
        "emotion2vec": Emotion2vecEncoder,
        "log_mel": LogMelEncoder,
    }
    return kinds[card.kind](card.settings)


def identity_branch(card: IdentityCard) -> nn.Sequential:
    """Shape coefficients (B, inputs) → probabilities over identities (B, identities)."""
    sizes = (card.inputs, *card.hidden, card.identities)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Softmax(dim=-1))


def _alike(sizes: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
    """Items of one size together: (size, items)."""
    return [(size, tuple(i for i, other in enumerate(sizes) if other == size)) for size in sorted(set(sizes))]


def _only(level: EncoderLevel, items: tuple[int, ...]) -> EncoderLevel:
    """A level's items; one measured on a single recording serves all its windows."""
    fields = {name: value if len(value) == 1 else value[list(items)] for name, value in vars(level).items()}
    return type(level)(**fields)


def _together(pieces: list[Tensor], order: list[int], frames: int) -> Tensor:
    """Items (T_i, F), ``order`` naming the place of each, → (B, frames, F), padded with zeros."""
    if all(len(piece) == frames for piece in pieces) and order == sorted(order):
        return torch.stack(pieces)
    whole = pieces[0].new_zeros((len(pieces), frames, pieces[0].shape[-1]))
    for place, piece in zip(order, pieces, strict=True):
        whole[place, : len(piece)] = piece
    return whole


def random_network(card: ModelCard, seed: int) -> LsfNetwork:
    """A network with random tensors, for tests and measurements; the same seed gives the same network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LsfNetwork(card).eval()


def load_network(folder: Path, device: torch.device | str = "cpu", dtype: torch.dtype | None = None) -> LsfNetwork:
    """Load a model folder.

    Args:
        folder: holds ``model.json`` and ``weights.safetensors``.
        device: where to.
        dtype: precision of HuBERT and emotion2vec, which are nearly all of the work; the rest stays float32, and so do
            log-mel encoders, which save no time that could be noticed and lose closures.

    Raises:
        ModelError: a file is missing or damaged, or its tensors are not those that the card asks for.
    """
    card = read_card(folder)
    with torch.device("meta"):
        network = LsfNetwork(card)
    path = folder / WEIGHTS_NAME
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}).") from error
    except SafetensorError as error:
        raise ModelError(f"{path} is damaged or not a safetensors file ({error}).") from error
    assign(network, tensors, str(path))
    network.to(device)
    for encoder in (network.feature_extractor, network.audio_model):
        if dtype is not None and not isinstance(encoder, LogMelEncoder):
            encoder.to(dtype)
    return network.eval()


def assign(network: LsfNetwork, tensors: dict[str, Tensor], source: str) -> None:
    """Give a network its tensors, all of them and as float32; ``source`` names them in errors.

    Passed over: training's running sums (``_losses``) and emotion2vec's pre-training decoder. Position tables, which
    are a formula, need not be stored, nor need a neutral feeling.

    Raises:
        ModelError: tensors are missing, unknown, or of another shape than the card asks for.
    """
    given = {published_name(name): tensor.float() for name, tensor in tensors.items() if not _of_training(name)}
    for name, module in network.named_modules():
        if isinstance(module, SinePositions) and f"{name}.pe" not in given:
            given[f"{name}.pe"] = sine_table(*module.pe.shape[::2])
    if NEUTRAL_NAME in given:
        network.emotion_neutral = torch.empty(network.card.predictor.emotion_features, device="meta")
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    missing = sorted(set(wanted) - set(given))
    unknown = sorted(set(given) - set(wanted))
    wrong = sorted(name for name in set(wanted) & set(given) if wanted[name] != given[name].shape)
    for problem, names in (("lacks", missing), ("holds the unknown", unknown), ("has in another shape", wrong)):
        if names:
            raise ModelError(f"{source} {problem} {len(names)} tensors, such as {', '.join(names[:3])}.")
    network.load_state_dict(given, strict=True, assign=True)


def _of_training(name: str) -> bool:
    return "_losses." in name or name.startswith("audio_model.modality_encoders.AUDIO.decoder.")

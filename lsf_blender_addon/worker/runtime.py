"""From a request to motions: the loaded model, windows in batches, takes, and what to do when memory is short."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import __version__
from ..audio import SpeechClip, Window, read_clip
from ..errors import DeviceError, ModelError
from ..models.card import WEIGHTS_NAME, ModelCard, SamplingCard, read_card
from ..models.store import calm_voice
from ..motion import FaceMotion, Space
from ..network.lsf import EXPRESSIONS, FEATURES, LsfNetwork, SpeechFeatures, SpeechLevel, load_network
from ..speech import frontend
from . import devices, stitching
from .borrowed_feeling import BorrowedFeeling, taken
from .heard import Heard, feeling_key, hearing_key
from .protocol import PredictRequest
from .stitching import Floats

LISTENING = 0.95
"""The share of the work that hearing is; decoding takes the rest."""

SHORTEST_WINDOW = 4.0

Report = Callable[[str, float, str], None]
"""Told the stage, the share (0 to 1) and, now and then, what a person should know. It may raise to cancel."""


@dataclass(frozen=True, eq=False)
class Job:
    """A request with what was read for it."""

    request: PredictRequest
    card: ModelCard
    clip: SpeechClip
    report: Report
    other: SpeechClip | None = None

    @property
    def grid(self) -> int:
        """Samples of one motion frame."""
        return stitching.grid_of(self.card.pairing)

    @property
    def frames(self) -> int:
        """Motion frames of the whole recording."""
        return stitching.frame_count(self.clip, self.grid)

    @property
    def sampling(self) -> SamplingCard:
        """The model's way of drawing codes, as far as the request does not say otherwise."""
        sampling, request = self.card.sampling, self.request
        if request.temperature is not None:
            temperature = request.temperature or sampling.temperature
            sampling = dataclasses.replace(sampling, sample=request.temperature > 0, temperature=temperature)
        if request.draws is not None:
            sampling = dataclasses.replace(sampling, draws=request.draws)
        return sampling

    def origin(self, plan: Plan, take: int, warnings: list[str]) -> dict[str, Any]:
        """What a motion says about where it comes from."""
        licence, sampling = self.card.licence, self.sampling
        return {
            "model": self.card.name,
            "licence": licence.name,
            "commercial_use": licence.commercial_use,
            "attribution": licence.attribution,
            "audio": Path(self.clip.source).name,
            "emotion_strength": self.request.emotion_strength,
            "emotion_from": None if self.other is None else Path(self.other.source).name,
            "seed": self.request.seed,
            "take": take + 1,
            "temperature": sampling.temperature if sampling.sample else 0.0,
            "draws": sampling.draws,
            "window": plan.window,
            "overlap": plan.overlap,
            "device": str(plan.device),
            "precision": str(plan.dtype).removeprefix("torch."),
            "version": __version__,
            "warnings": list(warnings),
        }


@dataclass(frozen=True)
class Plan:
    """How a request is computed; each lack of memory leads to the next, humbler plan."""

    device: torch.device
    dtype: torch.dtype
    batch: int
    window: float
    overlap: float

    def humbler(self) -> tuple[Plan, str]:
        """The next plan to try, and a sentence for the person.

        Raises:
            DeviceError: there is none.
        """
        if self.batch > 1:
            batch = self.batch // 2
            return dataclasses.replace(self, batch=batch), f"{self._short}: {batch} windows at a time now."
        if self.window > SHORTEST_WINDOW:
            window = max(self.window / 2, SHORTEST_WINDOW)
            overlap = min(self.overlap, window / 4)
            return dataclasses.replace(
                self, window=window, overlap=overlap
            ), f"{self._short}: {window:g} s a window now."
        if self.device.type != "cpu":
            cpu = torch.device("cpu")
            dtype = devices.precision_of(cpu, "auto")
            return dataclasses.replace(self, device=cpu, dtype=dtype), f"{self._short}: computing on the CPU, slower."
        raise DeviceError("The computer has no memory left for even a few seconds of speech; close other programs.")

    @property
    def _short(self) -> str:
        return f"Memory of {self.device} is short"


class Runtime:
    """Keeps the last model loaded, and what was heard of the last recordings, and makes motions with them.

    Attributes:
        loads: how often a model was loaded.
        hearings: how often a stretch of a recording went through a speech encoder, for its words or its feeling.
    """

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._network: LsfNetwork | None = None
        self._watch: Callable[[], None] = _nothing
        self._heard = Heard()
        self.loads = 0
        self.hearings = 0

    def predict(self, request: PredictRequest, report: Report) -> list[FaceMotion]:
        """Make the takes of a request.

        Args:
            request: what to make.
            report: told how far it is, several times a second; what it raises ends the work.

        Returns:
            One motion a take, in the model's space and at its rate, as long as the recording; ``origin`` names model,
            licence, seed, take, temperature, audio, window, device, precision, version and warnings.

        Raises:
            AudioError: the recording cannot be used.
            ModelError: the model cannot be used.
            DeviceError: the device is not there, or has no memory for even the smallest step.
        """
        report("reading", 0.0, "")
        clip = _clip(request.audio)
        other = None if request.emotion_from is None else _clip(request.emotion_from)
        job = Job(request, read_card(request.model), clip, report, other)
        device = devices.choose(request.device)
        plan = _first_plan(job, device, devices.precision_of(device, request.precision))
        warnings: list[str] = []
        if clip.silent:
            warnings.append("The recording is silent: the face rests.")
            made = [np.zeros((job.frames, FEATURES), np.float32)] * request.takes
        else:
            plan, made = self._made(job, plan, warnings)
        return [
            FaceMotion(
                _within(job.card.space, motion[:, :EXPRESSIONS]),
                motion[:, EXPRESSIONS:],
                job.card.fps,
                job.card.space,
                clip.start,
                job.origin(plan, take, warnings),
            )
            for take, motion in enumerate(made)
        ]

    def load(self, folder: Path, device: torch.device, dtype: torch.dtype) -> LsfNetwork:
        """The model of a folder on a device, loaded again only where the folder, device or precision is another.

        Raises:
            ModelError: the folder holds no usable model.
        """
        weights = folder / WEIGHTS_NAME
        stamp = weights.stat().st_mtime_ns if weights.exists() else None
        key = (folder.resolve(), stamp, device, dtype)
        if self._network is None or key != self._key:
            self.unload(device)
            network = load_network(folder, device, None if dtype == torch.float32 else dtype)
            if abs(network.card.fps * stitching.seconds_of(stitching.grid_of(network.card.pairing)) - 1.0) > 1e-6:  # noqa: PLR2004
                raise ModelError(f"{folder}: {network.card.fps:g} frames a second do not go with its pairing.")
            for module in _layers(network):
                module.register_forward_pre_hook(self._seen)
            self._key, self._network = key, network
            self.loads += 1
        return self._network

    def unload(self, device: torch.device) -> None:
        """Forget the model and give its memory back; what was heard stays, for when the model is loaded again."""
        self._network, self._key = None, ()
        devices.release(device)

    def _seen(self, _module: nn.Module, _inputs: Any) -> None:
        self._watch()

    def _made(self, job: Job, plan: Plan, warnings: list[str]) -> tuple[Plan, list[Floats]]:
        """Try plan after plan until memory and precision are enough; motion (T, 53) of every take."""
        while True:
            short = False
            try:
                made = self._tried(job, plan)
            except (RuntimeError, MemoryError) as error:
                if not devices.out_of_memory(error):
                    raise
                made, short = None, True
            if made is not None:
                return plan, made
            # Here, not in the handler: a caught error keeps the tensors of its frames alive.
            self._heard.forget()
            devices.release(plan.device)
            if short:
                plan, words = plan.humbler()
            elif plan.dtype != torch.float32:
                plan = dataclasses.replace(plan, dtype=torch.float32)
                words = "Half precision was not enough for this recording: computed in float32."
            else:
                raise ModelError(f"{job.request.model} makes numbers that are not finite; its weights are unusable.")
            warnings.append(words)
            job.report("listening", 0.0, words)

    @torch.inference_mode()
    def _tried(self, job: Job, plan: Plan) -> list[Floats] | None:
        """Motion (T, 53) of every take; None where numbers came out that are not finite."""
        job.report("loading the model", 0.0, "")
        network = self.load(job.request.model, plan.device, plan.dtype)
        if job.request.emotion_strength != 1.0 and not network.knows_neutral:
            network.set_neutral(torch.from_numpy(read_clip(calm_voice()).samples)[None].to(plan.device))
        windows = stitching.cut(job.clip, plan.window, plan.overlap, job.grid)
        latents = self._latents(network, job, plan, windows)
        if not all(bool(latent.isfinite().all()) for latent in latents):
            return None
        chance = torch.Generator().manual_seed(job.request.seed)
        made = []
        for take in range(job.request.takes):
            parts = []
            for index, (window, latent) in enumerate(zip(windows, latents, strict=True)):
                done = (take + index / len(windows)) / job.request.takes
                job.report("moving", LISTENING + (1.0 - LISTENING) * done, "")
                motion = network.decode(latent[None].to(plan.device), sampling=job.sampling, generator=chance)
                parts.append((window, motion[0, 0].float().cpu().numpy()))
            made.append(stitching.joined(parts, job.frames, job.grid))
            if not np.isfinite(made[-1]).all():
                return None
        return made

    def _latents(self, network: LsfNetwork, job: Job, plan: Plan, windows: tuple[Window, ...]) -> list[Tensor]:
        """(T_i, latent) of every window, on the CPU."""
        level: SpeechLevel | None = None
        if len(windows) > 1:
            level = network.measure(torch.from_numpy(job.clip.samples)[None].to(plan.device))
        shape = None if job.request.shape is None else torch.tensor([job.request.shape], device=plan.device)
        words_of = (self._key, plan, *hearing_key(job.request, job.clip))
        keys = words_of, feeling_key(words_of, job.other)
        layers = sum(1 for _ in _layers(network))
        borrow = _borrower(network, job, plan)
        latents: list[Tensor] = []
        for first in range(0, len(windows), plan.batch):
            batch = windows[first : first + plan.batch]
            seen = 0

            def watch(first: int = first, size: int = len(batch)) -> None:
                nonlocal seen
                seen += 1
                done = (first + min(seen / layers, 1.0) * size) / len(windows)
                job.report("listening", LISTENING * done, "")

            self._watch = watch
            try:
                features = self._features(
                    network, job.clip, plan.device, batch, keys=keys, first=first, level=level, borrow=borrow
                )
                latent = network.predict(features, shape, job.request.emotion_strength).float().cpu()
                latents += [item[:frames] for item, frames in zip(latent, features.lengths, strict=True)]
            finally:
                self._watch = _nothing
        return latents

    def _features(
        self,
        network: LsfNetwork,
        clip: SpeechClip,
        device: torch.device,
        batch: tuple[Window, ...],
        *,
        keys: tuple[Hashable, Hashable],
        first: int,
        level: SpeechLevel | None,
        borrow: Borrow,
    ) -> SpeechFeatures:
        """The features of a few windows, of which ``first`` is the first; what was heard before is not heard again.

        ``keys``: of the recording's words and of the feeling that goes with them, see ``heard``.
        """
        pieces = [torch.from_numpy(stitching.heard(clip, window)) for window in batch]
        lengths = tuple(len(piece) for piece in pieces)
        waveform = torch.nn.utils.rnn.pad_sequence(pieces, batch_first=True).to(device)
        words, feeling = (
            None if part is None else part.to(device) for part in (self._heard.get(key, first) for key in keys)
        )
        self.hearings += (words is None) + (feeling is None)
        borrowed = borrow(batch, lengths) if feeling is None else feeling
        features = network.features(waveform, lengths, level, borrowed, words)
        for key, known, part in zip(keys, (words, feeling), (features.audio, features.emotion), strict=True):
            if known is None:
                self._heard.keep(key, first, part)
        return features


def _within(space: Space, expression: Floats) -> Floats:
    """Curves of ``arkit`` are shares: what a network puts a hair below 0 or above 1 is brought in."""
    return expression.clip(0.0, 1.0) if space == "arkit" else expression


Borrow = Callable[[Sequence[Window], Sequence[int]], Tensor | None]
"""Windows, of so many samples each → the feeling of another recording, or None where the recording has its own."""


def _borrower(network: LsfNetwork, job: Job, plan: Plan) -> Borrow:
    """What gives windows, of so many samples each, the feeling of the other recording: (B, T, emotion_features)."""
    other = job.other
    if other is None:
        return lambda _windows, _lengths: None
    feeling = BorrowedFeeling(other, job.frames, job.grid)
    whole = torch.from_numpy(other.samples)[None]
    level = network.audio_model.measure(whole.to(plan.device))

    def borrowed(windows: Sequence[Window], lengths: Sequence[int]) -> Tensor:
        pieces = []
        for window, length in zip(windows, lengths, strict=True):
            count = frontend.frame_count(length) // job.card.pairing
            passage = feeling.passage(window.begin // job.grid, count)
            part = torch.from_numpy(passage.samples)[None].to(plan.device)
            heard = network.hear_emotion(part, level if len(passage.samples) < len(other.samples) else None)
            pieces.append(torch.from_numpy(taken(heard[0].cpu().numpy(), passage.places)))
        return torch.nn.utils.rnn.pad_sequence(pieces, batch_first=True).to(plan.device)

    return borrowed


def _clip(sound: Path | SpeechClip) -> SpeechClip:
    return sound if isinstance(sound, SpeechClip) else read_clip(sound)


def _first_plan(job: Job, device: torch.device, dtype: torch.dtype) -> Plan:
    card, request = job.card, job.request
    window = card.window.seconds if request.window_seconds is None else request.window_seconds
    own = min(card.window.overlap, window / 4)
    overlap = own if request.overlap_seconds is None else request.overlap_seconds
    return Plan(device, dtype, devices.batch_of(device, window), window, overlap)


def _layers(network: LsfNetwork) -> Iterator[nn.Module]:
    """The modules that hold no others: every step of the work passes one."""
    return (module for module in network.modules() if not list(module.children()))


def _nothing() -> None:
    pass

"""``predict`` and ``mouth``: from a recording to a motion, and what a mouth does in it."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import read_arrays, write_arrays
from ..audio import require_file
from ..errors import LsfError, MotionError
from ..head.basis import require_basis
from ..head.flame import read_head
from ..head.landmarks import mouth_track
from ..models.card import read_card
from ..models.store import bundled_head, model_folder
from ..motion import FaceMotion
from ..worker.client import Worker
from ..worker.protocol import SHAPE_SIZE, PredictRequest, Progress
from .bar import Bar
from .carrying import across_to_space

MAXIMUM_SHAPE_BYTES = 1_000_000


def predict(arguments: argparse.Namespace) -> None:
    """``lsf predict``: a recording's motion into one ``.npz``, or one for each take."""
    output: Path = arguments.output
    require_sounds(arguments)
    require_folder(output.parent)
    folder = model_folder(arguments.model)
    request = request_of(arguments, folder)
    if arguments.space is None and arguments.head is not None:
        raise MotionError("A head alone changes nothing about the motion: add --space flame, or leave --head out.")
    spoken = read_card(folder).space
    carried = across_to_space(spoken, arguments.space, arguments.head, arguments.made_for, shape=request.shape)
    with Bar() as bar:
        motions = [carried(motion) for motion in _predicted(request, bar)]
    if len(motions) == 1:
        paths = [output]
    else:
        paths = [
            output.with_name(f"{output.stem}_take{number}{output.suffix}") for number in range(1, len(motions) + 1)
        ]
    for path, motion in zip(paths, motions, strict=True):
        motion.save(path)
        print(f"{path}  {described(motion)}")


def mouth(arguments: argparse.Namespace) -> None:
    """``lsf mouth``: how far the mouth is open and how wide, 100 times a second, into a ``.npz``."""
    motion = FaceMotion.load(arguments.motion)
    head = read_head(arguments.head or bundled_head())
    require_basis(motion, head)
    track = mouth_track(head, motion)
    write_arrays(arguments.output, track, MotionError)
    print(f"{arguments.output}  {len(track['t'])} samples on the head {head.name!r}")


def require_sounds(arguments: argparse.Namespace) -> None:
    """Refuse recordings that are no files, before anything slow is begun."""
    require_file(arguments.audio)
    if arguments.emotion_from is not None:
        require_file(arguments.emotion_from)


def require_folder(folder: Path) -> None:
    """Make the folder to write into, before anything slow is begun."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise LsfError(f"The folder {folder} cannot be made ({reason.strerror or reason}).") from reason
    if not os.access(folder, os.W_OK):
        raise LsfError(f"The folder {folder} cannot be written to.")


def request_of(arguments: argparse.Namespace, folder: Path) -> PredictRequest:
    """What the worker is asked for, with the model of ``folder``."""
    return PredictRequest(
        audio=arguments.audio,
        model=folder,
        shape=face_shape(arguments.shape) if arguments.shape else None,
        takes=getattr(arguments, "takes", 1),
        seed=arguments.seed,
        temperature=arguments.temperature,
        window_seconds=arguments.window,
        device=arguments.device,
        precision=arguments.precision,
        emotion_strength=arguments.emotion_strength,
        emotion_from=arguments.emotion_from,
    )


def _predicted(request: PredictRequest, bar: Bar) -> list[FaceMotion]:
    """The motions of a request, from a worker of its own."""

    def shown(progress: Progress) -> None:
        if progress.note:
            bar.say(progress.note)
        bar.at(progress.stage, progress.share, progress.seconds_left)

    bar.at("starting", 0.0)
    with Worker() as worker:
        motions = worker.predict(request, shown)
    for warning in motions[0].origin.get("warnings", []):
        bar.say(warning)
    return motions


def described(motion: FaceMotion) -> str:
    """A motion's length, space and licence, in a line."""
    allowed = "commercial use allowed" if motion.origin.get("commercial_use") else "no commercial use"
    length = f"{motion.frames} frames at {motion.fps:g} a second"
    said = f"{length}, space {motion.space}, licence {motion.origin.get('licence')} ({allowed})"
    said += _described_feeling(motion)
    report = motion.origin.get("retargeted")
    return said + (f", carried over to {report['to']!r} within {report['residual_mm']:.2f} mm" if report else "")


def _described_feeling(motion: FaceMotion) -> str:
    strength, other = motion.origin.get("emotion_strength", 1.0), motion.origin.get("emotion_from")
    said = f", feeling of {other}" if other else ""
    return said + (f", feeling at strength {strength:g}" if strength != 1.0 else "")


def face_shape(path: Path) -> tuple[float, ...]:
    """300 identity coefficients out of a ``.npy``, ``.npz`` or ``.json`` file; fewer are filled up with zeros.

    Raises:
        LsfError: the file cannot be read, or holds something else than up to 300 finite numbers.
    """
    try:
        if path.stat().st_size > MAXIMUM_SHAPE_BYTES:
            raise LsfError(f"{path} is larger than a face shape can be.")
        values = _numbers(path)
    except OSError as reason:
        raise LsfError(f"The face shape {path} cannot be read ({reason.strerror or reason}).") from reason
    except (ValueError, TypeError, EOFError) as reason:
        raise LsfError(f"The face shape {path} is no list of numbers ({reason}).") from reason
    if not 1 <= values.size <= SHAPE_SIZE or not np.isfinite(values).all():
        raise LsfError(f"The face shape {path} holds {values.size} numbers; give up to {SHAPE_SIZE}, all finite.")
    return (*values.tolist(), *[0.0] * (SHAPE_SIZE - values.size))


def _numbers(path: Path) -> NDArray[np.float64]:
    kind = path.suffix.lower()
    values: Any
    if kind == ".npz":
        arrays = read_arrays(path, LsfError, largest=MAXIMUM_SHAPE_BYTES)
        values = arrays.get("shape", next(iter(arrays.values()), np.zeros(0)))
    elif kind == ".npy":
        values = np.load(path, allow_pickle=False)
    else:
        values = json.loads(path.read_text(encoding="utf-8"))
    numbers: NDArray[np.float64] = np.asarray(values, dtype=np.float64).ravel()
    return numbers

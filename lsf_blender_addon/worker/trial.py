"""The proof that a Python can be the worker's: it loads everything and moves a face for a second.

Started by ``installing.inspection``; answers with one line of JSON behind ``LSF``. What is heavy is imported only once
there is room for it, and under the eyes of a watchdog.
"""

from __future__ import annotations

import faulthandler
import importlib
import importlib.metadata
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .room import require_room

if TYPE_CHECKING:
    from ..audio import SpeechClip

PACKAGES = ("torch", "transformers", "safetensors", "numpy", "soundfile", "soxr")
"""What the worker imports, at the latest when a model needs it."""

STUCK = "Timeout ("
"""How ``faulthandler`` begins what it says when it ends a process."""


def main(arguments: list[str]) -> int:
    """Try; ``arguments`` are the seconds after which it counts as stuck, and perhaps a model's folder.

    Returns:
        0. Whatever lacks or fails raises, and Python's last line says what.
    """
    began = time.monotonic()
    require_room()
    _end_when_stuck(float(arguments[0]))
    for name in PACKAGES:
        importlib.import_module(name)
    importlib.import_module("transformers").HubertModel  # noqa: B018 - transformers loads it when it is first named
    from ..models.store import DEFAULT_MODEL, model_folder  # noqa: PLC0415 - numpy, which may lack
    from . import devices  # noqa: PLC0415 - the loop above names what is missing in better words
    from .protocol import PredictRequest  # noqa: PLC0415
    from .runtime import Runtime  # noqa: PLC0415

    model = Path(arguments[1]) if len(arguments) > 1 else model_folder(DEFAULT_MODEL)
    Runtime().predict(PredictRequest(_hum(), model), lambda _stage, _share, _note: None)
    told = {
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "devices": devices.available(),
        "seconds": time.monotonic() - began,
    }
    print(f"\nLSF {json.dumps(told)}", flush=True)
    return 0


def _end_when_stuck(seconds: float) -> None:
    """End this process, and let it say where it stood, once nothing was imported for that long.

    By ``faulthandler``, whose thread runs even while a library holds Python's lock and never comes back.
    """
    armed = time.monotonic()
    faulthandler.dump_traceback_later(seconds, exit=True)

    def look(event: str, _arguments: object) -> None:
        nonlocal armed
        if event == "import" and (now := time.monotonic()) - armed > min(1.0, seconds / 2):
            armed = now
            faulthandler.dump_traceback_later(seconds, exit=True)

    sys.addaudithook(look)


def _hum() -> SpeechClip:
    """A second of a voice-like hum: harmonics of 120 Hz, swelling."""
    import numpy as np  # noqa: PLC0415

    from ..audio import SAMPLE_RATE, SpeechClip  # noqa: PLC0415

    time_of = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    waves = sum(np.sin(2 * np.pi * 120.0 * number * time_of) / number for number in range(1, 20))
    return SpeechClip((0.1 * waves * np.sin(np.pi * time_of)).astype(np.float32), "trial", 0.0)

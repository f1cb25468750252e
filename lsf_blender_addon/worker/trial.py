"""The proof that a Python can be the worker's: it loads everything and moves a face for a second.

Started by ``installing.inspection``; answers with one line of JSON behind ``LSF``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import time
from pathlib import Path

import numpy as np

from ..audio import SAMPLE_RATE, SpeechClip
from ..models.store import DEFAULT_MODEL, model_folder
from .protocol import PredictRequest

PACKAGES = ("torch", "transformers", "safetensors", "numpy", "soundfile", "soxr")
"""What the worker imports, at the latest when a model needs it."""


def main(arguments: list[str]) -> int:
    """Try; ``arguments`` may hold a model's folder, the starter's where not.

    Returns:
        0. Whatever lacks or fails raises, and Python's last line says what.
    """
    began = time.monotonic()
    for name in PACKAGES:
        importlib.import_module(name)
    importlib.import_module("transformers").HubertModel  # noqa: B018 - transformers loads it when it is first named
    from . import devices  # noqa: PLC0415 - the loop above names what is missing in better words
    from .runtime import Runtime  # noqa: PLC0415

    model = Path(arguments[0]) if arguments else model_folder(DEFAULT_MODEL)
    Runtime().predict(PredictRequest(_hum(), model), lambda _stage, _share, _note: None)
    told = {
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "devices": devices.available(),
        "seconds": time.monotonic() - began,
    }
    print(f"\nLSF {json.dumps(told)}", flush=True)
    return 0


def _hum() -> SpeechClip:
    """A second of a voice-like hum: harmonics of 120 Hz, swelling."""
    time_of = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    waves = sum(np.sin(2 * np.pi * 120.0 * number * time_of) / number for number in range(1, 20))
    return SpeechClip((0.1 * waves * np.sin(np.pi * time_of)).astype(np.float32), "trial", 0.0)

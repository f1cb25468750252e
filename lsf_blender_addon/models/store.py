"""Which models there are on this machine, where they lie, and how a new one arrives: whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import HeadError, ModelError
from .card import CARD_NAME, WEIGHTS_NAME, ModelCard, read_card

MODELS_VARIABLE = "LSF_MODELS"
"""Names the folder of the user's own models instead of the platform's place for data."""

DEFAULT_MODEL = "starter"
APPLICATION = "LSF Animation"
VENDOR_NAME = "vendor_models"


@dataclass(frozen=True)
class InstalledModel:
    """A model that can be used, and what a list says about it."""

    folder: Path
    card: ModelCard
    ours: bool

    @property
    def size(self) -> int:
        """Bytes of its tensors."""
        return (self.folder / WEIGHTS_NAME).stat().st_size

    @property
    def terms(self) -> str:
        """Licence and whether commercial use is allowed, in a few words."""
        licence = self.card.licence
        return (
            f"{licence.name}, commercial use allowed"
            if licence.commercial_use
            else f"{licence.name}, no commercial use"
        )


@dataclass(frozen=True)
class BrokenModel:
    """A folder that holds a model's card and cannot be used, and why."""

    folder: Path
    reason: str


def vendor_folder() -> Path:
    """What came with the add-on: beside the package in a checkout, inside it in an installed extension.

    Raises:
        ModelError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for parent in (package, package.parent):
        if (parent / VENDOR_NAME).is_dir():
            return parent / VENDOR_NAME
    raise ModelError(f"The folder {VENDOR_NAME} is missing beside {package}: install the add-on again.")


def user_folder() -> Path:
    """Where the user's own models lie; it need not exist yet."""
    chosen = os.environ.get(MODELS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / APPLICATION / "models"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / APPLICATION / "models"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "lsf-animation" / "models"


def bundled_head() -> Path:
    """The head that came with the add-on.

    Raises:
        HeadError: it is missing.
    """
    path = vendor_folder() / "head" / "head.npz"
    if not path.is_file():
        raise HeadError(f"The bundled head {path} is missing: install the add-on again, or run scripts/build_head.py.")
    return path


def calm_voice() -> Path:
    """A recording of even voices, what models without a neutral of their own take for neutral.

    Raises:
        ModelError: it is missing.
    """
    path = vendor_folder() / "calm.flac"
    if not path.is_file():
        raise ModelError(f"The calm recording {path} is missing: install the add-on again.")
    return path


def installed_models() -> list[InstalledModel]:
    """Every model that can be used: ours first, then the user's by name."""
    return [model for model in _found() if isinstance(model, InstalledModel)]


def broken_models() -> list[BrokenModel]:
    """Every folder that looks like a model and is none, with the reason."""
    return [model for model in _found() if isinstance(model, BrokenModel)]


def model_folder(name_or_path: str | Path) -> Path:
    """The folder of a model, by its name or its place.

    Raises:
        ModelError: there is no such model, or it cannot be used; the sentence names those that there are.
    """
    path = Path(name_or_path).expanduser()
    if (path / CARD_NAME).is_file():
        found = _opened(path, ours=False)
        if isinstance(found, BrokenModel):
            raise ModelError(found.reason)
        return path
    models = _found()
    wanted = str(name_or_path)
    for model in models:
        names = {model.folder.name} | ({model.card.name} if isinstance(model, InstalledModel) else set())
        if wanted in names:
            if isinstance(model, BrokenModel):
                raise ModelError(model.reason)
            return model.folder
    known = ", ".join(model.folder.name for model in models if isinstance(model, InstalledModel)) or "none"
    raise ModelError(f"There is no model {wanted!r}. Installed: {known}. Others come with `lsf models import FILE`.")


@contextmanager
def arriving(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes ``folder`` when the block ends without an error, and vanishes otherwise.

    Raises:
        ModelError: ``folder`` is there already, or cannot be made.
    """
    if folder.exists():
        raise ModelError(f"{folder} is there already: remove it first, or choose another name.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise ModelError(f"{folder} cannot be made ({error.strerror}).") from error
    try:
        yield beside
        beside.chmod(0o755)
        beside.rename(folder)
    except OSError as error:
        raise ModelError(f"{folder} cannot be written ({error.strerror}).") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _found() -> list[InstalledModel | BrokenModel]:
    places = [(vendor_folder(), True), (user_folder(), False)]
    return [
        _opened(card.parent, ours=ours) for place, ours in places for card in sorted(place.glob(f"[!.]*/{CARD_NAME}"))
    ]


def _opened(folder: Path, *, ours: bool) -> InstalledModel | BrokenModel:
    if not (folder / WEIGHTS_NAME).is_file():
        return BrokenModel(folder, f"The model {folder.name} has no {WEIGHTS_NAME}: fetch or import it again.")
    try:
        return InstalledModel(folder, read_card(folder), ours)
    except ModelError as error:
        return BrokenModel(folder, str(error))

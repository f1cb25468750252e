"""``registry.json``: what can be bundled, imported or fetched, whence, and under what licence."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..download import RemoteFile
from ..errors import ModelError

REGISTRY_NAME = "registry.json"
REGISTRY_FORMAT = 1


@dataclass(frozen=True)
class RegistryEntry:
    """One thing that the registry knows; None means: not known, so look at the source before relying on it.

    Attributes:
        name: a short word; the folder's name once it is installed.
        kind: ``model``, ``head`` or ``speech encoder``.
        how: ``bundled``, ``import`` (the person has the file), ``fetch`` (we may bring it), or ``not needed``.
        source: where it comes from, for a person.
        address: https address of the one pinned file, for ``fetch``.
        file: its name.
        revision: of the source; stands in ``address`` too.
        size: bytes.
        sha256: of the file.
        licence: its name.
        commercial_use: whether that allows it.
        note: a sentence or two for the person.
    """

    name: str
    kind: str
    how: str
    source: str
    address: str | None
    file: str | None
    revision: str | None
    size: int | None
    sha256: str | None
    licence: str | None
    commercial_use: bool | None
    note: str

    @property
    def remote(self) -> RemoteFile:
        """What to fetch.

        Raises:
            ModelError: it must not be fetched, or is not pinned down to the last byte.
        """
        if self.how != "fetch":
            raise ModelError(f"{self.name} is not fetched by this extension: {self.note}")
        if not (self.address and self.revision and self.size and self.sha256 and self.licence):
            raise ModelError(f"{self.name} is not pinned in the registry: nothing is fetched.")
        if self.revision not in self.address or not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ModelError(f"{self.name} is pinned in a way that makes no sense: nothing is fetched.")
        return RemoteFile(self.address, self.sha256, self.size)

    @property
    def terms(self) -> str:
        """Licence and commercial use, in a few words."""
        licence = self.licence or "licence: see the source"
        if self.commercial_use is None:
            return f"{licence}, commercial use: see there"
        return f"{licence}, commercial use allowed" if self.commercial_use else f"{licence}, no commercial use"


def read_registry(path: Path) -> tuple[RegistryEntry, ...]:
    """Read the registry.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != REGISTRY_FORMAT:
            raise ModelError(f"{path} has format {data['format']!r}, which this version cannot read.")
        names = [field.name for field in dataclasses.fields(RegistryEntry)]
        return tuple(RegistryEntry(**{name: entry[name] for name in names}) for entry in data["entries"])
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise ModelError(f"{path} is missing or damaged ({reason}): install the extension again.") from reason


def entry_of(path: Path, name: str) -> RegistryEntry:
    """The entry of a name.

    Raises:
        ModelError: there is none.
    """
    for entry in read_registry(path):
        if entry.name == name:
            return entry
    raise ModelError(f"The registry knows no {name!r}.")

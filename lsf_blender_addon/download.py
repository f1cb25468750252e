"""One file from the network: continued where it broke off, checked against its pin, whole or not at all.

Standard library alone, because it runs in Blender's own Python before anything is installed. What has arrived waits in
``NAME.part`` beside the target, so that the next try goes on from there, even days later. Two processes must not bring
the same file at once: the callers hold a lock.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib
import importlib.util
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .errors import DownloadError

Arrived = Callable[[int, int | None], None]
"""Told the bytes that are here and the bytes of the whole, where known, several times a second; it may raise to end."""

BLOCK = 1 << 18
TIMEOUT_SECONDS = 30.0
TRIES = 6
"""Connections in a row that may bring nothing before the download is given up."""

LONGEST_PAUSE = 20.0
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
OK, PARTIAL, RANGE_NOT_SATISFIABLE = 200, 206, 416


@dataclass(frozen=True)
class RemoteFile:
    """What is wanted.

    Attributes:
        address: https, or this very machine.
        sha256: of the whole file, 64 hexadecimal digits; None trusts the length alone.
        size: bytes of the whole; None takes the server's word.
    """

    address: str
    sha256: str | None
    size: int | None = None

    @property
    def name(self) -> str:
        """The last part of the address."""
        return urllib.parse.unquote(urllib.parse.urlsplit(self.address).path.rsplit("/", 1)[-1])


def download(
    remote: RemoteFile, target: Path, arrived: Arrived, *, pause: Callable[[float], None] = time.sleep
) -> Path:
    """Bring a file here.

    Args:
        remote: what.
        target: where to; a file that is there and has the pinned hash is left as it is.
        arrived: told how far it is; what it raises ends the download, and what has arrived is kept.
        pause: waits between two tries, seconds.

    Returns:
        ``target``.

    Raises:
        DownloadError: the address is refused or not there, the connection broke again and again, the disk is full, or
            what came is not what is pinned.
    """
    if remote.sha256 and target.is_file() and digest(target) == remote.sha256:
        return target
    _refuse_unsafe(remote.address)
    part = target.with_name(f"{target.name}.part")
    _Transfer(remote, part, arrived, pause).run()
    _check(remote, part)
    with _writing(target):
        part.replace(target)
    return target


def is_safe(address: str) -> bool:
    """Whether anything may be fetched from an address: https, or http from this very machine."""
    try:
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname
    except ValueError:  # a bracket that never closes
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Transfer:
    """The tries of one download, each going on where the one before broke off."""

    def __init__(self, remote: RemoteFile, part: Path, arrived: Arrived, pause: Callable[[float], None]) -> None:
        self.remote = remote
        self.part = part
        self.arrived = arrived
        self.pause = pause
        self.size = remote.size
        self.opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=_trust()), _SafeRedirects())

    def run(self) -> None:
        failed, furthest = 0, self._here()
        while not self._complete():
            try:
                self._go_on(self._here())
                reason = "it ended early"
            except urllib.error.HTTPError as error:
                if error.code == RANGE_NOT_SATISFIABLE:  # what is here is more than there is: it was another file
                    self.part.unlink(missing_ok=True)
                elif error.code not in TRANSIENT:
                    raise DownloadError(f"{self.remote.address} answers {error.code} ({error.reason}).") from error
                reason = f"the server answers {error.code}"
            except (OSError, http.client.HTTPException) as error:
                cause = getattr(error, "reason", error)
                if isinstance(cause, ssl.SSLCertVerificationError):
                    raise DownloadError(
                        f"{self._host} does not prove who it is ({cause.verify_message}): nothing was fetched from it. "
                        "Check this computer's date, and whether a proxy stands between."
                    ) from error
                reason = str(cause) or type(cause).__name__
            failed = 0 if self._here() > furthest else failed + 1
            furthest = max(furthest, self._here())
            if failed >= TRIES:
                raise DownloadError(
                    f"The connection to {self._host} broke {TRIES} times ({reason}). What has arrived is kept: try "
                    "again when the network is better."
                )
            if failed:
                self.pause(min(2.0 ** (failed - 1), LONGEST_PAUSE))

    @property
    def _host(self) -> str:
        return urllib.parse.urlsplit(self.remote.address).hostname or self.remote.address

    def _here(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _complete(self) -> bool:
        if self.size is not None and self._here() > self.size:
            self.part.unlink()
        return self.size is not None and self._here() == self.size and self.part.exists()

    def _go_on(self, here: int) -> None:
        """One connection: ask for what is missing, and write what comes."""
        self.arrived(here, self.size)
        headers = {"Accept-Encoding": "identity", "User-Agent": "lsf-animation"}
        if here:
            headers["Range"] = f"bytes={here}-"
        asked = urllib.request.Request(self.remote.address, headers=headers)  # noqa: S310 - checked before
        with self.opener.open(asked, timeout=TIMEOUT_SECONDS) as answer:
            begin, whole = _extent(answer)
            if begin not in (0, here):
                raise http.client.HTTPException("another part than the one that was asked for")
            if self.remote.size is not None and whole not in (None, self.remote.size):
                self.part.unlink(missing_ok=True)
                raise DownloadError(
                    f"{self.remote.address} offers {whole} bytes where {self.remote.size} are pinned: it is another "
                    "file than the one that was checked. Update the extension."
                )
            self.size = self.remote.size if whole is None else whole
            with _writing(self.part):
                file = self.part.open("ab" if begin else "wb")
            with file:
                self._copy(answer, file, begin)
            if self.size is None:
                self.size = self._here()  # a server that names no length has said all when it closes

    def _copy(self, answer: Any, file: IO[bytes], here: int) -> None:
        while block := answer.read1(BLOCK):
            here += len(block)
            if self.size is not None and here > self.size:
                raise DownloadError(f"{self.remote.address} sends more than it should: it is not the pinned file.")
            with _writing(self.part):
                file.write(block)
            self.arrived(here, self.size)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Tells what the disk refuses from what the network does."""
    try:
        yield
    except OSError as reason:
        raise DownloadError(f"{path} cannot be written ({reason.strerror}): free some space.") from reason


def _extent(answer: Any) -> tuple[int, int | None]:
    """Where an answer begins in the whole file, and how long that is."""
    if answer.status == PARTIAL:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
        if found is None:
            raise http.client.HTTPException("a part of unknown place")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _check(remote: RemoteFile, part: Path) -> None:
    if remote.sha256 and digest(part) != remote.sha256:
        part.unlink()
        raise DownloadError(
            f"What came from {remote.address} is not the pinned file (its SHA-256 differs); it was thrown away. Try "
            "once more; if it happens again, the file was changed at its source."
        )


def _refuse_unsafe(address: str) -> None:
    if not is_safe(address):
        raise DownloadError(f"{address} is no https address: nothing is fetched from it.")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a server elsewhere, but never off https."""

    def redirect_request(  # noqa: PLR0917 - urllib's own signature
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        """What to ask next.

        Raises:
            DownloadError: the new address is not safe.
        """
        _refuse_unsafe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _trust() -> ssl.SSLContext:
    """The system's certificates, and those that Blender brings: its Python finds no system ones on macOS."""
    context = ssl.create_default_context()
    if importlib.util.find_spec("certifi") is not None:
        context.load_verify_locations(importlib.import_module("certifi").where())
    return context

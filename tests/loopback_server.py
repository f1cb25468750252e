"""A web server on this machine, with the bad habits of real ones: connections that break, ranges that it ignores."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Site:
    """What is served, how badly, and what was asked for.

    Attributes:
        files: content by path, such as ``/model.zip``.
        breaks_after: bytes of one answer after which the connection breaks; None sends all.
        breaks_left: how many more connections break; the others are sound.
        ranges: whether parts of a file can be asked for.
        redirects: addresses by path.
        status: an answer that is given instead of every file.
        ranges_asked: the Range header of each request, in order.
        asked: path and User-Agent of each request, in order.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    breaks_after: int | None = None
    breaks_left: int = 1_000_000
    ranges: bool = True
    redirects: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    ranges_asked: list[str | None] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""


@contextlib.contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve a site on a free port of the loopback address until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            asked = self.headers.get("Range")
            site.ranges_asked.append(asked)
            site.asked.append((self.path, self.headers.get("User-Agent", "")))
            if self.path in site.redirects:
                self.send_response(302)
                self.send_header("Location", site.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif site.status is not None or self.path not in site.files:
                self.send_error(site.status or 404)
            else:
                self._send(site.files[self.path], asked)

        def _send(self, content: bytes, asked: str | None) -> None:
            begin = 0
            if asked and site.ranges:
                begin = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])  # type: ignore[index]
                if begin >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            body = content[begin:]
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if site.breaks_after is not None and len(body) > site.breaks_after and site.breaks_left > 0:
                site.breaks_left -= 1
                body = body[: site.breaks_after]
            with contextlib.suppress(ConnectionError):  # the other end may have enough
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

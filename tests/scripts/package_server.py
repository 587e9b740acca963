"""A loopback stand-in for the backend that packages come from, with the faults it may have."""

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from tests.scripts.host import Package, sha256

TOKEN = 'a "token" with \\ in it, and a % sign'


@dataclass(kw_only=True)
class PackageServer:
    """What is served, and what was asked for."""

    url: str
    packages: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    """Each answer that can be given uses one up: it breaks off after so many bytes."""
    refusals: list[int] = field(default_factory=list)
    """Each answer uses one up, too: a status in place of the package."""
    requests: list[str] = field(default_factory=list)
    """The ranges that were asked for, or an empty string for a whole package."""

    def publish(self, version: str, content: bytes, *, label: str | None = None) -> Package:
        """Serve *content* as *version*; *label* publishes it under another one."""
        name = label or version
        self.packages[f"/api/app-packages/kanade-backend/{name}"] = content
        return Package(version=name, sha256=sha256(content), url=self.url, token=TOKEN)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    desk: PackageServer


class _Handler(BaseHTTPRequestHandler):
    @property
    def desk(self) -> PackageServer:
        return cast("_Server", self.server).desk

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.desk.requests.append(asked)
        content = self.desk.packages.get(self.path)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.send_error(401, explain="missing bearer token")
        elif self.desk.refusals:
            self.send_error(self.desk.refusals.pop(0))
        elif content is None:
            self.send_error(404)
        else:
            self._send(content, asked)

    def _send(self, content: bytes, asked: str) -> None:
        ranged = re.fullmatch(r"bytes=(\d+)-", asked)
        start = int(ranged[1]) if ranged else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if ranged else 200)
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + self.desk.cut_after.pop(0) if self.desk.cut_after else len(content)
        self.wfile.write(content[start:end])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
        """Say nothing."""


@contextlib.contextmanager
def serving() -> Iterator[PackageServer]:
    """Serve packages until the end of the context."""
    server = _Server(("127.0.0.1", 0), _Handler)
    desk = server.desk = PackageServer(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield desk
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

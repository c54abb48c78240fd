"""A file server on the loopback address whose faults a test chooses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass
class CheckpointServer:
    """What the server delivers, how it fails, and what it was asked.

    cut_after: bytes of an answer after which the connection breaks. hold: where set, an answer waits half-way until the
    test sets the event. drips: it comes byte by byte, and ends with the event. headers: sent in place of others.
    partial: every answer claims to be a part from the start. requests: the Range header (None: whole file) of every
    request, in order.
    """

    content: bytes
    etag: str | None = '"version-1"'
    last_modified: str | None = None
    status: int = 200
    ranges: bool = True
    obeys_if_range: bool = True
    length: bool = True
    location: str | None = None
    cut_after: int | None = None
    hold: Event | None = None
    drips: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    partial: bool = False
    half_sent: Event = field(default_factory=Event)
    requests: list[str | None] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Address of the file."""
        return f"http://127.0.0.1:{self.port}/model.pt"


@contextmanager
def serving(server: CheckpointServer) -> Iterator[CheckpointServer]:
    """Run the server in a thread."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.port = http.server_address[1]
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _handler(server: CheckpointServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.requests.append(asked)
            if server.status != 200:
                self.send_response(server.status)
                if server.location:
                    self.send_header("Location", server.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = self._start(asked)
            if start >= len(server.content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._send(start, partial=start > 0)

        def _start(self, asked: str | None) -> int:
            if asked is None or not server.ranges:
                return 0
            same = self.headers.get("If-Range") in (server.etag, server.last_modified)
            if server.obeys_if_range and not same:
                return 0
            span = re.fullmatch(r"bytes=(\d+)-", asked)
            return int(span[1]) if span else 0

        def _send(self, start: int, partial: bool) -> None:
            body = server.content[start:]
            self.send_response(206 if partial or server.partial else 200)
            values = {}
            if partial or server.partial:
                values["Content-Range"] = f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"
            if server.length:
                values["Content-Length"] = str(len(body))
            if server.etag:
                values["ETag"] = server.etag
            for name, value in {**values, **server.headers}.items():
                self.send_header(name, value)
            if server.last_modified:
                self.send_header("Last-Modified", server.last_modified)
            self.end_headers()
            if server.drips:
                for place in range(len(body)):
                    self.wfile.write(body[place : place + 1])
                    if place == 100:
                        server.half_sent.set()
                        assert server.hold is not None
                        server.hold.wait(30)
                        return
            elif server.hold is not None:
                half = len(body) // 2
                self.wfile.write(body[:half])
                server.half_sent.set()
                server.hold.wait(10)
                self.wfile.write(body[half:])
            else:
                self.wfile.write(body[: server.cut_after])

        def log_message(self, *_: object) -> None:
            pass

    return Handler

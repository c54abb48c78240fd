"""Asking an HTTP server for a file or for the rest of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_HEADERS = {
    "User-Agent": "PromptOnce",
    # The bytes are counted and compared: they must come as they are.
    "Accept-Encoding": "identity",
}

_VALIDATOR = r"^[!-~][ -~]{0,254}$"
"""What can be sent back in a header."""


class RemoteFile(BaseModel):
    """Which version of a remote file a download belongs to.

    validator is the strong ETag or the Last-Modified date that the server gave, as the header If-Range wants it
    (RFC 9110, section 13.1.5).
    """

    model_config = ConfigDict(frozen=True)

    url: str
    validator: str = Field(pattern=_VALIDATOR)

    @classmethod
    def read(cls, path: Path) -> RemoteFile | None:
        """Read a side file; None where there is none or it is damaged."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, path: Path) -> None:
        """Write a side file."""
        path.write_text(self.model_dump_json(), encoding="utf-8")


@dataclass(frozen=True)
class Body:
    """The server's answer: its status, where in the file it starts, and how long the whole file is (None: unknown).

    remote is None where the server gave nothing by which the version could be recognised later.
    """

    status: int
    start: int
    total: int | None
    remote: RemoteFile | None
    response: requests.Response

    def chunks(self, size: int) -> Iterator[bytes]:
        """Bytes of the answer in pieces of at most size bytes."""
        return self.response.iter_content(size)


@contextmanager
def open_remote(url: str, known: RemoteFile | None, done: int, timeout: tuple[float, float]) -> Iterator[Body]:
    """Ask for a file, from byte done on if it is still the known version, from the start otherwise.

    Redirections are not followed: they could lead to another host. timeout: seconds to wait for a connection and for
    the next bytes. Raises requests.RequestException.
    """
    with requests.Session() as session:
        with _ask(session, url, known if done else None, done, timeout) as response:
            body = _body(url, response)
            continues = body.start == done and (body.remote is None or body.remote == known)
            if response.status_code != 416 and (body.start == 0 or continues):
                yield body
                return
        # The server cannot continue where we stopped, or would continue another version: the whole file then.
        with _ask(session, url, None, 0, timeout) as response:
            yield _body(url, response)


def _ask(
    session: requests.Session, url: str, known: RemoteFile | None, done: int, timeout: tuple[float, float]
) -> requests.Response:
    headers = dict(_HEADERS)
    if known is not None:
        headers["Range"] = f"bytes={done}-"
        headers["If-Range"] = known.validator
    return session.get(url, headers=headers, stream=True, timeout=timeout, allow_redirects=False)


def _body(url: str, response: requests.Response) -> Body:
    start, total = 0, None
    if response.status_code == 206:
        span = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", _header(response, "Content-Range"), re.ASCII)
        # A start that nobody asked for makes open_remote ask for the whole file.
        start = int(span[1]) if span else -1
        total = int(span[2]) if span and span[2] != "*" else None
    elif re.fullmatch(r"\d{1,18}", _header(response, "Content-Length"), re.ASCII):
        total = int(_header(response, "Content-Length"))
    validator = _validator(response)
    remote = RemoteFile(url=url, validator=validator) if validator else None
    return Body(response.status_code, start, total, remote, response)


def _validator(response: requests.Response) -> str | None:
    etag = _header(response, "ETag")
    # A weak ETag promises equal meaning, not equal bytes.
    found = etag if etag and not etag.startswith("W/") else _header(response, "Last-Modified")
    return found if re.fullmatch(_VALIDATOR, found) else None


def _header(response: requests.Response, name: str) -> str:
    return response.headers.get(name, "").strip()

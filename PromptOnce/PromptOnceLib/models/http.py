"""Asking an HTTP server for a file or for the rest of it."""

from __future__ import annotations

import http.client
import queue
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_HEADERS = {
    "User-Agent": "PromptOnce",
    # The bytes are counted and compared: they must come as they are.
    "Accept-Encoding": "identity",
}

_PIECE = 1 << 16
_MOST_REDIRECTIONS = 4
_PIECES_AHEAD = 16
_SECONDS_BETWEEN_CHECKS = 0.1

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
        """Read a side file; None where there is none, it is damaged, or a link to something else."""
        try:
            if path.is_symlink():
                return None
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, path: Path) -> None:
        """Write a side file, never through a link."""
        path.unlink(missing_ok=True)
        path.write_text(self.model_dump_json(), encoding="utf-8")


@dataclass(frozen=True)
class Body:
    """The server's answer: its status, where in the file it starts, and how long the whole file is (None: unknown).

    remote is None where the server gave nothing by which the version could be recognised later. pieces: the bytes of
    the answer as they arrive.
    """

    status: int
    start: int
    total: int | None
    remote: RemoteFile | None
    pieces: Iterator[bytes]


@contextmanager
def open_remote(
    url: str,
    known: RemoteFile | None,
    done: int,
    timeout: tuple[float, float],
    check: Callable[[], object],
    follow: bool = False,
) -> Iterator[Body]:
    """Ask for a file, from byte done on if it is still the known version, from the start otherwise.

    follow: go where the server points to, another host perhaps, as hubs do with large files; otherwise redirections are
    not followed. timeout: seconds to wait for a connection and for
    the next bytes. check: called while waiting, ten times a second; what it raises ends the waiting at once, whatever
    the server does. Raises requests.RequestException.
    """
    fetch = _Fetch(url, known, done, timeout, follow)
    fetch.start()
    try:
        items = fetch.items(check)
        status, start, total, remote = next(items)
        yield Body(status, start, total, remote, items)
    finally:
        fetch.stopped.set()


class _Fetch(threading.Thread):
    """Asks and reads in a thread of its own, which owns the connection: it cannot be closed while another one reads."""

    def __init__(
        self, url: str, known: RemoteFile | None, done: int, timeout: tuple[float, float], follow: bool
    ) -> None:
        super().__init__(name="download", daemon=True)
        self.stopped = threading.Event()
        self._asked = url, known, done, timeout, follow
        self._queue: queue.Queue[Any] = queue.Queue(_PIECES_AHEAD)

    def items(self, check: Callable[[], object]) -> Iterator[Any]:
        """The head of the answer, then its bytes."""
        while True:
            try:
                item = self._queue.get(timeout=_SECONDS_BETWEEN_CHECKS)
            except queue.Empty:
                check()
                continue
            if isinstance(item, BaseException):
                raise item
            if item is None:
                return
            yield item

    def run(self) -> None:
        try:
            for item in _answer(*self._asked):
                if not self._put(item):
                    return
            self._put(None)
        except Exception as error:
            self._put(error)

    def _put(self, item: Any) -> bool:
        """Whether somebody still wants it."""
        while not self.stopped.is_set():
            with suppress(queue.Full):
                self._queue.put(item, timeout=_SECONDS_BETWEEN_CHECKS)
                return True
        return False


def _answer(url: str, known: RemoteFile | None, done: int, timeout: tuple[float, float], follow: bool) -> Iterator[Any]:
    """The head of the answer, then its bytes."""
    with requests.Session() as session:
        with _ask(session, url, known if done else None, done, timeout, follow) as response:
            head = _head(url, response)
            status, start, _, remote = head
            continues = start == done > 0 and remote in (None, known)
            if status != 416 and (status != 206 or continues):
                yield head
                yield from _pieces(response)
                return
        # The server cannot continue where we stopped, or would continue another version: the whole file then.
        with _ask(session, url, None, 0, timeout, follow) as response:
            yield _head(url, response)
            yield from _pieces(response)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Bytes as they arrive: requests itself would wait until a whole piece is there, and lose it when that fails."""
    source = response.raw if hasattr(response.raw, "read1") else response.raw._fp  # urllib3 before 2
    try:
        while piece := source.read1(_PIECE):
            yield piece
    except (TimeoutError, urllib3.exceptions.TimeoutError) as error:
        raise requests.ReadTimeout(str(error)) from error
    except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
        raise requests.ConnectionError(str(error)) from error


def _ask(
    session: requests.Session, url: str, known: RemoteFile | None, done: int, timeout: tuple[float, float], follow: bool
) -> requests.Response:
    headers = dict(_HEADERS)
    if known is not None:
        headers["Range"] = f"bytes={done}-"
        headers["If-Range"] = known.validator
    for _ in range(_MOST_REDIRECTIONS if follow else 0):
        response = _get(session, url, headers, timeout)
        if not response.is_redirect:
            return response
        response.close()
        target = urljoin(url, response.headers["Location"])
        if urlsplit(target).scheme not in ("https", urlsplit(url).scheme):
            raise requests.ConnectionError("the server points to an address without encryption")
        url = target
    return _get(session, url, headers, timeout)


def _get(
    session: requests.Session, url: str, headers: dict[str, str], timeout: tuple[float, float]
) -> requests.Response:
    try:
        return session.get(url, headers=headers, stream=True, timeout=timeout, allow_redirects=False)
    except requests.RequestException:
        raise
    except OSError as error:  # requests says so of a file of certificates that is not there
        raise requests.exceptions.SSLError(str(error)) from error


def _head(url: str, response: requests.Response) -> tuple[int, int, int | None, RemoteFile | None]:
    """Status, start, total and version, as Body has them."""
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
    return response.status_code, start, total, remote


def _validator(response: requests.Response) -> str | None:
    etag = _header(response, "ETag")
    # A weak ETag promises equal meaning, not equal bytes.
    found = etag if etag and not etag.startswith("W/") else _header(response, "Last-Modified")
    return found if re.fullmatch(_VALIDATOR, found) else None


def _header(response: requests.Response, name: str) -> str:
    return response.headers.get(name, "").strip()

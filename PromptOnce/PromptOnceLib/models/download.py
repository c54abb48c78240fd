"""Downloading a checkpoint: resumed where it stopped, compared with its SHA-256, in place only when it is right.

Only the host of the model's url is contacted (through the proxy of the environment, where there is one), and, for a
model of a hub, the host that the hub names for its large files.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import requests

from PromptOnceLib.errors import CancelledError, DownloadError, ModelError
from PromptOnceLib.files.lock import LockedError, exclusive_lock
from PromptOnceLib.files.stamp import OnBytes, file_sha256
from PromptOnceLib.models.checkpoints import (
    checkpoint_path,
    lock_path,
    origin_path,
    part_path,
    status,
    verify,
    write_checked_note,
)
from PromptOnceLib.models.fetch_pointer import fetch_pointer
from PromptOnceLib.models.http import Body, RemoteFile, open_remote
from PromptOnceLib.models.model_entry import ModelEntry

_FULL_DISK = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

Cancel = Callable[[], bool]
"""Asked ten times a second; True ends the download."""

TIMEOUT = (10.0, 30.0)
"""Seconds to wait for a connection, and for the next bytes."""


def download(
    entry: ModelEntry,
    folder: str | Path | None = None,
    progress: OnBytes | None = None,
    cancel: Cancel | None = None,
    timeout: tuple[float, float] = TIMEOUT,
) -> Path:
    """Bring the checkpoint of a model into the folder of checkpoints and return its path.

    A checkpoint that is there and right (also one copied there by hand) is not downloaded again. What an interrupted
    download left is continued if the remote file is still the same one. progress is called with bytes done and bytes
    in total.

    Raises CancelledError (what arrived is kept) and DownloadError: no connection, an answer that is not the file, a
    wrong SHA-256 (nothing is kept), a full disk, a folder that cannot be written, a second download of the same model
    at the same time.
    """
    path = checkpoint_path(entry, folder)
    if status(entry, folder).present:
        # A damaged file is replaced only when the right one has arrived.
        with suppress(ModelError):
            return verify(entry, folder)
    if entry.embedded:
        return verify(entry, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(lock_path(path)):
            if entry.pointer is not None:
                entry = _Download(entry, path, progress, cancel, timeout).pinned()
                if status(entry, folder).present:  # copied here before it was known what it should be
                    with suppress(ModelError):
                        return verify(entry, folder)
            return _Download(entry, path, progress, cancel, timeout).run()
    except LockedError as error:
        raise DownloadError(
            f"The model {entry.name} is being downloaded already, by another window or program: wait until it is there."
        ) from error
    except OSError as error:
        _raise_for_folder(error, entry, path.parent)


class _Download:
    """One download, from asking for the file to the file in place."""

    def __init__(
        self,
        entry: ModelEntry,
        path: Path,
        progress: OnBytes | None,
        cancel: Cancel | None,
        timeout: tuple[float, float],
    ) -> None:
        self.entry = entry
        self.path = path
        self.part = part_path(path)
        self.origin = origin_path(path)
        self.progress = progress
        self.cancel = cancel
        self.timeout = timeout

    def run(self) -> Path:
        done = self._bytes_to_resume_from()
        if done != self.entry.bytes:
            try:
                self._transfer(done)
            except requests.RequestException as error:
                self._raise_for_connection(error)
        self._check()
        self.part.replace(self.path)
        self.origin.unlink(missing_ok=True)
        write_checked_note(self.entry, self.path, self.path.stat())
        return self.path

    def pinned(self) -> ModelEntry:
        """The entry with what the hub says of the file."""
        try:
            return fetch_pointer(self.entry, self.path, self.timeout, self._stop_if_cancelled)
        except requests.RequestException as error:
            self._raise_for_connection(error)

    def _bytes_to_resume_from(self) -> int:
        """Size of the part, if it is known which remote file it came from; else 0."""
        if self.part.is_symlink():
            self.part.unlink()  # what it points to is not ours
        size = self.part.stat().st_size if self.part.is_file() else 0
        origin = RemoteFile.read(self.origin)
        if origin is None or origin.url != str(self.entry.url):
            return 0
        return size if size <= (self.entry.bytes or size) else 0

    def _transfer(self, done: int) -> None:
        """Fetch what is missing after the first done bytes and append it to the part."""
        known = RemoteFile.read(self.origin) if done else None
        with open_remote(
            str(self.entry.url),
            known,
            done,
            self.timeout,
            self._stop_if_cancelled,
            follow=self.entry.pointer is not None,
        ) as body:
            self._check_answer(body, done)
            total = body.total if body.total is not None else self.entry.bytes
            # A server that knows no ranges sends again what is there; what is there stays.
            same = body.status == 200 and known is not None and body.remote == known
            again = done if same and done <= (total or done) else 0
            done = again or body.start
            # Without a note of its origin, an unfinished part is never continued.
            self.origin.unlink(missing_ok=True)
            origin = body.remote or (known if done else None)
            with self.part.open("ab" if done else "wb") as file:
                if origin is not None:
                    origin.write(self.origin)
                self._report(done, total)
                for piece in body.pieces:
                    new, again = piece[again:], max(0, again - len(piece))
                    file.write(new)
                    file.flush()  # whatever ends this process, what has arrived is kept
                    done += len(new)
                    self._report(done, total)
                    self._stop_if_cancelled()
                    if total is not None and done > total:
                        break
        if total is not None and done < total:
            raise requests.ConnectionError(f"{done} of {total} bytes arrived")

    def _check_answer(self, body: Body, done: int) -> None:
        """Refuse, before anything is written, an answer that cannot be the file, or its rest after done bytes."""
        if body.status == 206 and not body.start == done > 0:
            raise DownloadError(
                f"The server sends only a part of the model {self.entry.name}, although all of it was asked for: try "
                f"again later. {self._by_hand()}",
                str(self.entry.url),
            )
        if body.status == 404:
            raise DownloadError(
                f"The server has no file for the model {self.entry.name} any more (404). {self._by_hand()}",
                str(self.entry.url),
            )
        if body.status >= 500:
            raise DownloadError(
                f"The server cannot deliver the model {self.entry.name} at the moment ({body.status}): try again "
                f"later. {self._by_hand()}",
                str(self.entry.url),
            )
        if body.status not in (200, 206):
            raise DownloadError(
                f"The server refuses to deliver the model {self.entry.name} ({body.status}). {self._by_hand()}",
                str(self.entry.url),
            )
        if self.entry.bytes is not None and body.total not in (None, self.entry.bytes):
            self._discard()
            raise DownloadError(
                f"What the server offers is not the model {self.entry.name}: it has {body.total} bytes instead of "
                f"{self.entry.bytes}. A login page of your network may be in the way. Nothing was kept. "
                f"{self._by_hand()}",
                str(self.entry.url),
            )

    def _check(self) -> None:
        """Compare the finished part with the registry's SHA-256; a wrong one is removed."""
        found = file_sha256(self.part)
        if found != self.entry.sha256:
            self._discard()
            raise DownloadError(
                f"The downloaded file is not the model {self.entry.name} (its SHA-256 is wrong). Nothing was kept: "
                f"try again. {self._by_hand()}",
                f"SHA-256 {found}, expected {self.entry.sha256}",
            )

    def _discard(self) -> None:
        self.part.unlink(missing_ok=True)
        self.origin.unlink(missing_ok=True)

    def _report(self, done: int, total: int | None) -> None:
        if self.progress is not None:
            self.progress(done, total)

    def _stop_if_cancelled(self) -> None:
        if self.cancel is not None and self.cancel():
            raise CancelledError(
                f"The download of the model {self.entry.name} was cancelled. What has arrived is kept: start it again "
                "to continue."
            )

    def _raise_for_connection(self, error: requests.RequestException) -> NoReturn:
        reason = ""
        if isinstance(error, requests.exceptions.SSLError):
            reason = (
                "The encrypted connection is not trusted, as in networks that look into such connections: set "
                "REQUESTS_CA_BUNDLE to the certificate file of your network"
            )
        elif isinstance(error, requests.exceptions.ProxyError):
            reason = "The proxy of your network does not let it through: set HTTPS_PROXY=http://name:password@host:port"
        if reason:
            raise DownloadError(
                f"The model {self.entry.name} could not be downloaded. {reason}. {self._by_hand()}", str(error)
            ) from error
        if self.part.is_file() and self.part.stat().st_size and self.origin.is_file():
            raise DownloadError(
                f"The connection broke while the model {self.entry.name} was being downloaded. What has arrived is "
                f"kept: start the download again to continue. {self._by_hand()}",
                str(error),
            ) from error
        if isinstance(error, requests.Timeout):
            reason = "The server did not answer in time"
        else:
            reason = "There is no connection to the server, or it broke"
        raise DownloadError(
            f"The model {self.entry.name} could not be downloaded. {reason}: check the network and try again. "
            f"{self._by_hand()}",
            str(error),
        ) from error

    def _by_hand(self) -> str:
        return (
            f"Without a connection: download {self.entry.url} on another computer and copy the file "
            f"{self.entry.file} into the folder {self.path.parent}."
        )


def _raise_for_folder(error: OSError, entry: ModelEntry, folder: Path) -> NoReturn:
    if error.errno in _FULL_DISK:
        raise DownloadError(
            f"The disk is full: the model {entry.name} needs {entry.megabytes} MB in {folder}. Free some space, or "
            "choose another folder, and start the download again.",
            str(error),
        ) from error
    raise DownloadError(
        f"The model {entry.name} cannot be written to the folder {folder}: check that you may write there, or choose "
        "another folder.",
        str(error),
    ) from error

"""Whether a file is still what it was: its size and time of change, and the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from PromptOnceLib.files.names import check_ordinary
from PromptOnceLib.schema import StrictModel

_CHUNK = 1 << 20

OnBytes = Callable[[int, int | None], object]
"""Called with bytes done and bytes in total (None where the total is not known)."""


class FileStamp(StrictModel):
    """A file as it was: size in bytes, time of change, SHA-256 of its content."""

    size: int
    mtime_ns: int
    sha256: str

    def fits(self, status: os.stat_result) -> bool:
        """Whether a file with this status can be taken for the same one, without reading it."""
        return (self.size, self.mtime_ns) == (status.st_size, status.st_mtime_ns)


def file_stamp(path: Path, earlier: FileStamp | None = None) -> FileStamp:
    """The stamp of a file, which is not read where an earlier one fits. Errors as `file_sha256`."""
    status = path.stat()
    if earlier is not None and earlier.fits(status):
        return earlier
    return FileStamp(size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=file_sha256(path))


def file_sha256(path: Path, progress: OnBytes | None = None) -> str:
    """SHA-256 of a file as 64 lower-case hexadecimal digits. Raises OSError, InputError for a device or a pipe."""
    check_ordinary(path)
    total = path.stat().st_size
    done = 0
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, total)
    return digest.hexdigest()

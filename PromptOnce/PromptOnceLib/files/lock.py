"""A lock between processes and threads that ends with its holder, however the holder ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HELD_BY_ANOTHER = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class LockedError(Exception):
    """Somebody else holds the lock."""


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock that the file at path stands for; its folder must exist, the file itself comes and goes.

    On a network folder that knows no locks it holds nobody off. Raises LockedError at once where another process or
    thread holds it, OSError where the file cannot be made.
    """
    descriptor = _acquire(path)
    try:
        yield
    finally:
        # Windows does not remove an open file: there the empty file stays until the next holder.
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _acquire(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno not in _HELD_BY_ANOTHER:
                return descriptor
            os.close(descriptor)
            raise LockedError(str(path)) from error
        # The holder before us may have removed the file after we opened it: such a lock would protect nothing.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

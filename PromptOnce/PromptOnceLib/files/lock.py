"""A lock between processes and threads that ends with its holder, however the holder ends."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

# What file systems answer that know no locks: Lustre, NFS and SMB shares without a lock service, WebDAV on Windows.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)


class LockedError(Exception):
    """Another process or thread holds the lock."""


@contextmanager
def exclusive_lock(path: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock that the file at path stands for; the file comes and goes.

    patience: seconds to wait for another holder. A network folder that knows no locks holds nobody off. Raises
    LockedError where another process or thread keeps the lock, OSError where the file cannot be made.
    """
    # Writable for everybody, so that the next user of a shared folder can wait for it. No marker files where locks are
    # unknown: they outlive a holder that was killed.
    lock = FileLock(path, mode=0o666, thread_local=False, poll_interval=0.02, fallback_to_soft=False)
    if path.is_symlink():
        path.unlink()  # to lock a file empties it, and this one is somebody else's
    try:
        lock.acquire(timeout=patience)
    except Timeout as error:
        raise LockedError(str(path)) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        # Before the release: filelock gives up a file that was removed while it waited. Windows removes it afterwards.
        with suppress(OSError):
            path.unlink()
        lock.release()

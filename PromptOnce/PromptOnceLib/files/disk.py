"""Whether a disk is full: from an error, and before there is one."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import TypeVar

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
HARDLY_ANYTHING = 1 << 20
"""Bytes; with less a disk counts as full."""

E = TypeVar("E", bound=BaseException)


def caused_by(error: BaseException, kind: type[E]) -> E | None:
    """The first error of a kind among an error and its causes."""
    reason: BaseException | None = error
    while reason is not None and not isinstance(reason, kind):
        reason = reason.__cause__
    return reason


def caused_by_full_disk(error: BaseException) -> bool:
    """Whether an error says that it came from a full disk."""
    reason = caused_by(error, OSError)
    return reason is not None and reason.errno in _DISK_FULL


def free_bytes(folder: Path) -> int:
    """Room on the disk of a folder; 0 where there is no such folder."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def disk_is_full(folder: Path) -> bool:
    """Whether the disk has no room: the errors of ITK's writers do not say why they failed."""
    return free_bytes(folder) < HARDLY_ANYTHING

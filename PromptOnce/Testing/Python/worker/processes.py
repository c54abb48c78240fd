"""Whether a process is still there, and waiting for it to go."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def wait_for_end(process_id: int, seconds: float = 20) -> bool:
    """Whether the process, which need not be a child, ends within this time."""
    if not hasattr(os, "pidfd_open"):
        return wait_until(lambda: not alive(process_id), seconds)
    try:
        descriptor = os.pidfd_open(process_id)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([descriptor], [], [], seconds)
    os.close(descriptor)
    return bool(ended)


def alive(process_id: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for yet (a zombie) does not."""
    try:
        os.kill(process_id, 0)
        return not Path("/proc").is_dir() or Path(f"/proc/{process_id}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False

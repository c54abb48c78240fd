"""Whether a process is still there, and waiting for it to go."""

from __future__ import annotations

import os
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


def alive(process_id: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for yet (a zombie) does not."""
    try:
        os.kill(process_id, 0)
        return not Path("/proc").is_dir() or Path(f"/proc/{process_id}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False

"""The memory of this computer, and a limit on that of this process."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def total_memory() -> int | None:
    """Bytes of memory this computer has; None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def says_no_memory(error: BaseException) -> bool:
    """Whether an error of ITK, which are all of one kind, says that memory ran out."""
    return any(words in str(error) for words in ("bad_alloc", "allocate memory"))


def limit_memory() -> None:
    """Have this process never take more memory than there is, and be the first to go where it runs out."""
    if sys.platform == "win32":
        return
    import resource

    total = total_memory()
    if total is not None:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (total, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with suppress(OSError):  # Linux
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")

"""Work that may hang or die, tried in a child process first; the child never outlives its parent or its time.

The child's limits hold while it is deep in C code, where Python sees neither a signal nor the end of a pipe.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import NoReturn

from PromptOnceLib.processes.memory_limit import limit_memory
from PromptOnceLib.processes.variables import with_package

GRACE = 10.0
"""Seconds that a child gets to start beyond those of its work."""

_TIME_STATUS = 1  # faulthandler's
_FAILED_STATUS, _MEMORY_STATUS = 70, 77
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Outcome(Enum):
    """How a trial ended."""

    FINE = "fine"
    DIED = "died"
    TOO_SLOW = "too slow"
    NO_MEMORY = "no memory"


def try_in_child(module: str, message: bytes, seconds: float) -> tuple[Outcome, bytes]:
    """Run `python -m module` with a message on its standard input; how it ended, and what it wrote.

    The module calls `run_child`. Whatever interrupts the waiting, such as Ctrl-C, ends the child.
    """
    command = [sys.executable, "-m", module, repr(seconds)]
    try:
        ended = subprocess.run(
            command,
            input=message,
            env=with_package(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds + GRACE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return Outcome.TOO_SLOW, error.stdout or b""
    outcomes = {0: Outcome.FINE, _MEMORY_STATUS: Outcome.NO_MEMORY, _TIME_STATUS: Outcome.TOO_SLOW}
    return outcomes.get(ended.returncode, Outcome.DIED), ended.stdout


def run_child(work: Callable[[bytes], object]) -> NoReturn:
    """In the child: set its limits, do the work with the message, and end. Work that raises an error has failed."""
    faulthandler.dump_traceback_later(float(sys.argv[1]), exit=True)
    _end_with_parent()
    limit_memory()
    status = 0
    try:
        work(sys.stdin.buffer.read())
    except MemoryError:
        status = _MEMORY_STATUS
    except BaseException:
        status = _FAILED_STATUS
    sys.stdout.flush()
    os._exit(status)  # whatever state the libraries are in


def _end_with_parent() -> None:
    """Linux ends the child at once; elsewhere it ends at its time limit."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(_FAILED_STATUS)

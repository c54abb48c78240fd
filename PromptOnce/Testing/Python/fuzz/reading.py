"""Reads images, each tried in a fork of this process, and looks whether what they claim holds."""

from __future__ import annotations

import importlib
import os
import resource
import signal
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from fuzz.runner import WrongError
from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.imaging.dicom import decoding
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.screening import screen
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.processes.trial import Outcome

TRIAL_SECONDS = 4.0  # enough for the tiny files here
_MOST_MEMORY = 3 * 2**30


def try_at_once() -> None:
    """Have files tried in a fork of this process, which takes milliseconds, with the limits of a real trial.

    Only for processes that end with the fuzzing.
    """
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)  # threads do not survive a fork
    screen.try_in_child = decoding.try_in_child = _try_in_fork


def _try_in_fork(module: str, message: bytes, seconds: float) -> tuple[Outcome, bytes]:
    child = os.fork()
    if child == 0:
        status = 70
        try:
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            importlib.import_module(module).read_alone(message)
            status = 0
        except MemoryError:
            status = 77
        finally:
            os._exit(status)
    status = wait_for_end(child)
    if status is None:
        return Outcome.TOO_SLOW, b""
    if os.WIFSIGNALED(status):
        return Outcome.DIED, b""
    return {0: Outcome.FINE, 77: Outcome.NO_MEMORY}.get(os.WEXITSTATUS(status), Outcome.DIED), b""


def wait_for_end(child: int) -> int | None:
    """The status of a process that ends in time; one that does not is killed."""
    ends = time.monotonic() + TRIAL_SECONDS
    while time.monotonic() < ends:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def read(path: Path, volume: str | None = None) -> Volume | None:
    """The volume of a file, whose own claims hold; None where it is refused."""
    try:
        found = read_volume(path, volume)
    except PromptOnceError:
        return None
    geometry = found.geometry
    if found.array.ndim != 3 or found.array.shape != geometry.shape or found.array.dtype.kind not in "iufb":
        raise WrongError(f"an array of {found.array.dtype} {found.array.shape} for a grid of {geometry.shape}")
    if not np.isfinite(geometry.ijk_to_lps()).all() or abs(np.linalg.det(geometry.ijk_to_lps())) <= 0:
        raise WrongError("a place that is none")
    return found

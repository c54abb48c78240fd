"""Read a case's files in a process that may die of it: python -m PromptOnceLib.batch.running.crash_probe.

Readers of images are large programs in C++; a damaged file can bring one down and everything with it. So a case during
whose reading a run ended is read once like this before it is read again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

from PromptOnceLib.batch.planning.plan import PlannedCase
from PromptOnceLib.errors import PromptOnceError, ReaderCrashError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.processes.variables import with_package
from PromptOnceLib.segmentation.reference import parse_reference, read_reference


def try_reading(case: PlannedCase) -> None:
    """Read a case's files in a process of its own. Raises ReaderCrashError where that process dies.

    Errors that the reader reports are no reason to raise: they come again, with their sentence, when the case is read.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "PromptOnceLib.batch.running.crash_probe"],
        input=case.model_dump_json().encode(), env=with_package(os.environ), capture_output=True, check=False,
    )  # fmt: skip
    if ended.returncode != 0:
        raise ReaderCrashError(
            f"{case.name} ended the program that read it, twice: the case is set aside. Export or copy the image again."
        )


def _read(case: PlannedCase) -> None:
    if case.image is None:
        return
    volume = read_volume(case.image, case.volume)
    if case.reference is not None:
        path, labels = parse_reference(case.reference)
        read_reference(path, volume.geometry, labels, lambda notice: None)


if __name__ == "__main__":
    with suppress(PromptOnceError, MemoryError):
        _read(PlannedCase.model_validate_json(sys.stdin.buffer.read()))

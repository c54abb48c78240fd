"""Whether a run is to go on, as all its threads see it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from PromptOnceLib.batch.planning.plan import PlannedCase
from PromptOnceLib.errors import CancelledError, DiskFullError, PromptOnceError, ResultsFolderError
from PromptOnceLib.files.disk import HARDLY_ANYTHING, caused_by_full_disk, disk_is_full, free_bytes

_PICTURES = 1 << 18
"""Bytes of a case's pictures, table and record, at least."""
_OF_IMAGES = 40
"""A segmentation has hardly ever more than this part of its image's file."""


class RunControl:
    """Holds the reasons to end early; can be used from several threads.

    cancelled: the user wants to end; the case under way stops at its next slice. aborted: end at once. stopped: why
    the run cannot go on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.cancelled = threading.Event()
        self.aborted = threading.Event()
        self.stopped: PromptOnceError | None = None

    def stop(self, reason: PromptOnceError) -> None:
        """End the run because of something that is no fault of a case."""
        with self._lock:
            self.stopped = self.stopped or reason

    @property
    def ending(self) -> bool:
        """Whether to end early."""
        return self.cancelled.is_set() or self.aborted.is_set() or self.stopped is not None

    def should_cancel(self) -> bool:
        """For a wait: whether to cancel what is under way. Raises CancelledError when it is to be left at once."""
        if self.aborted.is_set():
            raise CancelledError("Cancelled.")
        return self.ending


def check_room(folder: Path, cases: Iterable[PlannedCase]) -> None:
    """Before hours of work: DiskFullError where the disk of a run's folder has no room for the results of cases."""
    needed = HARDLY_ANYTHING + sum(_PICTURES + _bytes_of(case) // _OF_IMAGES for case in cases)
    if free_bytes(folder) < needed:
        raise DiskFullError(
            f"The disk is full: the results need about {needed / 1e6:.0f} MB in {folder}. Free some space, then resume "
            "the run, or choose another folder."
        )


def _bytes_of(case: PlannedCase) -> int:
    """Of the files of an image, which are about as large as each other where they are many."""
    try:
        return case.files[0].stat().st_size * len(case.files) if case.files else 0
    except OSError:  # the case will say so
        return 0


def writing_failed(error: BaseException, folder: Path) -> PromptOnceError:
    """The reason to stop for an error while writing into the run's folder."""
    if caused_by_full_disk(error) or disk_is_full(folder):
        return DiskFullError(
            "The disk is full; what is finished is kept. Free some space, then resume the run.", repr(error)
        )
    if isinstance(error, PromptOnceError):
        return ResultsFolderError(f"The results cannot be written: {error.message}", repr(error))
    reason = error.strerror if isinstance(error, OSError) else None
    return ResultsFolderError(
        f"The results cannot be written ({reason or 'unknown reason'}). Look at the disk of the run's folder, then "
        "resume the run.",
        repr(error),
    )

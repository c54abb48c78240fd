"""Whether a run is to go on, as all its threads see it."""

from __future__ import annotations

import threading
from pathlib import Path

from PromptOnceLib.errors import CancelledError, DiskFullError, PromptOnceError, ResultsFolderError
from PromptOnceLib.files.disk import caused_by_full_disk, disk_is_full


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


def writing_failed(error: BaseException, folder: Path) -> PromptOnceError:
    """The reason to stop for an error while writing into the run's folder."""
    if caused_by_full_disk(error) or disk_is_full(folder):
        return DiskFullError(
            "The disk is full; what is finished is kept. Free some space, then resume the run.", repr(error)
        )
    sentence = error.message if isinstance(error, PromptOnceError) else str(error)
    return ResultsFolderError(f"The results cannot be written: {sentence}", repr(error))

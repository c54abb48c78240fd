"""A worker that has something to do and says nothing: what the user is told, and when it is given up."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from PromptOnceLib.errors import CancelledError

SILENT_SECONDS = 60.0
"""Silence after which the user is told, and after which a cancel closes the worker."""

_LOADING_PATIENCE = 3  # times as long: PyTorch from a busy disk takes minutes

STILL_LOADING = (
    "Still loading PyTorch or the model: on a busy computer, or the first time after it was switched on, this takes "
    "minutes. Wait, or cancel."
)
SILENT = (
    f"The worker has said nothing for {SILENT_SECONDS:.0f} s. It may be busy with a large slice, or hang: wait, or "
    "cancel, which keeps what is done; then try again, with a smaller model if it stays so."
)


class Verdict(Enum):
    """What to do about a silence."""

    WAIT = auto()
    TELL = auto()
    CLOSE = auto()
    GIVE_UP = auto()


class Silence:
    """Measures how long a worker has been silent.

    clock: seconds, increasing. patience: seconds after which the worker is given up, three times as many while it
    loads; None: never, as long as its process lives.
    """

    def __init__(self, clock: Callable[[], float], patience: float | None) -> None:
        self._clock, self.patience = clock, patience
        self._since, self._told, self._cancelled = 0.0, False, False

    @property
    def seconds(self) -> float:
        """Since the worker was asked for something or last said something."""
        return self._clock() - self._since

    def asked(self) -> None:
        """The worker was asked for something."""
        self.heard()
        self._cancelled = False

    def heard(self) -> None:
        """The worker has said something."""
        self._since, self._told = self._clock(), False

    def cancelled(self) -> None:
        """The worker was asked to stop."""
        self._cancelled = True

    def verdict(self, loading: bool) -> Verdict:
        """What to do now; a silence is told once."""
        seconds = self.seconds
        if seconds < SILENT_SECONDS:
            return Verdict.WAIT
        if self._cancelled:
            return Verdict.CLOSE
        if self.patience is not None and seconds >= self.patience * (_LOADING_PATIENCE if loading else 1):
            return Verdict.GIVE_UP
        told, self._told = self._told, True
        return Verdict.WAIT if told else Verdict.TELL


def closed_for_silence() -> CancelledError:
    """The end of the jobs of a worker that did not answer a cancel."""
    return CancelledError("Cancelled: the worker did not answer and was closed. What was done is kept.")

"""A batch in a process of its own, followed without waiting for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PromptOnceLib.batch.background import CANCEL, BatchRequest, background_command, background_environment
from PromptOnceLib.batch.events import (
    BatchSummary,
    CaseEnded,
    CaseStarted,
    RunEnded,
    RunRefused,
    Said,
    SliceProgress,
    parse_event,
)
from PromptOnceLib.batch.run_folder.records import read_run_record
from PromptOnceLib.errors import CancelledError, InputError, PromptOnceError, WorkerError
from PromptOnceLib.processes.transport import SubprocessTransport, Transport

StartBatch = Callable[[BatchRequest], Transport]
"""Starts the process and hands it the request. Raises PromptOnceError where that cannot be done."""

_GRACE = 2.0  # seconds
_GONE = "The process of the batch ended unexpectedly. What is finished is kept: go on with resume."


def start_batch_process(request: BatchRequest) -> Transport:
    """With this process's own Python."""
    transport = SubprocessTransport(background_command(), background_environment(os.environ))
    hand_over(transport, request)
    return transport


def hand_over(transport: Transport, request: BatchRequest) -> None:
    """Tell a process that was just started what to do. Raises WorkerError when it is gone."""
    transport.write(request.model_dump_json().encode() + b"\n")


class BatchJob:
    """A batch that is under way or over. It needs `pump` to be called until `finished`.

    folder: of the run. total: cases, 0 while not known. ended: how each case ended so far, by name. case, slices: what
    is worked on, with its slices done and all of them. notices: sentences for the user. summary: once it has ended.
    error: why it could not begin or ended early; what is finished is kept. Callbacks get this object.
    """

    def __init__(
        self,
        start: StartBatch,
        request: BatchRequest,
        on_progress: Callable[[BatchJob], object] | None = None,
        on_finished: Callable[[BatchJob], object] | None = None,
    ) -> None:
        self.folder: Path = request.folder
        self.total = 0
        self.ended: dict[str, CaseEnded] = {}
        self.case, self.slices = "", (0, 0)
        self.notices: list[str] = []
        self.summary: BatchSummary | None = None
        self.error: PromptOnceError | None = None
        self.finished = False
        self.listeners = [listener for listener in (on_progress,) if listener is not None]
        self._on_finished = [on_finished] if on_finished is not None else []
        self._cancelled = False
        self._transport = start(request)

    def follow(self, on_progress: Callable[[BatchJob], object]) -> None:
        """Have another function called with this job after everything that happens, its end included."""
        self.listeners.append(on_progress)

    def cancel(self) -> None:
        """Give up the case under way at its next slice and end; what is finished is kept."""
        if self.finished or self._cancelled:
            return
        self._cancelled = True
        try:
            self._transport.write(CANCEL + b"\n")
        except WorkerError:
            return  # it is over; the next pump says how

    def close(self) -> None:
        """End it at once."""
        if not self.finished:
            self._transport.stop(_GRACE)
            self._end(CancelledError("Cancelled: the batch was ended. What is finished is kept."))

    def pump(self, timeout: float = 0.0) -> bool:
        """Take in what has happened; whether more is expected. timeout: seconds to wait for something."""
        while not self.finished:
            try:
                line = self._transport.read_line(timeout)
            except WorkerError as error:
                self._end(error if self._cancelled else WorkerError(_GONE, error.detail))
                break
            if line is None:
                break
            timeout = 0.0
            self._take(line)
        return not self.finished

    def _take(self, line: bytes) -> None:
        try:
            event = parse_event(line)
        except ValueError:
            return  # some library wrote to the standard output
        if isinstance(event, Said):
            self.notices.append(f"{event.case}: {event.text}" if event.case else event.text)
        elif isinstance(event, CaseStarted):
            self.case, self.slices = event.case, (0, 0)
        elif isinstance(event, SliceProgress):
            self.case, self.slices = event.case, (event.done, event.total)
        elif isinstance(event, CaseEnded):
            self.ended[event.case] = event
        elif isinstance(event, RunEnded):
            self.summary, self.total = event.summary, event.summary.total
            self._end(InputError(event.summary.stopped) if event.summary.stopped else None)
            return
        elif isinstance(event, RunRefused):
            self._end(InputError(event.message, event.code))
            return
        if not self.total:
            self._count()
        self._tell()

    def _count(self) -> None:
        try:
            self.total = len(read_run_record(self.folder).cases)
        except InputError:
            return  # the run has not written it yet

    def _end(self, error: PromptOnceError | None) -> None:
        self.finished, self.error = True, error
        if error is None or not isinstance(error, CancelledError):
            self._transport.stop(_GRACE)
        self._tell()
        for function in self._on_finished:
            function(self)

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener(self)

"""The caller's side of the worker: send requests, hand out their events, wait for their replies."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PromptOnceLib.core.errors import (
    CancelledError,
    DownloadError,
    GeometryError,
    InputError,
    ModelError,
    OutOfMemoryError,
    PromptError,
    PromptOnceError,
    WorkerError,
)
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.transport import Transport

_EVENTS = (protocol.SliceDone, protocol.Notice)
_ERRORS = (CancelledError, DownloadError, GeometryError, InputError, ModelError, OutOfMemoryError, PromptError)
_BY_CODE: dict[str, type[PromptOnceError]] = {error.code: error for error in _ERRORS}
EventHandler = Callable[[protocol.SliceDone | protocol.Notice], None]
A = TypeVar("A", bound=protocol.Answer)


@dataclass
class Job:
    """A request under way. reply or error is set when it is over."""

    id: int
    on_event: EventHandler | None = None
    on_end: Callable[[Job], None] | None = None
    reply: protocol.Answer | None = None
    error: PromptOnceError | None = None

    @property
    def over(self) -> bool:
        """Whether the reply or an error has come."""
        return self.reply is not None or self.error is not None


class WorkerClient:
    """A worker and the requests sent to it. Use from one thread; callbacks come from within `pump` and `wait`.

    start: makes a transport to a fresh worker; called again after the worker has died.
    """

    def __init__(self, start: Callable[[], Transport], threads: int | None = None) -> None:
        self._start, self._threads = start, threads
        self._transport: Transport | None = None
        self._jobs: dict[int, Job] = {}
        self._next_id = 0
        self.generation = 0
        self.welcome: protocol.Welcome | None = None

    def __enter__(self) -> WorkerClient:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """The session folder for arrays."""
        if self.welcome is None:
            raise WorkerError("The worker is not running.")
        return Path(self.welcome.folder)

    def start(self, timeout: float = 120.0) -> protocol.Welcome:
        """Start the worker if none is running and exchange greetings.

        generation counts the workers started: what was sent to an earlier one is unknown to this one.
        """
        if self._transport is None or self.welcome is None:
            self._transport = self._start()
            self.generation += 1
            hello = self.send(
                protocol.Hello(id=self.new_id(), protocol=protocol.PROTOCOL_VERSION, threads=self._threads)
            )
            try:
                self.welcome = self.wait(hello, protocol.Welcome, timeout)
            except BaseException:
                self.close()
                raise
        return self.welcome

    def send(
        self,
        request: protocol.Request,
        on_event: EventHandler | None = None,
        on_end: Callable[[Job], None] | None = None,
    ) -> Job:
        """Send a request whose id came from `new_id`; returns at once."""
        if self._transport is None:
            raise WorkerError("The worker is not running.")
        data = protocol.encode(request)
        if len(data) > protocol.MAX_MESSAGE_BYTES:
            raise PromptError("The prompt is too large for the worker: use fewer or simpler mask prompts at once.")
        job = Job(request.id, on_event, on_end)
        self._jobs[job.id] = job
        try:
            self._transport.write(data)
        except WorkerError as error:
            self._lost(error)
            raise
        return job

    def new_id(self) -> int:
        """An id for the next request."""
        self._next_id += 1
        return self._next_id

    def cancel(self, job: Job) -> None:
        """Ask a job to stop at the next slice; it still ends with a reply of its own."""
        if not job.over:
            self.send(protocol.Cancel(id=self.new_id(), target=job.id))

    def wait(
        self,
        job: Job,
        expected: type[A],
        timeout: float | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> A:
        """Pump until the job is over; it is cancelled as soon as should_cancel says so.

        Raises what the worker reported, or WorkerError when it died, took longer than `timeout` seconds, or replied
        with something else than `expected`.
        """
        end = None if timeout is None else time.monotonic() + timeout
        cancelled = False
        while not job.over:
            self.pump(0.1)
            if should_cancel is not None and not cancelled and should_cancel():
                cancelled = True
                self.cancel(job)
            if end is not None and time.monotonic() > end and not job.over:
                raise WorkerError("The worker does not answer.", self._log())
        if job.error is not None:
            raise job.error
        if not isinstance(job.reply, expected):
            raise WorkerError("The worker gave an unexpected answer.", repr(job.reply))
        return job.reply

    def pump(self, timeout: float) -> None:
        """Take in what the worker has said, waiting up to `timeout` seconds for something."""
        if self._transport is None:
            return
        try:
            line = self._transport.read_line(timeout)
            while line is not None:
                self._take(protocol.decode_answer(line))
                line = self._transport.read_line(0) if self._transport is not None else None
        except WorkerError as error:
            self._lost(error)

    def close(self, grace: float = 5.0) -> None:
        """End the worker and remove the session folder."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.stop(grace)
        self._forget_session()

    def _take(self, answer: protocol.Answer) -> None:
        job = self._jobs.get(answer.id) if answer.id is not None else None
        if isinstance(answer, _EVENTS):
            if job is not None and job.on_event is not None:
                job.on_event(answer)
            return
        error = _error_of(answer) if isinstance(answer, protocol.Failed) else None
        if job is None:
            if error is not None:
                raise WorkerError("The worker did not understand a message.", f"{error} {error.detail}")
            return
        job.reply, job.error = (None, error) if error is not None else (answer, None)
        del self._jobs[job.id]
        if job.on_end is not None:
            job.on_end(job)

    def _lost(self, error: WorkerError) -> None:
        """The worker died or broke the protocol: every open job fails, a new worker can be started."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.stop(grace=1.0)
        self._forget_session()
        jobs, self._jobs = list(self._jobs.values()), {}
        for job in jobs:
            job.error = error
            if job.on_end is not None:
                job.on_end(job)

    def _forget_session(self) -> None:
        welcome, self.welcome = self.welcome, None
        if welcome is not None:
            # A worker that ended well has done this itself; one that was killed could not.
            shutil.rmtree(welcome.folder, ignore_errors=True)

    def _log(self) -> str:
        return self._transport.log() if self._transport is not None else ""


def _error_of(failed: protocol.Failed) -> PromptOnceError:
    error = _BY_CODE.get(failed.code, WorkerError)(failed.message, failed.detail)
    error.code = failed.code
    return error

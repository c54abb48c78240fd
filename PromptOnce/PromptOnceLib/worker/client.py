"""The caller's side of the worker: send requests, hand out their events, wait for their replies."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from PromptOnceLib.errors import (
    CancelledError,
    DiskFullError,
    DownloadError,
    GeometryError,
    InputError,
    ModelError,
    NotImprovedError,
    OutOfMemoryError,
    PromptError,
    PromptOnceError,
    TrainingError,
    WorkerError,
)
from PromptOnceLib.processes.transport import Transport
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.job import A, EventHandler, Job
from PromptOnceLib.worker.messages.finetuning import FineTune, FineTuned
from PromptOnceLib.worker.silence import SILENT, SILENT_SECONDS, STILL_LOADING, Silence, Verdict, closed_for_silence

_EVENTS = get_args(protocol.Event)
_ERRORS = (
    CancelledError,
    DiskFullError,
    DownloadError,
    GeometryError,
    InputError,
    ModelError,
    NotImprovedError,
    OutOfMemoryError,
    PromptError,
    TrainingError,
)
_BY_CODE: dict[str, type[PromptOnceError]] = {error.code: error for error in _ERRORS}
# What answers a request; those not named here are answered by Done.
_REPLIES: dict[type[protocol.Request], type[protocol.Answer]] = {
    protocol.Hello: protocol.Welcome,
    protocol.LoadModel: protocol.ModelLoaded,
    protocol.Predict: protocol.Predicted,
    protocol.Propagate: protocol.Propagated,
    protocol.Embed: protocol.Embedded,
    FineTune: FineTuned,
    protocol.Everything: protocol.EverythingDone,
}

_LOADING = (protocol.Welcome, protocol.ModelLoaded)


class WorkerClient:
    """A worker and the requests sent to it. Use from one thread; callbacks come from within `pump` and `wait`.

    start: makes a transport to a fresh worker; called again after the worker has died. clock: seconds, increasing.
    patience: seconds of silence after which a worker that has something to do is given up, three times as many while it
    loads; None never gives up, as long as the process lives. on_silence: told a sentence after SILENT_SECONDS.

    generation counts the workers started: what was sent to an earlier one is unknown to this one. welcome: the worker's
    greeting, None while none is ready. failure: why the last worker was lost; None while one runs and after `close`.
    """

    def __init__(
        self,
        start: Callable[[], Transport],
        threads: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        patience: float | None = None,
    ) -> None:
        self._start, self._threads = start, threads
        self.silence = Silence(clock, patience)
        self.on_silence: Callable[[str], object] | None = None
        self._transport: Transport | None = None
        self._jobs: dict[int, Job] = {}
        self._next_id = 0
        self._hello: Job | None = None
        self.generation = 0
        self.welcome: protocol.Welcome | None = None
        self.failure: PromptOnceError | None = None

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

    def start(self, should_cancel: Callable[[], bool] | None = None) -> protocol.Welcome:
        """Start the worker if none is running, exchange greetings, and wait for it, as `wait` does."""
        try:
            return self.wait(self.begin(), protocol.Welcome, should_cancel)
        except BaseException:
            if self.failure is None:  # else it is gone already, and callers ask why
                self.close()
            raise

    def begin(self) -> Job:
        """Start the worker if none is running and greet it; returns at once.

        Raises WorkerError when the worker cannot be started.
        """
        if self._hello is None:
            self.failure = None
            self._transport = self._start()
            self.generation += 1
            self._hello = self.send(
                protocol.Hello(id=self.new_id(), protocol=protocol.PROTOCOL_VERSION, threads=self._threads)
            )
        return self._hello

    def send(
        self,
        request: protocol.Request,
        on_event: EventHandler | None = None,
        on_end: Callable[[Job], None] | None = None,
    ) -> Job:
        """Send a request whose id came from `new_id`; returns at once. Where it raises, on_end is not called."""
        if self._transport is None:
            raise WorkerError("The worker is not running.")
        data = protocol.encode(request)
        if len(data) > protocol.MAX_MESSAGE_BYTES:
            raise PromptError("The prompt is too large for the worker: use fewer or simpler mask prompts at once.")
        job = Job(request.id, on_event, on_end, _REPLIES.get(type(request), protocol.Done))
        if not isinstance(request, protocol.Cancel):
            self.silence.asked()
        try:
            self._transport.write(data)
        except WorkerError as error:
            self._lost(error)
            raise
        self._jobs[job.id] = job
        return job

    def new_id(self) -> int:
        """An id for the next request."""
        self._next_id += 1
        return self._next_id

    def cancel(self, job: Job) -> None:
        """Ask a job to stop at the next slice; it still ends with a reply of its own.

        A worker that is silent already, and one that has not greeted yet, is closed instead: then all jobs end with
        CancelledError, which is also the `failure`.
        """
        if job.over:
            return
        self.send(protocol.Cancel(id=self.new_id(), target=job.id))
        self.silence.cancelled()
        if job is self._hello or self.silence.seconds >= SILENT_SECONDS:
            self._lost(closed_for_silence())

    def wait(self, job: Job, expected: type[A], should_cancel: Callable[[], bool] | None = None) -> A:
        """Pump until the job is over; it is cancelled as soon as should_cancel says so.

        Raises what the worker reported, WorkerError when it died or the client was closed.
        """
        cancelled = False
        while not job.over:
            self.pump(0.1)
            if should_cancel is not None and not cancelled and should_cancel():
                cancelled = True
                self.cancel(job)
        return job.result(expected)

    def pump(self, timeout: float) -> None:
        """Take in what the worker has said, waiting up to `timeout` seconds for something; 0 does not wait.

        A worker that has died, breaks the protocol or is silent for longer than the patience is given up: all jobs end
        with the error, which is also the `failure`. So is one that is silent after a cancel.
        """
        if self._transport is None:
            return
        try:
            line = self._transport.read_line(timeout)
            while line is not None:
                self.silence.heard()
                self._take(protocol.decode_answer(line))
                line = self._transport.read_line(0) if self._transport is not None else None
            self._mind_silence()
        except WorkerError as error:
            self._lost(error)

    def _mind_silence(self) -> None:
        """Tell the user of a silence, or end it. Raises WorkerError where the patience is over."""
        if not self._jobs:
            return
        loading = any(job.expected in _LOADING for job in self._jobs.values())
        verdict = self.silence.verdict(loading)
        if verdict is Verdict.CLOSE:
            self._lost(closed_for_silence())
        elif verdict is Verdict.GIVE_UP:
            raise WorkerError(f"The worker said nothing for {self.silence.seconds:.0f} s and was ended.", self._log())
        elif verdict is Verdict.TELL and self.on_silence is not None:
            self.on_silence(STILL_LOADING if loading else SILENT)

    def close(self, grace: float = 5.0) -> None:
        """End the worker and remove the session folder; open jobs end with CancelledError."""
        self.failure = None
        self._end(CancelledError("Cancelled: the worker was closed."), grace)

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
        if error is None and not isinstance(answer, job.expected):
            raise WorkerError("The worker gave an unexpected answer; it can be started again.", repr(answer))
        if job is self._hello:
            if error is not None:
                self._lost(error)
                return
            assert isinstance(answer, protocol.Welcome)
            self.welcome = answer
        del self._jobs[job.id]
        job.end(None if error is not None else answer, error)

    def _lost(self, error: PromptOnceError) -> None:
        """The worker died or is of no use: every open job fails, a new worker can be started."""
        self.failure = error
        self._end(error, grace=1.0)

    def _end(self, error: PromptOnceError, grace: float) -> None:
        transport, self._transport = self._transport, None
        welcome, self.welcome, self._hello = self.welcome, None, None
        jobs, self._jobs = list(self._jobs.values()), {}
        if transport is not None:
            transport.stop(grace)
        try:
            for job in jobs:
                job.end(None, error)
        finally:
            if welcome is not None:
                # A worker that ended well has done this itself; one that was killed could not.
                shutil.rmtree(welcome.folder, ignore_errors=True)

    def _log(self) -> str:
        return self._transport.log() if self._transport is not None else ""


def _error_of(failed: protocol.Failed) -> PromptOnceError:
    error = _BY_CODE.get(failed.code, WorkerError)(failed.message, failed.detail)
    error.code = failed.code
    return error

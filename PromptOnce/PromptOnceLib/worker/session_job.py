"""What a session was asked for: each job is sent once, ended once, and puts its callbacks into the session's queue."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import ClassVar, Generic, TypeVar

from PromptOnceLib.errors import CancelledError, PromptError, PromptOnceError, WorkerError
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.job import Job

OnNotice = Callable[[str], object]
OnError = Callable[[PromptOnceError], object]
Queue = Callable[[Callable[[], object]], object]
T = TypeVar("T")


class SessionState(Enum):
    """What a session is doing. LOADING_MODEL includes handing over the stack; FAILED ends with the next request."""

    IDLE = auto()
    STARTING = auto()
    LOADING_MODEL = auto()
    READY = auto()
    PREVIEWING = auto()
    PROPAGATING = auto()
    FAILED = auto()


class SessionJob(ABC):
    """A request with what comes of it. job: what the client makes of it, None before it is sent.

    nothing_done: the sentence of the CancelledError for one that never began. urgency: of the jobs that wait the lowest
    goes first. queue: takes callbacks, to be called when the session is in order again.
    """

    nothing_done: ClassVar[str]
    urgency: ClassVar[int]

    def __init__(self, queue: Queue) -> None:
        self.job: Job | None = None
        self._queue = queue
        self._stopping = False

    @abstractmethod
    def send(self, client: WorkerClient) -> Job:
        """Send it and return at once. Raises PromptError for a prompt too large, WorkerError where it cannot be."""

    @abstractmethod
    def end(self, error: PromptOnceError | None = None) -> None:
        """End with this error, or as the worker has answered."""

    def silence(self) -> None:
        """Call nobody back any more."""
        self._queue = lambda callback: None

    def stop(self, client: WorkerClient) -> None:
        """Have the worker end it at the next slice or frame. Raises WorkerError when the worker is gone."""
        if self.job is not None and not self._stopping:
            self._stopping = True
            client.cancel(self.job)


class AnsweredJob(SessionJob, Generic[T]):
    """A request with one answer, which is handed over, or the error that came instead."""

    def __init__(self, on_answer: Callable[[T], object], on_error: OnError, queue: Queue) -> None:
        super().__init__(queue)
        self._on_answer, self._on_error = on_answer, on_error

    @abstractmethod
    def take(self) -> T:
        """The answer, its files removed. Raises what the worker reported, WorkerError for what cannot be read."""

    def end(self, error: PromptOnceError | None = None) -> None:
        """See SessionJob."""
        if error is None:
            try:
                self._queue(partial(self._on_answer, self.take()))
                return
            except PromptOnceError as reported:
                error = reported
        self._queue(partial(self._on_error, error))


class SessionJobs:
    """The jobs of a session: at most one is under way, and of each kind at most one waits."""

    def __init__(self) -> None:
        self._current: SessionJob | None = None
        self._waiting: dict[type[SessionJob], SessionJob] = {}

    def put(self, job: SessionJob) -> None:
        """Have a job wait for its turn."""
        self._waiting[type(job)] = job

    def has(self, kind: type[SessionJob]) -> bool:
        """Whether a job of this kind waits or is under way."""
        return kind in self._waiting or isinstance(self._current, kind)

    @property
    def waiting(self) -> bool:
        """Whether any job waits."""
        return bool(self._waiting)

    def forget(self, kind: type[SessionJob]) -> None:
        """Take a job of this kind that waits away, without ending it."""
        self._waiting.pop(kind, None)

    def send_next(self, client: WorkerClient) -> Job | None:
        """Send the most urgent job that waits; None where its prompt is too large, with which it ends.

        Raises WorkerError when the worker is gone.
        """
        self._current = self._waiting.pop(min(self._waiting, key=lambda kind: kind.urgency))
        try:
            return self._current.send(client)
        except PromptError as error:  # it alone is wrong, not the worker
            self._current.end(error)
            self._current = None
            return None
        except PromptOnceError:
            raise
        except Exception:  # a request that cannot even be made: whoever asked gets to know, and the next one is sent
            self._current = None
            raise

    def end_current(self) -> bool:
        """End the job under way as the worker has answered; whether there was one."""
        job, self._current = self._current, None
        if job is not None:
            job.end()
        return job is not None

    def cancel(self, kind: type[SessionJob], client: WorkerClient) -> None:
        """End the job of this kind that waits, and stop the one under way."""
        waiting = self._waiting.pop(kind, None)
        if waiting is not None:
            waiting.end(CancelledError(waiting.nothing_done))
        if isinstance(self._current, kind):
            with contextlib.suppress(WorkerError):  # the worker is gone: the next pump tells everybody
                self._current.stop(client)

    def cancel_all(self, client: WorkerClient, silently: bool = False) -> None:
        """The same for jobs of all kinds. silently: the one under way calls nobody back any more."""
        if silently and self._current is not None:
            self._current.silence()
        for kind in {*self._waiting, *([] if self._current is None else [type(self._current)])}:
            self.cancel(kind, client)

    def end_all(self, error: PromptOnceError) -> None:
        """End the job under way and all that wait with an error."""
        jobs = [self._current, *sorted(self._waiting.values(), key=lambda job: job.urgency)]
        self._current = None
        self._waiting.clear()
        for job in jobs:
            if job is not None:
                job.end(error)

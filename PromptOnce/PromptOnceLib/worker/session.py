"""Work with a worker without ever waiting for it: for a GUI, and for calls from a console that return at once."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, InputError, PromptError, PromptOnceError, WorkerError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.worker import protocol, requests
from PromptOnceLib.worker.client import Job, WorkerClient
from PromptOnceLib.worker.preparation import Preparation
from PromptOnceLib.worker.requests import OnNotice, OnSlice, PropagationJob, Settings
from PromptOnceLib.worker.requests_embed import OnFrame
from PromptOnceLib.worker.session_requests import (
    Description,
    OnDescriptors,
    OnEnd,
    OnError,
    OnMasks,
    Preview,
    Propagation,
)


class State(Enum):
    """What a session is doing. LOADING_MODEL includes handing over the stack; FAILED ends with the next request."""

    IDLE = auto()
    STARTING = auto()
    LOADING_MODEL = auto()
    READY = auto()
    PREVIEWING = auto()
    PROPAGATING = auto()
    FAILED = auto()


class Session:
    """One model and one stack in one worker; previews, propagations and descriptions as they are asked for.

    No method waits for the worker. Requests go to it one at a time; `pump` takes its answers in, sends the next one,
    and is the only place from which callbacks are called. Callbacks may call any method. Whatever is wrong with the
    worker or with what the user gave reaches the callbacks; only a preview or a propagation before the first `prepare`
    raises, WorkerError.

    client: need not be started; used by nobody else. on_notice: called with sentences for the user that do not belong
    to a propagation. clock: for the progress of propagations. error: why the state is FAILED, otherwise None.
    """

    def __init__(
        self, client: WorkerClient, on_notice: OnNotice | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.client = client
        self.error: PromptOnceError | None = None
        self._on_notice, self._clock = on_notice, clock
        self._preparation = Preparation(client)
        self._seed = 0
        self._begun: tuple[object, ...] = ()  # model, stack and seed for which something has been encoded already
        self._active = False  # after a failure and after close nothing is sent before the next call
        self._job: Job | None = None  # the request under way
        self._unwanted: Job | None = None  # a request for a model or a stack that is not wanted any more
        self._work: Preview | Propagation | Description | None = (
            None  # what the request under way is for, if not for preparing
        )
        self._waiting_propagation: Propagation | None = None
        self._waiting_preview: Preview | None = None
        self._waiting_description: Description | None = None
        self._newest_preview: Preview | None = None
        # Called only when this object is in order again, so that callbacks may call it and may raise.
        self._callbacks: deque[Callable[[], object]] = deque()

    @property
    def model(self) -> protocol.ModelLoaded | None:
        """What the worker has loaded; None while it has not loaded what `prepare` asked for."""
        return self._preparation.model

    @property
    def busy(self) -> bool:
        """Whether an answer or a callback is outstanding: as long as this is so, `pump` has to be called."""
        return self._job is not None or bool(self._callbacks)

    @property
    def state(self) -> State:
        """What is going on now; what waits for a ready worker only shows once the worker is ready.

        READY may be busy: encoding the prompted slice ahead of the first prompt, or comparing frames.
        """
        if not self._active:
            return State.IDLE if self.error is None else State.FAILED
        if self.client.welcome is None:
            return State.STARTING
        if not self._preparation.complete:
            return State.LOADING_MODEL
        if self._waiting_propagation is not None or isinstance(self._work, Propagation):
            return State.PROPAGATING
        return State.PREVIEWING if self._waiting_preview or isinstance(self._work, Preview) else State.READY

    def prepare(self, files: ModelFiles, device: str, precision: str, stack: Stack, seed: int) -> None:
        """Have a worker hold this model and this stack, and encode slice `seed` ahead of the first prompt on it.

        Another model or stack than before first cancels everything, as `cancel` does. What fails is the `error`.
        """
        model = (files, device, precision)
        if model != self._preparation.wanted_model or stack is not self._preparation.stack:
            self.cancel()
            self._unwanted = self._job
        if model != self._preparation.wanted_model:
            self._preparation.use_model(*model)
        self._preparation.use_stack(stack)
        self._seed = seed
        self._go_on()

    def preview(self, prompt: Prompt, on_masks: OnMasks, on_error: OnError, fill_hole_area: int = 0) -> None:
        """Ask for the masks of the prompted slice; the newest prompt wins.

        Every call makes earlier previews outdated: neither of their callbacks is called any more. While a propagation
        waits or runs, the preview waits for its end.
        """
        stack = self._chosen_stack()
        self._drop_previews()
        preview = Preview(prompt, fill_hole_area, on_masks, on_error, self._notice, self._callbacks.append)
        self._newest_preview = preview
        try:
            requests.check_prompt(prompt, stack)
        except InputError as error:
            preview.end(error)
            return
        self._drop_description()
        self._waiting_preview = preview
        self._go_on()

    def propagate(
        self,
        prompt: Prompt | SharedSeed,
        settings: Settings,
        on_slice: OnSlice,
        on_notice: OnNotice,
        on_end: OnEnd,
    ) -> PropagationJob:
        """Propagate from a prompt, or after a shared seed, as soon as the request under way is over.

        A propagation that waits or runs is cancelled.

        When on_slice is called the slice is already in the job's result. on_end is called exactly once: with None when
        it went to its end or was cancelled after the first slice, otherwise with the error. The result always holds
        what is done.
        """
        stack = self._chosen_stack()
        job = PropagationJob.waiting(self.client, stack, prompt, settings, self._clock)
        propagation = Propagation(job, on_slice, on_notice, on_end, self._callbacks.append)
        try:
            job.check(stack)
        except InputError as error:
            propagation.end(error)
            return job
        self._cancel_propagations()
        self._drop_description()
        self._waiting_propagation = propagation
        self._go_on()
        return job

    def describe(
        self,
        slices: Sequence[int],
        frames: Sequence[NDArray[np.uint8]],
        on_descriptors: OnDescriptors,
        on_error: OnError,
        on_frame: OnFrame | None = None,
    ) -> None:
        """Descriptors of slices of the stack, then of frames, as Segmenter.describe gives them; the newest call wins.

        A preview or a propagation that is asked for before it is done ends it with CancelledError, as `cancel` does.
        """
        self._chosen_stack()
        self._drop_description()
        queue = self._callbacks.append
        self._waiting_description = Description(slices, frames, on_descriptors, on_error, on_frame, queue)
        self._go_on()

    def cancel(self) -> None:
        """Stop the propagation at the next slice, which ends with what is done, and drop previews and descriptions."""
        self._drop_previews()
        self._cancel_propagations()
        self._drop_description()

    def close(self, grace: float = 5.0) -> None:
        """End the worker, within `grace` seconds or by force; a propagation ends with CancelledError.

        The next `prepare`, `preview` or `propagate` starts a new worker.
        """
        self._drop_previews()
        self.client.close(grace)
        self._stop(CancelledError("Cancelled: the worker was closed."))

    def pump(self, timeout: float = 0.0) -> None:
        """Take in what the worker has said, send the next request, call back; to be called when data has come.

        While `busy` also from a timer: a worker that does not answer is noticed here. timeout: seconds to wait for
        something the worker says; 0 does not wait.
        """
        self.client.pump(0.0 if self._callbacks else timeout)
        if self._active and self.client.failure is not None:
            self._fail(self.client.failure)
        self._advance()
        while self._callbacks:
            self._callbacks.popleft()()

    def _chosen_stack(self) -> Stack:
        if self._preparation.stack is None:
            raise WorkerError("Choose a model and a volume first.")
        return self._preparation.stack

    def _go_on(self) -> None:
        self._active, self.error = True, None
        self._advance()

    def _advance(self) -> None:
        """When no request is under way, send the next one."""
        if self._job is not None:
            if not self._job.over:
                return
            self._job_over(self._job)
        if self._active:
            try:
                self._job = self._next_job()
            except PromptOnceError as error:
                self._fail(error)

    def _job_over(self, job: Job) -> None:
        work, self._work, self._job = self._work, None, None
        if work is not None:
            work.end()
        elif job.error is not None and job is not self._unwanted:
            self._fail(job.error)

    def _next_job(self) -> Job | None:
        job = self._preparation.next_step()
        if job is not None:
            return job
        begun, self._begun = self._begun, (self.model, self._preparation.stack, self._seed)
        if self._waiting_propagation is not None:
            self._work, self._waiting_propagation = self._waiting_propagation, None
        elif self._waiting_preview is not None:
            self._work, self._waiting_preview = self._waiting_preview, None
        elif self._waiting_description is not None:
            self._work, self._waiting_description = self._waiting_description, None
        else:
            # Only ahead of the first prompt: the worker remembers one slice, and prompts may be on another one by now.
            return None if begun == self._begun else requests.embed(self.client, self._seed, self._notice)
        try:
            return self._work.send(self.client)
        except PromptError as error:  # it alone is wrong, not the worker
            self._work.end(error)
            self._work = None
            return None

    def _drop_previews(self) -> None:
        if self._newest_preview is not None:
            self._newest_preview.outdated = True
        self._newest_preview = self._waiting_preview = None

    def _cancel_propagations(self) -> None:
        waiting, self._waiting_propagation = self._waiting_propagation, None
        if waiting is not None:
            waiting.end(requests.nothing_done())
        if isinstance(self._work, Propagation):
            with contextlib.suppress(WorkerError):  # the worker is gone: the next pump tells everybody
                self._work.stop(self.client)

    def _drop_description(self) -> None:
        waiting, self._waiting_description = self._waiting_description, None
        if waiting is not None:
            waiting.end(CancelledError("Cancelled: the images were not compared."))
        if isinstance(self._work, Description):
            with contextlib.suppress(WorkerError):
                self._work.stop(self.client)

    def _notice(self, text: str) -> None:
        if self._on_notice is not None:
            self._callbacks.append(partial(self._on_notice, text))

    def _fail(self, error: PromptOnceError) -> None:
        self._stop(error)
        self.error = error

    def _stop(self, error: PromptOnceError) -> None:
        """Nothing is under way or waits any more, and nothing is sent before the next call."""
        for work in (self._work, self._waiting_propagation, self._waiting_preview, self._waiting_description):
            if work is not None:
                work.end(error)
        self._job = self._work = self._waiting_propagation = self._waiting_preview = self._waiting_description = None
        self._active, self.error = False, None

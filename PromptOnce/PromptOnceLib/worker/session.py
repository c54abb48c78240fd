"""Work with a worker without ever waiting for it: for a GUI, and for calls from a console that return at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, InputError, PromptOnceError, WorkerError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.job import Job
from PromptOnceLib.worker.preparation import ModelChoice, Preparation
from PromptOnceLib.worker.requests import OnEnd, OnSlice, PropagationJob, Settings, check_prompt
from PromptOnceLib.worker.requests_slices import EmbeddingJob, OnEmbeddings, OnFrame, OnMasks, PromptJob, prefetch
from PromptOnceLib.worker.session_job import OnError, OnNotice, SessionJob, SessionJobs, SessionState


class Session:
    """One model and one stack in one worker; previews, propagations and embeddings as they are asked for.

    No method waits for the worker. Requests go to it one at a time; `pump` takes its answers in, sends the next one,
    and is the only place from which callbacks are called. Callbacks may call any method. Whatever is wrong with the
    worker or with what the user gave reaches the callbacks; only asking for something before a model and a stack were
    chosen raises, WorkerError.

    client: need not be started; used by nobody else. on_notice: called with sentences for the user that do not belong
    to a propagation. clock: for the progress of propagations. error: why the state is FAILED, otherwise None.
    """

    def __init__(
        self, client: WorkerClient, on_notice: OnNotice | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.client = client
        self.error: PromptOnceError | None = None
        self._on_notice, self._clock = on_notice, clock
        self._preparation = Preparation(client, self._notice)
        client.on_silence = self._notice
        self._slice: int | None = None  # to be encoded ahead of the first prompt on it
        self._begun: tuple[object, ...] = ()  # model, stack and slice for which something has been encoded already
        self._active = False  # after a failure and after close nothing is sent before the next call
        self._job: Job | None = None  # the request under way
        self._unwanted: Job | None = None  # a request for a model or a stack that is not wanted any more
        self._jobs = SessionJobs()  # what the request under way is for, if not for preparing, and what waits
        self._newest_prompt: PromptJob | None = None
        # Called only when this object is in order again, so that callbacks may call it and may raise.
        self.callbacks: deque[Callable[[], object]] = deque()

    @property
    def model(self) -> protocol.ModelLoaded | None:
        """What the worker has loaded; None while it has not loaded what `prepare` asked for."""
        return self._preparation.model

    @property
    def busy(self) -> bool:
        """Whether an answer or a callback is outstanding: as long as this is so, `pump` has to be called."""
        return self._job is not None or bool(self.callbacks)

    @property
    def state(self) -> SessionState:
        """What is going on now; what waits for a ready worker only shows once the worker is ready.

        READY may be busy: encoding the prompted slice ahead of the first prompt, or comparing frames.
        """
        if not self._active:
            return SessionState.IDLE if self.error is None else SessionState.FAILED
        if self.client.welcome is None:
            return SessionState.STARTING
        if not self._preparation.complete:
            return SessionState.LOADING_MODEL
        if self._jobs.has(PropagationJob):
            return SessionState.PROPAGATING
        return SessionState.PREVIEWING if self._jobs.has(PromptJob) else SessionState.READY

    @property
    def model_choice(self) -> ModelChoice | None:
        """The model that is worked with, loaded or not."""
        return self._preparation.wanted_model

    @property
    def stack(self) -> Stack | None:
        """The stack that is worked on."""
        return self._preparation.stack

    def use_model(
        self, files: ModelFiles, device: str = "auto", precision: str = "auto", compiled: bool = False
    ) -> None:
        """Work with this model from now on; the worker gets it with the next request. Another cancels everything."""
        self._use(ModelChoice(files, device, precision, compiled), self._preparation.stack)

    def use_stack(self, stack: Stack) -> None:
        """Work on this stack from now on; the worker gets it with the next request. Another one cancels everything."""
        self._use(self._preparation.wanted_model, stack)
        self._slice = None

    def forget_stack(self) -> None:
        """Send the stack again before the next request: the worker is given something else to work on."""
        self._preparation.forget_stack()

    def make_ready(self) -> None:
        """Have a worker hold the model and the stack as far as they are chosen. What fails is the `error`."""
        self._active, self.error = True, None
        self._advance()

    def prepare(self, files: ModelFiles, device: str, precision: str, stack: Stack, index: int) -> None:
        """Have a worker hold this model and this stack, and encode slice `index` ahead of the first prompt on it.

        Another model or stack than before first cancels everything, as `cancel` does. What fails is the `error`.
        """
        self._use(ModelChoice(files, device, precision), stack)
        self._slice = index
        self.make_ready()

    def preview(
        self,
        prompt: Prompt,
        on_masks: OnMasks,
        on_error: OnError,
        fill_hole_area: int = 0,
        tell_outdated: bool = False,
        correcting: bool = False,
        sight: Sight | None = None,
    ) -> None:
        """Ask for the masks of the prompted slice; the newest prompt wins.

        Every call, and every `cancel`, makes earlier previews outdated: neither of their callbacks is called any more,
        or, with tell_outdated, on_error with CancelledError. correcting: points correct the mask
        that comes with them, with what the worker remembers of the slice from its last propagation. sight: how much of
        the slice is seen, None for "auto". While a propagation waits or runs, the preview waits for its end.
        """
        (stack, _), queue = self._chosen(), self.callbacks.append
        self._drop_prompts()
        job = PromptJob(
            prompt, fill_hole_area, on_masks, on_error, self._notice, tell_outdated, queue, correcting, sight
        )
        self._newest_prompt = job
        try:
            check_prompt(prompt, stack, correcting)
        except InputError as error:
            job.end(error)
            return
        self._jobs.cancel(EmbeddingJob, self.client)
        self._jobs.put(job)
        self.make_ready()

    def propagate(
        self,
        prompt: AnyPrompt,
        settings: Settings,
        on_slice: OnSlice | None,
        on_notice: OnNotice | None,
        on_end: OnEnd,
        base: SegmentationResult | None = None,
    ) -> PropagationJob:
        """Propagate from a prompt, or after a shared seed, as soon as the request under way is over.

        A propagation that waits or runs is cancelled. base: the result that a prompt set corrects. When on_slice is
        called the slice is already in the job's result. on_end is called exactly once: with None when it went to its
        end or was cancelled after the first slice, otherwise with the error. The result holds what is done.
        """
        (stack, model), queue = self._chosen(), self.callbacks.append
        job = PropagationJob(stack, prompt, settings, on_slice, on_notice, on_end, queue, self._clock, base)
        try:
            job.check(model.files)
        except PromptOnceError as error:
            job.end(error)
            return job
        self._jobs.cancel(PropagationJob, self.client)
        self._jobs.cancel(EmbeddingJob, self.client)
        self._jobs.put(job)
        self.make_ready()
        return job

    def embed(
        self,
        slices: Sequence[int],
        frames: Sequence[NDArray[np.uint8]],
        on_embeddings: OnEmbeddings,
        on_error: OnError,
        on_frame: OnFrame | None = None,
    ) -> None:
        """Embeddings of slices of the stack, then of frames, as Segmenter.embed gives them; the newest call wins.

        A preview or a propagation that is asked for before it is done ends it with CancelledError, as `cancel` does.
        """
        if slices or self._preparation.wanted_model is None:
            self._chosen()
        self.ask(EmbeddingJob(slices, frames, on_embeddings, on_error, on_frame, self.callbacks.append))

    def ask(self, job: SessionJob) -> None:
        """Have a job done as soon as those that are more urgent are; one of its kind that waits or runs is cancelled.

        It was made with `callbacks.append` for its queue.
        """
        self._jobs.cancel(type(job), self.client)
        self._jobs.put(job)
        self.make_ready()

    def cancel(self, silently: bool = False) -> None:
        """Stop a propagation at its next slice, keep what is done, drop the rest. silently: call nobody back."""
        self._drop_prompts()
        self._jobs.cancel_all(self.client, silently)
        if silently:
            self.callbacks.clear()

    def close(self, grace: float = 5.0) -> None:
        """End the worker, within `grace` seconds or by force; a propagation ends with CancelledError.

        The next `prepare`, `preview` or `propagate` starts a new worker.
        """
        self._drop_prompts()
        self.client.close(grace)
        self._stop(CancelledError("Cancelled: the worker was closed."))

    def pump(self, timeout: float = 0.0) -> None:
        """Take in what the worker has said, send the next request, call back; to be called when data has come.

        While `busy` also from a timer: a worker that does not answer is noticed here. timeout: seconds to wait for
        something the worker says; 0 does not wait.
        """
        self.client.pump(0.0 if self.callbacks else timeout)
        if self._active and self.client.failure is not None:
            self._fail(self.client.failure)
        self._advance()
        while self.callbacks:
            self.callbacks.popleft()()

    def _chosen(self) -> tuple[Stack, ModelChoice]:
        stack, model = self._preparation.stack, self._preparation.wanted_model
        if stack is None or model is None:
            raise WorkerError("Choose a model and a volume first.")
        return stack, model

    def _use(self, model: ModelChoice | None, stack: Stack | None) -> None:
        other_model = model != self._preparation.wanted_model
        if other_model or stack is not self._preparation.stack:
            self.cancel()
            self._unwanted = self._job
        if other_model and model is not None:
            self._preparation.use_model(model)
        if stack is not None:
            self._preparation.use_stack(stack)

    def _advance(self) -> None:
        """When no request is under way, send the next one."""
        if self._job is not None:
            if not self._job.over:
                return
            job, self._job = self._job, None
            if not self._jobs.end_current() and job.error is not None and job is not self._unwanted:
                self._fail(job.error)
        if self._active:
            try:
                self._job = self._next_job()
            except PromptOnceError as error:
                self._fail(error)

    def _next_job(self) -> Job | None:
        job = self._preparation.next_step()
        if job is not None:
            return job
        begun, self._begun = self._begun, (self.model, self._preparation.stack, self._slice)
        if self._jobs.waiting:
            return self._jobs.send_next(self.client)
        # Only ahead of the first prompt: the worker remembers one slice, and prompts may be on another one by now.
        if self._slice is None or begun == self._begun:
            return None
        return prefetch(self.client, self._slice, self._notice)

    def _drop_prompts(self) -> None:
        if self._newest_prompt is not None:
            self._newest_prompt.drop()
        self._newest_prompt = None
        self._jobs.forget(PromptJob)

    def _notice(self, text: str) -> None:
        if self._on_notice is not None:
            self.callbacks.append(partial(self._on_notice, text))

    def _fail(self, error: PromptOnceError) -> None:
        self._stop(error)
        self.error = error

    def _stop(self, error: PromptOnceError) -> None:
        """Nothing is under way or waits any more, and nothing is sent before the next call."""
        self._jobs.end_all(error)
        self._job = None
        self._active, self.error = False, None

"""A session that is waited for: the way of the command line, of batches and of scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError, PromptOnceError, WorkerError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.each_slice import Proposals, each_slice
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.requests import OnSlice, PropagationJob, Settings
from PromptOnceLib.worker.requests_slices import (
    EverythingJob,
    EverythingMasks,
    OnEverything,
    OnFrame,
    OnMasks,
    OnPoints,
    PromptedMasks,
)
from PromptOnceLib.worker.session import Session
from PromptOnceLib.worker.session_job import OnError, OnNotice

__all__ = ["EverythingMasks", "PromptedMasks", "PropagationJob", "Segmenter", "Settings"]

T = TypeVar("T")
Ask = Callable[[Callable[[T], object], Callable[[PromptOnceError], object]], object]
"""Asks a session for something, with what to call with the answer and what with an error."""

_WHOLE_STACK = Settings()
MOST_POINTS = 256


class Segmenter:
    """A model, a stack and a worker that holds both; every method waits for its answer.

    Whatever a new worker does not know yet (after a crash, say) is sent to it again before the next request. session:
    does the work and does not wait. should_cancel, everywhere: asked every `poll_seconds` at the latest; once it says
    so the request is cancelled, which ends as the method says.

    client: need not be started; used by nobody else. on_notice: takes sentences for the user that belong to no
    propagation.
    """

    def __init__(self, client: WorkerClient, on_notice: OnNotice | None = None, poll_seconds: float = 0.1) -> None:
        self.client = client
        self.session = Session(client, on_notice)
        self._poll_seconds = poll_seconds

    def use_model(
        self, files: ModelFiles, device: str = "auto", precision: str = "auto", compiled: bool = False
    ) -> protocol.ModelLoaded:
        """Load a model, or keep it when it is loaded already. Raises ModelError, InputError, WorkerError.

        compiled: rewritten by torch.compile, which takes minutes; on_notice is told.
        """
        self.session.use_model(files, device, precision, compiled)
        self.make_ready()
        assert self.session.model is not None
        return self.session.model

    @property
    def stack(self) -> Stack | None:
        """The stack that is worked on."""
        return self.session.stack

    def use_stack(self, stack: Stack) -> None:
        """Work on this stack from now on; the worker has it afterwards."""
        self.session.use_stack(stack)
        self.make_ready()

    def make_ready(self) -> None:
        """Have a worker run and hold model and stack, as far as they are chosen. Raises what was wrong with that."""
        self.session.make_ready()
        while self.session.busy:
            self.session.pump(self._poll_seconds)
        if self.session.error is not None:
            raise self.session.error

    def prepared_client(self) -> WorkerClient:
        """The client, for requests of other kinds, its worker running with the model.

        The stack is sent again before the next request here. Raises WorkerError where no model was chosen.
        """
        if self.session.model_choice is None:
            raise WorkerError("Choose a model first.")
        self.make_ready()
        self.session.forget_stack()
        return self.client

    def embed(
        self,
        slices: Sequence[int] = (),
        frames: Sequence[NDArray[np.uint8]] = (),
        on_frame: OnFrame | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> NDArray[np.float32]:
        """Embeddings of slices of the stack, then of frames, uint8 (rows, columns), of any images: float32 (n, C).

        For seeds.similarity; see engine.workspace.frame_embedding. Those of different models cannot be compared.
        Raises CancelledError when it was cancelled between two frames.
        """
        return self.wait(lambda done, fail: self.session.embed(slices, frames, done, fail, on_frame), should_cancel)

    def predict(self, prompt: Prompt, fill_hole_area: int = 0) -> PromptedMasks:
        """Masks of the prompted slice alone."""

        def ask(done: OnMasks, fail: OnError) -> None:
            self.session.preview(prompt, done, fail, fill_hole_area, tell_outdated=True)

        return self.wait(ask)

    def propagate(
        self,
        prompt: AnyPrompt,
        settings: Settings = _WHOLE_STACK,
        on_slice: OnSlice | None = None,
        on_notice: OnNotice | None = None,
        should_cancel: Callable[[], bool] | None = None,
        keep: bool = False,
    ) -> PropagationJob:
        """Propagate from a prompt, or after a shared seed, over the stack; the job holds the result.

        When on_slice is called the slice is already in the job's result. A job that was cancelled after its first
        slice says so and keeps what is done.

        keep: return the job also where the worker failed after the first slice; its `failure` says why.

        Raises PromptError for a prompt that does not fit the stack, InputError for a range that does not,
        CancelledError when it was cancelled before anything was done, and what the worker reported.
        """

        def ask(done: Callable[[PropagationJob], object], fail: Callable[[PromptOnceError], object]) -> None:
            def ended(job: PropagationJob, error: PromptOnceError | None) -> None:
                if error is None or (keep and job.result.computed.any()):
                    done(job)
                else:
                    fail(error)

            self.session.propagate(prompt, settings, on_slice, on_notice, ended)

        return self.wait(ask, should_cancel)

    def prompt_slices(
        self,
        prompts: Mapping[int, ObjectPrompt],
        on_slice: OnSlice | None = None,
        on_notice: OnNotice | None = None,
        should_cancel: Callable[[], bool] | None = None,
        keep: bool = False,
        proposals: Proposals = "single",
    ) -> PropagationJob:
        """Segment prompted slices each by itself, as SAM does images, with nothing remembered of the others.

        prompts: by the index of the slice; boxes and points, no masks. In the job's result these slices alone are
        computed; its `embed_seconds` and `prompt_seconds` say what each took. Masks come as they are: no pieces are
        taken out. proposals: with "all" the result has three objects, which are what the prompt may mean; the papers
        take "single". Presence is NaN from SAM (v1), which does not estimate it. on_slice, should_cancel, keep, and
        what is raised: as propagate.
        """
        settings = Settings(alone=True, clean_up="all", proposals=proposals)
        return self.propagate(each_slice(prompts), settings, on_slice, on_notice, should_cancel, keep)

    def everything(
        self,
        index: int,
        points_per_side: int = 32,
        on_points: OnPoints | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> EverythingMasks:
        """All that SAM finds on slice `index` of the stack by itself, from a grid of points.

        As upstream's SamAutomaticMaskGenerator does with its default settings. on_points: told as the search goes on.
        Raises InputError for a grid or a slice that is not there, CancelledError, and what the worker reported.
        """
        stack = self.stack
        if not 1 <= points_per_side <= MOST_POINTS:
            raise InputError(f"A grid has 1 to {MOST_POINTS} points a side, not {points_per_side}.")
        if stack is not None and not 0 <= index < len(stack.frames):
            raise InputError(f"There is no slice {index}: the volume has the slices 0 to {len(stack.frames) - 1}.")

        def ask(done: OnEverything, fail: OnError) -> None:
            queue = self.session.callbacks.append
            self.session.ask(EverythingJob(index, points_per_side, done, fail, on_points, queue))

        return self.wait(ask, should_cancel)

    def wait(self, ask: Ask[T], should_cancel: Callable[[], bool] | None = None) -> T:
        """Ask the session for something and wait for it; raises the error that comes instead.

        Whatever interrupts the waiting, such as Ctrl-C or an error of what is called back, cancels what was asked for,
        and nobody is called back any more.
        """
        answers: list[T] = []
        errors: list[PromptOnceError] = []
        cancelled = False
        try:
            ask(answers.append, errors.append)
            while not (answers or errors):
                self.session.pump(self._poll_seconds)
                if should_cancel is not None and should_cancel() and not cancelled:
                    cancelled = True
                    self.session.cancel()
        except BaseException:
            self.session.cancel(silently=True)
            raise
        if errors:
            raise errors[0]
        return answers[0]

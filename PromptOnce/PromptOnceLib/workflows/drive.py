"""Take the steps of a workflow through a worker: without waiting (StepDriver), or waiting for the end (run_steps)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.worker.protocol import FrameDone, SliceDone
from PromptOnceLib.worker.requests import PropagationJob
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.worker.session import Session
from PromptOnceLib.worker.session_job import OnError, OnNotice
from PromptOnceLib.workflows.steps import PromptStep, PropagationStep, Step, Steps

R = TypeVar("R")
OnStep = Callable[[Step], object]
OnProgress = Callable[[Step, SliceDone | FrameDone], object]
"""Is told of every slice or frame that is done in a step."""


class StepDriver(Generic[R]):
    """The steps of a workflow, one after the other; the session needs its `pump` to be called until the end.

    session: a model is chosen already. on_done: called with what the workflow returns; on_error: with the error that
    ended it, CancelledError when it was cancelled. One of them is called, once. Afterwards the session works on the
    stack of the last step. step: the one under way, None before the first. done, total: its slices or frames.
    """

    def __init__(
        self,
        session: Session,
        steps: Steps[R],
        on_done: Callable[[R], object],
        on_error: OnError,
        on_step: OnStep | None = None,
        on_progress: OnProgress | None = None,
        on_notice: OnNotice | None = None,
    ) -> None:
        self._session, self._steps = session, steps
        self._on_done, self._on_error = on_done, on_error
        self._on_step, self._on_progress, self._on_notice = on_step, on_progress, on_notice
        self.step: Step | None = None
        self.done = self.total = 0

    def start(self) -> None:
        """Begin; returns at once. A workflow that needs no step is over then."""
        self._go_on(None)

    def cancel(self) -> None:
        """Stop at the next slice or frame; the workflow has no result then."""
        self._session.cancel()

    def _go_on(self, answer: Any) -> None:
        """Send the workflow an answer and ask for its next step."""
        try:
            step = self._steps.send(answer)
        except StopIteration as end:
            self._on_done(end.value)
            return
        except PromptOnceError as error:
            self._on_error(error)
            return
        self.step, self.done, self.total = step, 0, 0
        if self._on_step is not None:
            self._on_step(step)
        try:
            self._ask(step)
        except PromptOnceError as error:
            self._failed(error)

    def _ask(self, step: Step) -> None:
        session = self._session
        if step.stack is not None:
            session.use_stack(step.stack)
        if isinstance(step, PropagationStep):
            session.propagate(step.prompt, step.settings, self._moved, self._on_notice, self._propagated, step.base)
        elif isinstance(step, PromptStep):
            session.preview(
                step.prompt, self._go_on, self._failed, tell_outdated=True, correcting=step.correcting, sight=step.sight
            )
        else:
            session.embed(step.slices, step.frames, self._go_on, self._failed, self._moved)

    def _propagated(self, job: PropagationJob, error: PromptOnceError | None) -> None:
        if error is None and job.cancelled:
            error = CancelledError("Cancelled: there is no result.")
        if error is None:
            self._go_on(job.result)
        else:
            self._failed(error)

    def _moved(self, event: SliceDone | FrameDone) -> None:
        self.done, self.total = event.done, event.total
        if self._on_progress is not None and self.step is not None:
            self._on_progress(self.step, event)

    def _failed(self, error: PromptOnceError) -> None:
        self._steps.close()
        self._on_error(error)


def run_steps(
    segmenter: Segmenter,
    steps: Steps[R],
    on_step: OnStep | None = None,
    on_progress: OnProgress | None = None,
    on_notice: OnNotice | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> R:
    """Run all steps and wait for them; afterwards the segmenter works on the stack it had before.

    Raises what a step or the workflow raises, CancelledError when it was cancelled.
    """
    session, before = segmenter.session, segmenter.stack

    def ask(done: Callable[[R], object], fail: OnError) -> None:
        StepDriver(session, steps, done, fail, on_step, on_progress, on_notice).start()

    try:
        return segmenter.wait(ask, should_cancel)
    finally:
        if before is not None:
            session.use_stack(before)

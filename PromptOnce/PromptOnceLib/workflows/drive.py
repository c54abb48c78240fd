"""Steps, of a round trip for example, gone with a session, without waiting for them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import OnNotice, PropagationJob
from PromptOnceLib.worker.session import Session
from PromptOnceLib.workflows.steps import Step

R = TypeVar("R")
OnTripEnd = Callable[[R | None, PromptOnceError | None], object]
"""Called once: with what the steps returned, or with the error, CancelledError when the trip was cancelled."""


class StepDriver(Generic[R]):
    """The steps of worker.round_trip or worker.start_slice, one after the other; the session needs its `pump` to be
    called until the end.

    Afterwards the session works on the stack of the last step, so `prepare` it again. step: the one under way, None
    before the first. job: its propagation.
    """

    def __init__(
        self,
        session: Session,
        files: ModelFiles,
        device: str,
        steps: Generator[Step, SegmentationResult, R],
        on_end: OnTripEnd[R],
        on_slice: Callable[[], object] | None = None,
        on_notice: OnNotice | None = None,
    ) -> None:
        self._session, self._files, self._device, self._steps = session, files, device, steps
        self._on_end, self._on_slice, self._on_notice = on_end, on_slice, on_notice
        self.step: Step | None = None
        self.job: PropagationJob | None = None

    def start(self, first: SegmentationResult | None = None) -> None:
        """Begin; returns at once. Raises PromptError where a mask is empty.

        first: the complete result of the first step, where it has been gone already. The trip may be over at once then.
        """
        step = next(self._steps)
        if first is None:
            self._go(step)
        else:
            self._next(first)

    def cancel(self) -> None:
        """Stop at the next slice; the trip has no result then."""
        self._session.cancel()

    def _go(self, step: Step) -> None:
        self.step = step
        self._session.prepare(self._files, self._device, "auto", step.stack, step.prompt.slice)
        self.job = self._session.propagate(step.prompt, step.settings, self._slice_done, self._said, self._ended)

    def _ended(self, job: PropagationJob, error: PromptOnceError | None) -> None:
        if error is None and job.cancelled:
            error = CancelledError("Cancelled: there is no result.")
        if error is not None:
            self._on_end(None, error)
            return
        self._next(job.result)

    def _next(self, result: SegmentationResult) -> None:
        try:
            step = self._steps.send(result)
        except StopIteration as end:
            self._on_end(end.value, None)
        except PromptOnceError as refused:
            self._on_end(None, refused)
        else:
            self._go(step)

    def _slice_done(self, _event: Any) -> None:
        if self._on_slice is not None:
            self._on_slice()

    def _said(self, text: str) -> None:
        if self._on_notice is not None:
            self._on_notice(text)

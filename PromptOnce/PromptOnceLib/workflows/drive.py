"""Legs, of a round trip for example, gone with a session, without waiting for them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import OnNotice, PropagationJob
from PromptOnceLib.worker.session import Session
from PromptOnceLib.workflows.steps import Leg

R = TypeVar("R")
OnTripEnd = Callable[[R | None, PromptOnceError | None], object]
"""Called once: with what the legs returned, or with the error, CancelledError when the trip was cancelled."""


class SessionTrip(Generic[R]):
    """The legs of worker.round_trip or worker.surest_start, one after the other; the session needs its `pump` to be
    called until the end.

    Afterwards the session works on the stack of the last leg, so `prepare` it again. leg: the one under way, None
    before the first. job: its propagation.
    """

    def __init__(
        self,
        session: Session,
        files: ModelFiles,
        device: str,
        legs: Generator[Leg, SegmentationResult, R],
        on_end: OnTripEnd[R],
        on_slice: Callable[[], object] | None = None,
        on_notice: OnNotice | None = None,
    ) -> None:
        self._session, self._files, self._device, self._legs = session, files, device, legs
        self._on_end, self._on_slice, self._on_notice = on_end, on_slice, on_notice
        self.leg: Leg | None = None
        self.job: PropagationJob | None = None

    def start(self, first: SegmentationResult | None = None) -> None:
        """Begin; returns at once. Raises PromptError where a mask is empty.

        first: the complete result of the first leg, where it has been gone already. The trip may be over at once then.
        """
        leg = next(self._legs)
        if first is None:
            self._go(leg)
        else:
            self._next(first)

    def cancel(self) -> None:
        """Stop at the next slice; the trip has no result then."""
        self._session.cancel()

    def _go(self, leg: Leg) -> None:
        self.leg = leg
        self._session.prepare(self._files, self._device, "auto", leg.stack, leg.prompt.slice)
        self.job = self._session.propagate(leg.prompt, leg.settings, self._slice_done, self._said, self._ended)

    def _ended(self, job: PropagationJob, error: PromptOnceError | None) -> None:
        if error is None and job.cancelled:
            error = CancelledError("Cancelled: there is no result.")
        if error is not None:
            self._on_end(None, error)
            return
        self._next(job.result)

    def _next(self, result: SegmentationResult) -> None:
        try:
            leg = self._legs.send(result)
        except StopIteration as end:
            self._on_end(end.value, None)
        except PromptOnceError as refused:
            self._on_end(None, refused)
        else:
            self._go(leg)

    def _slice_done(self, _event: Any) -> None:
        if self._on_slice is not None:
            self._on_slice()

    def _said(self, text: str) -> None:
        if self._on_notice is not None:
            self._on_notice(text)

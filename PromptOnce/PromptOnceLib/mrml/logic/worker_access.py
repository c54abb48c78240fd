"""The one worker of Python's console, and how calls wait for it while the application stays alive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.processes.transport import Transport
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.protocol import FrameDone, SliceDone
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.worker.session import Session
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.steps import Step, Steps

R = TypeVar("R")

WAIT = 0.02  # seconds between two looks at the application's events


class WorkerAccess:
    """The worker, whose process starts with the first request.

    start_transport: starts a worker. process_events: lets the application live while a call waits. keep_pumping: has a
    function called again and again until it returns False, and returns at once; for calls that do not wait.
    """

    def __init__(
        self,
        start_transport: Callable[[], Transport],
        process_events: Callable[[], object],
        keep_pumping: Callable[[Callable[[], bool]], object],
    ) -> None:
        self.process_events, self.keep_pumping = process_events, keep_pumping
        self._segmenter = Segmenter(WorkerClient(start_transport), poll_seconds=WAIT)

    @property
    def session(self) -> Session:
        """Takes requests and does not wait for them."""
        return self._segmenter.session

    def go(
        self,
        files: ModelFiles,
        device: str,
        steps: Steps[R],
        stack: Stack | None = None,
        on_progress: Callable[[int, int], object] | None = None,
    ) -> R:
        """Take a workflow to its end with a model and wait for it; raises what went wrong.

        stack: to be worked on from now on, None to go on with the one before. on_progress: is told how many slices or
        frames of a step are done, and how many there are.
        """
        self.session.use_model(files, device)
        if stack is not None:
            self.session.use_stack(stack)

        def moved(_step: Step, event: SliceDone | FrameDone) -> None:
            if on_progress is not None:
                on_progress(event.done, event.total)

        return run_steps(self._segmenter, steps, on_progress=moved, should_cancel=self._stay_alive)

    def wait_until(self, over: Callable[[], bool]) -> None:
        """Wait for what the session was asked for; whatever interrupts that cancels it."""
        try:
            while not over():
                self.session.pump(WAIT)
                self.process_events()
        except BaseException:
            self.session.cancel()
            raise

    def pump(self) -> bool:
        """Take in what the worker has said; whether more is expected."""
        self.session.pump()
        return self.session.busy

    def cancel(self) -> None:
        """Stop what is running at the next slice; what is done is kept."""
        self.session.cancel()

    def _stay_alive(self) -> bool:
        self.process_events()
        return False

"""Several propagations of which each follows from the results before it, on stacks of their own.

A generator yields the steps, is sent their complete results, and returns what it makes of them. `run_steps` waits for
each; session_trip does not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from PromptOnceLib.errors import CancelledError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import OnNotice, OnSlice, Settings
from PromptOnceLib.worker.segmenter import Segmenter

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Step:
    """One propagation. number, count: from 1; the count is the most there can be."""

    stack: Stack
    prompt: Prompt | SharedSeed
    settings: Settings
    number: int
    count: int


def run_steps(
    segmenter: Segmenter,
    steps: Generator[Step, SegmentationResult, R],
    on_step: Callable[[Step], object] | None = None,
    on_slice: OnSlice | None = None,
    on_notice: OnNotice | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> R:
    """Go all steps and wait for them; afterwards the segmenter works on the stack it had before.

    Raises what a propagation raises, CancelledError when it was cancelled.
    """
    before = segmenter.stack
    try:
        step = next(steps)
        while True:
            if on_step is not None:
                on_step(step)
            segmenter.use_stack(step.stack)
            job = segmenter.start_propagation(step.prompt, step.settings, on_slice, on_notice)
            result = segmenter.wait(job, should_cancel)
            if job.cancelled:
                raise CancelledError("Cancelled: there is no result.")
            step = steps.send(result)
    except StopIteration as end:
        found: R = end.value
        return found
    finally:
        if before is not None and segmenter.stack is not before:
            segmenter.use_stack_later(before)

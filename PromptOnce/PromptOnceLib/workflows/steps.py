"""What a workflow asks of a worker, one step after the other, each on a stack of its own.

A workflow is a generator: it yields steps, is sent what came of each, and returns what it makes of them. It neither
knows whether somebody waits nor where progress is shown; `drive` takes it through a session. Within a workflow,
`yield from propagated(...)` and the like give the typed answer of one step.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.worker.requests_slices import PromptedMasks

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class PropagationStep:
    """A propagation; its answer is the complete SegmentationResult.

    base: the result that a prompt set corrects. number, count, of all steps: which of its kind in the workflow this is,
    from 1, and the most there can be.
    """

    stack: Stack
    prompt: AnyPrompt
    settings: Settings
    number: int = 1
    count: int = 1
    base: SegmentationResult | None = None


@dataclass(frozen=True, eq=False)
class PromptStep:
    """The masks of the prompted slice alone; its answer are PromptedMasks. correcting, sight: see Session.preview."""

    stack: Stack
    prompt: Prompt
    correcting: bool = False
    sight: Sight = field(default_factory=Sight)
    number: int = 1
    count: int = 1


@dataclass(frozen=True, eq=False)
class EmbeddingStep:
    """Embeddings of slices of the stack, then of frames, uint8 (rows, columns); its answer is float32 (n, C).

    stack: None where only frames are asked for.
    """

    stack: Stack | None = None
    slices: Sequence[int] = ()
    frames: Sequence[NDArray[np.uint8]] = ()
    number: int = 1
    count: int = 1


Step = PropagationStep | PromptStep | EmbeddingStep
Steps = Generator[Step, Any, R]


def propagated(step: PropagationStep) -> Steps[SegmentationResult]:
    """The complete result of a propagation."""
    result: SegmentationResult = yield step
    return result


def prompted(step: PromptStep) -> Steps[PromptedMasks]:
    """The masks of a prompted slice."""
    masks: PromptedMasks = yield step
    return masks


def embedded(step: EmbeddingStep) -> Steps[NDArray[np.float32]]:
    """The embeddings of some frames."""
    embeddings: NDArray[np.float32] = yield step
    return embeddings


def resumed(first: Step, steps: Steps[R]) -> Steps[R]:
    """The whole workflow again, after somebody has taken its first step out to look at it."""
    step = first
    while True:
        answer = yield step
        try:
            step = steps.send(answer)
        except StopIteration as end:
            found: R = end.value
            return found

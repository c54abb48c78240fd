"""Where in a volume a seed takes over: on the slice on which SAM 2 is surest to see the object right after the seed.

A start slice on which the object is not found breaks the chain: what is remembered from there on is its absence. Here
some slices are segmented each by itself right after the seed frames, and the one with the highest presence times
predicted IoU, as SAM 2 gives them, is the start. First slices at even distances over the stack, then those around the
best. Measured: benchmarks/seeds.md.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import OnNotice, OnSlice, Settings
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.workflows.steps import Step, run_steps

MOST_CANDIDATES = 16


@dataclass(frozen=True)
class ConfidentStart:
    """The slice, and presence times predicted IoU there, 0 to 1, the mean of all objects.

    score 0: no object was found on any slice that was looked at; the slice is then the one where the seed started, or
    the nearest to it among those that could be chosen.
    """

    slice: int
    score: float

    @property
    def sentence(self) -> str:
        """What was found, for the user."""
        if self.score == 0:
            return f"No slice shows the object right after the seed: it starts on slice {self.slice} all the same."
        return f"Slice {self.slice} is the one where the seed finds the object with most confidence ({self.score:.2f})."

    def put(self, case: Case) -> Case:
        """The case with its seed starting there, which a notice says."""
        moved = case.starting_at(self.slice)
        return replace(moved, notices=(*moved.notices, self.sentence))


Steps = Generator[Step, SegmentationResult, ConfidentStart]
"""Yields at most two propagations, is sent their complete results. For callers that do not wait."""


def steps_of_confident_start(stack: Stack, seed: SharedSeed, within: range | None = None) -> Steps:
    """Look at up to MOST_CANDIDATES slices of the stack, then at as many between the best one's neighbours.

    within: slices that can be chosen, as Settings.within gives them; None for all. Of equally confident slices the one
    nearest to the seed's own start is taken.
    """
    chosen = range(len(stack.frames)) if within is None else within
    coarse = _evenly(chosen[0], chosen[-1])
    count = 1 if len(coarse) == len(chosen) else 2
    scores = yield from _look(stack, seed, coarse, 1, count)
    best = _best(scores, seed.slice)
    if count == 2 and scores[best] > 0:
        place = coarse.index(best)
        around = _evenly(coarse[max(0, place - 1)], coarse[min(place + 1, len(coarse) - 1)])
        closer = [index for index in around if index not in scores]
        if closer:
            scores.update((yield from _look(stack, seed, closer, 2, count)))
            best = _best(scores, seed.slice)
    if scores[best] > 0:
        return ConfidentStart(best, scores[best])
    return ConfidentStart(min(max(seed.slice, chosen[0]), chosen[-1]), 0.0)


def start_confident(
    segmenter: Segmenter,
    case: Case,
    on_slice: OnSlice | None = None,
    on_notice: OnNotice | None = None,
    should_cancel: Callable[[], bool] | None = None,
    within: range | None = None,
) -> Case:
    """The case with its shared seed starting on the most confident slice; waits. The worker is given the case's stack
    again
    with the next request. within: as steps_of_confident_start. Raises what a propagation raises, CancelledError when it
    was cancelled.
    """
    assert isinstance(case.prompt, SharedSeed)
    steps = steps_of_confident_start(case.stack, case.prompt, within)
    return run_steps(segmenter, steps, None, on_slice, on_notice, should_cancel).put(case)


def _evenly(first: int, last: int) -> list[int]:
    """At most MOST_CANDIDATES slices from first to last, both included."""
    count = min(MOST_CANDIDATES, last - first + 1)
    return [int(index) for index in np.unique(np.linspace(first, last, count).round().astype(int))]


def _look(
    stack: Stack, seed: SharedSeed, slices: Sequence[int], number: int, count: int
) -> Generator[Step, SegmentationResult, dict[int, float]]:
    """Scores of slices, each segmented by itself."""
    some = replace(stack, frames=np.ascontiguousarray(stack.frames[list(slices)]))
    settings = Settings(direction="forward", alone=True)
    result = yield Step(some, replace(seed, slice=0), settings, number, count)
    return dict(zip(slices, (float(score) for score in _scores(result)), strict=True))


def _scores(result: SegmentationResult) -> NDArray[np.float64]:
    """Presence times predicted IoU of every slice, the mean of all objects; 0 for an object with an empty mask."""
    sure = np.nan_to_num(np.asarray(result.presence, np.float64) * np.asarray(result.predicted_iou, np.float64))
    shown = result.masks.any(axis=(2, 3))
    return np.asarray(np.where(shown, sure, 0.0).mean(axis=0))


def _best(scores: dict[int, float], start: int) -> int:
    return max(scores, key=lambda index: (scores[index], -abs(index - start)))

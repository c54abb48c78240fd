"""Where in a volume a seed takes over: the central slice, a given one, or one that is searched for.

"similar" is the slice whose frame the image encoder finds most similar to the seed's first frame. "confident" is the
one on which SAM 2 is most confident to see the object right after the seed: a start slice on which the object is not
found breaks the chain, since what is remembered from there on is its absence. Some slices are segmented each by itself
right after the seed frames, and the one with the highest presence times predicted IoU, as SAM 2 gives them, is the
start. First slices at even distances over the stack, then those around the best. Measured: benchmarks/seeds.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.seeds.apply import Start
from PromptOnceLib.seeds.similarity import most_similar
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.workflows.steps import EmbeddingStep, PropagationStep, Steps, embedded, propagated

MOST_CANDIDATES = 16


def steps_of_start(case: Case, start: Start, within: range | None = None) -> Steps[Case]:
    """The case with its shared seed on the slice where it starts, which a notice says where it was searched for.

    start: as SeedSource has it; a slice's number, and "central", `prepare_case` has put in place already. within:
    slices to search, as Settings.within gives them; None for all.
    """
    if start == "similar":
        found = yield from _steps_of_similar_start(case.stack, _seed_of(case), within)
        return found.put(case)
    if start == "confident":
        confident = yield from steps_of_confident_start(case.stack, _seed_of(case), within)
        return confident.put(case)
    return case


@dataclass(frozen=True)
class FoundStart:
    """A slice that was searched for; sentence: what was found there, for the user."""

    slice: int
    score: float
    sentence: str

    def put(self, case: Case) -> Case:
        """The case with its seed starting there, which a notice says."""
        moved = case.starting_at(self.slice)
        return replace(moved, notices=(*moved.notices, self.sentence))


def _steps_of_similar_start(stack: Stack, seed: SharedSeed, within: range | None) -> Steps[FoundStart]:
    """Each slice costs one pass of the image encoder."""
    slices = range(len(stack.frames)) if within is None else within
    found = yield from embedded(EmbeddingStep(stack, slices, (seed.frames[0].frame,)))
    place, similarity = most_similar(found[-1], found[:-1])
    index = slices[place]
    return FoundStart(index, similarity, f"Slice {index} is most similar to the seed's frame ({similarity:.2f}).")


def steps_of_confident_start(stack: Stack, seed: SharedSeed, within: range | None = None) -> Steps[FoundStart]:
    """Look at up to MOST_CANDIDATES slices of the stack, then at as many between the best one's neighbours.

    The score is presence times predicted IoU, 0 to 1, the mean of all objects; of equal slices the one nearest to the
    seed's own start is taken. 0: no object was found on any slice that was looked at; the slice is then the one where
    the seed started, or the nearest to it among those that could be chosen. within: as steps_of_start.
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
    return _confident(best, scores[best], seed, chosen)


def _confident(best: int, score: float, seed: SharedSeed, chosen: range) -> FoundStart:
    if score > 0:
        sentence = f"Slice {best} is the one where the seed finds the object with most confidence ({score:.2f})."
        return FoundStart(best, score, sentence)
    index = min(max(seed.slice, chosen[0]), chosen[-1])
    sentence = f"No slice shows the object right after the seed: it starts on slice {index} all the same."
    return FoundStart(index, 0.0, sentence)


def _seed_of(case: Case) -> SharedSeed:
    assert isinstance(case.prompt, SharedSeed), "only seeds start on a slice that is searched for"
    return case.prompt


def _evenly(first: int, last: int) -> list[int]:
    """At most MOST_CANDIDATES slices from first to last, both included."""
    count = min(MOST_CANDIDATES, last - first + 1)
    return [int(index) for index in np.unique(np.linspace(first, last, count).round().astype(int))]


def _look(stack: Stack, seed: SharedSeed, slices: Sequence[int], number: int, count: int) -> Steps[dict[int, float]]:
    """Scores of slices, each segmented by itself."""
    some = replace(stack, frames=np.ascontiguousarray(stack.frames[list(slices)]))
    settings = Settings(direction="forward", alone=True)
    result = yield from propagated(PropagationStep(some, replace(seed, slice=0), settings, number, count))
    return dict(zip(slices, (float(score) for score in _scores(result)), strict=True))


def _scores(result: SegmentationResult) -> NDArray[np.float64]:
    """Presence times predicted IoU of every slice, the mean of all objects; 0 for an object with an empty mask."""
    sure = np.nan_to_num(np.asarray(result.presence, np.float64) * np.asarray(result.predicted_iou, np.float64))
    shown = result.masks.any(axis=(2, 3))
    return np.asarray(np.where(shown, sure, 0.0).mean(axis=0))


def _best(scores: dict[int, float], start: int) -> int:
    return max(scores, key=lambda index: (scores[index], -abs(index - start)))

"""Which slice of a result to look at next, and why: the one order that every front end shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.recorded_result import RecordedResult
from PromptOnceLib.errors import InputError
from PromptOnceLib.prompts.prompt_set import PromptSet, SliceState
from PromptOnceLib.segmentation.metrics import dice, slice_areas
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.slice_confidence import review_order, slice_confidence, wrong_pixels

ReviewedState = SliceState | Literal["confident", "doubtful", "not computed"]
"""What is settled: prompted, corrected or accepted; the others are open."""

DOUBTFUL = 0.7
"""Confidence below which an open slice counts as doubtful: an estimate of its Dice."""

_SETTLED = ("prompted", "corrected", "accepted")
_LOW_IOU, _LOW_PRESENCE, _LOW_OVERLAP, _JUMP, _FAR = 0.6, 0.8, 0.7, 2.0, 10


@dataclass(frozen=True)
class SliceReview:
    """A slice of one object, as a reviewer sees it.

    slice: index in the stack. confidence: estimate of the Dice, 0 to 1; None where nothing was computed. area: pixels.
    reasons: for a look, in words; empty where the slice is settled or nothing is strange. wrong_pixels: how many are
    expected, None where nothing was computed.
    """

    object: str
    slice: int
    state: ReviewedState
    confidence: float | None
    area: int
    reasons: tuple[str, ...] = ()
    wrong_pixels: float | None = None

    @property
    def settled(self) -> bool:
        """Whether a person has prompted, corrected or accepted it."""
        return self.state in _SETTLED


def review_object(result: SegmentationResult, prompts: PromptSet, name: str) -> list[SliceReview]:
    """The slices of one object in the order of the stack. Raises PromptError where there is no such object."""
    item = prompts.object(name)
    place = result.names.index(item.name)
    masks, presence, predicted_iou = (values[place] for values in (result.masks, result.presence, result.predicted_iou))
    settled = {fixed.slice: fixed.state for fixed in item.slices}
    accepted = [index for index, state in settled.items() if state == "accepted"]
    # Without a settled slice nobody has looked at the object yet, so nothing is known about its slices.
    confidence = (
        slice_confidence(masks, presence, predicted_iou, settled, accepted) if settled else np.full(len(masks), np.nan)
    )
    areas, wrong = slice_areas(masks), wrong_pixels(masks, confidence)
    found = []
    for index, value in enumerate(confidence):
        state = settled.get(index) or _open_state(value)
        is_open = state in ("confident", "doubtful")
        reasons = _reasons(masks, areas, presence, predicted_iou, settled, index) if is_open else ()
        sure, expected = (None if math.isnan(one) else float(one) for one in (value, wrong[index]))
        found.append(SliceReview(item.name, index, state, sure, int(areas[index]), reasons, expected))
    return found


def review_result(result: SegmentationResult, prompts: PromptSet) -> list[SliceReview]:
    """The slices of all objects, worst first."""
    return worst_first(slice for item in prompts.objects for slice in review_object(result, prompts, item.name))


def review_recorded(recorded: RecordedResult, name: str | None = None) -> list[SliceReview]:
    """The slices of a saved result, of one object or of all, worst first.

    Raises InputError where the file does not say how sure the model was, PromptError where there is no such object.
    """
    prompts = recorded.prompts if name is None else recorded.prompts.only((name,))
    if not any(item.slices for item in prompts.objects):
        raise InputError(
            "The segmentation does not tell how sure the model was of it: .seg.nrrd files that PromptOnce wrote do. "
            "Segment the image again, or look at the slices one by one."
        )
    return review_result(recorded.result, prompts)


def worst_first(slices: Iterable[SliceReview]) -> list[SliceReview]:
    """The slices in the order of a review: open ones by the pixels that are expected to be wrong, then what was not
    computed, then what is settled.

    A small doubt about a large mask comes before a great one about a few pixels. Slices that are alike stay in the
    order given.
    """
    slices = list(slices)
    expected = [math.nan if one.wrong_pixels is None else one.wrong_pixels for one in slices]
    settled = {place for place, one in enumerate(slices) if one.settled}
    order = review_order(expected, settled)
    rest = sorted(set(range(len(slices))) - set(order), key=lambda place: (place in settled, place))
    return [slices[place] for place in (*order, *rest)]


def _open_state(confidence: float) -> ReviewedState:
    if math.isnan(confidence):
        return "not computed"
    return "doubtful" if confidence < DOUBTFUL else "confident"


def _reasons(
    masks: NDArray[np.uint8],
    areas: NDArray[np.int64],
    presence: NDArray[np.float32],
    predicted_iou: NDArray[np.float32],
    settled: Iterable[int],
    index: int,
) -> tuple[str, ...]:
    """What is strange about a slice, the plainest first."""
    reasons = []
    beside = [other for other in (index - 1, index + 1) if 0 <= other < len(masks)]
    if not areas[index] and any(areas[other] for other in beside):
        reasons.append("nothing found, but beside it")
    if areas[index]:
        if predicted_iou[index] < _LOW_IOU:
            reasons.append(f"predicted IoU {predicted_iou[index]:.2f}")
        if beside and not any(areas[other] for other in beside):
            reasons.append("found here, but not beside it")
        for other in beside:
            reasons += _beside(masks, areas, index, other)
    if 1 - _LOW_PRESENCE < presence[index] < _LOW_PRESENCE:
        reasons.append(f"presence {presence[index]:.2f}")
    distance = min(abs(index - other) for other in settled)
    if distance >= _FAR:
        reasons.append(f"{distance} slices from the next settled one")
    return tuple(reasons)


def _beside(masks: NDArray[np.uint8], areas: NDArray[np.int64], index: int, other: int) -> list[str]:
    """What is strange about a slice in view of one beside it, where both show the object."""
    if not areas[other]:
        return []
    factor = areas[index] / areas[other]
    if factor >= _JUMP or factor <= 1 / _JUMP:
        return [f"{factor:.1f} times the area of slice {other}"]
    overlap = dice(masks[index], masks[other]) or 0.0
    return [f"overlaps slice {other} by {overlap:.2f} alone"] if overlap < _LOW_OVERLAP else []

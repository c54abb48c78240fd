"""The order of a review: what is doubtful first, with reasons; what somebody has settled last."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.cases.slice_review import DOUBTFUL, review_object, review_result, worst_first
from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import Box
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet
from PromptOnceLib.segmentation.result import SegmentationResult

SLICES = 24


def tube(names: tuple[str, ...] = ("tube",)) -> SegmentationResult:
    masks = np.zeros((len(names), SLICES, 20, 20), np.uint8)
    masks[:, :, 5:15, 5:15] = 1
    scores = np.full(masks.shape[:2], 0.97, np.float32)
    return SegmentationResult(masks, np.ones(SLICES, bool), scores, scores.copy(), 0, names)


def prompts(names: tuple[str, ...] = ("tube",)) -> PromptSet:
    slices = (
        FixedSlice(slice=8, box=Box(x0=5, y0=5, x1=15, y1=15)),
        FixedSlice(slice=11, state="corrected", box=Box(x0=5, y0=5, x1=15, y1=15)),
    )
    return PromptSet(axis=0, objects=tuple(PromptedObject(name=name, slices=slices) for name in names))


def test_a_leak_comes_first_and_says_why() -> None:
    result = tube()
    result.masks[0, 4] = 1
    result.predicted_iou[0, 4] = 0.3
    found = review_result(result, prompts())
    assert [one.slice for one in found[-2:]] == [8, 11]
    assert found[0].slice == 4
    assert found[0].area == 400
    assert found[0].reasons[:2] == ("predicted IoU 0.30", "4.0 times the area of slice 3")
    by_slice = review_object(result, prompts(), "TUBE")
    assert [one.slice for one in by_slice] == list(range(SLICES))
    assert (by_slice[8].state, by_slice[11].state, by_slice[8].confidence) == ("prompted", "corrected", 1.0)
    assert by_slice[8].settled
    assert by_slice[8].reasons == ()
    for one in by_slice:
        if not one.settled:
            assert one.confidence is not None
            assert one.state == ("doubtful" if one.confidence < DOUBTFUL else "confident")


def test_what_vanishes_comes_alone_or_jumps_aside_is_told() -> None:
    result = tube()
    result.masks[0, 5] = 0
    result.masks[0, 15:] = 0
    result.masks[0, 20, 3:6, 3:6] = 1
    result.masks[0, 13] = np.roll(result.masks[0, 13], 6, axis=0)
    result.presence[0, 2] = 0.55
    found = review_object(result, prompts(), "tube")
    assert found[5].reasons == ("nothing found, but beside it",)
    assert found[20].reasons == ("found here, but not beside it",)
    assert found[13].reasons[0] == "overlaps slice 12 by 0.40 alone"
    assert found[2].reasons == ("presence 0.55",)
    assert found[23].reasons == ("12 slices from the next settled one",)


def test_what_was_not_computed_stands_before_what_is_settled() -> None:
    result = tube()
    result.presence[0, 20:] = np.nan
    found = review_result(result, prompts())
    assert [(one.slice, one.state, one.confidence) for one in found[-6:-2]] == [
        (index, "not computed", None) for index in range(20, 24)
    ]


def test_of_several_objects_the_worst_slice_of_any_comes_first() -> None:
    result = tube(("one", "two"))
    result.masks[1, 3] = 1
    result.predicted_iou[0, 18] = 0.2
    found = review_result(result, prompts(("one", "two")))
    assert {(one.object, one.slice) for one in found[:2]} == {("two", 3), ("one", 18)}
    assert len(found) == 2 * SLICES
    assert worst_first(found) == found
    with pytest.raises(PromptError, match="no object"):
        review_object(result, prompts(("one", "two")), "three")


def test_nothing_settled_means_nothing_known() -> None:
    unseen = PromptSet(axis=0, objects=(PromptedObject(name="tube"),))
    assert {(one.state, one.confidence) for one in review_object(tube(), unseen, "tube")} == {("not computed", None)}

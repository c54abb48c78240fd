"""A record follows its voxels when they come in the opposite order along k."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.cases.correction_record import correction_record
from PromptOnceLib.cases.mirrored_record import in_order_of, mirrored_stack
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt
from PromptOnceLib.segmentation.result import SegmentationResult


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_marks_and_scores_stay_on_their_voxels(axis: int) -> None:
    masks = np.zeros((1, 6, 8, 10), np.uint8)
    for index in range(1, 5):
        masks[0, index, 1 : 2 + index, 3:7] = 1
    marks = ObjectPrompt(name="a", box=Box(x0=3, y0=1, x1=6, y1=3), points=(Point(x=4, y=2, positive=True),))
    result = SegmentationResult.empty(("a",), masks.shape[1:], axis)
    for index in range(6):
        result.set_slice(index, masks[:, index], [index / 10], [0.5])
    record = correction_record(Prompt(axis=axis, slice=2, objects=(marks,)), result, "full")
    stack = masks[0] > 0
    assert in_order_of(record, stack) is record
    turned = in_order_of(record, mirrored_stack(stack, axis))
    (fixed,) = turned.prompts.objects[0].slices
    if axis == 0:
        assert (fixed.slice, fixed.box, turned.presence[0][4]) == (3, marks.box, record.presence[0][1])
    else:
        assert (fixed.slice, fixed.box, fixed.points[0].y) == (2, Box(x0=3, y0=4, x1=6, y1=6), 5)

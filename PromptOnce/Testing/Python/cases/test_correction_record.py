"""The record of prompts in a result: what fits its masks, and what was changed by hand or by another program."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from PromptOnceLib.cases.correction_record import CorrectionRecord
from PromptOnceLib.errors import SegmentationFileError
from PromptOnceLib.prompts.prompt_set import PromptedObject, PromptSet

MASKS = np.zeros((2, 3, 4, 5), np.uint8)
SCORES = ((0.5, None, 0.25), (1.0, None, 0.0))
PROMPTS = PromptSet(axis=0, objects=(PromptedObject(name="a"), PromptedObject(name="b")))
RECORD = CorrectionRecord(axis=0, window="lung", prompts=PROMPTS, presence=SCORES, predicted_iou=SCORES)


def test_a_record_survives_its_tag_and_gives_the_result_back() -> None:
    record = CorrectionRecord.from_tag(RECORD.to_tag())
    assert record == RECORD
    result = record.result(MASKS)
    assert result.computed.tolist() == [True, False, True]
    assert result.names == ("a", "b")


@pytest.mark.parametrize(
    "scores", [(), (SCORES[0],), (SCORES[0], SCORES[1][:2]), ((), ()), (SCORES[0], (0.5, 0.5, 0.5, 0.5))]
)
@pytest.mark.parametrize("field", ["presence", "predicted_iou"])
def test_scores_that_do_not_fit_the_masks_are_told(field: str, scores: Any) -> None:
    record = CorrectionRecord.model_validate(RECORD.model_dump() | {field: scores})
    with pytest.raises(SegmentationFileError, match="does not fit its prompts"):
        record.result(MASKS)


@pytest.mark.parametrize("axis", [-1, 3])
def test_there_are_three_axes(axis: int) -> None:
    with pytest.raises(ValueError, match="axis"):
        CorrectionRecord.model_validate_json(json.dumps(json.loads(RECORD.model_dump_json()) | {"axis": axis}))

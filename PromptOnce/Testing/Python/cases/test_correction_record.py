"""The record of prompts in a result: what comes back, and what was changed by hand or by another program."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from PromptOnceLib.cases.correction_record import CorrectionRecord
from PromptOnceLib.prompts.prompt_set import PromptedObject, PromptSet

SCORES = ((0.5, None, 0.25), (1.0, None, 0.0))
PROMPTS = PromptSet(axis=0, objects=(PromptedObject(name="a"), PromptedObject(name="b")))
RECORD = CorrectionRecord(axis=0, window="lung", prompts=PROMPTS, presence=SCORES, predicted_iou=SCORES)


def test_a_record_survives_its_tag_with_its_scores() -> None:
    record = CorrectionRecord.from_tag(RECORD.to_tag())
    assert record == RECORD
    assert np.isnan(record.scores()[0]).tolist() == [[False, True, False]] * 2


@pytest.mark.parametrize(
    "change",
    [
        {"axis": -1},
        {"axis": 3},
        {"presence": ()},
        {"presence": SCORES[:1]},
        {"predicted_iou": (SCORES[0], SCORES[1][:2])},
        {"presence": (SCORES[0], SCORES[1][:2]), "predicted_iou": (SCORES[0], SCORES[1][:2])},
        {"check_numbers": ((1, 2, 3),)},
        {"check_numbers": ((1, 2, 3), (1, 2))},
    ],
)
def test_a_record_that_does_not_fit_together_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"axis|different numbers"):
        CorrectionRecord.model_validate_json(json.dumps(json.loads(RECORD.model_dump_json()) | change))

"""The record of prompts in a result: what comes back, and what was changed by hand or by another program."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from PromptOnceLib.cases.correction_record import CorrectionRecord
from PromptOnceLib.cases.segment_records import joined_record, own_record, record_of_object, record_of_segments
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.prompts.prompt_set import PromptedObject, PromptSet
from PromptOnceLib.segmentation.ways import Ways

SCORES = ((0.5, None, 0.25), (1.0, None, 0.0))
PROMPTS = PromptSet(axis=0, objects=(PromptedObject(name="a"), PromptedObject(name="b")))
RECORD = CorrectionRecord(axis=0, window="lung", prompts=PROMPTS, presence=SCORES, predicted_iou=SCORES)
CROPS = {name: Crop(row=row, column=0, rows=8, columns=8) for row, name in enumerate("ab")}
WAYS = {"a": Ways(2.0, "both", "all", 3), "b": Ways("off", "track", "largest", 0)}
ZOOMED = RECORD.model_copy(update={"crops": CROPS, "ways": WAYS, **asdict(WAYS["a"])})


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


def test_what_was_seen_of_objects_and_how_they_were_made_stays_when_their_records_are_joined() -> None:
    alone = [record_of_object(ZOOMED, number) for number in (0, 1)]
    assert [record.crops for record in alone] == [{"a": CROPS["a"]}, {"b": CROPS["b"]}]
    assert joined_record(alone[0], alone) == ZOOMED
    tags = [record.to_tag() for record in alone]
    assert record_of_segments(tags, ["a", "b"]) == ZOOMED
    renamed = own_record(tags, ["a", "new"], 1)
    assert renamed is not None
    assert renamed.crops == {"new": CROPS["b"]}
    assert renamed.ways_of("new") == WAYS["b"]
    joined = record_of_segments(tags, ["a", "new"])
    assert joined is not None
    assert joined.crops == {"a": CROPS["a"], "new": CROPS["b"]}
    assert joined.ways == {"a": WAYS["a"], "new": WAYS["b"]}

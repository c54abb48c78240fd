"""cases.csv of a run: a row for every case and object, with what one needs to sort, filter and plot."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from PromptOnceLib.batch.report.run_results import CaseResult, RunResults
from PromptOnceLib.batch.run_folder.records import CaseRecord, ObjectFigures
from PromptOnceLib.files.atomic import replacing

CASES_TABLE = "cases.csv"
COLUMNS = (
    "case",
    "group",
    "object",
    "status",
    "millilitres",
    "reference_millilitres",
    "dice",
    "jaccard",
    "hausdorff95_mm",
    "predicted_iou",
    "round_trip",
    "slice_to_look_at",
    "look_score",
    "reviewed",
    "notices",
)
_STATUS = {"complete": "finished", "partial": "partial"}


def write_cases_table(folder: Path, run: RunResults) -> Path:
    """Write cases.csv into the folder of a run; return its path.

    status: finished, partial, failed, set aside or not done. predicted_iou: the mean over the slices where the object
    was found, the model's own estimate. slice_to_look_at: the one whose figures are the strangest. look_score: 0 to 1,
    of the case. reviewed: none, accepted or corrected. Figures that are not known are empty cells. Raises InputError
    where the file cannot be written.
    """
    with replacing(folder / CASES_TABLE) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for case in run.cases:
            writer.writerows(_rows(case))
    return folder / CASES_TABLE


def _rows(case: CaseResult) -> Iterator[dict[str, object]]:
    common: dict[str, object] = {"case": case.name, "group": case.group}
    record = case.record
    if record is None:
        failure = case.failure
        status = "not done" if failure is None else "set aside" if failure.status == "set_aside" else "failed"
        yield {**common, "status": status, "notices": "" if failure is None else failure.message}
        return
    common |= {
        "status": _STATUS[record.status],
        "round_trip": _cell(record.identity.round_trip),
        "look_score": _cell(record.look_first.score),
        "reviewed": record.review.state,
        "notices": " ".join(record.notices),
    }
    for item in record.per_object or (_of_all(record),):
        yield {
            **common,
            "object": item.name,
            "millilitres": _cell(item.millilitres),
            "reference_millilitres": _cell(item.reference_millilitres),
            "dice": _cell(item.dice),
            "jaccard": _cell(item.jaccard),
            "hausdorff95_mm": _cell(item.hausdorff95_mm),
            "predicted_iou": _cell(item.predicted_iou),
            "slice_to_look_at": item.look_slice,
        }


def _of_all(record: CaseRecord) -> ObjectFigures:
    """Of a record without figures for each object, as versions before 0.2 wrote them."""
    figures = record.figures
    return ObjectFigures(
        name=", ".join(record.objects),
        millilitres=figures.volume,
        reference_millilitres=figures.reference_millilitres,
        dice=figures.dice,
        jaccard=figures.jaccard,
        look_slice=record.look_first.slice,
    )


def _cell(value: float | None) -> object:
    return "" if value is None else value

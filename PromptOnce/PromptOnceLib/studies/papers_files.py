"""An arm's results in the files that the papers' code writes, with their columns, to be read by what reads those.

For every image `raw_data`, for all of them `joint_raw_data`, `joint_results` and `results` (README of the code of
Prompt Once, Segment Everything). Seconds are those of the network: "set_image" encodes a slice, "predict_image" answers
its prompt, "process_image" is both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PromptOnceLib.batch.run_folder.joint_tables import JOINT_RAW_DATA, JOINT_RESULTS, RESULTS
from PromptOnceLib.batch.run_folder.joint_tables import joint_results as joint_results_of
from PromptOnceLib.batch.run_folder.joint_tables import results as results_of
from PromptOnceLib.files.atomic import write_csv_rows
from PromptOnceLib.segmentation.result import SliceResult
from PromptOnceLib.studies.rows import ArmRows, SliceRow

RAW_DATA = "raw_data"
"""The folder of the files of single images."""

_COLUMNS = (
    "slice",
    "jaccard",
    "dice",
    "sam_score",
    "set_image_time",
    "predict_image_time",
    "process_image_time",
)


def write_papers_files(folder: Path, arm: ArmRows) -> None:
    """Write the files of an arm into a folder. Raises InputError where they cannot be written."""
    by_case: dict[str, list[SliceRow]] = {}
    for row in arm.rows:
        by_case.setdefault(row.case, []).append(row)
    (folder / RAW_DATA).mkdir(parents=True, exist_ok=True)
    for case, rows in by_case.items():
        write_csv_rows(folder / RAW_DATA / f"{case}.csv", [list(_COLUMNS), *map(_cells, rows)])
    joint = [[case, *_cells(row)] for case, rows in by_case.items() for row in rows]
    write_csv_rows(folder / JOINT_RAW_DATA, [["image", *_COLUMNS], *joint])
    images = [(case, [_as_result(row) for row in rows]) for case, rows in by_case.items()]
    write_csv_rows(folder / JOINT_RESULTS, joint_results_of(images))
    write_csv_rows(folder / RESULTS, results_of(images))


def _cells(row: SliceRow) -> list[str]:
    together = None
    if row.embed_seconds is not None and row.prompt_seconds is not None:
        together = row.embed_seconds + row.prompt_seconds
    values: Sequence[float | None] = (
        row.jaccard,
        row.dice,
        row.predicted_iou if row.reference_pixels else None,
        row.embed_seconds,
        row.prompt_seconds,
        together,
    )
    return [str(row.slice), *("" if value is None else repr(value) for value in values)]


def _as_result(row: SliceRow) -> SliceResult:
    return SliceResult(
        row.slice, True, None, None, row.predicted_iou, row.dice, row.jaccard, reference_area=row.reference_pixels
    )

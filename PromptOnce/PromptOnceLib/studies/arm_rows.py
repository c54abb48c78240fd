"""The rows of a study's arms, read from the folders of their runs."""

from __future__ import annotations

from PromptOnceLib.batch.report.run_results import CaseResult, RunResults
from PromptOnceLib.studies.design import StudyArm
from PromptOnceLib.studies.rows import ArmRows, SliceRow


def rows_of_run(run: RunResults, arm: StudyArm, fewest_pixels: int = 1) -> ArmRows:
    """The slices of all cases of an arm's run that have results.

    fewest_pixels: slices with fewer pixels of the reference count as if they had none.
    """
    rows = tuple(row for case in run.done for row in _rows(case, arm, fewest_pixels))
    seconds = [case.record.identity.load_seconds for case in run.done if case.record is not None]
    measured = [value for value in seconds if value is not None]
    return ArmRows(arm.name, run.record.model.name, arm.method, arm.strategy, rows, max(measured, default=None))


def _rows(case: CaseResult, arm: StudyArm, fewest_pixels: int) -> list[SliceRow]:
    assert case.record is not None
    found = []
    for row in case.rows:
        held = (row.reference_area or 0) >= fewest_pixels
        found.append(
            SliceRow(
                group=case.group,
                case=case.name,
                slice=row.slice,
                slices=len(case.rows),
                reference_pixels=row.reference_area or 0 if held else 0,
                jaccard=row.jaccard if held else None,
                dice=row.dice if held else None,
                hausdorff_mm=row.hausdorff_mm if held else None,
                predicted_iou=row.predicted_iou,
                embed_seconds=row.embed_seconds,
                prompt_seconds=row.prompt_seconds,
                prompted=row.computed if arm.method == "each-slice" else row.slice == case.record.seed_slice,
            )
        )
    return found

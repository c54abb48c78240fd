"""What --json prints, as records with a version: docs/json holds their JSON Schemas.

A new field does not raise a record's version; a field that goes or changes its meaning does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PromptOnceLib.batch.evaluate_pairs import EvaluationReport
from PromptOnceLib.batch.events import BatchSummary
from PromptOnceLib.cases.run_report import RunReport
from PromptOnceLib.cases.slice_view import ShowReport
from PromptOnceLib.models.model_card import ModelCard
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.segmentation.metrics import Summary

if TYPE_CHECKING:
    from PromptOnceLib.studies.run_study import StudyOutcome


class ErrorText(StrictModel):
    """code: never changes; message: a sentence for people."""

    code: str
    message: str


class ErrorReport(StrictModel):
    """What any command prints instead of its own report where it fails."""

    version: Literal[1] = 1
    error: ErrorText


class CorrectReport(StrictModel):
    """A correction. slices: how many were propagated again. fixed: all fixed slices of the object."""

    version: Literal[1] = 1
    output: str
    object: str
    slice: int
    state: Literal["accepted", "corrected"]
    slices: int
    fixed: list[int]


class BatchReport(BatchSummary):
    """A run of `promptonce batch`. output: its folder. report: the page, None where it could not be written."""

    output: str
    report: str | None


class ArmReport(StrictModel):
    """An arm of a study. jaccard, dice: means over the slices that hold the reference, None without any."""

    name: str
    model: str
    method: str
    strategy: str
    summary: BatchSummary
    slices: int
    jaccard: float | None
    dice: float | None


class StudyReport(StrictModel):
    """A run of `promptonce study run`. output: its folder. page: the report, None while there is nothing to report.

    arms: those that were begun, in their order.
    """

    version: Literal[1] = 1
    study: str
    output: str
    page: str | None
    cancelled: bool
    arms: list[ArmReport]


def study_report(outcome: StudyOutcome) -> StudyReport:
    """The end of a study as a record."""
    rows = {arm.name: arm.rows for arm in outcome.rows}
    arms = []
    for name, summary in outcome.arms.items():
        arm = outcome.design.arm(name)
        held = [row for row in rows.get(name, ()) if row.reference_pixels]
        jaccard, dice = Summary.of(row.jaccard for row in held), Summary.of(row.dice for row in held)
        arms.append(
            ArmReport(
                name=name,
                model=arm.model,
                method=arm.method,
                strategy=arm.strategy,
                summary=summary,
                slices=len(held),
                jaccard=None if jaccard is None else jaccard.mean,
                dice=None if dice is None else dice.mean,
            )
        )
    page = None if outcome.page is None else str(outcome.page)
    return StudyReport(
        study=outcome.design.name, output=str(outcome.folder), page=page, cancelled=outcome.cancelled, arms=arms
    )


class FineTuneReport(ModelCard):
    """What `promptonce finetune` made. output: the checkpoint. card: the file beside it that holds the rest of this."""

    output: str
    card: str


REPORTS: dict[str, type[StrictModel]] = {
    "segment": RunReport,
    "show": ShowReport,
    "correct": CorrectReport,
    "evaluate": EvaluationReport,
    "batch": BatchReport,
    "study": StudyReport,
    "finetune": FineTuneReport,
    "error": ErrorReport,
}
"""By command; "error" for all of them."""

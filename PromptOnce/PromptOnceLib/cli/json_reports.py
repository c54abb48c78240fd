"""What --json prints, as records with a version: docs/json holds their JSON Schemas.

A new field does not raise a record's version; a field that goes or changes its meaning does.
"""

from __future__ import annotations

from typing import Literal

from PromptOnceLib.batch.evaluate_pairs import EvaluationReport
from PromptOnceLib.batch.events import BatchSummary
from PromptOnceLib.cases.run_report import RunReport
from PromptOnceLib.cases.slice_view import ShowReport
from PromptOnceLib.models.model_card import ModelCard
from PromptOnceLib.schema import StrictModel


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
    "finetune": FineTuneReport,
    "error": ErrorReport,
}
"""By command; "error" for all of them."""

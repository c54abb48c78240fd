"""Many results against their references: figures of every case and object, their statistics, and the table of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from PromptOnceLib.batch.planning.pairs import Pair
from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.segmentation.evaluation import ObjectEvaluation, evaluate_files
from PromptOnceLib.segmentation.metrics import Summary
from PromptOnceLib.segmentation.reference import parse_reference
from PromptOnceLib.segmentation.result import SliceResult

FIGURES = {
    "dice": "Dice",
    "jaccard": "Jaccard",
    "hausdorff95_mm": "HD95 in mm",
    "surface_dice": "Surface Dice",
    "average_distance_mm": "ASSD in mm",
    "millilitres": "ml",
    "reference_millilitres": "Reference ml",
}
"""Figures of an object with their titles, in the order of tables."""

_COLUMNS = ("case", "object", "missing", *FIGURES, "hausdorff_mm", "hausdorff_pixels", "hausdorff95_pixels", "error")


class CaseEvaluation(StrictModel):
    """A case. objects: empty where it could not be compared; error: then why. notices: of reading and matching."""

    case: str
    objects: list[ObjectEvaluation] = Field(default_factory=list)
    notices: list[str] = Field(default_factory=list)
    error: str = ""


class ObjectSummary(StrictModel):
    """Statistics of one object over the cases that have it: a Summary for every figure that any of them has."""

    name: str
    cases: int
    figures: dict[str, Summary]


class EvaluationReport(StrictModel):
    """All cases. tolerance_mm: of the surface Dice. summary: by object. csv, report: files that were written."""

    version: Literal[1] = 1
    tolerance_mm: float
    cases: list[CaseEvaluation]
    summary: list[ObjectSummary]
    csv: str | None = None
    report: str | None = None


def evaluate_pairs(
    pairs: Sequence[Pair],
    axis: str,
    tolerance: float,
    together: bool,
    on_case: Callable[[int, int], None] = lambda done, total: None,
    on_rows: Callable[[list[SliceResult]], None] = lambda rows: None,
) -> EvaluationReport:
    """Compare all pairs; one that cannot be compared is reported with its error, and the others go on.

    axis, tolerance, together: as evaluate_files takes them. on_case: told how many cases are done, of how many.
    on_rows: given the table of slices of every object.
    """
    cases = []
    for done, pair in enumerate(pairs, start=1):
        cases.append(_evaluated(pair, axis, tolerance, together, on_rows))
        on_case(done, len(pairs))
    return EvaluationReport(tolerance_mm=tolerance, cases=cases, summary=summaries(cases))


def summaries(cases: Sequence[CaseEvaluation]) -> list[ObjectSummary]:
    """Statistics by object, in the order in which the objects come."""
    found: dict[str, list[ObjectEvaluation]] = {}
    for case in cases:
        for item in case.objects:
            found.setdefault(item.name, []).append(item)
    all_figures = [
        (name, items, {figure: Summary.of(getattr(item, figure) for item in items) for figure in FIGURES})
        for name, items in found.items()
    ]
    return [
        ObjectSummary(name=name, cases=len(items), figures={key: value for key, value in figures.items() if value})
        for name, items, figures in all_figures
    ]


def write_evaluation_csv(path: Path, report: EvaluationReport) -> None:
    """A row for every case and object, and for every case that could not be compared.

    Undefined figures are empty cells. Raises InputError where the file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for case in report.cases:
            for item in case.objects:
                figures = {key: "" if value is None else value for key, value in item.model_dump().items()}
                missing = "true" if item.missing else "false"
                writer.writerow({**figures, "case": case.case, "object": item.name, "missing": missing})
            if case.error:
                writer.writerow({"case": case.case, "error": case.error})


def _evaluated(
    pair: Pair, axis: str, tolerance: float, together: bool, on_rows: Callable[[list[SliceResult]], None]
) -> CaseEvaluation:
    if pair.reference is None:
        return CaseEvaluation(case=pair.case, error="There is no reference for it.")
    notices: list[str] = []
    objects: list[ObjectEvaluation] = []
    try:
        for found in evaluate_files(pair.result, pair.reference, axis, tolerance, together, notices.append):
            objects.append(found.figures)
            on_rows(found.rows)
    except PromptOnceError as error:
        return CaseEvaluation(case=pair.case, notices=notices, error=_without_folders(error.message, pair))
    return CaseEvaluation(case=pair.case, objects=objects, notices=notices)


def _without_folders(text: str, pair: Pair) -> str:
    """A sentence on one of many pairs without where its files lie, as folders tend to be named after patients."""
    for file in filter(None, (pair.result, pair.reference) if pair.case else ()):
        path = parse_reference(file)[0]
        text = text.replace(str(path), path.name)
    return text

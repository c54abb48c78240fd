"""The page of an evaluation: statistics, box plots and the table of all cases, as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from PromptOnceLib.batch.evaluate_pairs import FIGURES, EvaluationReport
from PromptOnceLib.batch.report.box_plots import distances_plot, shares_plot
from PromptOnceLib.batch.report.page import counted, page_environment, page_parts
from PromptOnceLib.batch.report.svg import joined
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.segmentation.metrics import Summary

_SHARES = ("dice", "jaccard", "surface_dice")
_DISTANCES = ("hausdorff95_mm", "average_distance_mm")
_DIGITS = {"millilitres": 1, "reference_millilitres": 1, "hausdorff95_mm": 2, "average_distance_mm": 2}


def evaluation_page(report: EvaluationReport) -> str:
    """The whole page; it needs no other file and no network. Cases stand under their names, never under paths."""
    rows = [
        (case.case, item.name, [(_text(getattr(item, key), key)) for key in FIGURES])
        for case in report.cases
        for item in case.objects
    ]
    return (
        page_environment()
        .get_template("evaluation.html")
        .render(
            **page_parts(),
            subtitle=f"{counted(len(report.cases), 'case')} · surface Dice at {report.tolerance_mm:g} mm",
            titles=list(FIGURES.values()),
            summary=[
                (item.name, item.cases, [_spread(item.figures.get(key), key) for key in FIGURES])
                for item in report.summary
            ],
            rows=rows,
            failed=[(case.case, case.error) for case in report.cases if case.error],
            plots=_plots(report),
        )
    )


def write_evaluation_page(path: Path, report: EvaluationReport) -> None:
    """Write the page. Raises InputError where it cannot be written."""
    with replacing(path) as temporary:
        temporary.write_text(evaluation_page(report), encoding="utf-8", newline="\n")


def _plots(report: EvaluationReport) -> Markup:
    plots = []
    for key, title in FIGURES.items():
        groups: dict[str, list[float]] = {}
        for case in report.cases:
            for item in case.objects:
                value = getattr(item, key)
                if value is not None:
                    groups.setdefault(item.name, []).append(value)
        if groups and key in _SHARES:
            plots.append(shares_plot(title, groups))
        elif groups and key in _DISTANCES:
            plots.append(distances_plot(title, groups))
    return joined(plots)


def _text(value: float | None, key: str) -> str:
    return "\u2013" if value is None else f"{value:.{_DIGITS.get(key, 3)}f}"


def _spread(summary: Summary | None, key: str) -> Sequence[str]:
    """Mean ± standard deviation, and the median."""
    if summary is None:
        return ("\u2013", "")
    spread = "" if summary.std is None else f" ± {_text(summary.std, key)}"
    return (f"{_text(summary.mean, key)}{spread}", f"median {_text(summary.median, key)}")

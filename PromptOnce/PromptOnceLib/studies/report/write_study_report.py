"""The files of a study's report: the page, and beside it tables and figures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.studies.design import StudyDesign
from PromptOnceLib.studies.figures.style import write_figures
from PromptOnceLib.studies.report.contents import study_contents
from PromptOnceLib.studies.report.study_page import FIGURES, TABLES, study_page
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_findings import Shapes
from PromptOnceLib.studies.tables.study_table import made, write_tables

PAGE = "index.html"


def write_study_report(
    folder: Path,
    design: StudyDesign,
    arms: Sequence[ArmRows],
    facts: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    shapes: Shapes | None = None,
) -> Path:
    """Write index.html, tables/NAME.csv and .md, figures/NAME.svg and .png into a study's folder; return the page.

    arms: those that have rows. facts: names and values of how the study was run, such as device and versions; they must
    not name people or folders. notes: sentences for the page's caveats, such as how many cases failed. shapes: of the
    references, where they were measured. Equal rows give equal files.

    Raises InputError where a file cannot be written, and where matplotlib or scipy is not installed.
    """
    contents = study_contents(design, arms, shapes)
    _keep_only(folder / TABLES, write_tables(made(folder / TABLES), contents.tables))
    _keep_only(folder / FIGURES, write_figures(made(folder / FIGURES), contents.figures))
    page = study_page(design, arms, contents, facts, notes)
    with replacing(folder / PAGE) as temporary:
        # A line end of another kind would not fit the hash of the style.
        temporary.write_text(page, encoding="utf-8", newline="\n")
    return folder / PAGE


def _keep_only(folder: Path, written: Collection[Path]) -> None:
    """Remove what an earlier report has left, of arms or data that are no longer in the study."""
    for path in folder.iterdir():
        if path not in written and path.suffix in (".csv", ".md", ".svg", ".png"):
            path.unlink()

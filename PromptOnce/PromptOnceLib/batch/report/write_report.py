"""The files of a whole run: the papers' tables, and the report."""

from __future__ import annotations

from pathlib import Path

from PromptOnceLib.batch.report.cases_table import write_cases_table
from PromptOnceLib.batch.report.page import report_page
from PromptOnceLib.batch.report.run_results import RunResults, read_run
from PromptOnceLib.batch.run_folder.joint_tables import write_joint_tables
from PromptOnceLib.files.atomic import replacing

REPORT = "report.html"


def write_run_tables(folder: Path, run: RunResults | None = None) -> tuple[Path, ...]:
    """Write joint_raw_data.csv, joint_results.csv, results.csv and cases.csv of a run's folder; return their paths.

    run: where it has been read already. Raises RunFolderError for a folder that is not that of a run, InputError where
    a file cannot be written.
    """
    run = run or read_run(folder)
    joint = write_joint_tables(folder, [(case.name, case.rows) for case in run.done])
    return (*joint, write_cases_table(folder, run))


def write_report(folder: Path, run: RunResults | None = None) -> Path:
    """Write report.html of a run's folder; return its path. run and errors as in write_run_tables."""
    page = report_page(run or read_run(folder))
    with replacing(folder / REPORT) as temporary:
        # A line end of another kind would not fit the hashes of style and script.
        temporary.write_text(page, encoding="utf-8", newline="\n")
    return folder / REPORT

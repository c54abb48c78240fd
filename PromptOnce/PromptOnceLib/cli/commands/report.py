"""promptonce report: the tables and the report of a batch, made again from its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from PromptOnceLib.batch.report.run_results import RunResults


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def report(folder: Path, as_json: bool) -> None:
    """Make the tables and report.html of a batch again from the folders of its cases.

    DIR is the folder that `promptonce batch` wrote. Nothing is computed again.
    """
    from PromptOnceLib.batch.report import write_report, write_run_tables
    from PromptOnceLib.batch.report.run_results import read_run

    run = read_run(folder)
    tables = write_run_tables(folder, run)
    page = write_report(folder, run)
    click.echo(json.dumps(_as_json(run, page, tables)) if as_json else _in_words(run, page))


def _as_json(run: RunResults, page: Path, tables: tuple[Path, ...]) -> dict[str, Any]:
    failures = [case.failure for case in run.failed if case.failure is not None]
    return {
        "report": str(page),
        "tables": [str(path) for path in tables],
        "cases": len(run.cases),
        "segmented": len(run.done),
        "failed": [{"case": f.case, "code": f.code, "message": f.message} for f in failures],
        "not_done": run.not_done,
        "to_look_at": [case.name for case in sorted(run.cases, key=lambda case: -case.urgency) if case.to_look_at],
        "dice": None if run.dice is None else vars(run.dice),
        "median_millilitres": run.median_millilitres,
    }


def _in_words(run: RunResults, page: Path) -> str:
    from PromptOnceLib.batch.report.page import counted

    lines = [f"{len(run.done)} of {counted(len(run.cases), 'case')} segmented, {run.to_look_at} to look at."]
    lines += [f"{case.name}: {case.failure.message}" for case in run.failed if case.failure is not None]
    if run.dice is not None:
        lines.append(f"Dice {run.dice.mean:.4f} on average, from {run.dice.min:.4f} to {run.dice.max:.4f}.")
    return "\n".join([*lines, f"Wrote {page}"])

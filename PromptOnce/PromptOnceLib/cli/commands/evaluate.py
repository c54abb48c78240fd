"""promptonce evaluate: segmentations against references, object by object, one pair or many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from PromptOnceLib.cli.options.common import json_option, quiet_option
from PromptOnceLib.cli.options.outputs import overwrite_option
from PromptOnceLib.cli.terminal import FAILED, Reporter
from PromptOnceLib.errors import InputError

if TYPE_CHECKING:
    from PromptOnceLib.batch.evaluate_pairs import EvaluationReport
    from PromptOnceLib.batch.planning.pairs import Pair
    from PromptOnceLib.segmentation.result import SliceResult

EXAMPLES = """
\b
Examples:
  All objects of two files, matched by name or, for label maps, by number:
    promptonce evaluate organs.seg.nrrd expert.seg.nrrd
  One object against labels 1 and 2 together; a row for every slice too:
    promptonce evaluate lungs.seg.nrrd expert.nii.gz:1,2 --slices slices.csv
  Names for the labels of a reference:
    promptonce evaluate organs.seg.nrrd expert.nii.gz:5=liver,1=spleen --csv figures.csv
  Many cases: files of the same names in two folders, or a batch's folder, with a table and box plots:
    promptonce evaluate results/ labels/ --csv figures.csv --report evaluation.html
    promptonce evaluate run/ study/ --references "{case}_lung.nii.gz:1=right lung,2=left lung" --csv figures.csv
"""


@click.command(epilog=EXAMPLES)
@click.argument("result", metavar="RESULT[:LABEL[=NAME],...]")
@click.argument("reference", metavar="REFERENCE[:LABEL[=NAME],...]")
@click.option("--results", metavar="PATTERN[:LABEL,...]", help="For folders: the results, such as {case}_seg.nrrd.")
@click.option(
    "--references", metavar="PATTERN[:LABEL,...]", help="For folders: the references, such as {case}_lung.nii.gz:1,2."
)
@click.option("--together", is_flag=True, help="Take all objects of a file as one.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    metavar="MM",
    help="For the surface Dice: the distance up to which surfaces agree.",
)
@click.option(
    "--axis", default="auto", show_default=True, help="Slices along auto, i, j, k, axial, sagittal or coronal."
)
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write a row for every case and object.")
@click.option(
    "--slices", "slices_path", type=click.Path(path_type=Path), help="For one pair: write a row for every slice."
)
@click.option("--report", "report_path", type=click.Path(path_type=Path), help="Write a page with box plots, .html.")
@overwrite_option
@quiet_option
@json_option
@click.pass_context
def evaluate(
    context: click.Context,
    result: str,
    reference: str,
    results: str | None,
    references: str | None,
    together: bool,
    tolerance: float,
    axis: str,
    csv_path: Path | None,
    slices_path: Path | None,
    report_path: Path | None,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Compare RESULT with REFERENCE, two files or folders: Dice, Jaccard, distances and volumes of every object.

    Objects are matched by name, in label maps by number. Labels that are chosen without names are one object, and then
    so are all objects of the other file. Statistics per slice are over the slices that hold the reference, as in the
    papers.

    \b
    Exit status: 0 all were compared, 1 some cases were not, 2 bad input.
    """
    from PromptOnceLib.batch.evaluate_pairs import evaluate_pairs, write_evaluation_csv
    from PromptOnceLib.batch.report.evaluation_page import write_evaluation_page
    from PromptOnceLib.cases.outputs import check_targets
    from PromptOnceLib.segmentation.result import write_csv

    pairs = _pairs(result, reference, results, references)
    if slices_path is not None and Path(result).is_dir():
        raise InputError("--slices is the table of one pair: name two files.")
    targets = [csv_path, slices_path, report_path]
    check_targets(targets, _files(pairs), overwrite=overwrite)
    reporter = Reporter(quiet, as_json)
    tables: list[SliceResult] = []
    report = evaluate_pairs(pairs, axis, tolerance, together, reporter.counter("Comparing", "case"), tables.extend)
    reporter.end()
    (first, *others) = report.cases
    if not others and first.error:
        raise InputError(first.error)
    files = {"csv": csv_path, "report": report_path}
    report = report.model_copy(update={key: None if path is None else str(path) for key, path in files.items()})
    if csv_path is not None:
        write_evaluation_csv(csv_path, report)
    if slices_path is not None:
        write_csv(slices_path, tables)
    if report_path is not None:
        write_evaluation_page(report_path, report)
    for case in report.cases:
        for notice in [*case.notices, *filter(None, [case.error])]:
            reporter.say(f"{case.case}: {notice}" if others else notice)
    click.echo(report.model_dump_json() if as_json else _in_words(report))
    if any(case.error for case in report.cases):
        context.exit(FAILED)


def _pairs(result: str, reference: str, results: str | None, references: str | None) -> list[Pair]:
    from PromptOnceLib.batch.planning.pairs import Pair, find_pairs

    folders = [Path(result).is_dir(), Path(reference).is_dir()]
    if all(folders):
        return find_pairs(Path(result), Path(reference), results, references)
    if any(folders) or results is not None or references is not None:
        raise InputError("Name two files, or two folders; --results and --references go with folders.")
    return [Pair("", result, reference)]


def _files(pairs: list[Pair]) -> list[Path]:
    from PromptOnceLib.segmentation.reference import parse_reference

    named = [text for pair in pairs for text in (pair.result, pair.reference) if text is not None]
    return [parse_reference(text)[0] for text in named]


def _in_words(report: EvaluationReport) -> str:
    several = len(report.cases) > 1
    lines = []
    for case in report.cases:
        for item in case.objects:
            lines.append(f"{case.case} {item.name}".strip())
            lines.append(
                f"  Dice {_number(item.dice)}  Jaccard {_number(item.jaccard)}  "
                f"surface Dice at {report.tolerance_mm:g} mm {_number(item.surface_dice)}"
            )
            lines.append(
                f"  HD95 {_number(item.hausdorff95_mm, 2)} mm  HD {_number(item.hausdorff_mm, 2)} mm  "
                f"ASSD {_number(item.average_distance_mm, 2)} mm  "
                f"{_number(item.millilitres, 1)} ml, reference {_number(item.reference_millilitres, 1)} ml"
            )
            if item.dice_per_slice is not None and not several:
                spread = item.dice_per_slice
                lines.append(
                    f"  Dice per slice: mean {spread.mean:.4f}  median {spread.median:.4f}  std {_number(spread.std)}  "
                    f"min {spread.min:.4f}  max {spread.max:.4f}  ({spread.count} slices)"
                )
    for summary in report.summary if several else ():
        figures = summary.figures.get("dice")
        if figures is not None:
            lines.append(
                f"{summary.name}, {summary.cases} cases: Dice mean {figures.mean:.4f}, std {_number(figures.std)}, "
                f"median {figures.median:.4f}"
            )
    lines += [f"Wrote {path}" for path in (report.csv, report.report) if path]
    return "\n".join(lines)


def _number(value: float | None, digits: int = 4) -> str:
    return "not defined" if value is None else f"{value:.{digits}f}"

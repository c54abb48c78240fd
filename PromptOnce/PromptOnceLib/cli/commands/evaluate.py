"""promptonce evaluate: a segmentation against a reference."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from PromptOnceLib.cli.terminal import Reporter
from PromptOnceLib.imaging.stack import AXIS_NAMES, parse_axis, slices_along
from PromptOnceLib.segmentation.metrics import Summary, dice, hausdorff, jaccard, slice_scores, summarise
from PromptOnceLib.segmentation.result import SliceResult, write_csv

EXAMPLES = """
\b
Examples:
  promptonce evaluate lungs.seg.nrrd expert.nii.gz:1,2
  promptonce evaluate result.nii.gz:5 expert.nii.gz:5 --csv slices.csv --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("result", metavar="RESULT[:LABEL,...]")
@click.argument("reference", metavar="REFERENCE[:LABEL,...]")
@click.option(
    "--axis", default="auto", show_default=True, help="Slices along auto, i, j, k, axial, sagittal or coronal."
)
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write the table of slices.")
@click.option("--quiet", is_flag=True, help="No notices.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(result: str, reference: str, axis: str, csv_path: Path | None, quiet: bool, as_json: bool) -> None:
    """Dice, Jaccard and Hausdorff distance of RESULT against REFERENCE, of the volume and slice by slice.

    All labels of a file count as one object unless some are named. Statistics are over the slices that hold the
    reference, as in the papers.
    """
    from PromptOnceLib.cases.outputs import check_targets
    from PromptOnceLib.segmentation.io import read_segmentation
    from PromptOnceLib.segmentation.reference import parse_reference, read_reference

    path, labels = parse_reference(result)
    reference_path, reference_labels = parse_reference(reference)
    check_targets([csv_path], [path, reference_path])
    grid = read_segmentation(path).geometry
    say = Reporter(quiet).say
    mask = read_reference(path, grid, labels, say) != 0
    true_mask = read_reference(reference_path, grid, reference_labels, say) != 0
    choice = parse_axis(axis, grid)
    scores = slice_scores(slices_along(mask, choice.axis), slices_along(true_mask, choice.axis))
    rows = [
        SliceResult(k, True, s.area, None, None, s.dice, s.jaccard, reference_area=s.reference_area)
        for k, s in enumerate(scores)
    ]
    if csv_path is not None:
        write_csv(csv_path, rows)
    dice_summary, jaccard_summary = summarise(scores)
    distance = hausdorff(mask, true_mask, grid.spacing)
    in_pixels = hausdorff(mask, true_mask)
    report: dict[str, Any] = {
        "dice": dice(mask, true_mask),
        "jaccard": jaccard(mask, true_mask),
        "hausdorff_mm": None if distance is None else distance.maximum,
        "hausdorff95_mm": None if distance is None else distance.percentile95,
        "hausdorff_pixels": None if in_pixels is None else in_pixels.maximum,
        "hausdorff95_pixels": None if in_pixels is None else in_pixels.percentile95,
        "axis": AXIS_NAMES[choice.axis],
        "dice_per_slice": None if dice_summary is None else asdict(dice_summary),
        "jaccard_per_slice": None if jaccard_summary is None else asdict(jaccard_summary),
        "volume_ml": float(np.count_nonzero(mask) * np.prod(grid.spacing) / 1000),
        "reference_volume_ml": float(np.count_nonzero(true_mask) * np.prod(grid.spacing) / 1000),
        "per_slice": [row.as_json() for row in rows],
    }
    click.echo(json.dumps(report) if as_json else _in_words(report, dice_summary, jaccard_summary))


def _in_words(report: dict[str, Any], dice_summary: Summary | None, jaccard_summary: Summary | None) -> str:
    lines = [f"Volume     Dice {_number(report['dice'])}  Jaccard {_number(report['jaccard'])}"]
    for name, summary in (("Dice", dice_summary), ("Jaccard", jaccard_summary)):
        if summary is not None:
            lines.append(
                f"{name:<8} per slice: mean {summary.mean:.4f}  median {summary.median:.4f}  "
                f"std {_number(summary.std)}  min {summary.min:.4f}  max {summary.max:.4f}  ({summary.count} slices)"
            )
    if report["hausdorff_mm"] is not None:
        lines.append(
            f"Hausdorff  {report['hausdorff_mm']:.2f} mm, 95th percentile {report['hausdorff95_mm']:.2f} mm "
            f"({report['hausdorff_pixels']:.2f} and {report['hausdorff95_pixels']:.2f} pixels)"
        )
    lines.append(f"Volume     {report['volume_ml']:.1f} ml, reference {report['reference_volume_ml']:.1f} ml")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"

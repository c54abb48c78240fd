"""promptonce demo: the whole job on a chest CT, or on a generated phantom."""

from __future__ import annotations

from pathlib import Path

import click

from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.cli.options.common import python_option
from PromptOnceLib.cli.terminal import FAILED, Reporter
from PromptOnceLib.cli.worker_session import in_words, run_case
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.segmentation.result import SliceResult
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.worker.segmenter import Settings

NEXT = """
What to do next
  Look at {sheet}; or open {image} and {segmentation} in 3D Slicer: drag both onto its window.
  Your own image: what it is, and a slice with rulers to read a box and points off:
    promptonce show IMAGE
    promptonce segment IMAGE -o result.seg.nrrd --box X0,Y0,X1,Y1 --positive X,Y
  A better model than this one, which is for demonstration: promptonce models download tiny, then --model tiny."""


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for the results.",
)
@click.option("--phantom", is_flag=True, help="A generated chest instead of the CT.")
@click.option(
    "--model", "model_name", default="auto", show_default=True, help="A name of `promptonce models list`, or auto."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@python_option
@click.pass_context
def demo(
    context: click.Context, output: Path, phantom: bool, model_name: str, device: str, python: Path | None
) -> None:
    """Segment both lungs of a chest CT from one box and three points on the central slice.

    The CT comes with the package slicerio. The embedded model is for demonstration and tests, not for diagnosis.
    """
    from PromptOnceLib.cases.outputs import Outputs, keep_outputs
    from PromptOnceLib.cases.run_report import run_report
    from PromptOnceLib.cases.samples import chest_ct
    from PromptOnceLib.imaging.formats.nifti import write_nifti

    name = "phantom" if phantom else "chest"
    segmentation, csv, sheet = (output / f"{name}.{ending}" for ending in ("seg.nrrd", "csv", "png"))
    outputs = Outputs(segmentation, csv, sheet, title=f"Demo: {name}")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {output} cannot be made: choose another with -o.", str(error)) from error
    outputs.check([])
    volume, lungs = _phantom() if phantom else chest_ct()
    case = prepare_case(volume, Labels(lungs, "lungs"), window="lung", reference=lungs)
    outputs.check_case(case, overwrite=True)
    reporter = Reporter(quiet=False)
    run = run_case(case, Settings(), resolve_model(model_name), device, "auto", reporter, python)
    kept = keep_outputs(run, outputs)
    for notice in kept.notices:
        reporter.say(notice)
    click.echo(table(run.rows))
    click.echo(in_words(run_report(run, kept.outputs)))
    if run.cancelled or kept.elsewhere:
        context.exit(FAILED)
    image = output / f"{name}.nii.gz"
    write_nifti(image, volume.array, volume.geometry)
    click.echo(f"Wrote {image}\n{NEXT.format(image=image, segmentation=segmentation, sheet=sheet)}")


def table(rows: list[SliceResult]) -> str:
    """The per-slice table as text; "-" where a figure is not defined."""
    lines = ["slice   area  presence  predicted IoU    Dice  Jaccard"]
    for row in rows:
        if row.computed:
            figures = [_figure(value) for value in (row.presence, row.predicted_iou, row.dice, row.jaccard)]
            lines.append(
                f"{row.slice:>5} {row.area:>6} {figures[0]:>9} {figures[1]:>14} {figures[2]:>7} {figures[3]:>8}"
            )
        else:
            lines.append(f"{row.slice:>5} not computed")
    return "\n".join(lines)


def _phantom() -> tuple[Volume, Array]:
    volume, labels = chest_phantom()
    lungs = labels.copy()
    lungs[(lungs != LABELS["right lung"]) & (lungs != LABELS["left lung"])] = 0
    return volume, lungs


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

"""promptonce demo: the whole job on a chest CT, or on a generated phantom."""

from __future__ import annotations

from pathlib import Path

import click

from PromptOnceLib.cases.case import Labels, prepare_case
from PromptOnceLib.cli.options.common import python_option
from PromptOnceLib.cli.terminal import Reporter
from PromptOnceLib.cli.worker_session import in_words, run_case
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.segmentation.result import SliceResult
from PromptOnceLib.worker.segmenter import Settings


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
@click.option("--model", "model_name", default="nano", show_default=True, help="A name of `promptonce models list`.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@python_option
def demo(output: Path, phantom: bool, model_name: str, device: str, python: Path | None) -> None:
    """Segment both lungs of a chest CT from one box and three points on the central slice.

    The CT comes with the package slicerio. The embedded model is for demonstration and tests, not for diagnosis.
    """
    from PromptOnceLib.cases.outputs import Outputs, as_report, write_outputs

    name = "phantom" if phantom else "chest"
    outputs = Outputs(output / f"{name}.seg.nrrd", output / f"{name}.csv", output / f"{name}.png")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {output} cannot be made: choose another with -o.", str(error)) from error
    outputs.check([])
    volume, lungs = _phantom() if phantom else _chest_ct()
    case = prepare_case(volume, Labels(lungs, "lungs"), window="lung", reference=lungs)
    run = run_case(case, Settings(), resolve_model(model_name), device, "auto", Reporter(quiet=False), python)
    write_outputs(run, outputs)
    click.echo(table(run.rows))
    click.echo(in_words(as_report(run, outputs)))


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


def _chest_ct() -> tuple[Volume, Array]:
    """CTChest4 of slicerio's test data with its right and left lung, as labels 1 and 2."""
    import slicerio

    from PromptOnceLib.imaging.read import read_volume
    from PromptOnceLib.segmentation.reference import read_reference

    volume = read_volume(slicerio.get_testdata_file("CTChest4.nrrd"))
    segmentation = slicerio.get_testdata_file("Segmentation.seg.nrrd")
    return volume, read_reference(segmentation, volume.geometry, ["right lung", "left lung"])


def _phantom() -> tuple[Volume, Array]:
    volume, labels = chest_phantom()
    lungs = labels.copy()
    lungs[(lungs != LABELS["right lung"]) & (lungs != LABELS["left lung"])] = 0
    return volume, lungs


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

"""promptonce segment: one volume from one prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from PromptOnceLib.cli.console import FAILED, CommandWithPoints, Coordinates, Reporter, SliceRange
from PromptOnceLib.cli.running import in_words, run_case
from PromptOnceLib.core.case import Labels, PromptSource, prepare_case
from PromptOnceLib.core.errors import InputError
from PromptOnceLib.core.outputs import Outputs, as_report, write_outputs
from PromptOnceLib.core.prompts import Box, ObjectPrompt, Point, read_prompt
from PromptOnceLib.core.reading import read_volume
from PromptOnceLib.core.references import parse_reference, read_reference
from PromptOnceLib.core.registry import resolve_model
from PromptOnceLib.core.volume import Volume
from PromptOnceLib.worker.segmenter import Settings

EXAMPLES = """
\b
Examples:
  The lungs of a chest CT, a box and three points on the central slice (pixels x,y from the top left corner):
    promptonce segment chest.nii.gz -o lungs.seg.nrrd --window lung \\
        --box 40,60,300,280 --positive 110,170 240,165 --negative 175,170
  Compare with a reference, labels 1 and 2 of it; write the table and a contact sheet:
    promptonce segment chest.nii.gz -o lungs.seg.nrrd --prompt-from lungs.nii.gz:1,2 \\
        --reference lungs.nii.gz:1,2 --csv lungs.csv --sheet lungs.png
  A DICOM series, slices 20 to 60 only, with SAM 2.1 large on the GPU:
    promptonce segment dicom/ -o liver.seg.nrrd --prompt liver.json --range 20:60 --model large --device cuda
"""


@click.command(cls=CommandWithPoints, epilog=EXAMPLES)
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help=".seg.nrrd, or a label map .nii.gz, .nrrd, .mha.",
)
@click.option(
    "--box", type=Coordinates("X0,Y0,X1,Y1"), help="Box around the object: columns x and rows y of the slice as stored."
)
@click.option("--positive", type=Coordinates("X,Y"), multiple=True, help="Points on the object, one or more.")
@click.option("--negative", type=Coordinates("X,Y"), multiple=True, help="Points beside the object, one or more.")
@click.option("--prompt", "prompt_file", type=click.Path(path_type=Path), help="A prompt saved as JSON.")
@click.option(
    "--prompt-from", metavar="REFERENCE[:LABEL,...]", help="Take box and points from a segmentation, as the papers do."
)
@click.option("--name", default="object", show_default=True, help="Name of the segment.")
@click.option(
    "--slice", "slice_index", type=click.IntRange(min=0), help="Slice of the prompt [default: the central one]."
)
@click.option("--axis", default="auto", show_default=True, help="auto, i, j, k, axial, sagittal or coronal.")
@click.option(
    "--window",
    default="auto",
    show_default=True,
    help="auto, lung, soft-tissue, bone, ..., LEVEL/WIDTH, full, percentile, paper[:WINDOW].",
)
@click.option(
    "--range", "slice_range", type=SliceRange(), default=(None, None), help="First and last slice, both included."
)
@click.option(
    "--direction",
    type=click.Choice(["both", "forward", "backward"]),
    default="both",
    show_default=True,
    help="Where to go from the prompt.",
)
@click.option(
    "--fill-holes",
    type=click.IntRange(min=0),
    default=0,
    metavar="AREA",
    help="Fill holes up to this area in SAM 2's low-resolution mask [default: 0].",
)
@click.option(
    "--model",
    "model_name",
    default="nano",
    show_default=True,
    help="A name of `promptonce models list`, or a checkpoint file.",
)
@click.option("--config", type=click.Path(path_type=Path), help="Configuration of a checkpoint file.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--precision", default="auto", show_default=True, help="auto, float32, bfloat16 or float16.")
@click.option("--reference", metavar="FILE[:LABEL,...]", help="Compare with this segmentation, slice by slice.")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write the table of slices.")
@click.option("--sheet", "sheet_path", type=click.Path(path_type=Path), help="Write a contact sheet, a PNG.")
@click.option("--quiet", is_flag=True, help="No progress and no notices.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else on standard output.")
@click.pass_context
def segment(
    context: click.Context,
    image: Path,
    output: Path,
    box: tuple[float, ...] | None,
    positive: tuple[tuple[float, ...], ...],
    negative: tuple[tuple[float, ...], ...],
    prompt_file: Path | None,
    prompt_from: str | None,
    name: str,
    slice_index: int | None,
    axis: str,
    window: str,
    slice_range: tuple[int | None, int | None],
    direction: Any,
    fill_holes: int,
    model_name: str,
    config: Path | None,
    device: str,
    precision: str,
    reference: str | None,
    csv_path: Path | None,
    sheet_path: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Segment the object of one prompt in all slices of IMAGE.

    IMAGE is a NIfTI, NRRD or MetaImage file, a DICOM file or folder, or an X-ray as PNG, JPEG or TIFF. The prompt is
    given by --box, --positive and --negative, or by --prompt, or by --prompt-from.
    """
    outputs = Outputs(output, csv_path, sheet_path)
    model_inputs = [Path(model_name), *([] if config is None else [config])]
    outputs.check([image, *model_inputs, *_named_files(prompt_from, reference, prompt_file)])
    files = resolve_model(model_name, config)
    volume = read_volume(image)
    reporter = Reporter(quiet)
    notices: list[str] = []
    source = _prompt_source(volume, box, positive, negative, prompt_file, prompt_from, name, notices)
    compared = None if reference is None else _labels(reference, volume, notices)
    case = prepare_case(volume, source, axis, slice_index, window, compared, notices)
    settings = Settings(slice_range[0] or 0, slice_range[1], direction, fill_holes)
    run = run_case(case, settings, files, device, precision, reporter)
    for notice in write_outputs(run, outputs):
        reporter.say(notice)
    report = as_report(run, outputs)
    if as_json:
        click.echo(json.dumps(report))
    else:
        reporter.say(in_words(report))
    if run.cancelled:
        context.exit(FAILED)


def _prompt_source(
    volume: Volume,
    box: tuple[float, ...] | None,
    positive: tuple[tuple[float, ...], ...],
    negative: tuple[tuple[float, ...], ...],
    prompt_file: Path | None,
    prompt_from: str | None,
    name: str,
    notices: list[str],
) -> PromptSource:
    by_hand = box is not None or bool(positive) or bool(negative)
    if [by_hand, prompt_file is not None, prompt_from is not None].count(True) != 1:
        raise InputError(
            "Give one prompt: --box, --positive and --negative, or --prompt FILE, or --prompt-from REFERENCE."
        )
    if prompt_file is not None:
        return read_prompt(prompt_file)
    if prompt_from is not None:
        return Labels(_labels(prompt_from, volume, notices), name)
    points = [Point(x=x, y=y, positive=True) for x, y in positive] + [
        Point(x=x, y=y, positive=False) for x, y in negative
    ]
    corners = None if box is None else Box(x0=box[0], y0=box[1], x1=box[2], y1=box[3])
    return ObjectPrompt(name=name, box=corners, points=tuple(points))


def _labels(text: str, volume: Volume, notices: list[str]) -> Any:
    path, labels = parse_reference(text)
    return read_reference(path, volume.geometry, labels, notices.append)


def _named_files(prompt_from: str | None, reference: str | None, prompt_file: Path | None) -> list[Path]:
    files = [Path(parse_reference(text)[0]) for text in (prompt_from, reference) if text is not None]
    return files if prompt_file is None else [*files, prompt_file]

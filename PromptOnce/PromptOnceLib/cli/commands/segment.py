"""promptonce segment: one volume from one prompt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from PromptOnceLib.cases.case import prepare_case, with_walls
from PromptOnceLib.cli.options.common import (
    ModelOptions,
    axis_option,
    early_stop_option,
    fill_holes_option,
    json_option,
    keep_out_option,
    mask_options,
    model_options,
    quiet_option,
    volume_option,
    window_option,
)
from PromptOnceLib.cli.options.prompt import PromptOptions, labels, prompt_options
from PromptOnceLib.cli.options.seed import SeedOptions, seed_options, start_searched, with_scanner
from PromptOnceLib.cli.seed_checks import trip_after
from PromptOnceLib.cli.terminal import FAILED, CommandWithPoints, Reporter, SliceRange
from PromptOnceLib.cli.worker_session import WorkerSession, in_words
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.crop import Zoom
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
  From boxes on several slices, the first and the last that show the object among them:
    promptonce segment chest.nii.gz -o tumour.seg.nrrd --prompt boxes.json --between interpolate
  The liver from its mask on slice 30 of another program's segmentation, without the kidneys found before:
    promptonce segment ct.nii.gz -o liver.seg.nrrd --mask-from other.nii.gz:5 --slice 30 --keep-out kidneys.seg.nrrd
  The next patient of the same scanner, from a seed of the library:
    promptonce segment next.nii.gz -o lungs.seg.nrrd --seed "lungs CT 2"
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
@volume_option
@prompt_options
@seed_options
@click.option(
    "--slice", "slice_index", type=click.IntRange(min=0), help="Slice of the prompt [default: the central one]."
)
@axis_option
@window_option
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
@keep_out_option
@fill_holes_option
@early_stop_option
@mask_options
@model_options
@click.option(
    "--compile",
    "compiled",
    is_flag=True,
    help="Let torch.compile rewrite the model first, which takes minutes: for long stacks on a CUDA GPU.",
)
@click.option("--reference", metavar="FILE[:LABEL,...]", help="Compare with this segmentation, slice by slice.")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write the table of slices.")
@click.option("--sheet", "sheet_path", type=click.Path(path_type=Path), help="Write a contact sheet, a PNG.")
@quiet_option
@json_option
@click.pass_context
def segment(
    context: click.Context,
    image: Path,
    output: Path,
    volume_name: str | None,
    prompt: PromptOptions,
    seed: SeedOptions,
    slice_index: int | None,
    axis: str,
    window: str,
    slice_range: tuple[int | None, int | None],
    direction: Any,
    keep_out: str | None,
    fill_holes: int,
    early_stop: bool,
    zoom: Zoom,
    between: Any,
    clean_up: Any,
    model: ModelOptions,
    compiled: bool,
    reference: str | None,
    csv_path: Path | None,
    sheet_path: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Segment the object of one prompt in all slices of IMAGE.

    IMAGE is a NIfTI, NRRD or MetaImage file, a DICOM file or folder, or an X-ray as PNG, JPEG or TIFF. The prompt is
    given by --box, --positive and --negative, or by --prompt, --prompt-from or --mask-from; or --seed names a seed that
    was made on another image, and several --seed are put before the image one after the other.
    """
    from PromptOnceLib.cases.outputs import Outputs, as_report, keep_outputs
    from PromptOnceLib.imaging.read import read_volume
    from PromptOnceLib.segmentation.reference import parse_reference

    if bool(seed.seeds) == bool(prompt.given):
        raise InputError(
            "Give one prompt: --box, --positive and --negative, or --prompt FILE, --prompt-from REFERENCE, "
            "--mask-from SEGMENTATION, or --seed NAME."
        )
    seed.check(slice_index)
    outputs = Outputs(output, csv_path, sheet_path)
    compared_with = [parse_reference(text)[0] for text in (reference, keep_out) if text]
    outputs.check([image, *model.inputs, *prompt.inputs, *compared_with])
    files = model.files()
    volume = with_scanner(read_volume(image, volume_name), seed.scanner)
    reporter = Reporter(quiet)
    notices: list[str] = []
    settings = Settings(
        slice_range[0] or 0,
        slice_range[1],
        direction,
        fill_holes,
        early_stop,
        clean_up=clean_up,
        zoom=zoom,
        between=between,
    )
    with WorkerSession(files, model.device, model.precision, reporter, compiled, model.python) as work:
        seeds = seed.source(work, volume, axis) if seed.seeds else None
        source = seeds or prompt.source(volume, notices)
        compared = None if reference is None else labels(reference, volume, notices)
        case = prepare_case(volume, source, axis, slice_index, window, compared, notices)
        outputs.check_room(case)
        if keep_out is not None:
            case, walls = with_walls(case, labels(keep_out, volume, notices))
            settings = replace(settings, walls=walls)
        if seeds:
            case = start_searched(work, case, seed.start, settings)
        run = work.run(case, settings)
        kept = keep_outputs(run, outputs)
        for notice in kept.notices:
            reporter.say(notice)
        trip = None if seeds is None or run.cancelled else trip_after(work, seeds, run)
    report = {**as_report(run, kept.outputs), "round_trip": trip}
    if as_json:
        click.echo(json.dumps(report))
    else:
        reporter.say(in_words(report))
    if run.cancelled or kept.elsewhere:
        context.exit(FAILED)

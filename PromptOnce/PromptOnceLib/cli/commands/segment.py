"""promptonce segment: one volume from one prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from PromptOnceLib.cases.case import prepare_case, with_walls
from PromptOnceLib.cases.prompt_source import UNNAMED
from PromptOnceLib.cli.options.common import (
    ModelOptions,
    axis_option,
    json_option,
    model_options,
    quiet_option,
    volume_option,
    window_option,
)
from PromptOnceLib.cli.options.outputs import OutputOptions, output_options
from PromptOnceLib.cli.options.prompt import ONE_PROMPT, PromptOptions, labels, prompt_options, reference_of
from PromptOnceLib.cli.options.run import RunOptions, run_options
from PromptOnceLib.cli.options.seed import SeedOptions, seed_options, start_searched, with_scanner
from PromptOnceLib.cli.seed_checks import trip_after
from PromptOnceLib.cli.terminal import FAILED, CommandWithPoints, Reporter
from PromptOnceLib.cli.worker_session import WorkerSession, in_words
from PromptOnceLib.errors import InputError

EXAMPLES = """
\b
Examples:
  The lungs of a chest CT, a box and three points on the central slice (pixels x,y from the top left corner):
    promptonce segment chest.nii.gz -o lungs.seg.nrrd --window lung \\
        --box 40,60,300,280 --positive 110,170 240,165 --negative 175,170
  Compare with a reference, labels 1 and 2 of it; write the table and a contact sheet:
    promptonce segment chest.nii.gz -o lungs.seg.nrrd --prompt-from lungs.nii.gz:1,2 \\
        --reference lungs.nii.gz:1,2 --csv lungs.csv --sheet lungs.png
  Two objects, each with its own figures; by hand, or from labels that get names:
    promptonce segment chest.nii.gz -o two.seg.nrrd \\
        --object heart --box 90,120,180,200 --object liver --box 20,60,90,150
    promptonce segment chest.nii.gz -o two.seg.nrrd --prompt-from organs.nii.gz:5=liver,1=spleen \\
        --reference organs.nii.gz:5=liver,1=spleen
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
@output_options
@volume_option
@prompt_options
@seed_options
@click.option(
    "--slice", "slice_index", type=click.IntRange(min=0), help="Slice of the prompt [default: the central one]."
)
@axis_option
@window_option
@run_options
@model_options
@click.option(
    "--reference",
    metavar="FILE[:LABEL[=NAME],...]",
    help="Compare with this segmentation, slice by slice; objects with those of the same names.",
)
@quiet_option
@json_option
@click.pass_context
def segment(
    context: click.Context,
    image: Path,
    output: OutputOptions,
    volume_name: str | None,
    prompt: PromptOptions,
    seed: SeedOptions,
    slice_index: int | None,
    axis: str,
    window: str,
    run: RunOptions,
    model: ModelOptions,
    reference: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Segment the object of one prompt in all slices of IMAGE.

    IMAGE is a NIfTI, NRRD or MetaImage file, a DICOM file or folder, or an X-ray as PNG, JPEG or TIFF. Give the prompt
    with --box, --positive and --negative, or with --prompt, --prompt-from or --mask-from. Or give --seed, a seed that
    was made on another image; several seeds are put before the image one after the other.
    """
    from PromptOnceLib.cases.outputs import keep_outputs
    from PromptOnceLib.cases.run_report import run_report
    from PromptOnceLib.imaging.read import read_volume
    from PromptOnceLib.segmentation.reference import parse_reference

    if bool(seed.seeds) == bool(prompt.given):
        raise InputError(f"{ONE_PROMPT}, or --seed NAME.")
    seed.check(slice_index)
    if seed.seeds and prompt.name != UNNAMED:
        raise InputError("--name does not go with --seed: seeds name their objects themselves.")
    compared_with = [parse_reference(text)[0] for text in (reference, run.keep_out) if text]
    outputs = output.outputs(image, [image, *model.inputs, *prompt.inputs, *compared_with], prompt.save_prompt)
    files = model.files()
    reporter = Reporter(quiet, as_json)
    with reporter.reading() as on_progress:
        volume = with_scanner(read_volume(image, volume_name, on_progress), seed.scanner)
    notices: list[str] = []
    with WorkerSession(files, model.device, model.precision, reporter, run.compiled, model.python) as work:
        seeds = seed.source(work, volume, axis) if seed.seeds else None
        source = seeds or prompt.source(volume, notices)
        compared = reference_of(reference, volume, notices)
        case = prompt.coded(prepare_case(volume, source, axis, slice_index, window, compared, notices))
        outputs.check_case(case, output.overwrite)
        settings = run.settings
        if run.keep_out is not None:
            case, walls = with_walls(case, labels(run.keep_out, volume, notices))
            settings = replace(settings, walls=walls)
        prompt.save(case)
        if seeds:
            case = start_searched(work, case, seed.start, settings)
        done = work.run(case, settings)
        kept = keep_outputs(done, outputs)
        for notice in kept.notices:
            reporter.say(notice)
        trip = None if seeds is None or done.cancelled else trip_after(work, seeds, done)
    report = run_report(done, kept.outputs, trip)
    if as_json:
        click.echo(report.model_dump_json())
    else:
        reporter.say(in_words(report))
    if done.cancelled or kept.elsewhere:
        context.exit(FAILED)
